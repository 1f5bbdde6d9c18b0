"""An allocator kept in a folder: `relevance/` with settings, the weights of what was learnt, and a card.

Older folders hold the same files beside the weights of the model; they are read as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.allocator import Allocator
from arr_coc.balancing import BalancerConfig, HeuristicBalancer, LearnedBalancer
from arr_coc.files.writing import replacing_folder
from arr_coc.hosts.families.registry import FIRST_FAMILY
from arr_coc.hosts.placement import base_of
from arr_coc.knowing import AttentionScorer, LearnedScorer, ScorerConfig
from arr_coc.processor.sureness import Sureness, save_sureness
from arr_coc.quoting import quoted, shortened
from arr_coc.records import Gaze

FOLDER, SETTINGS_FILE, WEIGHTS_FILE, CARD_FILE = "relevance", "relevance.json", "relevance.safetensors", "README.md"
PARTS: Mapping[str, tuple[type, type]] = {
    "scorer": (LearnedScorer, ScorerConfig),
    "balancer": (LearnedBalancer, BalancerConfig),
    "adapter": (QualityAdapter, AdapterConfig),
}
UNTRAINED = (AttentionScorer, HeuristicBalancer, type(None))

CARD = """\
---
library_name: arr-coc
---
# Settings and trained parts of ARR-COC

{parts}, for the host {host}. Taken over with the model that lies beside this folder, or by
`RelevanceProcessor.from_pretrained(HOST, model=model, relevance=FOLDER)`.
"""


def trained_parts(allocator: Allocator) -> dict[str, nn.Module]:
    """What was learnt of an allocator, by name."""
    return {
        name: getattr(allocator, name) for name, (kind, _) in PARTS.items() if type(getattr(allocator, name)) is kind
    }


def host_facts(model: PreTrainedModel) -> dict[str, int | str]:
    """What a host must share with the one that the parts were trained for."""
    return config_facts(base_of(model).config)


def config_facts(config: PreTrainedConfig) -> dict[str, int | str]:
    """`host_facts` by a model's configuration alone."""
    text, vision = config.text_config, config.vision_config
    return {
        "model_type": config.model_type,
        "hidden_size": text.hidden_size,
        "num_hidden_layers": text.num_hidden_layers,
        "vision_depth": vision.depth,
        "vision_hidden_size": vision.hidden_size,
    }


def describe(host: Mapping[str, int | str]) -> str:
    """Facts of a host in words, for cards."""
    return "(" + ", ".join(f"{name} {value}" for name, value in host.items()) + ")"


def find_relevance(folder: Path) -> Path | None:
    """Where the settings lie: in `relevance/`, or in the folder itself; None where there are none."""
    return next((place for place in (folder / FOLDER, folder) if (place / SETTINGS_FILE).is_file()), None)


def has_parts(folder: Path) -> bool:
    """Whether trained parts lie in a folder."""
    place = find_relevance(folder)
    return place is not None and (place / WEIGHTS_FILE).is_file()


def check_savable(allocator: Allocator) -> None:
    """Raises ValueError for parts of a user's own: what they are can't be written down."""
    for name, (kind, _) in PARTS.items():
        part = getattr(allocator, name)
        if type(part) not in (kind, *UNTRAINED):
            raise ValueError(
                f"allocator: the {name} {type(part).__name__} is no part of ARR-COC and can't be saved; "
                "save without it and pass allocator= again on loading"
            )


def save_relevance(
    folder: Path,
    allocator: Allocator,
    host: Mapping[str, int | str],
    card: str | None = None,
    sureness: Sureness | None = None,
) -> None:
    """Writes the settings and, where something was learnt, its weights and a card.

    Args:
        folder: holds nothing else; `save_pretrained` and `arr-coc train` name it `relevance`.
        sureness: when to stop looking, if it was calibrated.

    Raises:
        ValueError: see `check_savable`.
    """
    check_savable(allocator)
    with replacing_folder(folder) as draft:
        write_relevance(draft, allocator, host, card)
        if sureness is not None and sureness.is_calibrated:
            save_sureness(draft, sureness)


def write_relevance(folder: Path, allocator: Allocator, host: Mapping[str, int | str], card: str | None) -> None:
    parts = trained_parts(allocator)
    values = {
        "budget": allocator.budget,
        "balancer": asdict(allocator.heuristic),
        "gaze": asdict(allocator.gaze),
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
    text = card or CARD.format(parts=", ".join(parts).capitalize() or "Settings", host=describe(host))
    (folder / CARD_FILE).write_text(text, encoding="utf-8")


def load_relevance(folder: Path, config: PreTrainedConfig) -> Allocator:
    """What `save_relevance` wrote, for this host.

    Args:
        folder: the one that was written, or the one that holds it as `relevance/`.

    Raises:
        ValueError: no such file, not what `save_relevance` writes, or parts that were trained for another host.
    """
    place = find_relevance(folder)
    if place is None:
        raise ValueError(f"relevance {quoted(folder)}: holds no {SETTINGS_FILE}; give a folder from save_pretrained")
    path = place / SETTINGS_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        allocator, configs, trained_for = read_settings(values), values["parts"], values["host"]
        configs, trained_for = dict(configs), dict(trained_for)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"relevance {quoted(str(path))}: not written by save_pretrained ({shortened(repr(error))}); save it again"
        ) from error
    if not configs:
        return allocator
    check_host(place, trained_for, config_facts(config))
    return load_parts(place, configs, allocator)


def read_settings(values: Mapping[str, Any]) -> Allocator:
    balancer = dict(values["balancer"])
    balancer["weights"] = tuple(balancer["weights"])
    return Allocator(values["budget"], Gaze(**values["gaze"]), HeuristicBalancer(**balancer))


def check_host(folder: Path, trained_for: Mapping[str, int | str], host: Mapping[str, int | str]) -> None:
    """Raises ValueError where a host is not what the parts were trained for; older files name no model type."""
    for name, value in host.items():
        before = trained_for.get(name, FIRST_FAMILY if name == "model_type" else None)
        if before != value:
            raise ValueError(
                f"relevance {quoted(folder)}: was trained for a host with {name} {before}, "
                f"this one has {value}; train one with arr-coc train --model"
            )


def load_parts(folder: Path, configs: Mapping[str, Mapping[str, Any]], allocator: Allocator) -> Allocator:
    """The allocator with its trained parts; a learned balancer corrects the constants of the settings."""
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
        parts = {name: load_part(name, config, tensors) for name, config in configs.items()}
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"relevance {quoted(str(folder / WEIGHTS_FILE))}: can't be read ({reason})") from error
    if "balancer" in parts:
        parts["balancer"].heuristic = allocator.heuristic
    return Allocator(allocator.budget, allocator.gaze, **{"balancer": allocator.heuristic, **parts})


def load_part(name: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    """One trained part, ready to be used."""
    part_type, config_type = PARTS[name]
    part = part_type(config_type(**config)).float()
    prefix = f"{name}."
    part.load_state_dict({key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)})
    return part.eval().requires_grad_(False)
