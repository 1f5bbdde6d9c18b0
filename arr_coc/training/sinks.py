"""Where a run's figures go: a JSONL file always, the terminal, and the tracker of the user's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from arr_coc.files.jsonl import JsonlLog
from arr_coc.quoting import quoted

TRACKERS = ("tensorboard", "trackio", "wandb")
SHOWN = ("loss", "accuracy", "tokens", "grad_norm")

Values = Mapping[str, float | str]


class Sink(Protocol):
    def write(self, event: str, step: int, values: Values) -> None:
        """`event` is "train", "validation", or the name of a note such as an alarm, whose values hold a "message"."""
        ...

    def close(self) -> None: ...


class JsonlSink:
    """A line for each event: event, step, values.

    Args:
        resume_step: drops the lines after this step, which the resumed run writes again; None starts the file anew.
    """

    def __init__(self, path: Path, resume_step: int | None = None) -> None:
        self._log = JsonlLog(path, None if resume_step is None else lambda line: line["step"] <= resume_step)

    def write(self, event: str, step: int, values: Values) -> None:
        self._log.append({"event": event, "step": step, **values})

    def close(self) -> None:
        """Raises OSError where lines still could not be written."""
        self._log.close()


class TerminalSink:
    """A progress bar with the latest figures; notes scroll above it."""

    def __init__(self, num_steps: int, step: int = 0, title: str = "train", console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, TextColumn("{task.fields[note]}"), console=console)
        self._bar = self._progress.add_task(title, total=num_steps, completed=step, note="")
        self._progress.start()

    def write(self, event: str, step: int, values: Values) -> None:
        if event == "train":
            note = "  ".join(f"{name} {values[name]:.3g}" for name in SHOWN if name in values)
            self._progress.update(self._bar, completed=step, note=note)
        elif event == "validation":
            figures = "  ".join(f"{name} {values[name]:.4g}" for name in ("score", *SHOWN) if name in values)
            self._progress.console.print(f"step {step}  validation  {figures}", markup=False, highlight=False)
        else:
            text = f"step {step}  {event}: {values.get('message', '')}"
            self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


class TensorBoardSink:
    """Event files in the run's folder; those after `resume_step` are hidden."""

    def __init__(self, module: ModuleType, folder: Path, resume_step: int | None) -> None:
        purge = None if resume_step is None else resume_step + 1
        self._writer = module.SummaryWriter(str(folder / "tensorboard"), purge_step=purge)

    def write(self, event: str, step: int, values: Values) -> None:
        for name, value in values.items():
            if isinstance(value, str):
                self._writer.add_text(f"{event}/{name}", value, step)
            else:
                self._writer.add_scalar(f"{event}/{name}", value, step)

    def close(self) -> None:
        self._writer.close()


class RunSink:
    """trackio or wandb, which share their calls; a resumed run goes on under its name."""

    def __init__(self, module: ModuleType, folder: Path, config: Mapping[str, Any], resume_step: int | None) -> None:
        self._run = module.init(
            project="arr-coc",
            name=folder.name,
            config=dict(config),
            resume="never" if resume_step is None else "allow",
        )

    def write(self, event: str, step: int, values: Values) -> None:
        self._run.log({f"{event}/{name}": value for name, value in values.items()}, step=step)

    def close(self) -> None:
        self._run.finish()


def open_tracker(name: str, folder: Path, config: Mapping[str, Any], resume_step: int | None = None) -> Sink:
    """The user's tracker.

    Raises:
        ValueError: unknown, or not installed.
    """
    if name not in TRACKERS:
        raise ValueError(f"tracker must be one of {', '.join(TRACKERS)}, got {quoted(name)}")
    try:
        module = import_module("torch.utils.tensorboard" if name == "tensorboard" else name)
    except ModuleNotFoundError as error:
        raise ValueError(f"tracker: {name} is not installed; pip install {name}") from error
    if name == "tensorboard":
        return TensorBoardSink(module, folder, resume_step)
    return RunSink(module, folder, config, resume_step)


class Sinks:
    """Several sinks as one."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)

    def write(self, event: str, step: int, values: Values) -> None:
        for sink in self._sinks:
            sink.write(event, step, values)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()
