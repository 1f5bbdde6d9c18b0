"""A host by name: the model and the processor that belongs to it."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel

from arr_coc.hosts.checkpoints import AUTO, load_model
from arr_coc.processor.processor import RelevanceProcessor


def load_host(
    name: str | Path, dtype: str = AUTO, device: str = AUTO, relevance: str | Path | None = None
) -> tuple[PreTrainedModel, RelevanceProcessor]:
    """Model and processor of "nano", a folder, or an id of the Hugging Face hub; the processor downloads no pictures.

    Raises:
        ValueError: one line; see `checkpoints.load_model` and `RelevanceProcessor.from_pretrained`.
    """
    model = load_model(name, dtype, device)
    processor = RelevanceProcessor.from_pretrained(name, model=model, relevance=relevance)
    processor.downloads = False
    return model, processor
