"""One training step of `nano`: the losses, and what they need of the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb, repeat_kv

from arr_coc.hosts.encoding import encode_inputs
from arr_coc.nano.config import reading_layer
from arr_coc.nano.dense_losses import (
    DenseHeads,
    PointingHead,
    attention_loss,
    character_accuracy,
    character_loss,
    colour_loss,
    figure_loss,
    pointing_loss,
)
from arr_coc.nano.kernels import PatchProducts
from arr_coc.nano.packing import Batch, attention_mask
from arr_coc.records import CellFeatures

COLOUR_WEIGHT = 4.0
FIGURE_WEIGHT = 0.3
LOOKING_WEIGHT = 0.5
TRACING_WEIGHT = 2.0
FIRST_TOKEN_WEIGHT = 3.0
TOKENS_AT_ONCE = 2400


class Learner(nn.Module):
    """The host and the dense heads, one forward pass for both losses."""

    def __init__(self, model: Qwen3VLForConditionalGeneration) -> None:
        super().__init__()
        self.model = model
        model.model.visual.patch_embed = PatchProducts(model.model.visual.patch_embed.proj)
        config = model.config
        self.heads = DenseHeads(config.vision_config.hidden_size, config.text_config.hidden_size)
        self.pointing = PointingHead(config.text_config.hidden_size)
        self.reading_layer = reading_layer(config.text_config.num_hidden_layers)

    def encode(self, batch: Batch) -> tuple[Tensor, CellFeatures]:
        """Patch states (4N, D_vision) before the merger, and the features of all encoded cells."""
        visual, caught = self.model.model.visual, []
        handle = visual.merger.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            features = encode_inputs(visual, batch.pixels)
        finally:
            handle.remove()
        return caught[0], features

    def speak(self, batch: Batch, features: CellFeatures) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Last hidden states (B, T, D); hidden states before the reading layer; its rotary embeddings.

        A few rows at a time, no longer than the longest of them: rows come sorted by length, and half of a batch
        would be padding.
        """
        kept = features[batch.keep]
        language, ids = self.model.model.language_model, batch.input_ids
        visual = ids == self.model.config.image_token_id
        embeds = language.embed_tokens(ids)
        embeds = embeds.masked_scatter(visual[..., None].expand_as(embeds), kept.merged.to(embeds.dtype))
        lengths, ends = (batch.turns >= 0).sum(1).tolist(), F.pad(visual.sum(1).cumsum(0), (1, 0)).tolist()
        spoken: list[tuple[Tensor, ...]] = []
        handle = language.layers[self.reading_layer].register_forward_pre_hook(
            lambda _, inputs, named: spoken.append((inputs[0], *named["position_embeddings"])), with_kwargs=True
        )
        try:
            for rows in few_at_a_time(lengths):
                length = max(lengths[rows])
                hidden = language(
                    inputs_embeds=embeds[rows, :length],
                    attention_mask=attention_mask(batch.turns[rows, :length]).to(embeds.dtype),
                    position_ids=batch.position_ids[:, rows, :length],
                    visual_pos_masks=visual[rows, :length],
                    deepstack_visual_embeds=[plane[ends[rows.start] : ends[rows.stop]] for plane in kept.deepstack],
                    use_cache=False,
                ).last_hidden_state
                padding = (0, 0, 0, ids.shape[1] - length)
                spoken[-1] = tuple(F.pad(states, padding) for states in (hidden, *spoken[-1]))
        finally:
            handle.remove()
        hidden, before, cos, sin = (torch.cat(states) for states in zip(*spoken, strict=True))
        return hidden, before, (cos, sin)

    def answer(self, batch: Batch, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, targets (M,) and weights (M,) at the positions where an answer is spoken."""
        targets = F.pad(batch.labels[:, 1:], (0, 1), value=-100)
        spoken = targets != -100
        weights = 1 + (FIRST_TOKEN_WEIGHT - 1) * answer_starts(spoken)[spoken].float()
        return self.model.lm_head(hidden[spoken]), targets[spoken], weights

    def look(self, batch: Batch, hidden: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """(Q, K) pointing logits, and attention logits of the reading layer: (Q, heads, K), and (S, heads, K).

        The first two from the last token of each question to the visual tokens of its picture, the third from every
        position that speaks.
        """
        spoken = F.pad(batch.labels[:, 1:], (0, 1), value=-100) != -100
        rows, places = answer_starts(spoken).nonzero(as_tuple=True)
        visual = batch.input_ids == self.model.config.image_token_id
        first, most = int(visual.int().argmax(1)[0]), batch.evidence.shape[1]
        window = slice(first, first + most)
        is_token = visual[rows, window]
        pointing = self.pointing(hidden[rows, places], hidden[rows, window], is_token)
        query, key = project(self.model.model.language_model.layers[self.reading_layer], hidden, rotary)
        scores = [
            (asking[:, speaks] @ held.mT).transpose(0, 1).float().masked_fill(~shown, float("-inf"))
            for asking, held, speaks, shown in zip(
                query.unbind(), key[:, :, window].unbind(), spoken, visual[:, window], strict=True
            )
        ]
        attention = torch.cat(scores) / query.shape[-1] ** 0.5
        return pointing, attention[answer_starts(spoken)[spoken]], attention

    def forward(self, batch: Batch, with_language: bool = True, heads_only: bool = False) -> Losses:
        with torch.set_grad_enabled(not heads_only):
            states, features = self.encode(batch)
        patch_logits, token_logits, start_logits, colours, names, figures = self.heads(states, features.merged)
        right, total = character_accuracy(token_logits, batch.slots)
        dense = (
            character_loss(patch_logits, batch.slots),
            character_loss(token_logits, batch.slots),
            character_loss(start_logits, batch.starts),
            colour_loss(colours, batch.colours),
            F.binary_cross_entropy_with_logits(names.float(), batch.names),
            figure_loss(figures, batch.figures),
        )
        if not with_language:
            nothing = dense[0].new_zeros(())
            return Losses(*dense, nothing, nothing, nothing, nothing, right, total, 0, 0, 0, 0)
        hidden, *reading = self.speak(batch, features)
        pointing_logits, attention_logits, tracing_logits = self.look(batch, *reading)
        pointing, pointed, pointable = pointing_loss(*own_evidence(pointing_logits, batch))
        attention = attention_loss(attention_logits, batch.evidence, batch.asked)
        tracing = attention_loss(tracing_logits, batch.traced, torch.arange(len(batch.traced)))
        logits, targets, weights = self.answer(batch, hidden)
        answers = (F.cross_entropy(logits.float(), targets, reduction="none") * weights).sum() / weights.sum()
        hits, asked = whole_answers(logits.argmax(-1) == targets, batch.labels)
        return Losses(*dense, pointing, attention, tracing, answers, right, total, pointed, pointable, hits, asked)


@dataclass(frozen=True, eq=False)
class Losses:
    """Mean losses, and counts behind the running accuracies: characters, pointing, whole answers (teacher-forced)."""

    patches: Tensor
    tokens: Tensor
    starts: Tensor
    colours: Tensor
    names: Tensor
    figures: Tensor
    pointing: Tensor
    attention: Tensor
    tracing: Tensor
    answers: Tensor
    characters_right: int
    characters: int
    pointed: int
    pointable: int
    answers_right: int
    num_answers: int

    def total(self, dense_weight: float, looking_weight: float = LOOKING_WEIGHT) -> Tensor:
        dense = dense_weight * (self.patches + self.tokens + self.starts + COLOUR_WEIGHT * self.colours + self.names)
        dense = dense + dense_weight * FIGURE_WEIGHT * self.figures
        return dense + looking_weight * (self.pointing + self.attention + TRACING_WEIGHT * self.tracing) + self.answers


def few_at_a_time(lengths: list[int]) -> Iterator[slice]:
    """Neighbouring rows whose tokens, padding included, are at most `TOKENS_AT_ONCE`, or single ones."""
    first = 0
    for row in range(1, len(lengths) + 1):
        if row == len(lengths) or max(lengths[first : row + 1]) * (row + 1 - first) > TOKENS_AT_ONCE:
            yield slice(first, row)
            first = row


def project(layer: nn.Module, hidden: Tensor, rotary: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Queries and keys (B, heads, T, d) of a layer as its attention makes them."""
    attention, normed = layer.self_attn, layer.input_layernorm(hidden)
    shape = (*normed.shape[:-1], -1, attention.head_dim)
    query = attention.q_norm(attention.q_proj(normed).view(shape)).transpose(1, 2)
    key = attention.k_norm(attention.k_proj(normed).view(shape)).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, *rotary)
    return query, repeat_kv(key, attention.num_key_value_groups)


def own_evidence(logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (E', K) and evidence (E', K) of the questions whose data tells where the answer itself stands."""
    is_first = F.pad(batch.asked[1:] != batch.asked[:-1], (1, 0), value=True)[: len(batch.asked)]
    return logits[batch.asked[is_first]], batch.evidence[is_first]


def answer_starts(spoken: Tensor) -> Tensor:
    """(B, T) bool: where the first token of an answer is predicted."""
    return spoken & ~F.pad(spoken[:, :-1], (1, 0), value=False)


def whole_answers(right: Tensor, labels: Tensor) -> tuple[int, int]:
    """(answers with every token right, answers): an answer is a run of labels that are not -100."""
    spoken = F.pad(labels[:, 1:], (0, 1), value=-100) != -100
    starts = answer_starts(spoken)
    answer_of = starts.flatten().cumsum(0)[spoken.flatten()] - 1
    num_answers = int(starts.sum())
    wrong = torch.zeros(num_answers, dtype=torch.long).index_add_(0, answer_of.cpu(), (~right).long().cpu())
    return int((wrong == 0).sum()), num_answers
