"""What was learnt for one host, kept in a folder: `relevance.json` and `relevance.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import Balancer, BalancerConfig, LearnedBalancer
from arr_coc.hosts.placement import base_of
from arr_coc.hosts.settings import Settings
from arr_coc.knowing import AttentionScorer, LearnedScorer, Scorer, ScorerConfig

SETTINGS_FILE = "relevance.json"
WEIGHTS_FILE = "relevance.safetensors"
FIRST_FAMILY = "qwen3_vl"
PARTS: Mapping[str, tuple[type, type]] = {
    "scorer": (LearnedScorer, ScorerConfig),
    "balancer": (LearnedBalancer, BalancerConfig),
    "adapter": (QualityAdapter, AdapterConfig),
}


@dataclass(frozen=True, eq=False)
class Learned:
    """The trained parts; None where what needs no training does the work.

    Attributes:
        scorer: None reads the host's own attention.
        balancer: None is the heuristic of the settings.
        adapter: None leaves the host's features as they are.
    """

    scorer: LearnedScorer | None = None
    balancer: LearnedBalancer | None = None
    adapter: QualityAdapter | None = None

    def parts(self) -> dict[str, nn.Module]:
        """Those that are there, by name."""
        return {name: part for name in PARTS if (part := getattr(self, name)) is not None}

    def to(self, device: torch.device) -> Learned:
        for part in self.parts().values():
            part.to(device)
        return self

    def pick_scorer(self) -> Scorer:
        return self.scorer if self.scorer is not None else AttentionScorer()

    def pick_balancer(self, settings: Settings) -> Balancer:
        return self.balancer if self.balancer is not None else settings.balancer


def host_facts(model: PreTrainedModel) -> dict[str, str | int]:
    """What a host must share with the one that the parts were trained for."""
    config = base_of(model).config
    text, vision = config.text_config, config.vision_config
    return {
        "model_type": config.model_type,
        "hidden_size": text.hidden_size,
        "num_hidden_layers": text.num_hidden_layers,
        "vision_depth": vision.depth,
        "vision_hidden_size": vision.hidden_size,
    }


def save_relevance(folder: Path, settings: Settings, learned: Learned, host: Mapping[str, str | int]) -> None:
    """Writes the settings and, where something was learnt, its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = learned.parts()
    values = {
        **asdict(settings),
        "parts": {name: asdict(part.config) for name, part in parts.items()},  # type: ignore[call-overload]
        "host": dict(host),
    }
    if parts:
        tensors = {
            f"{name}.{key}": tensor.detach().cpu().contiguous()
            for name, part in parts.items()
            for key, tensor in part.state_dict().items()
        }
        save_file(tensors, folder / WEIGHTS_FILE)
    (folder / SETTINGS_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def load_relevance(folder: Path, model: PreTrainedModel) -> tuple[Settings, Learned]:
    """What `save_relevance` wrote, for this host.

    Raises:
        ValueError: no such file, not what `save_relevance` writes, or parts that were trained for another host.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise ValueError(f"relevance {str(folder)!r}: holds no {SETTINGS_FILE}; give a folder from save_pretrained")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        settings, configs, trained_for = Settings.from_dict(values), values["parts"], values["host"]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"relevance {str(path)!r}: not written by save_pretrained ({error!r}); save it again"
        ) from error
    if not configs:
        return settings, Learned()
    check_host(folder, trained_for, host_facts(model))
    return settings, load_parts(folder, configs, settings)


def has_parts(folder: Path) -> bool:
    """Whether trained parts lie in a folder."""
    return (folder / WEIGHTS_FILE).is_file()


def check_host(folder: Path, trained_for: Mapping[str, object], host: Mapping[str, object]) -> None:
    """Raises ValueError for another host; files from before there were families say no model type."""
    for name, value in host.items():
        known = trained_for.get(name, FIRST_FAMILY if name == "model_type" else None)
        if known != value:
            raise ValueError(
                f"relevance {str(folder)!r}: was trained for a host with {name} {known}, "
                f"this one has {value}; train one with arr-coc train --model"
            )


def load_parts(folder: Path, configs: Mapping[str, Mapping[str, Any]], settings: Settings) -> Learned:
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
        parts = {name: load_part(name, config, tensors) for name, config in configs.items()}
    except (OSError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"relevance {str(folder / WEIGHTS_FILE)!r}: can't be read ({error})") from error
    learned = Learned(**parts)
    if learned.balancer is not None:
        learned.balancer.heuristic = settings.balancer
    return learned


def load_part(name: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    """One trained part, ready to be used."""
    part_type, config_type = PARTS[name]
    part = part_type(config_type(**config))
    prefix = f"{name}."
    part.load_state_dict({key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)})
    return part.eval().requires_grad_(False)
