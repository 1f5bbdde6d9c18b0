"""What a run of `nano` is made with, kept beside it so that each stage is a command of its own."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import torch

from arr_coc.nano.curriculum import Stage
from arr_coc.nano.recipes import find_recipe
from arr_coc.quoting import quoted

SETTINGS, TOKENIZER, CHECKPOINT, HOST = "settings.json", "tokenizer", "checkpoint.pt", "host"
"""What lies in the folder of a run."""


@dataclass(frozen=True)
class Settings:
    """One training run.

    Attributes:
        scale: multiplies the number of batches of every stage.
        batch_scale: multiplies the pictures of a batch (a GPU wants more).
        num_workers: processes that draw pictures, for each that trains.
        save_every_s: seconds between checkpoints.
        recipe: one of `recipes.RECIPES`.
        boxes: whether pointing and attention learn from the evidence boxes of the pictures.
        start: folder of a finished host to go on from, for a recipe that does; empty trains from nothing.
        compiled: whether the language layers are compiled: minutes at first, then steps of 0.6 to 1 times the time.
    """

    seed: int = 0
    scale: float = 1.0
    batch_scale: float = 1.0
    num_workers: int = 1
    save_every_s: float = 60.0
    device: str = "cpu"
    recipe: str = "nano"
    boxes: bool = True
    start: str = ""
    compiled: bool = False

    def __post_init__(self) -> None:
        if find_recipe(self.recipe).goes_on != bool(self.start):
            wish = "goes on from a host: name it by --start" if not self.start else "starts from nothing: drop --start"
            raise ValueError(f"recipe: {self.recipe} {wish}")
        for name in ("scale", "batch_scale"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {quoted(getattr(self, name))}")

    @staticmethod
    def what_counts() -> set[str]:
        """Names of the settings that a run is resumed under only as it was started with."""
        free = {"num_workers", "save_every_s", "device", "compiled"}
        return {field.name for field in dataclasses.fields(Settings)} - free

    def stages(self) -> list[Stage]:
        recipe = find_recipe(self.recipe)
        return [
            dataclasses.replace(
                stage,
                kind=recipe.kind,
                faces=recipe.faces,
                num_batches=max(1, round(stage.num_batches * self.scale)),
                batch_size=max(1, round(stage.batch_size * self.batch_scale)),
            )
            for stage in recipe.stages
        ]


def prepared(folder: Path) -> Settings:
    """The settings that `prepare` wrote.

    Raises:
        ValueError: the folder holds none.
    """
    try:
        return Settings(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ValueError(f"out: {folder} holds no run; arr-coc nano tok --out {folder} begins one") from None
    except (TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"out: {folder / SETTINGS} was not written by arr-coc nano tok or train") from None


def check_same(folder: Path, settings: Settings) -> None:
    """Raises ValueError where the folder holds a run with other settings; what `sft` may still choose is left out."""
    if not (folder / SETTINGS).exists():
        return
    before = prepared(folder)
    for name in sorted(Settings.what_counts() - {"boxes"}):
        if getattr(before, name) != getattr(settings, name):
            raise ValueError(f"{name}: the run in {folder} has {quoted(getattr(before, name))}; choose another folder")


def choose_device(name: str) -> str:
    """ "auto" takes the GPU where there is one.

    Raises:
        ValueError: neither auto nor a device that is there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu" or (name == "cuda" and torch.cuda.is_available()):
        return name
    raise ValueError(f"device: {quoted(name)} is not here; choose auto or cpu")
