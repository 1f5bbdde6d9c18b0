"""Mistakes of the user: one line on stderr that says what is wrong and what to do, exit code 2.

Only the steps that read the user's input stand inside `explained()`; an error anywhere else is a defect
and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

EXIT_CODE = 2


def fail(message: str) -> NoReturn:
    """Prints the message as one line and ends the command."""
    typer.echo("arr-coc: " + " ".join(message.split()), err=True)
    raise typer.Exit(EXIT_CODE)


@contextmanager
def explained(kind: type[ValueError] = ValueError) -> Iterator[None]:
    """An error of that kind, raised in the block, ends the command with its message."""
    try:
        yield
    except kind as error:
        fail(str(error))
