"""ARR-COC with one part changed or left out: which part earns its keep?

Each ablation is a policy like any other, compared with `arr-coc` on the same questions at the same budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from arr_coc.allocator import Allocator
from arr_coc.balancing import HeuristicBalancer
from arr_coc.baselines.scorers import GlimpseScorer
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.policies.policy import Given, Leaves, Policy, takes_any
from arr_coc.evaluation.policies.registry import POLICIES, arr_coc, arr_coc_trained
from arr_coc.evaluation.reporting.comparisons import comparison_rows, comparisons
from arr_coc.evaluation.reporting.deciding import deciding_text
from arr_coc.evaluation.reporting.report import Section, recall_section
from arr_coc.evaluation.reporting.tables import accuracy_by_budget
from arr_coc.evaluation.running.answers import Line
from arr_coc.hosts.encoding import Segment
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock
from arr_coc.knowing import Scorer
from arr_coc.records import CellFeatures, Gaze, Host, Pyramid, View
from arr_coc.texture import CHANNELS

REFERENCE, TRAINED = "arr-coc", "arr-coc-trained"
ITSELF = "A run compared with itself, since the part has no weight for this host"
MAPS = ("propositional", "perspectival", "participatory")
TEXTURE_GROUPS = {
    "rgb": ("red", "green", "blue"),
    "lab": ("lightness", "green_red", "blue_yellow"),
    "edges": ("sobel_x", "sobel_y", "sobel_magnitude"),
    "entropy": ("entropy",),
    "position": ("row", "column", "eccentricity"),
}


def with_balancer(change: Callable[[HeuristicBalancer], HeuristicBalancer]) -> Leaves:
    return changed_allocator(lambda allocator: replace(allocator, balancer=change(allocator.heuristic)))


def with_gaze(change: Callable[[Gaze], Gaze]) -> Leaves:
    return changed_allocator(lambda allocator: replace(allocator, gaze=change(allocator.gaze)))


def changed_allocator(change: Callable[[Allocator], Allocator]) -> Leaves:
    return Leaves(lambda standing, sample, pyramid: change(arr_coc(standing, sample, pyramid)))


def only(name: str) -> Callable[[HeuristicBalancer], HeuristicBalancer]:
    """All weight on one score map, and no share that is given without the question."""
    weights = tuple(float(name == each) for each in MAPS)
    return lambda balancer: replace(balancer, exploit_explore=0.0, weights=weights)


def without(name: str) -> Callable[[HeuristicBalancer], HeuristicBalancer]:
    """The standing weights without one score map; where no other had any, the rest in equal parts."""

    def change(balancer: HeuristicBalancer) -> HeuristicBalancer:
        kept = [0.0 if name == each else weight for each, weight in zip(MAPS, balancer.weights, strict=True)]
        if not sum(kept):
            kept = [float(name != each) for each in MAPS]
        return replace(balancer, weights=tuple(weight / sum(kept) for weight in kept))

    return change


def without_texture(group: str) -> Callable[[Pyramid], Pyramid]:
    """Channels of a group set to zero at every level."""
    silent = [CHANNELS.index(name) for name in TEXTURE_GROUPS[group]]

    def change(pyramid: Pyramid) -> Pyramid:
        textures = [level.clone() for level in pyramid.textures]
        for level in textures:
            level[silent] = 0
        return replace(pyramid, textures=textures)

    return change


@dataclass(frozen=True, eq=False)
class WithoutTexture:
    """A scorer that is told of some texture channels only their mean over a level: it can't tell cells by them."""

    scorer: Scorer
    channels: tuple[int, ...]

    @property
    def reads_attention(self) -> bool:
        return getattr(self.scorer, "reads_attention", False)

    def __call__(self, host: Host, views: list[View], gaze: Gaze) -> list[Tensor]:
        return self.scorer(host, [replace(view, pyramid=self.levelled(view.pyramid)) for view in views], gaze)

    def levelled(self, pyramid: Pyramid) -> Pyramid:
        textures = [level.clone() for level in pyramid.textures]
        for level in textures:
            level[list(self.channels)] = level[list(self.channels)].mean(dim=(1, 2), keepdim=True)
        return replace(pyramid, textures=textures)


def trained_without(groups: Sequence[str]) -> Leaves:
    """What was trained for the host, its scorer without texture channels."""
    channels = tuple(CHANNELS.index(name) for group in groups for name in TEXTURE_GROUPS[group])

    def change(standing: Allocator, sample: Sample, pyramid: Pyramid) -> Allocator:
        trained = arr_coc_trained(standing, sample, pyramid)
        return replace(trained, scorer=WithoutTexture(trained.scorer, channels))

    return Leaves(change)


def read_once(allocator: Allocator) -> Allocator:
    return replace(allocator, scorer=GlimpseScorer(allocator.scorer))


def without_finest(pyramid: Pyramid) -> Pyramid:
    """The picture as if level 1 were the finest there is."""
    if pyramid.coarsest == 0:
        return pyramid
    return replace(pyramid, levels=pyramid.levels[1:], textures=list(pyramid.textures)[1:])


def glimpse_only(pyramid: Pyramid) -> Pyramid:
    """The coarsest level and nothing finer, whatever the budget."""
    return replace(pyramid, levels=pyramid.levels[-1:], textures=[pyramid.textures[-1]])


def without_deepstack(host: TransformersHost, pyramid: Pyramid, given: Given) -> Given:
    features = CellFeatures(given.features.merged, torch.zeros_like(given.features.deepstack))
    return replace(given, features=features)


def renumbered(host: TransformersHost, pyramid: Pyramid, given: Given) -> Given:
    """Tokens placed one behind the other in a square, as if they were an ordinary small picture."""
    count = given.num_tokens
    cols = max(1, round(count**0.5))
    index = torch.arange(count)
    return replace(given, block=ImageBlock(torch.stack([index // cols, index % cols], dim=1), -(-count // cols)))


def jointly_packed(host: TransformersHost, pyramid: Pyramid, given: Given) -> Given:
    """Leaves chosen as ever, then encoded again as one attention segment over all levels."""
    leaves = given.leaves
    segments, members = [], []
    for level in leaves[:, 0].unique().tolist():
        member = (leaves[:, 0] == level).nonzero()[:, 0]
        index = leaves[member, 1] * pyramid.grid(level)[1] + leaves[member, 2]
        segments.append(Segment(pyramid.levels[level], index))
        members.append(member)
    with torch.no_grad():
        features = host.encode_jointly(segments)
    order = torch.cat(members).argsort()
    return replace(given, features=features[order.to(features.merged.device)])


def changed() -> dict[str, tuple[Leaves, str]]:
    """Name -> (what is given, what is changed)."""
    table: dict[str, tuple[Leaves, str]] = {}
    for name in MAPS:
        table[f"only {name}"] = (with_balancer(only(name)), f"the {name} map alone scores")
    for name in MAPS:
        table[f"no {name}"] = (with_balancer(without(name)), f"the {name} map is left out")
    for group in TEXTURE_GROUPS:
        table[f"no {group}"] = (Leaves(arr_coc, before=without_texture(group)), f"texture channels {group} are zero")
    for value in (0.0, 0.3, 0.45, 1.0):
        focus = with_balancer(partial(replace, focus_diversify=value))
        table[f"focus-diversify {value:g}"] = (focus, f"focus-diversify fixed at {value:g}")
    for value in (0.0, 0.5):
        explore = with_balancer(partial(replace, exploit_explore=value))
        table[f"exploit-explore {value:g}"] = (explore, f"exploit-explore fixed at {value:g}")
    table["relative gaze"] = (
        with_gaze(partial(replace, relative=0.5)),
        "a neutral question's attention is taken away by half",
    )
    table["plain gaze"] = (with_gaze(lambda gaze: Gaze()), "attention read where other hosts' is read")
    table["early gaze"] = (with_gaze(lambda gaze: Gaze(0.0, 0.34)), "attention read in the first third of the layers")
    table["read once"] = (
        changed_allocator(read_once),
        "attention is read at the glimpse alone, finer cells inherit it",
    )
    table["no finest level"] = (Leaves(arr_coc, before=without_finest), "level 0 is never reached")
    table["glimpse only"] = (Leaves(arr_coc, before=glimpse_only), "nothing is split")
    table["joint packing"] = (
        Leaves(arr_coc, after=jointly_packed),
        "cells of all levels attend to each other in the encoder",
    )
    table["no deepstack"] = (Leaves(arr_coc, after=without_deepstack), "DeepStack planes are zero")
    table["renumbered"] = (Leaves(arr_coc, after=renumbered), "tokens are numbered one after the other, not by place")
    return table


def changed_when_trained() -> dict[str, tuple[Leaves, str]]:
    """Name -> (what is given, what is changed), of what only a trained scorer looks at."""
    table = {
        f"trained without {group}": (trained_without([group]), f"the trained scorer gets the mean of texture {group}")
        for group in TEXTURE_GROUPS
    }
    table["trained read once"] = (
        Leaves(lambda *given: read_once(arr_coc_trained(*given))),
        "the trained scorer is asked at the glimpse alone, finer cells inherit its scores",
    )
    looks = [group for group in TEXTURE_GROUPS if group != "position"]
    table["trained without texture"] = (
        trained_without(looks),
        "the trained scorer gets the means of all looks",
    )
    return table


CHECKS = {"joint packing": TransformersHost.need_free_segments}

ABLATIONS: dict[str, Policy] = {
    name: Policy(
        name,
        rule,
        summary,
        POLICIES[REFERENCE].needs,
        uses_pyramid=True,
        check=CHECKS.get(name, takes_any),
    )
    for name, (rule, summary) in changed().items()
}
TRAINED_ABLATIONS: dict[str, Policy] = {
    name: Policy(name, rule, summary, POLICIES[TRAINED].needs, uses_pyramid=True, needs_training=True)
    for name, (rule, summary) in changed_when_trained().items()
}


PARTS: dict[str, tuple[str, ...]] = {
    "all": (REFERENCE, *ABLATIONS),
    "trained": (TRAINED, *TRAINED_ABLATIONS),
    "tensions": ("oracle", REFERENCE, TRAINED, *(f"only {name}" for name in MAPS)),
}
"""What `arr-coc eval ablate --parts` may ask for."""


def reference_of(policy: str) -> str:
    """What an ablation is compared with."""
    return TRAINED if policy in TRAINED_ABLATIONS else REFERENCE


def vacuous(lines: Sequence[Line]) -> list[str]:
    """Ablations that changed nothing at all: the part had no weight, and the run was compared with itself."""
    answers = {line.key: line for line in lines}
    changes: dict[str, bool] = {}
    for line in lines:
        same = answers.get((line.task, line.sample, reference_of(line.policy), line.budget))
        if line.policy in ABLATIONS | TRAINED_ABLATIONS and same is not None:
            facts = [(each.answer, each.num_tokens, each.recall, each.precision) for each in (line, same)]
            changes[line.policy] = changes.get(line.policy, False) or facts[0] != facts[1]
    return sorted(name for name, has_changed in changes.items() if not has_changed)


def ablation_sections(lines: Sequence[Line]) -> list[Section]:
    """Every ablation against what it was made from; a part whose absence costs nothing is named for removal."""
    found = []
    for reference in (REFERENCE, TRAINED):
        members = [line for line in lines if line.policy == reference or reference_of(line.policy) == reference]
        names = {line.policy for line in members} - {TRAINED if reference == REFERENCE else REFERENCE}
        found += comparisons([line for line in members if line.policy in names], reference)
    untested = vacuous(lines)
    harmless = [
        each.name
        for each in found
        if (each.name.startswith(("no ", "trained without "))) and each.high >= 0
        if each.name.split(" - ")[0] not in untested
    ]
    itself = f"\n\n{ITSELF}: {', '.join(untested)}. These rows test nothing." if untested else ""
    text = (
        "Difference: ablation less ARR-COC as it is, on the same questions; negative where the part earns its keep. "
        "95% bootstrap interval and test by picture, Holm over the table."
    )
    verdict = (
        "Left out without a loss that can be seen here, so named for removal unless training gives them a use: "
        + ", ".join(harmless)
        if harmless
        else "Every part that was left out was missed."
    )
    deciding = deciding_text(lines)
    return [
        *([Section("Which way of knowing finds the evidence", deciding)] if deciding else []),
        Section("Accuracy by tokens", accuracy_by_budget(lines)),
        Section("What each part is worth", f"{text}\n\n{comparison_rows(found)}\n\n{verdict}.{itself}"),
        *([section] if (section := recall_section(lines)) else []),
    ]
