"""The plan of `arr-coc plan` in words: rows of its tables and one line of verdict per card.

Everything is drawn from the values that `--json` prints, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Rows = list[tuple[str, ...]]

MEMORY_COLUMNS = ("memory", "glimpse", "ARR-COC", "full resolution")
TRAINING_COLUMNS = ("training", "ARR-COC", "checkpointed", "full resolution", "checkpointed")
CARD_COLUMNS = ("card", "usable", "copies", "batch ARR-COC", "batch full", "allocator", "LoRA", "bridge", "joint")
PARTS = {
    "encode": "vision encoder",
    "features": "its output",
    "prefill": "prefill",
    "cache": "KV cache",
}
PHASES = {
    "allocator": "allocator",
    "lora": "LoRA",
    "bridge": "bridge",
    "all": "joint",
}
WORDS = {"fits": "yes", "checkpointing": "ckpt", "no": "no"}
TRAINING_CAPTION = "allocator and bridge with ARR-COC include their teacher: the untouched host at full resolution"
CARD_CAPTION = "training with ARR-COC; ckpt: with gradient checkpointing only"
MODES = ("glimpse", "arr-coc", "full")


def format_bytes(num_bytes: float) -> str:
    """`4255064064` -> "4.26 GB", `18585600` -> "18.6 MB", in powers of ten."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            value = num_bytes / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return f"{num_bytes:.0f} B"


def describe_workload(values: Mapping[str, Any]) -> list[str]:
    """What was planned for, in two or three lines."""
    work, grid, overhead = values["workload"], values["grid"], values["overhead"]
    width, height = work["size"]
    weights = ", ".join(f"{name} {format_bytes(size)}" for name, size in values["weights"].items())
    return [
        f"{values['model']}: {values['parameters'] / 1e9:.3g} billion parameters; weights {weights}",
        f"planned in {values['dtype']}: {work['batch']} picture(s) of {width}x{height} at a time, {work['num_text']} "
        f"tokens of text, up to {work['num_new']} of answer, budget {work['budget']}; "
        f"native grid {grid['native'][0]}x{grid['native'][1]} cells in {grid['levels']} levels",
        f"ARR-COC itself: scorer, balancer and adapter {format_bytes(overhead['parts'])}, reading the question's "
        f"attention {format_bytes(overhead['attention'])}; pyramid and textures {format_bytes(overhead['pyramid'])} of "
        "main memory per picture",
    ]


def memory_rows(values: Mapping[str, Any]) -> Rows:
    """One picture by part, then the whole batch without weights."""
    modes = [values["modes"][mode] for mode in MODES]
    rows: Rows = [
        ("visual tokens", *(f"{mode['visual_tokens']:,}" for mode in modes)),
        ("encoded tokens", *(f"{mode['encoded_tokens']:,}" for mode in modes)),
    ]
    rows += [(name, *(format_bytes(mode[part]) for mode in modes)) for part, name in PARTS.items()]
    batch = values["workload"]["batch"]
    return [*rows, (f"peak at batch {batch}, beside weights", *(format_bytes(mode["working"]) for mode in modes))]


def training_rows(values: Mapping[str, Any]) -> Rows:
    """What a step takes, weights included."""
    return [
        (
            recipe["name"],
            *(format_bytes(recipe[mode][way]) for mode in ("arr-coc", "full") for way in ("plain", "checkpointing")),
        )
        for recipe in values["training"].values()
    ]


def card_rows(values: Mapping[str, Any]) -> Rows:
    """One row per card; training is that with ARR-COC."""
    return [
        (
            format_card(card),
            format_bytes(card["usable"]),
            str(card["variants"]),
            format_batch(card["batch"]["arr-coc"], values),
            format_batch(card["batch"]["full"], values),
            *(WORDS[verdict["arr-coc"]] for verdict in card["training"].values()),
        )
        for card in values["cards"]
    ]


def verdicts(values: Mapping[str, Any]) -> list[str]:
    """One line per card."""
    return [verdict(card, values) for card in values["cards"]]


def verdict(card: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    name = f"{values['model']} in {values['dtype']}"
    if card["batch"]["arr-coc"] == 0:
        weights = format_bytes(values["weights"][values["dtype"]])
        return f"{format_card(card)}: {name} does not fit ({weights} of weights, {format_bytes(card['usable'])} usable)"
    ours, full = (format_batch(card["batch"][mode], values) for mode in ("arr-coc", "full"))
    return (
        f"{format_card(card)}: {card['variants']} of {name} at once; {ours} at a time with ARR-COC, {full} at full "
        f"resolution; {describe_training(card)}"
    )


def describe_training(card: Mapping[str, Any]) -> str:
    """ "trains allocator, LoRA and bridge with gradient checkpointing, not bridge or joint"."""
    groups = {
        word: [PHASES[key] for key, by_mode in card["training"].items() if by_mode["arr-coc"] == word] for word in WORDS
    }
    parts = [
        f"trains {join(groups['fits'])}" if groups["fits"] else "",
        f"{join(groups['checkpointing'])} with gradient checkpointing" if groups["checkpointing"] else "",
        f"not {join(groups['no'], 'or')}" if groups["no"] else "",
    ]
    return ", ".join(filter(None, parts))


def join(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def format_card(card: Mapping[str, Any]) -> str:
    return f"{card['vram_gb']:g} GB"


def format_batch(batch: int, values: Mapping[str, Any]) -> str:
    """The number, with a sign where the search ended there."""
    return f"{batch}+" if batch == values["most_sequences"] else str(batch)
