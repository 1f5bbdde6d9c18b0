"""Pictures and questions -> one training batch for the embedded host.

A picture is shown either plain (all cells of one size, the host's own positions) or as leaves of
mixed levels (positions in the level-0 grid). Its questions follow, packed: none sees another.

Shapes: B pictures, T tokens of the longest chat, N encoded cells of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from arr_coc.data.records import Glyphs, Picture
from arr_coc.hosts.encoding import Geometry, Segment, TowerInputs, tower_inputs
from arr_coc.hosts.families.qwen3_vl import QWEN3_VL, Interpolation
from arr_coc.hosts.text import TextEncoder
from arr_coc.nano.dense_losses import character_slots, colour_names, figures_by_cell, patch_colours, patch_starts
from arr_coc.records import Allocation

CELL = 32
GEOMETRY = Geometry()
EVIDENCE_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class View:
    """One picture as the host sees it.

    Attributes:
        segments: what is encoded; one level, or one piece of it, a segment.
        keep: (K,) rows of the encoded cells (in segment order) that become visual tokens.
        positions: (K, 2) row and column for M-RoPE.
        extent: where text continues after the picture.
        slots: (N, 8) character classes of the encoded cells.
        starts: (N, 4) classes of the characters with which words begin in their patches.
        figures: (N, 2) class of the thing that fills each encoded cell, and how many have their middle there.
        areas: (K, 4) x0, y0, x1, y1 of each visual token as fractions of the picture.
    """

    segments: tuple[Segment, ...]
    keep: Tensor
    positions: Tensor
    extent: int
    slots: Tensor
    starts: Tensor
    figures: Tensor
    areas: Tensor

    def evidence(self, box: tuple[float, float, float, float] | None, size: tuple[int, int]) -> Tensor:
        """(K,) bool: tokens that share a tenth of their own area, or of the box's, with a box in pixels."""
        if box is None:
            return torch.zeros(len(self.areas), dtype=torch.bool)
        target = torch.tensor(box) / torch.tensor([*size, *size])
        sides = torch.minimum(self.areas[:, 2:], target[2:]) - torch.maximum(self.areas[:, :2], target[:2])
        shared = sides.clamp(min=0).prod(1)
        own = (self.areas[:, 2:] - self.areas[:, :2]).prod(1)
        return shared > EVIDENCE_SHARE * torch.minimum(own, (target[2:] - target[:2]).prod())

    def holds(self, place: np.ndarray, size: tuple[int, int]) -> Tensor:
        """(K,) bool: the token in which a place (x, y) in pixels of a picture of that size lies, if it is shown."""
        x, y = (torch.from_numpy(place) / torch.tensor(size)).tolist()
        left, top, right, bottom = self.areas.unbind(1)
        return (left <= x) & (x < right) & (top <= y) & (y < bottom)


def areas_of(leaves: Tensor, grid: tuple[int, int]) -> Tensor:
    """(K, 4) fractions of the picture that leaves (K, 3) of a level-0 grid cover."""
    side = 2.0 ** leaves[:, :1]
    start = leaves[:, 1:] * side
    corners = torch.cat([start.flip(1), (start + side).flip(1)], dim=1)
    return corners / torch.tensor([grid[1], grid[0], grid[1], grid[0]])


def to_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).float() / 255


def level_image(image: Image.Image, rows: int, cols: int) -> Tensor:
    size = (cols * CELL, rows * CELL)
    return to_tensor(image if image.size == size else image.resize(size, Image.Resampling.BICUBIC))


def slots_of(image: Image.Image, glyphs: Glyphs, rows: int, cols: int) -> Tensor:
    """(rows * cols, 8) character classes, see `character_slots`."""
    scale = (cols * CELL / image.width, rows * CELL / image.height)
    return character_slots(glyphs.chars, glyphs.centres, glyphs.heights, scale, (rows, cols))


def starts_of(image: Image.Image, glyphs: Glyphs, rows: int, cols: int) -> Tensor:
    """(rows * cols, 4) classes of the characters with which words begin."""
    chars = "".join(char for char, is_start in zip(glyphs.chars, glyphs.starts, strict=True) if is_start)
    first = Glyphs(chars, glyphs.centres[glyphs.starts], glyphs.heights[glyphs.starts], glyphs.starts[glyphs.starts])
    return patch_starts(slots_of(image, first, rows, cols))


@lru_cache(maxsize=4)
def level_of(picture: Picture, rows: int, cols: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A level's pixels (3, H, W), slots, starts and figures of all its cells; kept while its picture is shown again."""
    image, glyphs = picture.image, picture.glyphs
    return (
        level_image(image, rows, cols),
        slots_of(image, glyphs, rows, cols),
        starts_of(image, glyphs, rows, cols),
        figures_by_cell(picture.figures, image.size, (rows, cols)),
    )


def plain_view(picture: Picture, rows: int, cols: int, index: Tensor | None = None) -> View:
    """The whole picture at one size, or only the cells `index` of it."""
    pixels, slots, starts, figures = level_of(picture, rows, cols)
    index = torch.arange(rows * cols) if index is None else index
    cells = torch.stack([torch.zeros_like(index), index // cols, index % cols], dim=1)
    return View(
        segments=(Segment(pixels, index),),
        keep=torch.arange(len(index)),
        positions=cells[:, 1:],
        extent=max(rows, cols),
        slots=slots[index],
        starts=starts[index],
        figures=figures[index],
        areas=areas_of(cells, (rows, cols)),
    )


def leaf_view(picture: Picture, grid: tuple[int, int], looked_at: Sequence[tuple[int, Tensor]], leaves: Tensor) -> View:
    """Leaves of mixed levels.

    Args:
        grid: (rows, columns) of level 0.
        looked_at: level and encoded cells of each piece, finest first, raster indices in the level's grid. A level
            comes in several pieces where several looks encoded it.
        leaves: (K, 3) cells in raster order; each is among `looked_at`.
    """
    segments, slots, starts, figures, rows_of = [], [], [], [], {}
    for level, index in looked_at:
        rows, cols = grid[0] >> level, grid[1] >> level
        pixels, *facts = level_of(picture, rows, cols)
        offset = sum(len(s.index) for s in segments)
        rows_of.update({(level, cell): offset + i for i, cell in enumerate(index.tolist())})
        segments.append(Segment(pixels, index))
        for kept, fact in zip((slots, starts, figures), facts, strict=True):
            kept.append(fact[index])
    keys = [(level, row * (grid[1] >> level) + col) for level, row, col in leaves.tolist()]
    return View(
        segments=tuple(segments),
        keep=torch.tensor([rows_of[key] for key in keys]),
        positions=Allocation(leaves, grid).positions(),
        extent=max(grid),
        slots=torch.cat(slots),
        starts=torch.cat(starts),
        figures=torch.cat(figures),
        areas=areas_of(leaves, grid),
    )


@dataclass(frozen=True, eq=False)
class Chat:
    """Token ids of questions about one picture.

    Attributes:
        labels: -100 outside answers.
        turns: 0 where the picture is, k in the k-th question and its answer.
        image_at: the first visual token.
    """

    ids: list[int]
    labels: list[int]
    turns: list[int]
    image_at: int


class ChatFormat:
    """Writes the chat template as token ids, fast enough for training on the fly; questions and answers are text."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.text = TextEncoder(tokenizer)
        self.opening = self.text.encode("<|im_start|>user\n")
        self.image = self.text.encode("<|vision_start|><|image_pad|><|vision_end|>")
        self.turn = self.text.encode("<|im_end|>\n<|im_start|>assistant\n")
        self.closing = self.text.encode("<|im_end|>")

    def spelt(self, answer: str) -> list[list[int]]:
        """For each token of an answer, which of its characters the token holds; a letter of two bytes may be in two."""
        owner = [number for number, character in enumerate(answer) for _ in character.encode()]
        tokens = self.tokenizer.convert_ids_to_tokens(self.text.encode_literally(answer))
        ends = list(accumulate(len(token) for token in tokens))  # a character of a token's name is a byte of its text
        return [owner[start:end] for start, end in pairwise((0, *ends))]

    def write(self, pairs: list[tuple[str, str]], num_visual: int) -> Chat:
        start, pad, end = self.image
        ids = [*self.opening, start]
        image_at = len(ids)
        ids += [pad] * num_visual + [end]
        labels, turns = [-100] * len(ids), [0] * len(ids)
        for number, (question, answer) in enumerate(pairs, start=1):
            prompt = self.text.encode_literally(question) + self.turn
            spoken = self.text.encode_literally(answer) + self.closing
            ids += prompt + spoken
            labels += [-100] * len(prompt) + spoken
            turns += [number] * (len(prompt) + len(spoken))
        return Chat(ids, labels, turns, image_at)


def chat_positions(chat: Chat, view: View) -> Tensor:
    """(3, T) temporal, row and column positions; every question starts right behind the picture."""
    turns = torch.tensor(chat.turns)
    end = chat.image_at + len(view.keep)
    prefix = int((turns == 0).sum())
    starts = torch.stack([(turns < turn).sum() for turn in range(int(turns.max()) + 1)])
    place = torch.arange(len(turns)) - torch.where(turns > 0, starts[turns] - prefix, 0)
    place = place.repeat(3, 1)
    place[:, chat.image_at : end] = chat.image_at
    place[1:, chat.image_at : end] += view.positions.T
    place[:, end:] += chat.image_at + view.extent - end
    return place


def attention_mask(turns: Tensor) -> Tensor:
    """(B, 1, T, T) float mask to add: a token sees the picture and its own question, nothing later.

    Questions are packed behind one picture without seeing each other, so each is trained as it is asked.
    """
    length = turns.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=turns.device).tril()
    seen = (turns[:, None, :] == turns[:, :, None]) | (turns[:, None, :] == 0)
    return torch.zeros(seen.shape, device=turns.device).masked_fill(~(seen & causal), float("-inf"))[:, None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Right-padded chats: input_ids, labels, turns (B, T), -1 in `turns` is padding; position_ids (3, B, T).

    N encoded cells come with their dense labels, the Q questions with the visual tokens that hold their E pieces of
    evidence: evidence (E, K of the widest), all False where the data does not tell, and asked (E,), the question each
    belongs to in the order of rows and turns.
    """

    pixels: TowerInputs
    keep: Tensor
    input_ids: Tensor
    labels: Tensor
    turns: Tensor
    position_ids: Tensor
    slots: Tensor
    starts: Tensor
    colours: Tensor
    names: Tensor
    figures: Tensor
    evidence: Tensor
    asked: Tensor
    traced: Tensor


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture as it is shown and a chat about it.

    Attributes:
        evidence: (E, K) bool, visual tokens that hold a piece of evidence; of each question's, the answer's own first.
        asked: (E,) int64, which of the chat's questions each piece belongs to.
        traced: (S, K) bool, for each of the chat's spoken tokens the visual ones that hold its print, if that is known.
    """

    view: View
    chat: Chat
    evidence: Tensor
    asked: Tensor
    traced: Tensor


def collate(samples: list[Sample], pad_id: int, interpolation: Interpolation) -> Batch:
    """One batch, its rows sorted by length."""
    samples = sorted(samples, key=lambda sample: len(sample.chat.ids))
    length = max(len(sample.chat.ids) for sample in samples)
    ids = torch.full((len(samples), length), pad_id)
    labels = torch.full((len(samples), length), -100)
    turns = torch.full((len(samples), length), -1)
    positions = torch.zeros(3, len(samples), length, dtype=torch.long)
    keep, segments, asked, offset, num_questions = [], [], [], 0, 0
    for row, sample in enumerate(samples):
        view, chat = sample.view, sample.chat
        used = len(chat.ids)
        ids[row, :used] = torch.tensor(chat.ids)
        labels[row, :used] = torch.tensor(chat.labels)
        turns[row, :used] = torch.tensor(chat.turns)
        positions[:, row, :used] = chat_positions(chat, view)
        keep.append(view.keep + offset)
        offset += sum(len(segment.index) for segment in view.segments)
        segments.extend(view.segments)
        asked.append(sample.asked + num_questions)
        num_questions += max(chat.turns)
    slots = torch.cat([sample.view.slots for sample in samples])
    starts = torch.cat([sample.view.starts for sample in samples])
    colours = torch.cat([patch_colours(segment.image, segment.index) for segment in segments])
    names = torch.cat([colour_names(segment.image, segment.index) for segment in segments])
    figures = torch.cat([sample.view.figures for sample in samples])
    pixels = tower_inputs(QWEN3_VL, interpolation, segments, GEOMETRY)
    most = max(sample.evidence.shape[1] for sample in samples)
    evidence = torch.cat([F.pad(sample.evidence, (0, most - sample.evidence.shape[1])) for sample in samples])
    traced = torch.cat([F.pad(sample.traced, (0, most - sample.traced.shape[1])) for sample in samples])
    return Batch(
        pixels, torch.cat(keep), ids, labels, turns, positions, slots, starts, colours, names, figures, evidence,
        torch.cat(asked), traced,
    )  # fmt: skip
