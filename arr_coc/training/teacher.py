"""The teacher: the same host, untouched, with all of level 0 before it.

Shapes: Q questions about one picture, T tokens of all of them behind it, N visual tokens, A answer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from arr_coc.data.tasks import Sample
from arr_coc.hosts.attention import add_deepstack, layers_read, need_attention, project
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock, lay_out
from arr_coc.records import Allocation, CellFeatures, Gaze, Pyramid
from arr_coc.training.batches import answer_ids, question_ids


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the teacher shows about one picture.

    Attributes:
        attention: (Q, R, C) where each question looks over the level-0 grid, summing to at most 1.
        logits: per question (A, V) float32, of its answer tokens.
    """

    attention: Tensor
    logits: list[Tensor]


@dataclass(frozen=True, eq=False)
class Packed:
    """Questions with their answers behind one picture, none of which sees another.

    Attributes:
        ids, positions: (1, T) and M-RoPE (3, 1, T).
        mask: (1, 1, T, T) bool, who sees whom.
        asking: per question the indices of the last tokens of its prompt.
        answering: per question the indices of the tokens that predict its answer.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    asking: list[Tensor]
    answering: list[Tensor]


@torch.no_grad()
def teach(host: TransformersHost, pyramid: Pyramid, samples: Sequence[Sample], gaze: Gaze) -> Lesson:
    """Attention and answer distributions of the host at full resolution, in one pass for all questions.

    Raises:
        ValueError: a host of which some layers do not attend: there one question would see the other.
    """
    need_attention(host.text_config, "teacher")
    cells, grid = pyramid.cells(0), pyramid.grid()
    (features,) = host.encode([pyramid], [cells])
    packed = pack(host, samples, ImageBlock.of(Allocation(cells, grid)), gaze.num_queries)
    attention, hidden = read(host, packed, features, gaze)
    head = host.head
    logits = [head(hidden[0, answering]).float() for answering in packed.answering]
    return Lesson(attention.unflatten(1, grid), logits)


def pack(host: TransformersHost, samples: Sequence[Sample], block: ImageBlock, num_queries: int) -> Packed:
    """One sequence: what all chats begin with, up to the end of the picture, then the rest of each."""
    spoken = [answer_ids(host, sample) for sample in samples]
    asked = [question_ids(host, sample.prompt) for sample in samples]
    prompts = [lay_out(q + a, host.image_token_id, [block]) for q, a in zip(asked, spoken, strict=True)]
    start = int((prompts[0].ids == host.image_token_id).nonzero()[-1]) + 1
    assert all(torch.equal(prompt.ids[:start], prompts[0].ids[:start]) for prompt in prompts)
    lengths = [len(prompt.ids) - start for prompt in prompts]
    turns = torch.cat([torch.full((n,), k) for k, n in enumerate([start, *lengths])])
    seen = ((turns == turns[:, None]) | (turns == 0)).tril()
    asking, answering, offset = [], [], start
    for length, answer in zip(lengths, spoken, strict=True):
        offset += length
        begin = offset - len(answer)
        asking.append(torch.arange(max(start, begin - num_queries), begin))
        answering.append(torch.arange(begin - 1, offset - 1))
    ids = torch.cat([prompts[0].ids[:start], *(prompt.ids[start:] for prompt in prompts)])
    positions = torch.cat(
        [prompts[0].positions[:, :start], *(prompt.positions[:, start:] for prompt in prompts)], dim=1
    )
    device = host.device
    return Packed(ids[None].to(device), positions[:, None].to(device), seen[None, None].to(device), asking, answering)


def read(host: TransformersHost, packed: Packed, features: CellFeatures, gaze: Gaze) -> tuple[Tensor, Tensor]:
    """Attention (Q, N) of each question's last tokens, mean of heads and the gaze's layers, and states (1, T, D)."""
    language = host.language
    is_visual = packed.ids == host.image_token_id
    embeds = language.embed_tokens(packed.ids)
    merged = features.merged.to(embeds.device, embeds.dtype)
    hidden = embeds.masked_scatter(is_visual[..., None], merged)
    rotary = language.rotary_emb(hidden, packed.positions)
    mask = torch.zeros_like(packed.mask, dtype=hidden.dtype).masked_fill(~packed.mask, -torch.inf)
    layers, maps = layers_read(gaze, language.config), []
    for depth, layer in enumerate(language.layers):
        if depth in layers:
            maps.append(attention_of(host, layer, hidden, rotary, packed)[:, is_visual[0]])
        hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, use_cache=False)
        hidden = add_deepstack(hidden, is_visual, features, depth)
    return torch.stack(maps).mean(0), language.norm(hidden)


def attention_of(
    host: TransformersHost, layer: nn.Module, hidden: Tensor, rotary: tuple[Tensor, Tensor], packed: Packed
) -> Tensor:
    """(Q, T) float32 softmax(q k^T / sqrt(d)) of the layer's own projections, mean over heads and last tokens."""
    query, key = project(host.family, layer, hidden, rotary)
    key, mask, scaling = key[0].float(), packed.mask.to(key.device), layer.self_attn.scaling
    rows = []
    for asking in packed.asking:
        logits = query[0, :, asking].float() @ key.transpose(1, 2) * scaling
        weights = logits.masked_fill(~mask[0, :, asking], -torch.inf).softmax(-1)
        rows.append(weights.mean((0, 1)))
    return torch.stack(rows)


def boxes_attention(pyramid: Pyramid, samples: Sequence[Sample], sizes: Sequence[tuple[int, int]]) -> Tensor:
    """(B, R, C) attention as the evidence boxes would have it, all boxes of a sample the same mass.

    Args:
        sizes: (width, height) of the picture that the boxes are measured in, one a sample.
    """
    rows, cols = pyramid.grid()
    maps = torch.zeros(len(samples), rows, cols)
    for row, (sample, (width, height)) in enumerate(zip(samples, sizes, strict=True)):
        for x0, y0, x1, y1 in sample.boxes or ():
            across = overlap(x0 / width * cols, x1 / width * cols, cols)
            down = overlap(y0 / height * rows, y1 / height * rows, rows)
            box = down[:, None] * across
            maps[row] += box / box.sum().clamp(min=1e-9)
    return maps / maps.sum((1, 2), keepdim=True).clamp(min=1e-9)


def overlap(start: float, stop: float, num_cells: int) -> Tensor:
    """(num_cells,) share of each unit cell that start..stop covers."""
    edges = torch.arange(num_cells + 1, dtype=torch.float32)
    return (edges[1:].clamp(max=stop) - edges[:-1].clamp(min=start)).clamp(min=0)
