"""A Qwen3-VL with random weights and the real geometry, small enough for every test."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import PreTrainedTokenizerFast, Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.allocator import Allocator
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.hosts.host import TransformersHost
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.nano.tokenizer import train_tokenizer
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.records import Realization

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
torch.set_num_threads(1)

REFUSED = "pack_vnni2 is only supported when avx512 is supported"
"""Torch's own attention in bfloat16 says so where ATEN_CPU_CAPABILITY switches off what the CPU has."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that torch itself can't run here says nothing about this package."""
    try:
        return (yield)
    except RuntimeError as error:
        if REFUSED in str(error) and torch.backends.cpu.get_cpu_capability() == "DEFAULT":
            pytest.skip(f"torch: {error}")
        raise


QUESTION = "What is the total on the receipt?"
SENTENCES = [
    "What is the total on the receipt?",
    "Which bar is the highest?",
    "Read the line below the title.",
    "Describe the picture.",
    "Is there a red circle? yes no",
]


@pytest.fixture(scope="session")
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(SENTENCES * 3, vocab_size=320)


@pytest.fixture(scope="session")
def tiny_config(tiny_tokenizer: PreTrainedTokenizerFast) -> Qwen3VLConfig:
    token_id = tiny_tokenizer.convert_tokens_to_ids
    return Qwen3VLConfig(
        vision_config={
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 48,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
            "initializer_range": 0.2,
        },
        text_config={
            "vocab_size": len(tiny_tokenizer),
            "hidden_size": 48,
            "intermediate_size": 96,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 1024,
            "initializer_range": 0.2,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
            },
        },
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
    )


@pytest.fixture(scope="session")
def tiny_model(tiny_config: Qwen3VLConfig, tiny_tokenizer: PreTrainedTokenizerFast) -> Qwen3VLForConditionalGeneration:
    """Float32, evaluation mode, seeded; its weights must not be changed by a test."""
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(tiny_config).eval()
    model.generation_config.eos_token_id = tiny_tokenizer.eos_token_id
    model.generation_config.pad_token_id = tiny_tokenizer.pad_token_id
    return model


@pytest.fixture(scope="session")
def tiny_image_processor() -> Qwen2VLImageProcessorPil:
    """4 to 640 visual tokens a picture."""
    return Qwen2VLImageProcessorPil(
        size={"shortest_edge": 4 * 32**2, "longest_edge": 640 * 32**2},
        patch_size=16,
        merge_size=2,
        temporal_patch_size=2,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )


@pytest.fixture()
def tiny_host(tiny_model, tiny_tokenizer, tiny_image_processor) -> TransformersHost:
    return TransformersHost(tiny_model, tiny_tokenizer, tiny_image_processor)


@pytest.fixture()
def tiny_processor(tiny_host: TransformersHost) -> RelevanceProcessor:
    return RelevanceProcessor(tiny_host)


def random_parts(width: int, seed: int = 1) -> Allocator:
    """All three parts with random weights, the scorer's so large that the question's words tell."""
    torch.manual_seed(seed)
    scorer = LearnedScorer(ScorerConfig(width, width=16, num_layers=1))
    balancer = LearnedBalancer(BalancerConfig(width, width=8))
    adapter = QualityAdapter(AdapterConfig(dim=width, width=16, num_prototypes=4, num_layers=1))
    for layer in (balancer.leave, adapter.leave):
        torch.nn.init.normal_(layer.weight, std=0.1)
    for matrix in (parameter for parameter in scorer.parameters() if parameter.ndim == 2):
        torch.nn.init.normal_(matrix, std=0.5)
    return Allocator(balancer=balancer.eval(), scorer=scorer.eval(), adapter=adapter.eval())


def draw(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture with structure at every scale: blocks of colour, finer towards the bottom right."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), dtype=np.float32)
    for side in (128, 32, 8):
        blocks = rng.random((height // side + 1, width // side + 1, 3), dtype=np.float32)
        picture += np.kron(blocks, np.ones((side, side, 1), dtype=np.float32))[:height, :width]
    picture[: height // 3] = picture[: height // 3].mean()
    return Image.fromarray((picture / 3 * 255).astype(np.uint8))


def turn(*parts: object, role: str = "user") -> dict[str, object]:
    """A message of pictures and texts."""
    content = [{"type": "text", "text": p} if isinstance(p, str) else {"type": "image", "image": p} for p in parts]
    return {"role": role, "content": content}


def ragged_batch() -> tuple[list[list[dict[str, object]]], list[int | str]]:
    """Different pictures, budgets and questions; several pictures in a message and across turns; text alone."""
    conversations = [
        question_messages(draw(640, 480), QUESTION),
        [turn(draw(300, 200, seed=1), draw(500, 500, seed=2), "Which bar is the highest?")],
        [
            {"role": "system", "content": "Describe the picture."},
            turn(draw(700, 300, seed=3), "Is there a red circle?"),
            turn("yes", role="assistant"),
            turn("Read the line", draw(90, 400, seed=4), "below the title."),
        ],
        [{"role": "user", "content": "Describe the picture."}],
    ]
    return conversations, [64, 150, "auto", 400]


def leaves(realizations: Sequence[Sequence[Realization]]) -> list[list[list[int]]]:
    return [realization.allocation.leaves.tolist() for pictures in realizations for realization in pictures]


@pytest.fixture(scope="session")
def model_folder(tiny_model, tiny_tokenizer, tiny_image_processor, tmp_path_factory) -> str:
    """The tiny host as a checkpoint on disk."""
    folder = tmp_path_factory.mktemp("model")
    for part in (tiny_model, tiny_tokenizer, tiny_image_processor):
        part.save_pretrained(folder)
    return str(folder)
