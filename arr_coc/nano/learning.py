"""One training step of `nano`: the losses, and what they need of the host."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.hosts.encoding import encode_inputs
from arr_coc.nano.dense import DenseHeads, character_accuracy, character_loss, colour_loss
from arr_coc.nano.packing import GEOMETRY, Batch, attention_mask
from arr_coc.records import CellFeatures

COLOUR_WEIGHT = 4.0


class Learner(nn.Module):
    """The host and the dense heads, one forward pass for both losses."""

    def __init__(self, model: Qwen3VLForConditionalGeneration) -> None:
        super().__init__()
        self.model = model
        config = model.config
        self.heads = DenseHeads(config.vision_config.hidden_size, config.text_config.hidden_size)

    def encode(self, batch: Batch) -> tuple[Tensor, CellFeatures]:
        """Patch states (4N, D_vision) before the merger, and the features of all encoded cells."""
        visual, caught = self.model.model.visual, []
        handle = visual.merger.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            features = encode_inputs(visual, batch.pixels, GEOMETRY)
        finally:
            handle.remove()
        return caught[0], features

    def speak(self, batch: Batch, features: CellFeatures) -> tuple[Tensor, Tensor]:
        """Logits and targets (M,) at the positions where an answer is spoken."""
        kept = features[batch.keep]
        body, ids = self.model.model, batch.input_ids
        visual = ids == self.model.config.image_token_id
        embeds = body.language_model.embed_tokens(ids)
        embeds = embeds.masked_scatter(visual[..., None].expand_as(embeds), kept.merged.to(embeds.dtype))
        hidden = body.language_model(
            inputs_embeds=embeds,
            attention_mask=attention_mask(batch.turns).to(embeds.dtype),
            position_ids=batch.position_ids,
            visual_pos_masks=visual,
            deepstack_visual_embeds=list(kept.deepstack),
            use_cache=False,
        ).last_hidden_state
        targets = F.pad(batch.labels[:, 1:], (0, 1), value=-100)
        spoken = targets != -100
        return self.model.lm_head(hidden[spoken]), targets[spoken]

    def forward(self, batch: Batch, with_language: bool = True) -> Losses:
        states, features = self.encode(batch)
        patch_logits, token_logits, colours = self.heads(states, features.merged)
        right, total = character_accuracy(token_logits, batch.slots)
        dense = (
            character_loss(patch_logits, batch.slots),
            character_loss(token_logits, batch.slots),
            colour_loss(colours, batch.colours),
        )
        if not with_language:
            return Losses(*dense, dense[0].new_zeros(()), right, total, 0, 0)
        logits, targets = self.speak(batch, features)
        answers = F.cross_entropy(logits.float(), targets)
        hits, asked = whole_answers(logits.argmax(-1) == targets, batch.labels)
        return Losses(*dense, answers, right, total, hits, asked)


@dataclass(frozen=True, eq=False)
class Losses:
    """Mean losses and the counts behind the two running accuracies (characters; whole answers, teacher-forced)."""

    patches: Tensor
    tokens: Tensor
    colours: Tensor
    answers: Tensor
    characters_right: int
    characters: int
    answers_right: int
    num_answers: int

    def total(self, dense_weight: float) -> Tensor:
        return dense_weight * (self.patches + self.tokens + COLOUR_WEIGHT * self.colours) + self.answers


def whole_answers(right: Tensor, labels: Tensor) -> tuple[int, int]:
    """(answers with every token right, answers): an answer is a run of labels that are not -100."""
    spoken = F.pad(labels[:, 1:], (0, 1), value=-100) != -100
    starts = spoken & ~F.pad(spoken[:, :-1], (1, 0), value=False)
    answer_of = starts.flatten().cumsum(0)[spoken.flatten()] - 1
    num_answers = int(starts.sum())
    wrong = torch.zeros(num_answers, dtype=torch.long).index_add_(0, answer_of.cpu(), (~right).long().cpu())
    return int((wrong == 0).sum()), num_answers
