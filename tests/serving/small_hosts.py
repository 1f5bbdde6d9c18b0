"""Small hosts of other kinds, made of the embedded one: they still answer, and tell questions apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torchao.quantization import Int8WeightOnlyConfig
from transformers import (
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3_5MoeConfig,
    Qwen3_5MoeForConditionalGeneration,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
    TorchAoConfig,
)

from arr_coc.hosts.names import resolve
from arr_coc.processor.loading import load_host

NUM_EXPERTS = 4
EXPERTS = {"num_experts": NUM_EXPERTS, "num_experts_per_tok": 2, "norm_topk_prob": True}
MEMORY = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 64,
    "linear_value_head_dim": 64,
}
HEAD = 32
MUTED = 0.1
"""How much the MLP of a layer of memory adds, against random weights: what is remembered must tell, not that."""
PARTS = (
    "chat_template.jinja",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
)


def host_of_experts(folder: Path) -> Path:
    """With experts in place of its MLPs, each a noisy copy: no two agree."""
    torch.manual_seed(0)
    known, facts = embedded()
    text = facts["text_config"] | EXPERTS | {"model_type": "qwen3_vl_moe_text", "decoder_sparse_step": 1}
    facts["text_config"] = text | {"moe_intermediate_size": text["intermediate_size"]}
    facts["vision_config"]["model_type"] = facts["model_type"] = "qwen3_vl_moe"
    config = Qwen3VLMoeConfig(**facts)
    weights = {}
    for name, value in Qwen3VLMoeForConditionalGeneration(config).state_dict().items():
        # (experts, in, out), as the published checkpoints of this family keep them
        found = experts(name, known)
        weights[name] = known.get(name, 0.1 * torch.randn_like(value)) if found is None else found.transpose(1, 2)
    return save(config, weights, folder)


def hybrid_host(folder: Path) -> Path:
    """Qwen3.5: before every layer of the embedded host one that keeps a memory; its tower has no DeepStack."""
    known, facts = embedded()
    config = Qwen3_5Config(**hybrid(facts, "qwen3_5"))
    return save_hybrid(config, Qwen3_5ForConditionalGeneration, known, folder)


def hybrid_host_of_experts(folder: Path) -> Path:
    """The same with experts, and one that all share."""
    known, facts = embedded()
    facts = hybrid(facts, "qwen3_5_moe")
    width = facts["text_config"]["intermediate_size"]
    facts["text_config"] |= EXPERTS | {"moe_intermediate_size": width, "shared_expert_intermediate_size": width}
    return save_hybrid(Qwen3_5MoeConfig(**facts), Qwen3_5MoeForConditionalGeneration, known, folder)


def save_hybrid(config: PreTrainedConfig, kind: type[PreTrainedModel], known: dict[str, Tensor], folder: Path) -> Path:
    torch.manual_seed(0)
    born = kind(config).state_dict()
    return save(config, {name: of_hybrid(name, value, known) for name, value in born.items()}, folder)


def quantised_host(folder: Path) -> Path:
    """With its matrices in 8 bits, as transformers saves it."""
    model = Qwen3VLForConditionalGeneration.from_pretrained(
        resolve("nano"), dtype=torch.float32, quantization_config=TorchAoConfig(Int8WeightOnlyConfig())
    )
    model.save_pretrained(folder)
    copy_parts(folder)
    return folder


def embedded() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and configuration of the embedded host."""
    model, _ = load_host("nano", dtype="float32")
    facts = model.config.to_dict()
    return model.state_dict(), {name: value for name, value in facts.items() if name != "architectures"}


def experts(name: str, known: dict[str, Tensor]) -> Tensor | None:
    """(experts, out, in) noisy copies of an MLP's matrices; None where a name is not one of experts."""
    if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
        return None
    place = name.split(".mlp.")[0] + ".mlp."
    parts = ("gate_proj", "up_proj") if name.endswith("gate_up_proj") else ("down_proj",)
    matrix = torch.cat([known[f"{place}{part}.weight"] for part in parts])
    return matrix * (1 + 0.05 * torch.randn(NUM_EXPERTS, *matrix.shape))


def hybrid(facts: dict[str, Any], model_type: str) -> dict[str, Any]:
    """The configuration with a layer of memory before every layer."""
    text = facts["text_config"]
    depth = text["num_hidden_layers"]
    text |= MEMORY | {"model_type": f"{model_type}_text", "num_hidden_layers": 2 * depth}
    text["layer_types"] = ["linear_attention", "full_attention"] * depth
    text["rope_parameters"] |= {"partial_rotary_factor": 1.0}
    facts["vision_config"] = {
        name: value for name, value in facts["vision_config"].items() if name != "deepstack_visual_indexes"
    } | {"model_type": model_type}
    return facts | {"model_type": model_type}


def of_hybrid(name: str, value: Tensor, known: dict[str, Tensor]) -> Tensor:
    """A weight of a hybrid host: that of the layer it stands for, or the one it was born with."""
    words = name.split(".")
    if "layers" in words:
        place = words.index("layers") + 1
        number = int(words[place])
        if number % 2 == 0:
            return MUTED * value if name.endswith(("down_proj.weight", "down_proj")) else value
        words[place] = str(number // 2)
    own = ".".join(words)
    if (found := experts(own, known)) is not None:
        return found
    if own not in known:
        return value
    if name.endswith("q_proj.weight"):
        query = known[own].unflatten(0, (-1, HEAD))
        return torch.cat([query, 0.2 * torch.randn_like(query)], dim=1).flatten(0, 1)  # behind each query its gate
    if name.endswith("norm.weight") and "visual" not in name:
        return known[own] - 1  # this family's norms count from one
    return 2 * known[own] if name.endswith("o_proj.weight") else known[own]  # gates are half open


def save(config: PreTrainedConfig, weights: dict[str, Tensor], folder: Path) -> Path:
    config.architectures = [f"{type(config).__name__.removesuffix('Config')}ForConditionalGeneration"]
    config.save_pretrained(folder)
    kept = {name: value.contiguous() for name, value in weights.items() if name != "lm_head.weight"}  # tied
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    copy_parts(folder)
    return folder


def copy_parts(folder: Path) -> None:
    for part in PARTS:
        shutil.copy(Path(resolve("nano")) / part, folder)
