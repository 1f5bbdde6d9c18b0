"""`arr-coc loop`: the loop drawn on a picture of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arr_coc.cli.answering import Budget, Model, Picture, Question, prepare
from arr_coc.cli.errors import explained
from arr_coc.files.writing import replacing


def loop(
    image: Picture,
    question: Question,
    out: Annotated[Path, typer.Option(metavar="FIGURE.png", help="Write the figure there.")],
    model: Model = "nano",
    budget: Budget = None,
) -> None:
    """Draw glimpse, the question's map, every round of splits and the leaves of one picture."""
    (_, processor), tokens, source = prepare(image, question, model, budget, out)
    from arr_coc.pictures.errors import ImageError
    from arr_coc.pictures.opening import open_image
    from arr_coc.processor.plain_inputs import question_messages
    from arr_coc.processor.questions import QuestionError
    from arr_coc.views.loop import loop_figure

    with explained(ImageError, QuestionError):
        messages = question_messages(source, question)
        inputs = processor.apply_chat_template(messages, add_generation_prompt=True, budget=tokens)
    figure = loop_figure(open_image(source), inputs.realizations[0][0])
    with replacing(out) as draft:
        figure.savefig(draft, dpi=110)
    typer.echo(f"figure: {out}")
