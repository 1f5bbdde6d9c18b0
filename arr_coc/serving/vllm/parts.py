"""What both sides of vLLM load of a host: sizes and prompts by its configuration, and the allocator of its parts."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedConfig
from transformers.utils.hub import cached_file

from arr_coc.allocator import Allocator
from arr_coc.hosts.bare import BareHost
from arr_coc.hosts.checkpoints import load_config, load_image_processor, load_tokenizer
from arr_coc.hosts.families.registry import find_family
from arr_coc.processor.trained_parts import find_relevance, load_relevance
from arr_coc.serving.vllm.plugin import RELEVANCE, own_budget

TABLE = "embed_tokens.weight"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


class FrontHost(BareHost):
    """A host in the process that prepares requests: it encodes nothing, but knows the words of questions.

    Attributes:
        name: folder or hub id of the checkpoint, whose embedding table is read row by row from its file.
    """

    def __init__(self, name: str) -> None:
        config = load_config(name)
        super().__init__(config, load_tokenizer(name), load_image_processor(name, find_family(config.model_type)))
        self.name = name

    def embed(self, question: str) -> Tensor:
        """(Q, D) float32 rows of the embedding table for the question's tokens."""
        ids = self.text.encode_literally(question)
        path, key = table_of(self.name)
        with safe_open(path, "pt") as file:
            rows = file.get_slice(key)
            return torch.stack([rows[each] for each in ids]).float() if ids else rows[:0].float()


@lru_cache(maxsize=4)
def front_host(name: str) -> FrontHost:
    return FrontHost(name)


@lru_cache(maxsize=4)
def table_of(name: str) -> tuple[str, str]:
    """(file, key) of the embedding table of a checkpoint in one or several files."""
    import json

    index = cached_file(name, INDEX, _raise_exceptions_for_missing_entries=False)
    if index is not None:
        places = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"]
        key = next(each for each in places if each.endswith(TABLE))
        return str(cached_file(name, places[key])), key
    path = str(cached_file(name, WEIGHTS))
    with safe_open(path, "pt") as file:
        return path, next(each for each in file.keys() if each.endswith(TABLE))  # noqa: SIM118


def load_allocator(name: str, config: PreTrainedConfig) -> Allocator:
    """That of ARR_COC_RELEVANCE, else what lies beside the weights, else the training-free one; with ARR_COC_BUDGET.

    Raises:
        ValueError: parts trained for another host, a budget out of range.
    """
    given = os.environ.get(RELEVANCE)
    folder = Path(given if given else name)
    is_there = bool(given) or find_relevance(folder) is not None
    allocator = load_relevance(folder, config) if is_there else Allocator()
    budget = own_budget()
    return allocator if budget is None else replace(allocator, budget=budget)


@lru_cache(maxsize=4)
def front_allocator(name: str) -> Allocator:
    return load_allocator(name, front_host(name).config)
