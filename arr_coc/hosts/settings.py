"""How a RelevanceProcessor allocates tokens, kept as `relevance.json` (and `adapter.safetensors`) in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors.torch import load_file, save_file

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import HeuristicBalancer, check_budget
from arr_coc.hosts.looking import Gaze

SETTINGS_FILE = "relevance.json"
ADAPTER_FILE = "adapter.safetensors"
AUTO = "auto"


@dataclass(frozen=True)
class Settings:
    """Everything that decides an allocation besides model, picture and question.

    Attributes:
        budget: visual tokens a picture may cost, 64..400, or "auto" for what picture and question ask for.
        balancer: the constants of the heuristic balancer.
        gaze: how attention is read off the host.
    """

    budget: int | str = AUTO
    balancer: HeuristicBalancer = field(default_factory=HeuristicBalancer)
    gaze: Gaze = field(default_factory=Gaze)

    def __post_init__(self) -> None:
        read_budget(self.budget)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Settings:
        balancer = dict(values["balancer"])
        balancer["weights"] = tuple(balancer["weights"])
        return cls(values["budget"], HeuristicBalancer(**balancer), Gaze(**values["gaze"]))


def read_budget(budget: int | str | None) -> int | None:
    """The budget as a number, None for "auto".

    Raises:
        ValueError: neither "auto" nor a whole number in 64..400.
    """
    return None if budget is None or budget == AUTO else check_budget(budget)


def save_settings(folder: Path, settings: Settings, adapter: QualityAdapter | None) -> None:
    """Writes `relevance.json` and, where there is an adapter, its weights."""
    values = {**asdict(settings), "adapter": asdict(adapter.config) if adapter is not None else None}
    if adapter is not None:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in adapter.state_dict().items()}
        save_file(tensors, folder / ADAPTER_FILE)
    (folder / SETTINGS_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def load_settings(folder: Path) -> tuple[Settings, QualityAdapter | None]:
    """What `save_settings` wrote.

    Raises:
        ValueError: the file is not there, or not what `save_settings` writes.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise ValueError(f"relevance {str(folder)!r}: holds no {SETTINGS_FILE}; give a folder from save_pretrained")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        settings = Settings.from_dict(values)
        config = values["adapter"]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"relevance {str(path)!r}: not written by save_pretrained ({error!r}); save it again"
        ) from error
    if config is None:
        return settings, None
    adapter = QualityAdapter(AdapterConfig(**config))
    adapter.load_state_dict(load_file(folder / ADAPTER_FILE))
    return settings, adapter.eval()
