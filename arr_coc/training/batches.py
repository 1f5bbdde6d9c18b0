"""Drawn samples to what the learner takes: pictures as pyramids, each with its questions; texts with their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from PIL import Image
from torch import Tensor

from arr_coc.data.tasks import Sample
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock, lay_out, pad_batch
from arr_coc.pictures.modes import to_rgb
from arr_coc.quoting import quoted
from arr_coc.records import CellFeatures, Pyramid
from arr_coc.training.sampling import Drawn

IGNORED = -100


@dataclass(frozen=True, eq=False)
class Group:
    """Questions about one picture."""

    pyramid: Pyramid
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, eq=False)
class Batch:
    """Groups of one budget."""

    groups: tuple[Group, ...]
    budget: int
    number: int


def collate_with(host: TransformersHost) -> Callable[[Sequence[Drawn], int, int], Batch]:
    """The collate function of a host; it resizes and builds pyramids, which belongs into the data processes."""

    def collate(drawn: Sequence[Drawn], budget: int, number: int) -> Batch:
        groups = []
        for _, same in groupby(drawn, key=lambda each: each.sample.picture_id):
            members = tuple(same)
            groups.append(Group(pyramid_of(host, members[0].sample.image), members))
        return Batch(tuple(groups), budget, number)

    return collate


def pyramid_of(host: TransformersHost, image: Image.Image) -> Pyramid:
    return host.pyramid(to_rgb(image))


@dataclass(frozen=True, eq=False)
class Texts:
    """A padded batch of questions with their answers.

    Attributes:
        inputs: what the host's `forward` takes, padded on the left, so that all answers end in the last column.
        labels: (B, A) answer tokens, the last the end of the turn; `IGNORED` before an answer that is shorter.
    """

    inputs: dict[str, object]
    labels: Tensor


def answered(
    host: TransformersHost, samples: Sequence[Sample], blocks: Sequence[ImageBlock], features: Sequence[CellFeatures]
) -> Texts:
    """Question i about block i, followed by its first accepted answer.

    Raises:
        ValueError: a sample without an answer.
    """
    prompts, answers = [], []
    for sample, block in zip(samples, blocks, strict=True):
        answers.append(answer_ids(host, sample))
        ids = question_ids(host, sample.prompt) + answers[-1]
        prompts.append(lay_out(ids, host.image_token_id, [block]))
    padding = host.tokenizer.pad_token_id
    inputs: dict[str, object] = {
        key: value.to(host.device) for key, value in pad_batch(prompts, padding, "left").items()
    }
    inputs["mm_encoder_outputs"] = host.encoder_outputs([[picture] for picture in features])
    length = max(map(len, answers))
    labels = torch.tensor([[IGNORED] * (length - len(answer)) + answer for answer in answers])
    return Texts(inputs, labels.to(host.device))


def question_ids(host: TransformersHost, question: str) -> list[int]:
    content = [{"type": "image"}, {"type": "text", "text": question}]
    return host.tokenize([{"role": "user", "content": content}], add_generation_prompt=True)


def answer_ids(host: TransformersHost, sample: Sample) -> list[int]:
    """The first accepted answer and the end of the turn."""
    if not sample.answers:
        raise ValueError(f"answers: the question {quoted(sample.question)} has none; training needs one for each")
    text = sample.answers[0]
    return [*host.text.encode_literally(text), host.tokenizer.eos_token_id]


def answer_logits(host: TransformersHost, texts: Texts) -> Tensor:
    """(B, A, V) float32 logits of the tokens in `labels`."""
    length = texts.labels.shape[1]
    logits: Tensor = host.model(**texts.inputs, use_cache=False, logits_to_keep=length + 1).logits
    return logits[:, :-1].float()
