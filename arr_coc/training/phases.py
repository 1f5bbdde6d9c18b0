"""The phases of training: what learns in each, how fast, and from what it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from torch import nn

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.hosts.qwen3_vl import Qwen3VLHost
from arr_coc.hosts.trained_parts import Learned
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.training.learner import LossWeights, RelevanceLearner
from arr_coc.training.lora import lora_parameters
from arr_coc.training.policy_gradient import PolicyLearner, PolicySettings
from arr_coc.training.scouting import ScoutLearner

LAST_LANGUAGE_LAYERS, LAST_VISION_BLOCKS = 4, 2
SCOUT = "scout"
ALLOCATOR = ("scorer", "balancer", "adapter")


@dataclass(frozen=True)
class Phase:
    """One phase.

    Attributes:
        rates: learning rate of each part that learns, for a large pretrained host.
        weights: of the loss terms; None where the phase has a loss of its own.
        needs: the phase it starts from.
    """

    name: str
    summary: str
    rates: Mapping[str, float]
    weights: LossWeights | None
    needs: str | None = None

    @property
    def teaches_host(self) -> bool:
        """Then the host wants float32: at its rates bfloat16 rounds every step away."""
        return set(self.rates) > set(ALLOCATOR)


PHASES: Mapping[str, Phase] = {
    phase.name: phase
    for phase in (
        Phase(
            "1",
            "allocator: scorer, balancer and adapter learn, the host is frozen",
            {"scorer": 3e-4, "balancer": 3e-5, "adapter": 1e-4},
            LossWeights(),
        ),
        Phase(
            "2",
            "bridge: also the mergers, the last vision blocks and language layers",
            {"scorer": 1e-4, "balancer": 1e-5, "adapter": 1e-4, "bridge": 1e-5, "vision": 1e-6, "language": 1e-6},
            LossWeights(kl=0.1, alignment=0.1, efficiency=0.0),
            "1",
        ),
        Phase(
            "3",
            "joint: everything",
            {"scorer": 1e-5, "balancer": 1e-6, "adapter": 1e-4, "bridge": 1e-5, "vision": 1e-6, "language": 1e-6},
            LossWeights(kl=0.0, alignment=0.0, efficiency=0.01),
            "2",
        ),
        Phase(
            SCOUT,
            "the scorer alone, towards evidence boxes; nothing is answered",
            {"scorer": 3e-4},
            None,
        ),
        Phase(
            "rl",
            "reinforcement: scorer and balancer, rewarded for right answers and few tokens",
            {"scorer": 1e-4, "balancer": 5e-4},
            None,
            "1",
        ),
    )
}


def find_phase(name: str) -> Phase:
    """Raises ValueError for an unknown phase, with the list of those there are."""
    if name not in PHASES:
        listed = ", ".join(f"{phase.name} ({phase.summary})" for phase in PHASES.values())
        listed += ", budget (the balancer's budget, from a sweep of answers)"
        raise ValueError(f"phase: unknown {name!r}; there are {listed}")
    return PHASES[name]


def complete(processor: RelevanceProcessor) -> Learned:
    """The trained parts of a processor, fresh ones where there are none, ready to learn."""
    text = processor.host.text_config
    there = processor.learned
    if there.scorer is None:
        tell_heads_apart(processor)
    learned = Learned(
        there.scorer or LearnedScorer(ScorerConfig(text.hidden_size, num_looks=processor.host.gaze.num_heads(text))),
        there.balancer or LearnedBalancer(BalancerConfig(text.hidden_size), processor.settings.balancer),
        there.adapter or QualityAdapter(AdapterConfig(text.hidden_size)),
    )
    for part in learned.parts().values():
        part.requires_grad_(True)
    return learned.to(processor.host.device)


def tell_heads_apart(processor: RelevanceProcessor) -> None:
    """A scorer that is still to learn gets every head of the layers that are read anyway."""
    processor.settings = replace(processor.settings, gaze=processor.settings.gaze.apart())
    processor.host.gaze = processor.settings.gaze


def build(
    phase: Phase, processor: RelevanceProcessor, policy: PolicySettings, weights: LossWeights | None = None
) -> tuple[RelevanceLearner | PolicyLearner | ScoutLearner, Learned]:
    """The objective of a phase, and the parts that it teaches; the processor's host may learn with them."""
    learned = complete(processor)
    host = processor.host
    host.model.requires_grad_(False)
    if phase.name == SCOUT:
        return scout(processor, learned)
    if phase.weights is None:
        assert learned.adapter is not None
        learned.adapter.requires_grad_(False)
        return PolicyLearner(host, learned, policy), learned
    trained = trained_parts(phase, host, learned)
    weights = weights or phase.weights
    teacher = frozen_copy(host) if phase.teaches_host and weights.needs_teacher else host
    for parameters in trained.values():
        for parameter in parameters:
            parameter.requires_grad_(True)
    host.is_training = phase.teaches_host
    return RelevanceLearner(host, learned, trained, weights, teacher), learned


def scout(processor: RelevanceProcessor, learned: Learned) -> tuple[ScoutLearner, Learned]:
    """The scorer learns under the balancer that is there; what is not there stays away."""
    there = processor.learned
    assert learned.scorer is not None
    balancer = there.pick_balancer(processor.settings)
    return ScoutLearner(processor.host, learned.scorer, balancer), replace(there, scorer=learned.scorer)


def trained_parts(phase: Phase, host: Qwen3VLHost, learned: Learned) -> dict[str, Sequence[nn.Parameter]]:
    """Parameters by part; the language part is its adapters where there are any."""
    vision, language = host.vision, host.language
    is_joint = phase.name == "3"
    blocks = vision.blocks if is_joint else vision.blocks[-LAST_VISION_BLOCKS:]
    layers = language.layers if is_joint else language.layers[-LAST_LANGUAGE_LAYERS:]
    parts: dict[str, Sequence[nn.Parameter]] = {name: list(part.parameters()) for name, part in learned.parts().items()}
    parts["bridge"] = [parameter for part in host.bridge for parameter in part.parameters()]
    parts["vision"] = list(blocks.parameters())
    parts["language"] = lora_parameters(language) or [*layers.parameters(), *language.norm.parameters()]
    return {name: parameters for name, parameters in parts.items() if name in phase.rates}


def frozen_copy(host: Qwen3VLHost) -> Qwen3VLHost:
    """The host as it is now; what learns later leaves it alone."""
    model = deepcopy(host.model).eval().requires_grad_(False)
    return Qwen3VLHost(model, host.tokenizer, host.image_processor, gaze=host.gaze)


def scaled(phase: Phase, factor: float) -> Phase:
    """The phase with all rates multiplied: a small host wants larger ones."""
    if factor <= 0:
        raise ValueError(f"rate_scale must be positive, got {factor}")
    return replace(phase, rates={part: rate * factor for part, rate in phase.rates.items()})
