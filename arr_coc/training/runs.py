"""A run of the loop in a folder: started, resumed, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from arr_coc.files.locking import locked
from arr_coc.files.tensors import load_state
from arr_coc.training.bucketing import Feed
from arr_coc.training.checkpoints import Checkpoints
from arr_coc.training.loop import CHECKPOINTS, Batches, Loop, RunResult, Score, accuracy_of
from arr_coc.training.memory import check_blocks, prepared
from arr_coc.training.objective import Objective
from arr_coc.training.settings import LoopSettings
from arr_coc.training.sinks import JsonlSink, Sink, Sinks, TerminalSink, open_tracker
from arr_coc.training.state import check_description, save_description

LOG, DESCRIPTION = "log.jsonl", "settings.json"


def check_folder(folder: Path, keep_best: int, resume: bool) -> None:
    """Raises ValueError where the folder holds another run and `resume` is False, or nothing to resume."""
    if (Checkpoints(folder / CHECKPOINTS, keep_best).latest() is not None) != resume:
        hint = "holds no run to resume" if resume else "holds a run: resume it, or choose another"
        raise ValueError(f"out: {folder} {hint}")


def train(
    objective: nn.Module,
    feed: Feed,
    settings: LoopSettings,
    folder: Path,
    *,
    validation: Batches | None = None,
    score: Score = accuracy_of,
    blocks: Sequence[nn.Module] = (),
    recipe: Mapping[str, Any] | None = None,
    tracker: str | None = None,
    show: bool = True,
    resume: bool = False,
) -> RunResult:
    """Runs the loop in a folder, from the start or from the latest checkpoint.

    Args:
        blocks: repeated layers of the host, which gradient checkpointing and compilation work on.
        recipe: what else makes the run what it is (host, tasks, phase; JSON values); a run is resumed only under
            the same.
        tracker: one of `sinks.TRACKERS`, beside the JSONL file.
        show: progress in the terminal.

    Raises:
        ValueError: settings do not fit objective, folder, processes, or the run to resume.
        FloatingPointError: a loss or gradient that is not finite; names the step, the batch is kept in the folder.
    """
    assert isinstance(objective, Objective)
    check_folder(folder, settings.keep_best, resume)
    check_blocks(blocks, settings)
    if resume:
        check_description(folder / DESCRIPTION, settings, recipe or {})
    with prepared(blocks, settings):
        loop = Loop(objective, feed, settings, folder, validation, score)
        with alone(loop, resume):
            try:
                begin(loop, recipe or {}, tracker, show, resume)
                return loop.run()
            finally:
                loop.sinks.close()


@contextmanager
def alone(loop: Loop, resume: bool) -> Iterator[None]:
    """The main process holds the folder for all; what another run has left there since it was checked is seen."""
    if not loop.processes.is_main:
        yield
        return
    with locked(loop.folder):
        check_folder(loop.folder, loop.settings.keep_best, resume)
        yield


def begin(loop: Loop, recipe: Mapping[str, Any], tracker: str | None, show: bool, resume: bool) -> None:
    """Opens the sinks at the state to go on from; a new run saves the state it starts with, to roll back to."""
    if resume:
        loop.restore()
    elif loop.processes.is_main:
        loop.folder.mkdir(parents=True, exist_ok=True)
        save_description(loop.folder / DESCRIPTION, loop.settings, recipe)
    loop.processes.wait()
    if loop.processes.is_main:
        loop.sinks = open_sinks(loop, recipe, tracker, show, loop.state.step if resume else None)
    if not resume:
        loop.save()


def open_sinks(
    loop: Loop, recipe: Mapping[str, Any], tracker: str | None, show: bool, resume_step: int | None
) -> Sinks:
    sinks: list[Sink] = [JsonlSink(loop.folder / LOG, resume_step)]
    if tracker:
        sinks.append(open_tracker(tracker, loop.folder, recipe, resume_step))
    if show:
        sinks.append(TerminalSink(loop.settings.num_steps, loop.state.step))
    return Sinks(sinks)


def load_weights(objective: nn.Module, checkpoint: Path) -> None:
    """The trained parameters of a checkpoint into an objective of the same parts.

    Raises:
        ValueError: the checkpoint holds parameters that the objective lacks, or of another shape.
    """
    weights = load_state(checkpoint)["weights"]
    own = dict(objective.state_dict())
    for name, value in weights.items():
        if name not in own or own[name].shape != value.shape:
            raise ValueError(f"checkpoint: {checkpoint} holds {name} {tuple(value.shape)}, the objective does not")
    objective.load_state_dict(weights, strict=False)
