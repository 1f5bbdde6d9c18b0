"""The phases of training: what learns in each, how fast, and from what it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from torch import nn

from arr_coc.adapter import AdapterConfig, QualityAdapter
from arr_coc.allocator import Allocator
from arr_coc.balancing import BalancerConfig, LearnedBalancer
from arr_coc.hosts.attention import need_attention, num_heads
from arr_coc.hosts.host import TransformersHost
from arr_coc.knowing import LearnedScorer, ScorerConfig
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.trained_parts import trained_parts
from arr_coc.quoting import quoted
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
    """

    name: str
    summary: str
    rates: Mapping[str, float]
    weights: LossWeights | None

    @property
    def teaches_host(self) -> bool:
        """Then the host wants float32: at its rates bfloat16 rounds every step away."""
        return set(self.rates) > set(ALLOCATOR)


PHASES: Mapping[str, Phase] = {
    phase.name: phase
    for phase in (
        Phase(
            "allocator",
            "scorer, balancer and adapter learn, the host is frozen",
            {"scorer": 3e-4, "balancer": 3e-5, "adapter": 1e-4},
            LossWeights(),
        ),
        Phase(
            "bridge",
            "also the mergers, the last vision blocks and language layers",
            {"scorer": 1e-4, "balancer": 1e-5, "adapter": 1e-4, "bridge": 1e-5, "vision": 1e-6, "language": 1e-6},
            LossWeights(kl=0.1, alignment=0.1, efficiency=0.0),
        ),
        Phase(
            "joint",
            "everything",
            {"scorer": 1e-5, "balancer": 1e-6, "adapter": 1e-4, "bridge": 1e-5, "vision": 1e-6, "language": 1e-6},
            LossWeights(kl=0.0, alignment=0.0, efficiency=0.01),
        ),
        Phase(
            SCOUT,
            "the scorer alone, towards evidence boxes; nothing is answered",
            {"scorer": 3e-4},
            None,
        ),
        Phase(
            "reinforce",
            "scorer and balancer, rewarded for right answers and few tokens",
            {"scorer": 1e-4, "balancer": 5e-4},
            None,
        ),
    )
}


def find_phase(name: str) -> Phase:
    """Raises ValueError for an unknown phase, with the list of those there are."""
    if name not in PHASES:
        listed = ", ".join(f"{phase.name} ({phase.summary})" for phase in PHASES.values())
        listed += ", budget (the balancer's budget, from a sweep of answers)"
        raise ValueError(f"phase: unknown {quoted(name)}; there are {listed}")
    return PHASES[name]


def complete(processor: RelevanceProcessor) -> Allocator:
    """The processor's allocator with all parts that can learn, fresh ones where there are none.

    A scorer that is still to learn gets every head of the layers that are read anyway.
    """
    text, allocator = processor.host.text_config, processor.allocator
    there = trained_parts(allocator)
    if "scorer" not in there:
        gaze = allocator.gaze.apart()
        scorer = LearnedScorer(ScorerConfig(text.hidden_size, num_looks=num_heads(gaze, text)))
        allocator = replace(allocator, gaze=gaze, scorer=scorer)
    if "balancer" not in there:
        balancer = LearnedBalancer(BalancerConfig(text.hidden_size), allocator.heuristic)
        allocator = replace(allocator, balancer=balancer)
    if "adapter" not in there:
        allocator = replace(allocator, adapter=QualityAdapter(AdapterConfig(text.hidden_size)))
    for part in trained_parts(allocator).values():
        part.requires_grad_(True)
    return allocator.to(processor.host.device)


def build(
    phase: Phase, processor: RelevanceProcessor, policy: PolicySettings, weights: LossWeights | None = None
) -> tuple[RelevanceLearner | PolicyLearner | ScoutLearner, Allocator]:
    """The objective of a phase, and the allocator whose parts it teaches; the processor's host may learn with them."""
    allocator = complete(processor)
    host = processor.host
    host.model.requires_grad_(False)
    if phase.name == SCOUT:
        allocator = replace(processor.allocator, gaze=allocator.gaze, scorer=allocator.scorer)
        return ScoutLearner(host, allocator), allocator
    if phase.weights is None:
        trained_parts(allocator)["adapter"].requires_grad_(False)
        return PolicyLearner(host, allocator, policy), allocator
    trained = taught_parameters(phase, host, allocator)
    weights = weights or phase.weights
    if weights.needs_teacher:
        need_attention(host.text_config, "teacher")
    teacher = frozen_copy(host) if phase.teaches_host and weights.needs_teacher else host
    for parameters in trained.values():
        for parameter in parameters:
            parameter.requires_grad_(True)
    host.is_training = phase.teaches_host
    return RelevanceLearner(host, allocator, trained, weights, teacher), allocator


def taught_parameters(phase: Phase, host: TransformersHost, allocator: Allocator) -> dict[str, Sequence[nn.Parameter]]:
    """Parameters by part; the language part is its adapters where there are any."""
    vision, language = host.vision, host.language
    is_joint = phase.name == "joint"
    blocks = vision.blocks if is_joint else vision.blocks[-LAST_VISION_BLOCKS:]
    layers = language.layers if is_joint else language.layers[-LAST_LANGUAGE_LAYERS:]
    parts: dict[str, Sequence[nn.Parameter]] = {
        name: list(part.parameters()) for name, part in trained_parts(allocator).items()
    }
    parts["bridge"] = [parameter for part in host.bridge for parameter in part.parameters()]
    parts["vision"] = list(blocks.parameters())
    parts["language"] = lora_parameters(language) or [*layers.parameters(), *language.norm.parameters()]
    return {name: parameters for name, parameters in parts.items() if name in phase.rates}


def frozen_copy(host: TransformersHost) -> TransformersHost:
    """The host as it is now; what learns later leaves it alone."""
    model = deepcopy(host.model).eval().requires_grad_(False)
    return TransformersHost(model, host.tokenizer, host.image_processor)


def scaled(phase: Phase, factor: float) -> Phase:
    """The phase with all rates multiplied: a small host wants larger ones."""
    if factor <= 0:
        raise ValueError(f"rate_scale must be positive, got {quoted(factor)}")
    return replace(phase, rates={part: rate * factor for part, rate in phase.rates.items()})
