"""What `nano` is shown, stage by stage: first print, then labelled lines, then the generator's pictures.

Every batch is a function of (stage, number), so a killed run resumes on the very same data.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from arr_coc.data.drawing.lifelike.generator import lifelike_mixture
from arr_coc.data.mixture import MOST_QUESTIONS, mixture
from arr_coc.data.records import Box, Picture, Question
from arr_coc.data.tasks import TRAIN_SEEDS
from arr_coc.nano.config import INTERPOLATION
from arr_coc.nano.dense_losses import BLANK
from arr_coc.nano.distributed import ALONE, Team
from arr_coc.nano.packing import CELL, Batch, ChatFormat, Sample, View, collate, plain_view, slots_of
from arr_coc.nano.synthetic_lines import FACES, draw_primer
from arr_coc.nano.views import Shown, show_leaves, show_part, show_whole

RETRY_STRIDE, MAX_ATTEMPTS = 500_000, 40
WORKED_OUT = frozenset({"arithmetic", "compare", "count", "exists", "extreme", "yes_no"})


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum.

    Attributes:
        num_batches, batch_size: pictures seen = their product.
        primer: share of primer pictures; the generator draws the others.
        lines: most lines of a primer picture.
        share_soup: share of primer lines that are random characters.
        smallest: font size in pixels of the smallest primer print.
        faces: typefaces of primer pictures.
        max_cells: most cells of a picture that are shown (blank ones are dropped first); 0 shows all.
        views: weights of the ways generator pictures are shown: in part, whole, as leaves.
        pieces: share of the views as leaves whose levels come in pieces, as looks that go on from each other have them.
        sides: longest side of generator pictures, drawn evenly.
        showings: so many neighbours in a batch show the same picture of the generator, each in its own way.
        kind: the generator's only kind of picture; empty draws its whole mixture.
        num_questions: most turns of a chat.
        language: False trains only the vision tower and the character heads.
        lifelike: share of lifelike pictures among those of the generator.
        lifelike_shares: (kind, weight) of the lifelike ones; empty takes the kinds' own shares.
        heads_only: trains the dense heads on what the tower says, nothing else: they are not part of a host.
    """

    name: str
    num_batches: int
    batch_size: int
    primer: float = 1.0
    lines: int = 0
    share_soup: float = 0.0
    smallest: int = 12
    faces: tuple[str, ...] = FACES
    max_cells: int = 0
    views: tuple[float, float, float] = (0, 0, 0)
    pieces: float = 0.0
    sides: tuple[int, ...] = ()
    showings: int = 1
    kind: str = ""
    num_questions: int = 8
    language: bool = True
    dense_weight: float = 0.5
    rate: float = 1e-3
    final_rate: float = 1e-3
    lifelike: float = 0.0
    lifelike_shares: tuple[tuple[str, float], ...] = ()
    heads_only: bool = False

    @property
    def first_seed(self) -> int:
        """Stages draw different pictures; all are training seeds."""
        return TRAIN_SEEDS.start + 20_000_000 * (zlib.crc32(self.name.encode()) % 40)

    @property
    def reads_only(self) -> bool:
        """Whether it is dense pretraining: the vision tower learns to read, nothing is asked."""
        return not self.language and not self.heads_only


def inked(slots: Tensor, max_cells: int, rng: random.Random) -> Tensor:
    """Raster indices of the cells that hold characters, with a few blank ones; at most `max_cells`."""
    printed = (slots != BLANK).any(dim=1)
    index = printed.nonzero()[:, 0].tolist()
    blank = (~printed).nonzero()[:, 0].tolist()
    index += rng.sample(blank, min(len(blank), max(1, len(index) // 8)))
    if len(index) > max_cells:
        start = rng.randint(0, len(index) - max_cells)
        index = sorted(index)[start : start + max_cells]
    return torch.tensor(sorted(index))


def generator_sample(stage: Stage, seed: int) -> Shown:
    first = seed - seed % stage.showings
    rng = random.Random(first)
    side = rng.choice(stage.sides)
    is_lifelike = random.Random(f"generation {first}").random() < stage.lifelike
    picture = (
        draw_lifelike(first, rng.choice((1.0, 1.0, 1.0, 1.4, 0.85)), stage.lifelike_shares)
        if is_lifelike
        else draw_mixture(first, stage.kind or None, side)
    )
    if seed != first:
        rng = random.Random(seed)
    show = rng.choices((show_part, show_whole, partial(show_leaves, pieces=stage.pieces)), stage.views)[0]
    return show(picture, rng, stage.max_cells)


@lru_cache(maxsize=1)
def draw_lifelike(seed: int, zoom: float, shares: tuple[tuple[str, float], ...]) -> Picture:
    """Kept until the next: drawing costs more than showing once more."""
    return lifelike_mixture(seed, zoom=zoom, shares=dict(shares))


@lru_cache(maxsize=1)
def draw_mixture(seed: int, kind: str | None, side: int) -> Picture:
    """As `draw_lifelike`, by the generator."""
    return mixture(seed, MOST_QUESTIONS, kind=kind, max_side=side)


def primer_sample(stage: Stage, seed: int) -> Shown:
    rng = random.Random(seed)
    picture = draw_primer(seed, rng.randint(1, stage.lines), stage.share_soup, stage.smallest, stage.faces)
    shrink = rng.choice((1, 1, 1, 0.75, 0.66, 0.5)) if stage.smallest < 16 else 1
    rows = max(1, round(picture.image.height * shrink / CELL))
    cols = max(1, round(picture.image.width * shrink / CELL))
    index = inked(slots_of(picture.image, picture.glyphs, rows, cols), stage.max_cells, rng)
    view = plain_view(picture, rows, cols, index)
    asked = [question for question in picture.questions if is_seen(question, picture, view)]
    return Shown(view, asked, picture)


def start_of(question: Question) -> Box | None:
    """Where the answer begins: its first character where it is a line of print, else the whole of its box."""
    if not question.boxes:
        return None
    x0, y0, x1, y1 = question.boxes[0]
    is_line = y1 - y0 < 3 * question.glyph_px
    return (x0, y0, min(x1, x0 + 1.2 * (y1 - y0)), y1) if is_line else (x0, y0, x1, y1)


def pieces_of(question: Question) -> list[Box | None]:
    """Where attention belongs: at the beginning of a printed answer; at all the evidence of one that is worked out."""
    own = start_of(question)
    return [own, *question.boxes[1:]] if question.kind in WORKED_OUT else [own]


def character_places(question: Question, picture: Picture) -> np.ndarray | None:
    """(n, 2) x, y in pixels of an answer's characters without spaces, in reading order; None where it isn't printed."""
    if not question.boxes or question.kind in WORKED_OUT:
        return None
    x0, y0, x1, y1 = question.boxes[0]
    x, y = picture.glyphs.centres.T
    places, wanted = [], question.answers[0].replace(" ", "")
    for index in np.flatnonzero((x > x0) & (x < x1) & (y > y0) & (y < y1)):
        if len(places) < len(wanted) and picture.glyphs.chars[index] == wanted[len(places)]:
            places.append(picture.glyphs.centres[index])
    return np.stack(places) if wanted and len(places) == len(wanted) else None


def is_seen(question: Question, picture: Picture, view: View) -> bool:
    """Whether the evidence of a primer question lies in the cells shown, at a legible size."""
    height, width = view.segments[0].image.shape[-2:]
    scale = min(height / picture.image.height, width / picture.image.width)
    if question.glyph_px * scale < 7.5:
        return False
    cols = width // CELL
    shown = set(view.segments[0].index.tolist())
    x0, y0, x1, y1 = (edge * scale / CELL for edge in question.boxes[0])
    needed = {int((y0 + y1) / 2) * cols + x for x in range(int(x0), min(cols, int(x1) + 1))}
    return needed <= shown


class Curriculum(Dataset[Batch]):
    """Batches of one stage, drawn on the fly, or a team member's share of each."""

    def __init__(self, stage: Stage, chat: ChatFormat, team: Team = ALONE) -> None:
        self.stage, self.chat, self.team = stage, chat, team

    def __len__(self) -> int:
        return self.stage.num_batches

    def __getitem__(self, number: int) -> Batch:
        torch.set_num_threads(1)
        first = self.stage.first_seed + number * self.stage.batch_size
        rows = range(self.team.rank, self.stage.batch_size, self.team.size)
        samples = [self.sample(first + row) for row in rows]
        return collate(samples, self.chat.tokenizer.pad_token_id, INTERPOLATION)

    def sample(self, seed: int) -> Sample:
        """A picture and the chat about it; a stage that speaks draws again where there is nothing to ask."""
        for attempt in range(MAX_ATTEMPTS):
            shown = self.show(seed + attempt * RETRY_STRIDE)
            if shown.questions or not self.stage.language:
                break
        random.Random(seed).shuffle(shown.questions)
        asked = shown.questions[: self.stage.num_questions]
        chat = self.chat.write([(q.text, q.answers[0]) for q in asked], len(shown.view.keep))
        boxes = [pieces_of(question) for question in asked]
        evidence = [shown.view.evidence(box, shown.picture.image.size) for pieces in boxes for box in pieces]
        numbers = torch.arange(len(boxes)).repeat_interleave(torch.tensor([len(pieces) for pieces in boxes]).long())
        nothing = torch.zeros(0, len(shown.view.keep), dtype=torch.bool)
        traces = [self.trace(question, shown) for question in asked]
        return Sample(
            shown.view, chat, torch.stack(evidence) if evidence else nothing, numbers, torch.cat([nothing, *traces])
        )

    def trace(self, question: Question, shown: Shown) -> Tensor:
        """(S, K) bool: for each token of the answer and its end, the visual tokens that hold its first character."""
        answer = question.answers[0]
        tokens = self.chat.spelt(answer)
        places = character_places(question, shown.picture)
        held = torch.zeros(len(tokens) + 1, len(shown.view.keep), dtype=torch.bool)
        if places is None:
            return held
        printed = [number for number, character in enumerate(answer) if character != " "]
        place_of = dict(zip(printed, places, strict=True))
        for row, numbers in enumerate(tokens):
            first = next((place_of[number] for number in numbers if number in place_of), None)
            if first is not None:
                held[row] = shown.view.holds(first, shown.picture.image.size)
        return held

    def show(self, seed: int) -> Shown:
        torch.manual_seed(seed)
        is_primer = random.Random(f"source {seed}").random() < self.stage.primer
        return primer_sample(self.stage, seed) if is_primer else generator_sample(self.stage, seed)
