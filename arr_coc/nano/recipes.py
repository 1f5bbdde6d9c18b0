"""What a host is made of, stage by stage: one recipe a kind of host, told by name.

A recipe is a curriculum and the pictures it is about; `runs/speedrun.sh` walks through any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from arr_coc.nano.curriculum import Stage
from arr_coc.nano.synthetic_lines import FACES
from arr_coc.quoting import quoted


@dataclass(frozen=True)
class Recipe:
    """A curriculum by name.

    Attributes:
        about: what its host is for, in a few words.
        kind, faces: of its pictures, see `Stage`.
        goes_on: whether it starts from a finished host instead of from nothing.
    """

    name: str
    about: str
    stages: tuple[Stage, ...]
    kind: str = ""
    faces: tuple[str, ...] = FACES
    goes_on: bool = False

    @property
    def num_reading(self) -> int:
        """How many of its first stages are dense pretraining (`nano pre`); the others answer (`nano sft`)."""
        return len(list(takewhile(lambda stage: stage.reads_only, self.stages)))


NANO = (
    Stage(
        "large print", 400, 32, lines=3, share_soup=0.5, smallest=22, max_cells=40, language=False, rate=2e-3,
        final_rate=2e-3,
    ),
    Stage(
        "print", 1500, 32, primer=0.4, lines=4, share_soup=0.4, smallest=18, views=(0.8, 0.1, 0.1),
        sides=(448, 640, 832), max_cells=48, language=False, rate=2e-3, final_rate=8e-4,
    ),
    Stage("few lines", 300, 32, lines=3, smallest=18, max_cells=28, num_questions=9),
    Stage(
        "parts", 1900, 24, primer=0.35, lines=4, smallest=18, views=(0.8, 0.15, 0.05), sides=(448, 640),
        max_cells=64, num_questions=10, final_rate=5e-4,
    ),
    Stage(
        "pages", 300, 16, primer=0.05, lines=6, smallest=18, views=(0.25, 0.4, 0.35), sides=(448, 640, 832, 1024),
        max_cells=208, num_questions=14, rate=7e-4, final_rate=6.5e-4,
    ),
    Stage(
        "print again", 1200, 32, primer=0.4, lines=5, share_soup=0.4, smallest=16, views=(0.7, 0.2, 0.1),
        sides=(448, 640, 832), max_cells=56, num_questions=3, dense_weight=1.5, rate=1.2e-3, final_rate=7e-4,
    ),
    Stage(
        "more pages", 1200, 16, primer=0.05, lines=6, smallest=18, views=(0.25, 0.4, 0.35),
        sides=(448, 640, 832, 1024), max_cells=208, num_questions=14, rate=7e-4, final_rate=5e-4,
    ),
    Stage(
        "large pages", 1000, 24, primer=0.02, lines=6, smallest=18, views=(0.1, 0.52, 0.38),
        sides=(448, 640, 832, 1024, 1448), max_cells=576, num_questions=14, rate=5e-4, final_rate=4e-5,
    ),
    Stage(
        "largest pages", 250, 12, primer=0.0, views=(0.08, 0.56, 0.36), sides=(640, 832, 1024, 1448, 2048),
        max_cells=1024, num_questions=14, rate=8e-5, final_rate=1e-5,
    ),
)  # fmt: skip

MOSTLY_RECEIPTS = (("receipt", 70.0), ("chart", 10.0), ("sign", 8.0), ("invoice", 6.0), ("ticket", 6.0))
# Worn print of many typefaces in crops of every kind, then whole pages, mostly receipts. Half are pictures of the old
# generator: at 30% those were forgotten (dev/LOG.md).
LIFELIKE = (
    Stage(
        "new heads", 60, 12, views=(1, 0, 0), sides=(448, 640), max_cells=72, language=False, rate=3e-3,
        final_rate=1.5e-3, primer=0.0, lifelike=0.6, heads_only=True,
    ),
    Stage(
        "worn crops", 1200, 24, primer=0.0, views=(0.8, 0.15, 0.05), sides=(448, 640, 832), showings=4, max_cells=64,
        num_questions=6, dense_weight=1.0, rate=7e-4, final_rate=6e-4, lifelike=0.6,
    ),
    Stage(
        "worn pages", 1600, 8, primer=0.0, views=(0.2, 0.5, 0.3), pieces=0.5, sides=(448, 640, 832, 1024, 1448),
        showings=2, max_cells=512, num_questions=12, rate=6e-4, final_rate=5e-5, lifelike=0.5,
        lifelike_shares=MOSTLY_RECEIPTS,
    ),
    Stage(
        "worn and large", 80, 8, primer=0.0, views=(0.1, 0.6, 0.3), pieces=0.5, sides=(640, 832, 1024, 1448, 2048),
        max_cells=1024, num_questions=12, rate=8e-5, final_rate=1e-5, lifelike=0.5, lifelike_shares=MOSTLY_RECEIPTS,
    ),
)  # fmt: skip

RECEIPTS = (
    Stage(
        "large print", 300, 8, lines=3, share_soup=0.5, smallest=22, max_cells=40, language=False, rate=2e-3,
        final_rate=2e-3,
    ),
    Stage(
        "print", 900, 8, primer=0.3, lines=4, share_soup=0.4, smallest=18, views=(0.85, 0.1, 0.05), sides=(512,),
        max_cells=64, language=False, rate=2e-3, final_rate=8e-4,
    ),
    Stage(
        "few lines", 200, 32, primer=0.6, lines=3, smallest=18, views=(1, 0, 0), sides=(512,), max_cells=32,
        num_questions=9,
    ),
    Stage(
        "parts", 430, 24, primer=0.1, lines=4, smallest=18, views=(0.85, 0.1, 0.05), sides=(512,), max_cells=64,
        num_questions=14, final_rate=7e-4,
    ),
    Stage(
        "pages", 200, 16, primer=0.0, views=(0.15, 0.5, 0.35), sides=(512,), max_cells=256, num_questions=14,
        rate=7e-4, final_rate=5e-5,
    ),
)  # fmt: skip

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("nano", "the shipped host: drawn pictures of every kind; hours on a CPU", NANO),
        Recipe("lifelike", "a finished host goes on, on lifelike pictures; hours on a CPU", LIFELIKE, goes_on=True),
        Recipe(
            "receipts",
            "a small host of one till's receipts, at most 256 cells; 40 minutes",
            RECEIPTS,
            kind="till_receipt",
            faces=("DejaVuSansMono", "DejaVuSansMono-Bold"),
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """Raises ValueError where there is none of that name."""
    if name not in RECIPES:
        raise ValueError(f"recipe: {quoted(name)} is none of {', '.join(RECIPES)}")
    return RECIPES[name]
