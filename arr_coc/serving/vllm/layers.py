"""Layers of vLLM's language models one by one, ahead of any request: nothing of the engine's caches is touched.

Prompts lie one after the other, T tokens together; a span is where one of them lies, and none sees another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention, softplus
from transformers.models.qwen3_5.modeling_qwen3_5 import causal_conv1d_fn, torch_chunk_gated_delta_rule
from vllm.distributed import tensor_model_parallel_all_gather

from arr_coc.hosts.attention import causal_weights


class Projected(NamedTuple):
    """Rotated queries and keys, and values, (heads, T, d) each of this rank, keys repeated for their queries.

    Attributes:
        gate: (T, heads * d) by which what was attended to is held back; None where the family has none.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    gate: Tensor | None


def attends(layer: Any) -> bool:
    """Whether a layer attends, instead of keeping a memory of fixed size (Gated DeltaNet, in hybrid families)."""
    return hasattr(layer, "self_attn")


def project(attention: Any, normed: Tensor, positions: Tensor) -> Projected:
    count, width, gate = len(normed), attention.head_dim, None
    mixed, _ = attention.qkv_proj(normed)
    if hasattr(attention, "_project_qkv_gate"):
        query, key, value, gate = attention._project_qkv_gate(mixed, positions)
    else:
        query, key, value = mixed.split([attention.q_size, attention.kv_size, attention.kv_size], dim=-1)
        query = attention.q_norm(query.view(count, -1, width)).view(count, -1)
        key = attention.k_norm(key.view(count, -1, width)).view(count, -1)
        query, key = attention.rotary_emb(positions, query.contiguous(), key.contiguous())
    query, key, value = (each.reshape(count, -1, width).transpose(0, 1) for each in (query, key, value))
    served = len(query) // len(key)
    return Projected(query, key.repeat_interleave(served, 0), value.repeat_interleave(served, 0), gate)


def last_weights(projected: Projected, scaling: float, spans: Sequence[slice], num_queries: int) -> list[Tensor]:
    """By prompt (t, heads) float32: attention of its last tokens to each of its tokens, heads of all ranks."""
    found = []
    for span in spans:
        asking = slice(max(span.start, span.stop - num_queries), span.stop)
        weights = causal_weights(projected.query[:, asking], projected.key[:, span], scaling).mean(1)
        found.append(tensor_model_parallel_all_gather(weights, dim=0).T)
    return found


def step(layer: Any, hidden: Tensor, normed: Tensor, projected: Projected | None, spans: Sequence[slice]) -> Tensor:
    """The layer's output; every prompt knows itself alone."""
    if projected is None:
        hidden = hidden + remember(layer.linear_attn, normed, spans)
    else:
        hidden = hidden + attend(layer.self_attn, projected, spans)
    return hidden + layer.mlp(layer.post_attention_layernorm(hidden))


def attend(attention: Any, projected: Projected, spans: Sequence[slice]) -> Tensor:
    """(T, D) what the layer adds by attention."""
    query, key, value, gate = projected
    parts = [
        scaled_dot_product_attention(
            *(each[None, :, span] for each in (query, key, value)), is_causal=True, scale=attention.scaling
        )[0]
        for span in spans
    ]
    attended = torch.cat(parts, dim=1).transpose(0, 1).flatten(1)
    attended = attended if gate is None else attended * gate.sigmoid()
    return attention.o_proj(attended.contiguous())[0]


def remember(memory: Any, normed: Tensor, spans: Sequence[slice]) -> Tensor:
    """(T, D) what the layer adds by its memory, which begins empty for every prompt.

    The rule is that of transformers in torch, on every device: vLLM's own kernels want a place in the engine's cache.
    """
    mixed_z, ba = memory.in_proj_qkvz(normed)[0], memory.in_proj_ba(normed)[0]
    mixed, z, _, _ = memory.prepare_gdn_attention_core_inputs(mixed_z, ba, len(normed))
    b, a = memory.split_ba(ba)
    decay = -memory.A_log.float().exp() * softplus(a.float() + memory.dt_bias.float())
    weight, activation = conv_weight(memory.conv1d), memory.activation
    parts = []
    for span in spans:
        convolved = causal_conv1d_fn(mixed[span].T[None], weight, memory.conv1d.bias, activation)[0].T
        query, key, value = memory.rearrange_mixed_qkv(convolved)
        served = value.shape[2] // key.shape[2]
        remembered, _ = torch_chunk_gated_delta_rule(
            query.repeat_interleave(served, 2),
            key.repeat_interleave(served, 2),
            value,
            g=decay[None, span],
            beta=b[None, span].sigmoid(),
            use_qk_l2norm_in_kernel=True,
        )
        parts.append(remembered[0])
    return memory._output_projection(torch.cat(parts), z)


def conv_weight(conv: Any) -> Tensor:
    """(channels, width), also where vLLM has packed it for the CPU, beside which it keeps the plain one."""
    weight = getattr(conv, "_cpu_unpacked_conv_weight", conv.weight)
    return weight.view(len(weight), -1)
