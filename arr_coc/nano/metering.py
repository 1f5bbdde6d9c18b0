"""What a line of the log says of the batches since the line before."""

from __future__ import annotations

from dataclasses import dataclass

from arr_coc.nano.learning import Losses


@dataclass
class Meter:
    """Running sums of a stage's losses and counts since the last log line."""

    num_batches: int = 0
    losses: tuple[float, ...] = (0.0,) * 10
    counts: tuple[int, ...] = (0,) * 6

    def add(self, losses: Losses) -> None:
        parts = (
            losses.patches,
            losses.tokens,
            losses.starts,
            losses.colours,
            losses.names,
            losses.figures,
            losses.pointing,
            losses.attention,
            losses.tracing,
            losses.answers,
        )
        terms = tuple(part.item() for part in parts)
        counts = (losses.characters_right, losses.characters, losses.pointed, losses.pointable)
        counts += (losses.answers_right, losses.num_answers)
        self.num_batches += 1
        self.losses = tuple(a + b for a, b in zip(self.losses, terms, strict=True))
        self.counts = tuple(a + b for a, b in zip(self.counts, counts, strict=True))

    def summary(self) -> dict[str, float]:
        names = (
            "patches",
            "tokens",
            "starts",
            "colours",
            "names",
            "figures",
            "pointing",
            "attention",
            "tracing",
            "answers",
        )
        losses = {f"loss_{n}": round(loss / self.num_batches, 4) for n, loss in zip(names, self.losses, strict=True)}
        right, characters, pointed, pointable, hits, asked = self.counts
        return {
            **losses,
            "character_accuracy": round(right / max(1, characters), 4),
            "pointing_accuracy": round(pointed / max(1, pointable), 4),
            "answer_accuracy": round(hits / max(1, asked), 4),
        }
