"""`arr-coc chat`: questions about a picture, one after the other, in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.answering import AskBudget, MaxNewTokens, Model, counted, fetched, prepare
from arr_coc.cli.errors import say

if TYPE_CHECKING:
    from arr_coc.processor.answer import Answer

HELP = "Ask about the picture. /picture FILE takes another one, /quit (or Ctrl-D) ends."
FirstPicture = Annotated[str, typer.Argument(metavar="IMAGE", help="A file, or an https:// or data: address.")]


def chat(
    image: FirstPicture, model: Model = "nano", budget: AskBudget = None, max_new_tokens: MaxNewTokens = 64
) -> None:
    """Ask one question after the other about a picture, each answered on its own; the host is loaded once."""
    (network, processor), tokens, source = prepare(image, HELP, model, budget)
    from arr_coc.pictures.opening import image_size
    from arr_coc.processor.plain_inputs import question_messages
    from arr_coc.views.table import printable

    if sys.stdin.isatty():
        typer.echo(HELP)
    fixed = processor.allocator.tokens(tokens)
    looks = {} if fixed is None else {"until_sure": False, "budget": fixed}
    for line in lines_typed():
        try:
            if line.startswith("/picture"):
                source = fetched(line.removeprefix("/picture").strip())
                typer.echo("{}x{} pixels".format(*image_size(source)))
                continue
            answer = processor.answer(
                question_messages(source, line), model=network, max_new_tokens=max_new_tokens, **looks
            )
        except ValueError as error:
            say(str(error))
            continue
        typer.echo(f"{printable(answer.text)}\n{cost_of(answer)}")


def lines_typed() -> Iterator[str]:
    """What is typed or piped in, without blank lines, until the end or /quit."""
    is_terminal = sys.stdin.isatty()
    while True:
        try:
            line = input("> " if is_terminal else "").strip()
        except EOFError:
            return
        if line == "/quit":
            return
        if line:
            yield line


def cost_of(answer: Answer) -> str:
    """How sure, how many looks and tokens, how long."""
    sure = "" if answer.confidence is None else f"{100 * answer.confidence:.0f}% sure, "
    looks = f"{counted(len(answer.looks), 'look')}, " if len(answer.looks) > 1 else ""
    return f"  ({sure}{looks}{answer.num_tokens} visual tokens, {answer.total:.2f} s)"
