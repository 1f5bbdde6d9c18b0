"""`arr-coc train`: teach it where to look, one phase a command."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from arr_coc.cli.errors import Command, Commands, explained, fail, resumable, say
from arr_coc.cli.teams import check_out
from arr_coc.cli.train_options import (
    AnsweringOptions,
    BudgetOptions,
    HostOptions,
    LoopOptions,
    RewardOptions,
    fixed,
    parse_tensions,
    taking,
)

if TYPE_CHECKING:
    from arr_coc.training.settings import LoopSettings

train_app = typer.Typer(
    cls=Commands,
    name="train",
    help="Teach it where to look, one phase a command; for from_pretrained(..., relevance=OUT/relevance).",
    no_args_is_help=True,
)


@train_app.command(cls=Command)
@taking(LoopOptions)
def scout(options: LoopOptions) -> None:
    """The scorer alone, towards evidence boxes; nothing is answered. Start here."""
    run("scout", options)


@train_app.command(cls=Command)
@taking(BudgetOptions)
def budget(options: BudgetOptions) -> None:
    """The balancer's budget alone, from answers that are there already; seconds, so nothing is resumed."""
    check_installed()
    with explained():
        check_out(options.out)
        options.check()
        import torch
        from rich.console import Console

        from arr_coc.hosts.checkpoints import load_model
        from arr_coc.processor.processor import RelevanceProcessor
        from arr_coc.training.budgets import BudgetSettings, run_budget

        tensions = None if options.tensions is None else parse_tensions(options.tensions)
        torch.manual_seed(options.seed)
        host = load_model(options.model)
        processor = RelevanceProcessor.from_pretrained(options.model, model=host, relevance=options.relevance)
        settings = BudgetSettings(price=options.price, seed=options.seed, tensions=tensions)
        run_budget(processor, options.sweep, settings, options.out, Console(highlight=False).print)
    typer.echo(str(options.out / "relevance"))


@train_app.command(cls=Command)
@taking(AnsweringOptions)
def allocator(options: AnsweringOptions) -> None:
    """Scorer, balancer and adapter by what is answered; the host is frozen."""
    run("allocator", options)


@train_app.command(cls=Command)
@taking(HostOptions)
def bridge(options: HostOptions) -> None:
    """Also the host's mergers, last vision blocks and language layers; after allocator."""
    run("bridge", options)


@train_app.command(cls=Command)
@taking(HostOptions)
def joint(options: HostOptions) -> None:
    """Everything, the whole host with it; after bridge."""
    run("joint", options)


@train_app.command(cls=Command)
@taking(RewardOptions)
def reinforce(options: RewardOptions) -> None:
    """Scorer and balancer, rewarded for right answers and few tokens; after allocator."""
    run("reinforce", options)


def check_installed() -> None:
    if find_spec("accelerate") is None:
        fail("training needs accelerate; install it with: pip install 'arr-coc[train]'")


def run(phase: str, options: LoopOptions) -> None:
    """One phase, from the user's options to trained parts in the folder."""
    check_installed()
    with explained(), resumable("--resume goes on from the last checkpoint"):
        check_out(options.out)
        options.check()
        import torch

        from arr_coc.hosts.checkpoints import load_model
        from arr_coc.processor.processor import RelevanceProcessor
        from arr_coc.training.phases import find_phase, scaled
        from arr_coc.training.policy_gradient import PolicySettings
        from arr_coc.training.recipe import DataSettings, plan_weights, run_phase
        from arr_coc.training.runs import check_folder

        chosen = scaled(find_phase(phase), options.rate_scale)
        settings = loop_settings(chosen.rates, options)
        check_folder(options.out, settings.keep_best, options.resume)
        torch.manual_seed(options.seed)
        dtype = "float32" if chosen.teaches_host else "auto"
        host = load_model(options.model, dtype=dtype, device=options.device)
        processor = RelevanceProcessor.from_pretrained(options.model, model=host, relevance=options.relevance)
        data = DataSettings(
            tuple(options.data or ("generator",)),
            options.max_side,
            fixed(options.budgets),
            options.questions,
            tokens_per_batch=options.tokens,
            num_validation=options.validation,
        )
        policy = PolicySettings()
        if isinstance(options, RewardOptions):
            policy = PolicySettings(price=options.price, num_rollouts=options.rollouts)
        try:
            result = run_phase(
                chosen,
                host,
                processor,
                data,
                settings,
                options.out,
                weights=plan_weights(chosen, isinstance(options, AnsweringOptions) and options.boxes),
                policy=policy,
                lora=options.lora if isinstance(options, HostOptions) else None,
                tracker=options.tracker,
                resume=options.resume,
                max_failures=options.max_failures,
            )
        except FloatingPointError as error:
            fail(str(error))
    tell_skipped(options)
    score = "" if result.score is None else f", validation score {result.score:.3f}"
    typer.echo(f"{result.stopped} after step {result.step}{score}: {options.out / 'relevance'}")


def loop_settings(rates: Mapping[str, float], options: LoopOptions) -> LoopSettings:
    from arr_coc.training.settings import LoopSettings

    return LoopSettings(
        rates=rates,
        num_steps=options.steps,
        seed=options.seed,
        batches_per_step=options.batches_per_step,
        warmup_steps=min(30, max(1, options.steps // 10)),
        validate_every=options.validate_every,
        save_every=min(50, options.validate_every),
        bf16=options.bf16,
        gradient_checkpointing=options.gradient_checkpointing,
        offload_activations=options.offload,
        compile_blocks=options.compile_blocks,
        num_workers=options.workers,
        device="cpu" if options.device == "cpu" else "auto",
    )


def tell_skipped(options: LoopOptions) -> None:
    """How many samples could not be read, where there were any."""
    from arr_coc.data.forgiving import read_note
    from arr_coc.training.recipe import SKIPPED

    note = options.out / SKIPPED
    if skipped := read_note(note):
        say(f"{len(skipped)} samples could not be read and others took their place; {note} says which and why")
