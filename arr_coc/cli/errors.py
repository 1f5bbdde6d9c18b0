"""Mistakes of the user: one line on stderr that says what is wrong and what to do, exit code 2.

Only the steps that read the user's input stand inside `explained()`; an error anywhere else is a defect
and shows its traceback. What the system refuses (a full disk, a path that can't be made) is told wherever it happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from arr_coc.files.faults import reason_of

EXIT_CODE, INTERRUPTED = 2, 130


def fail(message: str) -> NoReturn:
    """Prints the message as one line and ends the command."""
    say(message)
    raise typer.Exit(EXIT_CODE)


def say(message: str) -> None:
    """One line on stderr."""
    line = " ".join(message.split())
    typer.echo("arr-coc: " + line.encode("utf-8", "backslashreplace").decode(), err=True)


@contextmanager
def explained(*kinds: type[ValueError]) -> Iterator[None]:
    """An error of these kinds (none named: any ValueError), raised in the block, ends the command with its message."""
    try:
        yield
    except kinds or (ValueError,) as error:  # noqa: B030
        fail(str(error))


@contextmanager
def resumable(how: str) -> Iterator[None]:
    """Ctrl-C in the block ends the command with a line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"stopped; {how}")
        raise typer.Exit(INTERRUPTED) from None


class Plain:
    """A command whose help shows no type for a switch: it takes no value."""

    def get_params(self, ctx: typer.Context) -> list[Any]:
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_bool_flag", False) and param.metavar is None:
                param.metavar = ""
        return params


class Command(Plain, TyperCommand):
    """A command of `arr-coc`."""


class Commands(Plain, TyperGroup):
    """A group of commands; without one it prints its help, which is no mistake."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit()
        return super().parse_args(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Ends with one line where the command line or the system is at fault."""
        if not standalone_mode:
            return super().main(args, *rest, standalone_mode=False, **extra)
        try:
            code = super().main(args, *rest, standalone_mode=False, **extra)
        except typer.TyperException as error:
            code = report_usage(error)
        except OSError as error:
            reason = reason_of(error)
            if reason is None:
                raise
            say(reason)
            code = EXIT_CODE
        except typer.Abort:
            code = 1
        raise SystemExit(code or 0)

    def invoke(self, ctx: Any) -> Any:
        with resumable("nothing is running any more"):
            return super().invoke(ctx)


def report_usage(error: Any) -> int:
    """One line about what was typed, with the command whose help tells more."""
    context = getattr(error, "ctx", None)
    hint = f"; see {context.command_path} --help" if context is not None else ""
    say(f"{error.format_message().rstrip('.')}{hint}")
    return EXIT_CODE
