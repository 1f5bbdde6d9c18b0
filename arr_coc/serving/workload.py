"""What is asked of a host, and the bytes that one answer takes: the glimpse, ARR-COC, full resolution.

Prompts of a batch are taken to be of equal length; padding would add a mask of tokens^2 bytes a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from transformers import PreTrainedConfig

from arr_coc.attending import plan_splits
from arr_coc.balancing import HeuristicBalancer, check_budget
from arr_coc.hosts.bare import MAX_ASPECT
from arr_coc.hosts.checkpoints import load_config, load_image_processor
from arr_coc.hosts.families.family import Family
from arr_coc.hosts.families.registry import find_family, size_config, sizes
from arr_coc.hosts.grids import fit_grid
from arr_coc.quoting import quoted
from arr_coc.serving.memory import Memory, Weights, count_weights

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Workload:
    """What is asked of the host.

    Attributes:
        size: (width, height) of the pictures in pixels.
        budget: visual tokens of ARR-COC per picture, 64..400.
        batch: sequences at a time, one picture each.
        num_text, num_new: tokens of the prompt beside the picture, and of the answer.

    Raises:
        ValueError: a value that cannot be.
    """

    size: tuple[int, int]
    budget: int = 160
    batch: int = 1
    num_text: int = 64
    num_new: int = 256

    def __post_init__(self) -> None:
        check_budget(self.budget)
        if min(self.size) < 1 or max(self.size) > MAX_ASPECT * min(self.size):
            raise ValueError(f"size must have sides of at least 1, at most {MAX_ASPECT}:1, got {quoted(self.size)}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {quoted(self.batch)}")


@dataclass(frozen=True)
class Target:
    """A host that is planned for: its configuration, its dtype and how many pixels its processor lets through."""

    name: str
    config: PreTrainedConfig
    dtype: torch.dtype
    pixel_limits: tuple[int, int]

    @property
    def family(self) -> Family:
        return find_family(self.config.model_type)

    @cached_property
    def memory(self) -> Memory:
        return Memory(self.config, self.dtype)

    @cached_property
    def weights(self) -> Weights:
        return count_weights(self.config)

    @property
    def weight_bytes(self) -> int:
        return self.weights.total * self.dtype.itemsize

    @property
    def cell_px(self) -> int:
        return self.memory.tower.patch * self.memory.tower.merge


def find_target(name: str, dtype: str = "bfloat16") -> Target:
    """The configuration of nano, a published size, a folder or a hub id; weights are neither downloaded nor opened.

    Raises:
        ValueError: unknown name or dtype, or a kind of model that cannot be a host.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype: must be one of {', '.join(DTYPES)}, got {quoted(dtype)}")
    if name in sizes():
        return Target(name, size_config(name), DTYPES[dtype], sizes()[name].pixel_limits)
    config = load_config(name)
    size = load_image_processor(name, find_family(config.model_type)).size
    return Target(name, config, DTYPES[dtype], (size["shortest_edge"], size["longest_edge"]))


@dataclass(frozen=True)
class Picture:
    """Grids of a picture, in native cells (rows, columns).

    Attributes:
        stock: as the untouched host sees it.
        native: rounded so that it halves evenly `coarsest` times.
    """

    stock: tuple[int, int]
    native: tuple[int, int]
    coarsest: int

    @property
    def num_native(self) -> int:
        return self.native[0] * self.native[1]

    @property
    def num_glimpse(self) -> int:
        return self.num_native >> 2 * self.coarsest

    def passes(self, budget: int) -> list[int]:
        """Cells of each pass of the encoder: the glimpse, then the children of every round of splits."""
        if self.num_native <= budget:
            return [self.num_native]
        plan = plan_splits(budget, self.num_glimpse, self.coarsest, HeuristicBalancer().focus_diversify)
        return [self.num_glimpse, *(4 * num_splits for num_splits in plan)]

    def num_leaves(self, budget: int) -> int:
        first, *later = self.passes(budget)
        return first + 3 * sum(later) // 4


def picture_of(target: Target, size: tuple[int, int]) -> Picture:
    """The host's own resize rule, then the rounding of ARR-COC; `size` is (width, height) in pixels."""
    height, width = target.family.resize(size[1], size[0], target.cell_px, *target.pixel_limits)
    stock = height // target.cell_px, width // target.cell_px
    rows, cols, coarsest = fit_grid(*stock, target.family.max_cells(target.pixel_limits[1], target.cell_px))
    return Picture(stock, (rows, cols), coarsest)


@dataclass(frozen=True)
class Need:
    """Bytes that a picture takes in one mode, weights aside.

    Attributes:
        visual_tokens: that the language model reads.
        encoded_tokens: that the encoder encodes; `encode` is the peak of its largest pass.
        features, prefill, cache, logits: of one sequence; the cache holds prompt and answer.
        is_stock: the untouched host, which encodes the pictures of a batch in one pass.
    """

    visual_tokens: int
    encoded_tokens: int
    encode: int
    features: int
    prefill: int
    cache: int
    logits: int
    is_stock: bool

    def working(self, batch: int) -> int:
        """Peak of answering a batch: the encoder comes first, then prefill with cache."""
        encoding = self.encode * batch if self.is_stock else self.encode + self.features * batch
        return max(encoding, batch * (self.features + self.prefill + self.cache + self.logits))


def need_of(target: Target, work: Workload, passes: list[int], visual_tokens: int, is_stock: bool) -> Need:
    memory, prompt = target.memory, visual_tokens + work.num_text
    return Need(
        visual_tokens=visual_tokens,
        encoded_tokens=sum(passes),
        encode=max(memory.encode(num_cells) for num_cells in passes),
        features=memory.features(visual_tokens),
        prefill=memory.prefill(prompt),
        cache=memory.cache(prompt + work.num_new),
        logits=memory.next_token(),
        is_stock=is_stock,
    )


def needs(target: Target, work: Workload) -> dict[str, Need]:
    """By mode: the glimpse alone, ARR-COC at the budget, the untouched host at full resolution."""
    picture = picture_of(target, work.size)
    stock = picture.stock[0] * picture.stock[1]
    glimpse = picture.passes(work.budget)[:1]
    ours = picture.passes(work.budget)
    return {
        "glimpse": need_of(target, work, glimpse, glimpse[0], False),
        "arr-coc": need_of(target, work, ours, picture.num_leaves(work.budget), False),
        "full": need_of(target, work, [stock], stock, True),
    }
