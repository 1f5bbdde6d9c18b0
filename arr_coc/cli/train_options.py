"""What the commands of `arr-coc train` can be told; phases that are alike share their options."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from shutil import which
from typing import Annotated, Any, get_type_hints

import typer

from arr_coc.cli.evaluation import numbers
from arr_coc.quoting import quoted

SPEED = "Speed and memory"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of every phase."""

    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Log, checkpoints, and the trained parts in relevance/.")]
    model: Annotated[str, typer.Option(help="nano, a folder, or an id of the Hugging Face hub.")] = "nano"
    relevance: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Trained parts to start from; none: fresh, or the model's.")
    ] = None
    seed: Annotated[int, typer.Option(min=0)] = 0


@dataclass(frozen=True, kw_only=True)
class LoopOptions(Options):
    """Of the phases that train step by step."""

    data: Annotated[
        list[str] | None,
        typer.Option(help="generator, generator/KIND, a task, or a folder with qa.jsonl; repeatable."),
    ] = None
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 400
    rate_scale: Annotated[
        float, typer.Option(help="Multiplies the learning rates, which suit a 2B host; nano wants 4.")
    ] = 1.0
    tokens: Annotated[int, typer.Option(min=400, help="Visual tokens of a batch.")] = 1600
    max_side: Annotated[int, typer.Option(min=256, help="Longest side of the generator's pictures.")] = 2048
    budgets: Annotated[str, typer.Option(help="Of the batches, in turn.")] = "64,100,160,256,400"
    questions: Annotated[int, typer.Option(min=1, help="Asked about each picture of a batch.")] = 4
    validation: Annotated[int, typer.Option(min=1, help="Questions.")] = 120
    validate_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 100
    tracker: Annotated[str | None, typer.Option(help="trackio, tensorboard or wandb, beside log.jsonl.")] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the latest checkpoint in FOLDER.")] = False
    max_failures: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a task's samples that may be unreadable; they are replaced.")
    ] = 0.2
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw pictures.", rich_help_panel=SPEED)] = 1
    batches_per_step: Annotated[
        int, typer.Option(min=1, help="Gradients added up before a step.", rich_help_panel=SPEED)
    ] = 1
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=SPEED)] = "auto"
    bf16: Annotated[bool, typer.Option("--bf16", rich_help_panel=SPEED)] = False
    gradient_checkpointing: Annotated[bool, typer.Option("--gradient-checkpointing", rich_help_panel=SPEED)] = False
    offload: Annotated[
        bool, typer.Option("--offload", help="Activations wait in main memory.", rich_help_panel=SPEED)
    ] = False
    compile_blocks: Annotated[bool, typer.Option("--compile", rich_help_panel=SPEED)] = False

    def check(self) -> None:
        """Raises ValueError for what no parser sees."""
        check_number("--rate-scale", self.rate_scale)
        fixed(self.budgets)
        if self.compile_blocks:
            check_compiler(self.device)


@dataclass(frozen=True, kw_only=True)
class AnsweringOptions(LoopOptions):
    """Of the phases whose loss is the answer's."""

    boxes: Annotated[
        bool, typer.Option("--boxes", help="Align to evidence boxes, not to the teacher: the supervised variant.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class HostOptions(AnsweringOptions):
    """Of the phases in which the host learns as well."""

    lora: Annotated[
        int | None, typer.Option(metavar="RANK", min=1, help="Low-rank updates of the language layers.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class RewardOptions(LoopOptions):
    """Of reinforcement."""

    price: Annotated[float, typer.Option(min=0, help="Reward = correct - price * tokens / 400.")] = 0.2
    rollouts: Annotated[int, typer.Option(min=2, help="Attempts at each question.")] = 6

    def check(self) -> None:
        super().check()
        check_number("--price", self.price, least=0.0)


@dataclass(frozen=True, kw_only=True)
class BudgetOptions(Options):
    """Of the budget alone, which is learnt from answers that are there already."""

    sweep: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="A run of arr-coc eval --policies arr-coc-trained on questions to learn from."
        ),
    ] = None
    price: Annotated[float, typer.Option(min=0, help="Reward = correct - price * tokens / 400.")] = 0.2
    tensions: Annotated[
        str | None, typer.Option(help="Focus, exploration and three weights, as arr-coc eval tune prints them.")
    ] = None

    def check(self) -> None:
        check_number("--price", self.price, least=0.0)
        if self.sweep is None and self.tensions is None:
            raise ValueError("sweep: the budget is learnt from answers; give a run of arr-coc eval, or --tensions")


def taking(kind: type[Options]) -> Callable[[Callable[[Any], None]], Callable[..., None]]:
    """Makes a command of a function of options: each field of `kind` becomes an option on the command line."""
    hints = get_type_hints(kind, include_extras=True)

    def decorate(function: Callable[[Any], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            function(kind(**given))

        command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.default is MISSING else field.default,
                    annotation=hints[field.name],
                )
                for field in fields(kind)
            ]
        )
        command.__annotations__ = {field.name: hints[field.name] for field in fields(kind)}
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        return command

    return decorate


def check_number(option: str, value: float, least: float | None = None) -> None:
    """Raises ValueError unless `value` is a number of ordinary size, above 0 or at least `least`."""
    is_enough = value > 0 if least is None else value >= least
    if not math.isfinite(value) or not is_enough:
        wanted = "above 0" if least is None else f"of at least {least:g}"
        raise ValueError(f"{option}: must be a number {wanted}, got {quoted(value)}")


def fixed(budgets: str) -> tuple[int, ...]:
    """Raises ValueError for anything but numbers in 64..400."""
    found = numbers(budgets)
    if 0 in found:
        raise ValueError("budgets: batches have a fixed budget; give numbers in 64..400")
    return found


def parse_tensions(text: str) -> tuple[float, ...]:
    """Raises ValueError for anything but comma-separated numbers."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise ValueError(f"tensions: {quoted(text)} is not a list of numbers, such as 0.8,0,0.2,0,0.8") from None


def check_compiler(device: str) -> None:
    """Raises ValueError where --compile has to build for a CPU and no C++ compiler is there."""
    from arr_coc.nano.settings import choose_device

    compiler = os.environ.get("CXX") or "g++"
    if choose_device(device) == "cpu" and not which(compiler.split()[0]):
        raise ValueError(f"--compile: no C++ compiler here ({compiler}); install one, or leave --compile out")
