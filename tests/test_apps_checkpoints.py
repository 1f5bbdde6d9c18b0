"""Several checkpoints by turns in bounded memory."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import psutil
import pytest
import torch

from arr_coc.apps.checkpoints import CheckpointManager


def save_checkpoint(folder: Path, model, tokenizer, image_processor) -> str:
    for part in (model, tokenizer, image_processor):
        part.save_pretrained(folder)
    return str(folder)


def test_manager_keeps_the_most_recently_used() -> None:
    alive: dict[str, weakref.ref] = {}

    def load(name: str):
        model = torch.nn.Linear(1024, 1024)
        alive[name] = weakref.ref(model)
        return model, None

    manager = CheckpointManager(["a", "b", "c"], 2, load)
    for name in ("a", "b", "a", "c"):
        with manager.lend(name):
            pass
    assert manager.loaded == ["a", "c"] and manager.num_loads == 3
    assert alive["b"]() is None and alive["a"]() is not None
    assert 8.0 <= manager.tracked_mb() < 8.1


def test_manager_evicts_before_it_loads() -> None:
    counts = []

    def load(name: str):
        gc.collect()
        counts.append(sum(ref() is not None for ref in refs))
        model = torch.nn.Linear(4, 4)
        refs.append(weakref.ref(model))
        return model, None

    refs: list[weakref.ref] = []
    manager = CheckpointManager(["a", "b", "c"], 1, load)
    for name in ("a", "b", "c"):
        with manager.lend(name):
            pass
    assert counts == [0, 0, 0]


def test_manager_frees_memory() -> None:
    """Six checkpoints of 64 MB through room for one: the process grows by about one, not by six."""
    size_mb = 64

    def load(name: str):
        model = torch.nn.Module()
        model.weight = torch.nn.Parameter(torch.ones(size_mb * 2**18))
        return model, None

    manager = CheckpointManager([str(number) for number in range(6)], 1, load)
    process = psutil.Process()
    before = process.memory_info().rss
    for name in manager.names:
        with manager.lend(name):
            pass
    assert (process.memory_info().rss - before) / 2**20 < 2.5 * size_mb


def test_manager_loads_real_checkpoints(tmp_path, tiny_model, tiny_tokenizer, tiny_image_processor) -> None:
    names = [
        save_checkpoint(tmp_path / name, tiny_model, tiny_tokenizer, tiny_image_processor) for name in ("one", "two")
    ]
    manager = CheckpointManager(names, 1)
    with manager.lend(names[0]) as (model, _):
        gone = weakref.ref(model)
    del model
    with manager.lend(names[1]) as (_, processor):
        assert processor.host.model is not gone()
    assert gone() is None and manager.loaded == [names[1]]


@pytest.mark.parametrize(("names", "most"), [([], 2), (["a"], 0)])
def test_manager_rejects(names: list[str], most: int) -> None:
    with pytest.raises(ValueError, match=r"models|max_loaded"):
        CheckpointManager(names, most)


def test_manager_names_what_there_is() -> None:
    manager = CheckpointManager(["nano", "mine"])
    with pytest.raises(ValueError, match="unknown 'other'; there are nano, mine"), manager.lend("other"):
        pass
