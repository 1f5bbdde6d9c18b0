"""The replicas of `arr-coc plan --qps` in words; every line says whether it was measured, stated or estimated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {"arr-coc": "ARR-COC", "full": "full resolution"}


def describe(values: Mapping[str, Any]) -> list[str]:
    """Verdicts first, then what they rest on."""
    lines = [verdict(mode, found, values) for mode, found in values["modes"].items()]
    lines.append(f"Asked: {values['qps']:g} requests a second, 95% of them answered within {values['p95']:g} s.")
    lines += [basis(mode, found) for mode, found in values["modes"].items() if found is not None]
    lines.append(
        "Queue: requests come at random and wait in one line for the first free slot (M/G/c, simulated; Kiefer and "
        "Wolfowitz 1955). Not counted: the network, and replicas that start or fail."
    )
    return lines if values["opening"] is None else [*lines, *assumptions(values)]


def assumptions(values: Mapping[str, Any]) -> list[str]:
    """Of an estimate."""
    work, gpu, assumed = values["workload"], values["gpu"], values["assumed"]
    width, height = work["size"]
    cores = values["qps"] * values["opening"]
    return [
        f"Measured here: opening a JPEG of {width}x{height} and making its pyramid takes {values['opening']:.3f} s of "
        f"one core, so {cores:.1f} cores for all; not in the seconds above.",
        f"Estimated, not measured: everything about the GPU. {gpu['name']} by its data sheet "
        f"({gpu['flops'] / 1e12:g} TFLOP/s, {gpu['bandwidth'] / 1e12:g} TB/s), of which {assumed['compute']:.0%} and "
        f"{assumed['bandwidth']:.0%} are taken to be reached; {values['model']}, {work['num_text']} tokens of text, "
        f"{work['num_new']} of answer, budget {work['budget']}. Measure one replica with arr-coc load --out FILE.md "
        "and plan again with --load FILE.md.",
    ]


def verdict(mode: str, found: Mapping[str, Any] | None, values: Mapping[str, Any]) -> str:
    name = NAMES[mode]
    if found is None:
        return f"{name}: does not fit on one {values['gpu']['name']}."
    best = found["fleet"]
    if best is None:
        return (
            f"{name}: no number of replicas keeps p95 within {values['p95']:g} s; one request alone in its slot takes "
            f"{found['rate']['seconds']:.2f} s on average."
        )
    place = "" if is_known(found) else f" on one {values['gpu']['name']} each"
    return (
        f"{name}: {best['num_replicas']} replica(s){place}; p50 {best['p50']:.2f} s, p95 {best['p95']:.2f} s, p99 "
        f"{best['p99']:.2f} s, busy {best['utilisation']:.0%}."
    )


def basis(mode: str, found: Mapping[str, Any]) -> str:
    rate = found["rate"]
    varies = "measured" if rate["is_measured"] else "assumed"
    return (
        f"{NAMES[mode]}, one replica ({rate['source']}): {rate['per_second']:.3g} requests a second with "
        f"{rate['num_slots']} at a time, so {rate['seconds']:.2f} s each; p95 over p50 of that time "
        f"{rate['spread']:.2f} ({varies})."
    )


def is_known(found: Mapping[str, Any]) -> bool:
    """Whether the rate was measured or stated, on whatever card."""
    return not found["rate"]["source"].startswith("estimated")
