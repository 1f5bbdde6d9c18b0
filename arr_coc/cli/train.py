"""`arr-coc train`: one phase of teaching where to look."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.errors import explained, fail, resumable, say
from arr_coc.cli.evaluation import numbers
from arr_coc.files.checking import check_folder as check_out
from arr_coc.quoting import quoted

SPEED = "Speed and memory"
BUDGET_PHASE = "budget"


def train(
    phase: Annotated[str, typer.Option(help="scout, 1 allocator, 2 bridge, 3 joint, rl reinforcement, budget.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Log, checkpoints, and the trained parts in relevance/.")],
    model: Annotated[str, typer.Option(help="nano, a folder, or an id of the Hugging Face hub.")] = "nano",
    relevance: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Trained parts to start from; none: fresh, or the model's.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="generator, a task, or a folder with qa.jsonl; may be repeated.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 400,
    rate_scale: Annotated[
        float, typer.Option(help="Multiplies the learning rates, which suit a 2B host; nano wants 4.")
    ] = 1.0,
    tokens: Annotated[int, typer.Option(min=400, help="Visual tokens of a batch.")] = 1600,
    max_side: Annotated[int, typer.Option(min=256, help="Longest side of the generator's pictures.")] = 2048,
    budgets: Annotated[str, typer.Option(help="Of the batches, in turn.")] = "64,100,160,256,400",
    questions: Annotated[int, typer.Option(min=1, help="Asked about each picture of a batch.")] = 4,
    validation: Annotated[int, typer.Option(min=1, help="Questions.")] = 120,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="Align to evidence boxes, not to the teacher: the supervised variant.")
    ] = False,
    lora: Annotated[
        int | None, typer.Option(metavar="RANK", help="Phases 2 and 3: low-rank updates of the language layers.")
    ] = None,
    price: Annotated[float, typer.Option(min=0, help="rl, budget: reward = correct - price * tokens / 400.")] = 0.2,
    sweep: Annotated[
        Path | None, typer.Option(metavar="RUN", help="budget: a run of arr-coc eval on questions to learn from.")
    ] = None,
    rollouts: Annotated[int, typer.Option(min=2, help="rl: attempts at each question.")] = 6,
    tensions: Annotated[
        str | None, typer.Option(help="budget: focus, exploration and three weights, as arr-coc eval tune prints them.")
    ] = None,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 100,
    tracker: Annotated[str | None, typer.Option(help="trackio, tensorboard or wandb, beside log.jsonl.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the latest checkpoint in FOLDER.")] = False,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    max_failures: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a task's samples that may be unreadable; they are replaced.")
    ] = 0.2,
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw pictures.", rich_help_panel=SPEED)] = 1,
    batches_per_step: Annotated[
        int, typer.Option(min=1, help="Gradients added up before a step.", rich_help_panel=SPEED)
    ] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=SPEED)] = "auto",
    bf16: Annotated[bool, typer.Option("--bf16", rich_help_panel=SPEED)] = False,
    gradient_checkpointing: Annotated[bool, typer.Option("--gradient-checkpointing", rich_help_panel=SPEED)] = False,
    offload: Annotated[
        bool, typer.Option("--offload", help="Activations wait in main memory.", rich_help_panel=SPEED)
    ] = False,
    compile_blocks: Annotated[bool, typer.Option("--compile", rich_help_panel=SPEED)] = False,
) -> None:
    """From a checkpoint and a task to trained parts, for `from_pretrained(..., relevance=FOLDER/relevance)`."""
    if find_spec("accelerate") is None:
        fail("training needs accelerate; install it with: pip install 'arr-coc[train]'")
    if phase == BUDGET_PHASE:
        train_budget(out, model, relevance, sweep, price, tensions, seed)
        return
    with explained(), resumable("--resume goes on from the last checkpoint"):
        check_out(out)
        check_numbers(rate_scale=rate_scale, price=price)
        import torch

        from arr_coc.data.forgiving import read_note
        from arr_coc.hosts.checkpoints import load_model
        from arr_coc.processor.processor import RelevanceProcessor
        from arr_coc.training.phases import find_phase, scaled
        from arr_coc.training.policy_gradient import PolicySettings
        from arr_coc.training.recipe import SKIPPED, DataSettings, plan_weights, run_phase
        from arr_coc.training.runs import check_folder
        from arr_coc.training.settings import LoopSettings

        chosen = scaled(find_phase(phase), rate_scale)
        settings = LoopSettings(
            rates=chosen.rates,
            num_steps=steps,
            seed=seed,
            batches_per_step=batches_per_step,
            warmup_steps=min(30, max(1, steps // 10)),
            validate_every=validate_every,
            save_every=min(50, validate_every),
            bf16=bf16,
            gradient_checkpointing=gradient_checkpointing,
            offload_activations=offload,
            compile_blocks=compile_blocks,
            num_workers=workers,
            device="cpu" if device == "cpu" else "auto",
        )
        check_folder(out, settings.keep_best, resume)
        torch.manual_seed(seed)
        host = load_model(model, dtype="float32" if chosen.teaches_host else "auto", device=device)
        processor = RelevanceProcessor.from_pretrained(model, model=host, relevance=relevance)
        sources = DataSettings(
            tuple(data or ("generator",)),
            max_side,
            fixed(budgets),
            questions,
            tokens_per_batch=tokens,
            num_validation=validation,
        )
        policy = PolicySettings(price=price, num_rollouts=rollouts)
        try:
            result = run_phase(
                chosen,
                host,
                processor,
                sources,
                settings,
                out,
                weights=plan_weights(chosen, boxes),
                policy=policy,
                lora=lora,
                tracker=tracker,
                resume=resume,
                max_failures=max_failures,
            )
        except FloatingPointError as error:
            fail(str(error))
    skipped = read_note(out / SKIPPED)
    if skipped:
        say(f"{len(skipped)} samples could not be read and others took their place; {out / SKIPPED} says which and why")
    score = "" if result.score is None else f", validation score {result.score:.3f}"
    typer.echo(f"{result.stopped} after step {result.step}{score}: {out / 'relevance'}")


def check_numbers(**options: float) -> None:
    """Raises ValueError for an option that is not a number of ordinary size."""
    for name, value in options.items():
        if not math.isfinite(value) or value < 0 or (value == 0 and name == "rate_scale"):
            raise ValueError(f"--{name.replace('_', '-')}: must be a number above 0, got {quoted(value)}")


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


def train_budget(
    out: Path,
    model: str,
    relevance: Path | None,
    sweep: Path | None,
    price: float,
    tensions: str | None,
    seed: int,
) -> None:
    """The balancer's budget alone, from answers that are there already; seconds, so nothing is resumed."""
    if sweep is None and tensions is None:
        fail("sweep: phase budget learns from answers; give a run of arr-coc eval --policies arr-coc-trained")
    with explained():
        check_out(out)
        check_numbers(price=price)
        import torch
        from rich.console import Console

        from arr_coc.hosts.checkpoints import load_model
        from arr_coc.processor.processor import RelevanceProcessor
        from arr_coc.training.budgets import BudgetSettings, run_budget

        torch.manual_seed(seed)
        host = load_model(model)
        processor = RelevanceProcessor.from_pretrained(model, model=host, relevance=relevance)
        fixed = None if tensions is None else parse_tensions(tensions)
        settings = BudgetSettings(price=price, seed=seed, tensions=fixed)
        run_budget(processor, sweep, settings, out, Console(highlight=False).print)
    typer.echo(str(out / "relevance"))
