"""What fits on which card: copies, batches and training, before anything is loaded."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import asdict, dataclass
from typing import Any

from arr_coc.serving.memory import FLOAT, pyramid_bytes
from arr_coc.serving.workload import DTYPES, Need, Target, Workload, needs, picture_of
from arr_coc.training.phases import LAST_LANGUAGE_LAYERS, LAST_VISION_BLOCKS

GIGABYTE = 10**9
CONTEXT = 600_000_000  # bytes that CUDA and its libraries take before the first tensor
FRAGMENTATION = 0.05  # share of a card that the allocator cannot hand out
MOST_SEQUENCES = 4096  # batches above are not looked for
LORA_RANK = 16
ADAM = 2 * FLOAT  # bytes a trained parameter: two moments
ANSWERING = ("arr-coc", "full")


@dataclass(frozen=True)
class Recipe:
    """What a kind of training changes; scorer, balancer and adapter are trained in all of them.

    Attributes:
        key, name: for machines and for people.
        vision_blocks, language_layers: how many of the last ones are trained.
        has_mergers: the merger and the DeepStack mergers are trained.
        is_whole: every parameter is trained, and all layers.
        lora_rank: low-rank maps beside every linear map of the language layers, whose inputs are then kept.
        has_teacher: under ARR-COC it learns from the untouched host at full resolution.
    """

    key: str
    name: str
    vision_blocks: int = 0
    language_layers: int = 0
    has_mergers: bool = False
    is_whole: bool = False
    lora_rank: int = 0
    has_teacher: bool = False


RECIPES = (
    Recipe("allocator", "allocator: host frozen", has_teacher=True),
    Recipe("lora", f"allocator and LoRA of rank {LORA_RANK}", lora_rank=LORA_RANK),
    Recipe(
        "bridge",
        "bridge: mergers, last layers",
        vision_blocks=LAST_VISION_BLOCKS,
        language_layers=LAST_LANGUAGE_LAYERS,
        has_mergers=True,
        has_teacher=True,
    ),
    Recipe("all", "joint: everything, AdamW", is_whole=True),
)


def trained_layers(target: Target, recipe: Recipe) -> tuple[int, int]:
    """Vision blocks and language layers whose own weights are trained."""
    depths = target.memory.tower.depth, target.memory.text.depth
    if recipe.is_whole:
        return depths
    return min(recipe.vision_blocks, depths[0]), min(recipe.language_layers, depths[1])


def num_trained(target: Target, recipe: Recipe) -> int:
    """Parameters of the host that are trained."""
    weights = target.weights
    if recipe.is_whole:
        return weights.total  # `arr-coc train joint` leaves the embeddings out and takes a little less
    num_blocks, num_layers = trained_layers(target, recipe)
    mergers = weights.mergers if recipe.has_mergers else 0
    norm = target.memory.text.width if num_layers else 0
    layers = sum(weights.language_layers[len(weights.language_layers) - num_layers :])
    return num_blocks * weights.vision_block + layers + mergers + norm


def training_states(target: Target, recipe: Recipe) -> int:
    """Gradients, moments and float32 copies of what is trained, beside the weights; what is added is float32.

    A trained parameter of the host costs 16 bytes in all where the host is in 16 bits (weight, gradient, float32
    copy, two moments; ZeRO, Rajbhandari et al. 2020) and 16 where it is in float32 (weight, gradient, moments).
    """
    weights, b = target.weights, target.dtype.itemsize
    added = weights.parts + recipe.lora_rank * weights.lora_widths
    beside = b + ADAM + (FLOAT if b < FLOAT else 0)
    return num_trained(target, recipe) * beside + added * (2 * FLOAT + ADAM)


def training_activations(target: Target, recipe: Recipe, need: Need, work: Workload, is_checkpointed: bool) -> int:
    """What one batch keeps for the backward pass, and the loss over the tokens of its text.

    The gradient of the adapter runs through every language layer; LoRA keeps the inputs that trained weights keep.
    With gradient checkpointing a layer keeps its input and is run again when its turn comes, so that one layer's
    graph is alive at a time, and not while the loss is.
    """
    memory, num_tokens = target.memory, need.visual_tokens + work.num_text
    depth = memory.text.depth
    num_blocks, num_layers = trained_layers(target, recipe)
    num_keeping = depth if recipe.lora_rank else num_layers
    graphs = [memory.language_graph(num_tokens, depth - layer <= num_keeping, layer) for layer in range(depth)]
    loss, again = memory.loss(work.num_text), memory.language_backward(num_tokens)
    if is_checkpointed:
        kept = depth * memory.language_input(num_tokens) + num_blocks * memory.vision_input(need.encoded_tokens)
        again += max(*graphs, memory.vision_graph(need.encoded_tokens) if num_blocks else 0)
    else:
        kept = sum(graphs) + num_blocks * memory.vision_graph(need.encoded_tokens)
    return work.batch * (kept + max(loss, again)) + (memory.embedding() if recipe.is_whole else 0)


def teacher_bytes(target: Target, work: Workload) -> int:
    """Peak of the teacher over one picture: the encoder at full resolution, then a prefill with a mask."""
    memory, full = target.memory, needs(target, work)["full"]
    num_tokens = full.visual_tokens + work.num_text
    return max(full.encode, full.features + memory.prefill(num_tokens) + memory.masked(num_tokens))


def training_bytes(target: Target, recipe: Recipe, need: Need, work: Workload, is_checkpointed: bool) -> int:
    """Weights, states and activations of one step.

    The teacher has its turn before the language model's, when trained vision blocks hold their graph already. Where
    the host learns the teacher is a copy of what it was.
    """
    states = target.weight_bytes + training_states(target, recipe)
    step = training_activations(target, recipe, need, work, is_checkpointed)
    if not recipe.has_teacher or need.is_stock:
        return states + step
    num_blocks, num_layers = trained_layers(target, recipe)
    graph = target.memory.vision_input if is_checkpointed else target.memory.vision_graph
    teaching = work.batch * num_blocks * graph(need.encoded_tokens) + teacher_bytes(target, work)
    return states + target.weight_bytes * (num_layers > 0) + max(step, teaching)


def steps_of(target: Target, recipe: Recipe, need: Need, work: Workload) -> dict[str, int]:
    """Bytes of one step with and without gradient checkpointing."""
    ways = {"plain": False, "checkpointing": True}
    return {way: training_bytes(target, recipe, need, work, is_on) for way, is_on in ways.items()}


@dataclass(frozen=True)
class CardPlan:
    """What one card takes.

    Attributes:
        variants: checkpoints of this size that stay loaded while one of them answers the workload with ARR-COC.
        batch: by mode, the most sequences at a time with one checkpoint; 0 where not even one fits.
        training: by recipe and mode, "fits", "checkpointing" (with it only) or "no".
    """

    vram_gb: float
    usable: int
    variants: int
    batch: dict[str, int]
    training: dict[str, dict[str, str]]


def usable_bytes(vram_gb: float) -> int:
    """What tensors can have of a card: its gigabytes (10^9 bytes) less CUDA's own and what fragments.

    Raises:
        ValueError: no positive number.
    """
    if not 0 < vram_gb < float("inf"):
        raise ValueError(f"vram must be a positive number of gigabytes, got {vram_gb}")
    return max(0, int(vram_gb * GIGABYTE * (1 - FRAGMENTATION)) - CONTEXT)


def plan_card(target: Target, work: Workload, vram_gb: float) -> CardPlan:
    """What the card takes of the workload, in answering and in training."""
    usable, modes = usable_bytes(vram_gb), needs(target, work)
    loaded = target.weight_bytes + FLOAT * target.weights.parts

    def verdict(recipe: Recipe, need: Need) -> str:
        if training_bytes(target, recipe, need, work, False) <= usable:
            return "fits"
        return "checkpointing" if training_bytes(target, recipe, need, work, True) <= usable else "no"

    return CardPlan(
        vram_gb=vram_gb,
        usable=usable,
        variants=max(0, (usable - modes["arr-coc"].working(work.batch)) // loaded),
        batch={mode: largest_batch(modes[mode], usable - loaded) for mode in ANSWERING},
        training={recipe.key: {mode: verdict(recipe, modes[mode]) for mode in ANSWERING} for recipe in RECIPES},
    )


def largest_batch(need: Need, left: int) -> int:
    """Sequences at a time that `left` bytes beside the weights have room for, at most `MOST_SEQUENCES`."""
    return bisect_right(range(1, MOST_SEQUENCES + 1), left, key=need.working)


def plan(target: Target, work: Workload, cards: list[float]) -> dict[str, Any]:
    """Plain values: what `arr-coc plan --json` prints and the tables are drawn from; bytes unless named otherwise."""
    picture, weights, memory = picture_of(target, work.size), target.weights, target.memory
    modes = needs(target, work)
    return {
        "model": target.name,
        "dtype": str(target.dtype).removeprefix("torch."),
        "workload": asdict(work),
        "grid": {"full": picture.stock, "native": picture.native, "levels": picture.coarsest + 1},
        "parameters": weights.total,
        "weights": {name: weights.total * dtype.itemsize for name, dtype in DTYPES.items()},
        "cache_per_token": memory.cache(1),
        "modes": {mode: {**asdict(need), "working": need.working(work.batch)} for mode, need in modes.items()},
        "overhead": {
            "parts": FLOAT * weights.parts,
            "attention": memory.prefill(modes["arr-coc"].visual_tokens + work.num_text),
            "pyramid": pyramid_bytes(*picture.native, picture.coarsest + 1, target.cell_px),
        },
        "training": {
            recipe.key: {
                "name": recipe.name,
                **{mode: steps_of(target, recipe, need, work) for mode, need in modes.items() if mode in ANSWERING},
            }
            for recipe in RECIPES
        },
        "most_sequences": MOST_SEQUENCES,
        "cards": [asdict(plan_card(target, work, vram)) for vram in cards],
    }
