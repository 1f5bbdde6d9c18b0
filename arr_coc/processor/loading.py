"""A host by name: the model and the processor that belongs to it."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel

from arr_coc.hosts.checkpoints import AUTO, load_model
from arr_coc.hosts.quantising import quantise
from arr_coc.processor.processor import RelevanceProcessor


def load_host(
    name: str | Path,
    dtype: str = AUTO,
    device: str = AUTO,
    relevance: str | Path | None = None,
    max_pixels: int | None = None,
    quantize: str | None = None,
) -> tuple[PreTrainedModel, RelevanceProcessor]:
    """Model and processor of "nano", a folder, or an id of the Hugging Face hub; the processor downloads no pictures.

    Args:
        max_pixels: full resolution of a picture at most; None leaves what the host's image processor says.
        quantize: one of `quantising.QUANTISATIONS`; None leaves the matrices as they are.
    Raises:
        ValueError: one line; `max_pixels` is too small, or see `checkpoints.load_model`, `quantising.quantise` and
            `RelevanceProcessor.from_pretrained`.
    """
    model = load_model(name, dtype, device)
    if quantize is not None:
        quantise(model, quantize)
    processor = RelevanceProcessor.from_pretrained(name, model=model, relevance=relevance)
    processor.downloads = False
    if max_pixels is not None:
        limit_pixels(processor, max_pixels)
    return model, processor


def limit_pixels(processor: RelevanceProcessor, max_pixels: int) -> None:
    """Full resolution is another than the host's own from here on, for every way of looking alike.

    Raises:
        ValueError: `max_pixels` is below what the image processor gives a picture at least.
    """
    image_processor = processor.host.image_processor
    least = image_processor.size["shortest_edge"]
    if max_pixels < least:
        raise ValueError(f"max_pixels: must be at least {least}, what this host gives any picture, got {max_pixels}")
    image_processor.size = {"shortest_edge": least, "longest_edge": max_pixels}
