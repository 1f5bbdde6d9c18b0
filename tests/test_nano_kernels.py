"""The host's own arithmetic, told to a CPU or compiled for it."""

from __future__ import annotations

import functools

import torch
from torch import nn
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.hosts.compiling import compile_layers
from arr_coc.nano.config import nano_config
from arr_coc.nano.curriculum import Curriculum, Stage
from arr_coc.nano.kernels import PatchProducts, plain_products
from arr_coc.nano.learning import Learner
from arr_coc.nano.packing import ChatFormat
from arr_coc.nano.tokenizer import train_tokenizer


def test_kernels_compute_what_the_host_does():
    torch.manual_seed(0)
    conv, pixels = nn.Conv3d(3, 5, (2, 4, 4), stride=(2, 4, 4)), torch.randn(7, 3 * 2 * 4 * 4)
    expected = conv(pixels.view(-1, 3, 2, 4, 4)).view(-1, 5)
    assert torch.allclose(PatchProducts(conv)(pixels), expected, atol=1e-6)
    query, key, value = torch.randn(2, 4, 6, 8), torch.randn(2, 2, 6, 8), torch.randn(2, 2, 6, 8)
    mask = torch.full((6, 6), float("-inf")).triu(1)[None, None]
    module = nn.Module()
    module.num_key_value_groups = 2
    mixed, _ = plain_products(module, query, key, value, mask, 8**-0.5)
    stock = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    assert torch.allclose(mixed, stock.transpose(1, 2), atol=1e-6)


def test_compiled_layers_compute_the_same_whatever_the_length(monkeypatch):
    """By the tracer alone: what it makes of it for this machine takes minutes."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    tokenizer = train_tokenizer(["user\n", "assistant\n", "What is it?"] * 3, 280)
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(nano_config(tokenizer, 32, 64))
    learner, stage = Learner(model), Stage("lines", 3, 3, lines=3, max_cells=12)
    batches = [Curriculum(stage, ChatFormat(tokenizer))[number] for number in range(3)]
    assert len({batch.input_ids.shape[1] for batch in batches}) > 1
    before = [learner(batch).total(1.0) for batch in batches]
    compile_layers(model.model.language_model.layers)
    after = [learner(batch).total(1.0) for batch in batches]
    assert torch.allclose(torch.stack(before), torch.stack(after), atol=1e-5)
