"""How a run goes: checked when it is made, saved beside every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from arr_coc.quoting import quoted


def require_positive(settings: object, *names: str) -> None:
    for name in names:
        if getattr(settings, name) <= 0:
            raise ValueError(f"{name} must be positive, got {quoted(getattr(settings, name))}")


@dataclass(frozen=True)
class AlarmSettings:
    """When the loop complains.

    Attributes:
        dead_norm: a part whose gradient norm stays under it for `dead_steps` steps is dead.
        explode_ratio: a part whose gradient norm exceeds its running mean this many times explodes.
        collapse_share: share of samples between two log lines that may want one budget (give or take 19%); 1 is off.
        floors: least mean of a figure of `SampleFacts.extras` (or "accuracy") between two log lines.
    """

    dead_norm: float = 1e-10
    dead_steps: int = 20
    explode_ratio: float = 100.0
    collapse_share: float = 0.95
    floors: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_positive(self, "dead_norm", "dead_steps", "explode_ratio", "collapse_share")


@dataclass(frozen=True)
class PatienceSettings:
    """When the loop reacts.

    Attributes:
        plateau: validations without a better score until the rate is halved.
        stop: validations without a better score until the run stops.
        min_gain: what a better score must gain.
        spike_sigmas: a loss this many standard deviations over its running mean is suspicious.
        spike_steps: suspicious losses in a row that make a spike: last good state, half the rate.
        spike_warmup: steps before spikes are looked for.
    """

    plateau: int = 4
    stop: int = 10
    min_gain: float = 1e-4
    spike_sigmas: float = 6.0
    spike_steps: int = 3
    spike_warmup: int = 50

    def __post_init__(self) -> None:
        require_positive(self, "plateau", "stop", "spike_sigmas", "spike_steps", "spike_warmup")


@dataclass(frozen=True)
class LoopSettings:
    """One run of the loop.

    Attributes:
        rates: learning rate of each part the objective trains.
        num_steps: optimizer steps of the whole run.
        batches_per_step: batches whose gradients are added up, over all processes; a multiple of their number.
        warmup_steps, final_rate: linear warm-up, then a cosine down to this fraction of the rate.
        weight_decay: of matrices; vectors are not decayed.
        clip_norm: greatest norm of the whole gradient, per token.
        log_every, validate_every, save_every: in steps.
        reestimate_every: steps until the difficulty of the data is estimated anew.
        keep_best: checkpoints kept by validation score, beside the latest.
        bf16: autocast of the forward pass.
        gradient_checkpointing: activations inside the blocks are computed again in the backward pass.
        offload_activations: saved activations wait in main memory.
        compile_blocks: torch.compile of each block.
        find_unused: a part may have no gradient in some batches (costs DDP a search).
        num_workers, prefetch: data processes, and batches each holds ready.
        device: "auto" or "cpu".
    """

    rates: Mapping[str, float]
    num_steps: int
    seed: int = 0
    batches_per_step: int = 1
    warmup_steps: int = 30
    final_rate: float = 0.1
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    log_every: int = 20
    validate_every: int = 200
    save_every: int = 100
    reestimate_every: int = 200
    keep_best: int = 3
    bf16: bool = False
    gradient_checkpointing: bool = False
    offload_activations: bool = False
    compile_blocks: bool = False
    find_unused: bool = False
    num_workers: int = 0
    prefetch: int = 4
    device: str = "auto"
    alarms: AlarmSettings = AlarmSettings()
    patience: PatienceSettings = PatienceSettings()

    def __post_init__(self) -> None:
        require_positive(self, "num_steps", "batches_per_step", "clip_norm", "keep_best", "prefetch")
        require_positive(self, "log_every", "validate_every", "save_every", "reestimate_every")
        for name in ("warmup_steps", "weight_decay", "num_workers"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {quoted(getattr(self, name))}")
        if not 0 <= self.final_rate <= 1:
            raise ValueError(f"final_rate must be 0..1, got {quoted(self.final_rate)}")
        if self.device not in ("auto", "cpu"):
            raise ValueError(f"device must be auto or cpu, got {quoted(self.device)}")
        for part, rate in self.rates.items():
            if rate <= 0:
                raise ValueError(f"rates: {part} must be positive, got {quoted(rate)}; leave a frozen part out")


FREE_ON_RESUME = ("num_workers", "prefetch", "device", "offload_activations")
"""Fields that change neither data nor arithmetic of a run."""
