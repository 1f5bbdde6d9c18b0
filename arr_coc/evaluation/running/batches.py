"""Greedy answers to many questions at once, whatever policy prepared them."""

from __future__ import annotations

import torch

from arr_coc.evaluation.policies.registry import Given
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import lay_out, pad_batch
from arr_coc.processor.answer import greedy

MAX_NEW_TOKENS = 32
BATCH_SIZE = 32


def answer_all(host: TransformersHost, questions: list[str], given: list[Given]) -> list[str]:
    """One answer per question, in batches of neighbouring lengths so that little is padded."""
    order = sorted(range(len(given)), key=lambda row: given[row].num_tokens)
    answers = [""] * len(given)
    for start in range(0, len(order), BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        texts = answer_batch(host, [questions[row] for row in rows], [given[row] for row in rows])
        for row, text in zip(rows, texts, strict=True):
            answers[row] = text
    return answers


def answer_batch(
    host: TransformersHost, questions: list[str], given: list[Given], max_new_tokens: int = MAX_NEW_TOKENS
) -> list[str]:
    """One answer per question; a picture whose policy answers by itself is left to it."""
    rest = [row for row, picture in enumerate(given) if picture.answer is None]
    texts = iter(
        generate_batch(host, [questions[row] for row in rest], [given[row] for row in rest], max_new_tokens)
        if rest
        else []
    )
    return [next(texts) if picture.answer is None else picture.answer(max_new_tokens) for picture in given]


def generate_batch(host: TransformersHost, questions: list[str], given: list[Given], max_new_tokens: int) -> list[str]:
    """One answer per question; row i of the batch holds the picture `given[i]`, padded on the left."""
    prompts = []
    for question, picture in zip(questions, given, strict=True):
        content = [*[{"type": "image"}] * len(picture.pictures), {"type": "text", "text": question}]
        ids = host.tokenize([{"role": "user", "content": content}], add_generation_prompt=True)
        prompts.append(lay_out(ids, host.image_token_id, [block for block, _ in picture.pictures]))
    inputs = pad_batch(prompts, host.tokenizer.pad_token_id, "left")
    inputs = {key: value.to(host.device) for key, value in inputs.items()}
    with torch.no_grad():
        output = host.model.generate(
            **inputs,
            mm_encoder_outputs=host.encoder_outputs(
                [[features for _, features in picture.pictures] for picture in given]
            ),
            **greedy(host.model, host.tokenizer),
            max_new_tokens=max_new_tokens,
        )
    texts = host.tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in texts]
