"""The loop every phase runs in: step, watch, validate, save.

A run is a function of its settings and its feed: batches are drawn by number and randomness is seeded by it, so a
killed run that is resumed writes the same figures as one that was never killed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import Dataset, Subset

from arr_coc.data.workers import Loader
from arr_coc.training.bucketing import Feed
from arr_coc.training.checkpoints import Checkpoints
from arr_coc.training.memory import autocast, offload
from arr_coc.training.monitoring import Meter, StepReport, budget_calibration
from arr_coc.training.objective import SampleFacts
from arr_coc.training.optimizer import fill_gradients, gradient_norms, make_optimizer, scale_gradients, set_rates
from arr_coc.training.processes import Processes
from arr_coc.training.settings import LoopSettings
from arr_coc.training.sinks import Sinks
from arr_coc.training.spike_recovery import Verdict
from arr_coc.training.state import RunState
from arr_coc.training.warnings import Alarm, window_alarms

CHECKPOINTS = "checkpoints"
EARLY_STOP, FINISHED = "no better score", "all steps done"


class Batches(Protocol):
    """Validation batches, the same at every validation."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Any: ...


Score = Callable[[Mapping[str, float]], float]
"""Validation means by name -> what is to grow."""


def accuracy_of(means: Mapping[str, float]) -> float:
    return means["accuracy"]


def negative_loss(means: Mapping[str, float]) -> float:
    """For objectives whose loss is what is wanted, and smoother than counts."""
    return -means["loss"]


@dataclass(frozen=True)
class Piece:
    """One batch of a step, as it goes from process to process; sums, not means."""

    number: int
    total: float
    terms: dict[str, float]
    num_tokens: int
    facts: tuple[SampleFacts, ...]

    @property
    def is_finite(self) -> bool:
        return all(math.isfinite(value) for value in (self.total, *self.terms.values()))


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        best: checkpoint with the best validation score; the latest where nothing was validated.
        score: its score.
        alarms: how often each was raised.
    """

    step: int
    stopped: str
    best: Path | None
    score: float | None
    alarms: Mapping[str, int]


class Loop:
    """One run in a folder that all processes see: log.jsonl, settings.json, checkpoints/."""

    def __init__(
        self,
        objective: nn.Module,
        feed: Feed,
        settings: LoopSettings,
        folder: Path,
        validation: Batches | None,
        score: Score,
    ) -> None:
        self.feed, self.settings, self.folder = feed, settings, folder
        self.validation, self.score_of = validation, score
        self.processes = Processes(settings)
        optimizer = make_optimizer(objective.parts(), settings)
        self.model, self.optimizer = self.processes.wrap(objective, optimizer)
        self.checkpoints = Checkpoints(folder / CHECKPOINTS, settings.keep_best)
        self.state = RunState()
        self.sinks = Sinks([])

    def run(self) -> RunResult:
        while not self.state.stopped:
            self._run_round()
        best = next(iter(self.checkpoints.best()), self.checkpoints.latest())
        return RunResult(
            self.state.step, self.state.stopped, best and best.path, best and best.score, self.state.alarms
        )

    def _run_round(self) -> None:
        """Steps under one estimate of difficulty."""
        every = self.settings.reestimate_every
        end = min(self.settings.num_steps, (self.state.step // every + 1) * every)
        started = time.monotonic()
        for batches in self._steps(self.state.step, end):
            report = self._step(batches)
            now = time.monotonic()
            self.state.seconds, started = self.state.seconds + now - started, now
            self._after_step(report)
            if self.state.stopped:
                return

    def _steps(self, start: int, end: int) -> Iterator[list[tuple[int, Any]]]:
        """This process' numbered batches, step by step."""
        each = self.settings.batches_per_step
        steps = [self.processes.mine(range(step * each, (step + 1) * each)) for step in range(start, end)]
        numbers = [number for step in steps for number in step]
        numbered = zip(numbers, self._load(self.feed.batches(self.state.estimate), numbers), strict=True)
        for step in steps:
            yield list(islice(numbered, len(step)))

    def _load(self, data: Any, numbers: Sequence[int]) -> Loader[Any]:
        chosen: Dataset[Any] = Subset(data, numbers)
        return Loader(chosen, self.settings.num_workers, prefetch_factor=self.settings.prefetch)

    def _step(self, batches: list[tuple[int, Any]]) -> StepReport:
        """Sums gradients over batches and processes, divides by tokens, clips, and updates."""
        rates = set_rates(self.optimizer, self.settings, self.state.step, self.state.rate_scale)
        self.model.train()
        pieces = []
        for place, (number, batch) in enumerate(batches, start=1):
            with self.processes.exchanging(self.model, is_last=place == len(batches)):
                pieces.append(self._backward(number, batch))
        pieces = sorted(self.processes.gather(pieces), key=lambda piece: piece.number)
        bad = [piece for piece in pieces if not piece.is_finite]
        if bad:
            self._give_up(f"loss is not finite: {bad[0].terms}", {piece.number for piece in bad}, batches)
        fill_gradients(self.optimizer)
        num_tokens = sum(piece.num_tokens for piece in pieces)
        scale = self.processes.count / num_tokens  # the exchange took the mean over processes
        norms = gradient_norms(self.optimizer, scale, self.processes.sum)
        norm = math.hypot(*norms.values())
        if not math.isfinite(norm):
            self._give_up(f"gradient is not finite: {norms}", {piece.number for piece in pieces}, batches)
        scale_gradients(self.optimizer, scale, norm, self.settings.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return merge(pieces, norms, norm, rates)

    def _backward(self, number: int, batch: Any) -> Piece:
        total, piece = self._forward(number, batch, "train")
        total.backward()
        return piece

    def _forward(self, number: int, batch: Any, purpose: str) -> tuple[torch.Tensor, Piece]:
        device = self.processes.device
        torch.manual_seed(Random(f"{self.settings.seed} {purpose} {number}").getrandbits(63))
        with autocast(self.settings, device), offload(self.settings, device):
            total, outcome = self.model(self.processes.to_device(batch))
        terms = {name: term.item() for name, term in outcome.terms.items()}
        return total, Piece(number, total.item(), terms, outcome.num_tokens, tuple(outcome.facts))

    def _give_up(self, reason: str, numbers: set[int], batches: list[tuple[int, Any]]) -> None:
        """Keeps the batches and stops; the weights are those of the step before."""
        for number, batch in batches:
            if number in numbers:
                torch.save({"step": self.state.step, "number": number, "batch": batch}, self._bad_batch(number))
        message = f"step {self.state.step}: {reason}; batch kept in {self._bad_batch(min(numbers))}"
        self.sinks.write("not_finite", self.state.step, {"message": message})
        self.processes.wait()
        raise FloatingPointError(message)

    def _bad_batch(self, number: int) -> Path:
        return self.folder / f"bad_batch_{number}.pt"

    def _after_step(self, report: StepReport) -> None:
        state, settings = self.state, self.settings
        state.step += 1
        state.meter.add_step(report)
        state.difficulty.add(report.facts)
        if state.step % settings.reestimate_every == 0:
            state.estimate = state.difficulty.end_round()
        self._tell(state.gradients.look(report.norms, settings.alarms))
        if state.spikes.look(report.loss, settings.patience):
            self._roll_back(report.loss)
        if state.step == settings.num_steps:
            state.stopped = FINISHED
        is_due = state.step % settings.validate_every == 0 or bool(state.stopped)
        score = self._validate() if self.validation is not None and is_due else None
        if state.step % settings.log_every == 0 or state.stopped:
            self._log()
        if score is not None or state.step % settings.save_every == 0 or state.stopped:
            self.save(score)

    def _tell(self, alarms: Sequence[Alarm]) -> None:
        for alarm in alarms:
            self.state.alarms[alarm.name] = self.state.alarms.get(alarm.name, 0) + 1
            self.sinks.write(alarm.name, self.state.step, {"message": alarm.message})

    def _log(self) -> None:
        self._tell(window_alarms(self.state.meter, self.settings.alarms))
        seconds = {"seconds": round(self.state.seconds, 1)}
        self.sinks.write("train", self.state.step, {**self.state.meter.means(), **seconds})
        self.state.meter = Meter()

    def _roll_back(self, loss: float) -> None:
        """Weights and optimizer of the last checkpoint, half the rate; the data goes on where it is."""
        checkpoint = self.checkpoints.latest()
        if checkpoint is not None:
            self.processes.write_weights(self.model, self.optimizer, checkpoint.load())
        self.state.rate_scale /= 2
        self.state.spikes.calm()
        origin = "no checkpoint to go back to" if checkpoint is None else f"back to step {checkpoint.step}"
        message = f"loss {loss:.4g}, running mean {self.state.spikes.mean:.4g}: {origin}, half the rate"
        self.sinks.write("rollback", self.state.step, {"message": message})

    @torch.no_grad()
    def _validate(self) -> float:
        """Scores the validation batches, each once whatever the number of processes; may halve the rate or stop."""
        assert self.validation is not None
        numbers = list(range(len(self.validation)))
        numbers += [numbers[-1]] * (-len(numbers) % self.processes.count)
        mine = numbers[self.processes.rank :: self.processes.count]
        self.model.eval()
        pairs = zip(mine, self._load(self.validation, mine), strict=True)
        pieces = [self._forward(number, batch, "validation")[1] for number, batch in pairs]
        by_number = {piece.number: piece for piece in self.processes.gather(pieces)}
        means = validation_means([by_number[number] for number in sorted(by_number)])
        score = self.score_of(means)
        self.sinks.write("validation", self.state.step, {**means, "score": score})
        self._judge(score)
        return score

    def _judge(self, score: float) -> None:
        verdict = self.state.scores.look(score, self.settings.patience)
        if verdict is Verdict.HALVE:
            self.state.rate_scale /= 2
            message = f"score {score:.4g}, best {self.state.scores.best:.4g}: half the rate"
            self.sinks.write("plateau", self.state.step, {"message": message})
        elif verdict is Verdict.STOP:
            self.state.stopped = self.state.stopped or EARLY_STOP
            self.sinks.write("early_stop", self.state.step, {"message": f"best score {self.state.scores.best:.4g}"})

    def save(self, score: float | None = None) -> None:
        """A checkpoint, unless the loss is suspicious; a full disk is told, and the earlier ones stay."""
        if self.state.spikes.num_suspicious and not self.state.stopped:
            return
        state = {**self.processes.read_weights(self.model, self.optimizer), "run": self.state.to_dict()}
        if self.processes.is_main:
            try:
                self.checkpoints.save(state, self.state.step, score)
            except OSError as error:
                self._tell([Alarm("checkpoint_failed", f"{error}; the last good one stays")])
        self.processes.wait()

    def restore(self) -> None:
        """The latest checkpoint, whole."""
        checkpoint = self.checkpoints.latest()
        assert checkpoint is not None
        saved = checkpoint.load()
        self.processes.write_weights(self.model, self.optimizer, saved)
        self.state = RunState.from_dict(saved["run"])


def merge(pieces: Sequence[Piece], norms: Mapping[str, float], norm: float, rates: Mapping[str, float]) -> StepReport:
    """The pieces of a step as one report."""
    return StepReport(
        total=sum(piece.total for piece in pieces),
        terms=summed_terms(pieces),
        num_tokens=sum(piece.num_tokens for piece in pieces),
        facts=[sample for piece in pieces for sample in piece.facts],
        norms=norms,
        norm=norm,
        rates=rates,
    )


def summed_terms(pieces: Sequence[Piece]) -> dict[str, float]:
    terms: dict[str, float] = {}
    for piece in pieces:
        for name, value in piece.terms.items():
            terms[name] = terms.get(name, 0.0) + value
    return terms


def validation_means(pieces: Sequence[Piece]) -> dict[str, float]:
    meter = Meter()
    facts = [sample for piece in pieces for sample in piece.facts]
    meter.add_losses(
        sum(piece.total for piece in pieces), summed_terms(pieces), sum(piece.num_tokens for piece in pieces)
    )
    meter.add_facts(facts)
    return {**meter.means(), **budget_calibration(facts)}
