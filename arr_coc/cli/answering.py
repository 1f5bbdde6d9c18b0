"""`arr-coc compare` and `arr-coc ask`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arr_coc.cli.errors import explained
from arr_coc.files.checking import check_file
from arr_coc.files.writing import replacing
from arr_coc.quoting import quoted

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from arr_coc.evaluation.comparing import Comparison
    from arr_coc.processor.answer import Answer
    from arr_coc.processor.processor import RelevanceProcessor

    Host = tuple[PreTrainedModel, RelevanceProcessor]

FIGURE_FORMATS = (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp")

Picture = Annotated[str, typer.Argument(metavar="IMAGE", help="A file, or an https:// or data: address.")]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know about it.")]
Model = Annotated[str, typer.Option(help="nano, a folder, or an id such as Qwen/Qwen3-VL-2B-Instruct.")]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="auto|64..400",
        help="Most visual tokens; without it what the model folder says, else auto.",
    ),
]
AskBudget = Annotated[
    str | None,
    typer.Option(
        metavar="auto|64..400",
        help="Visual tokens of one look; auto looks closer until it is sure. Without it what the model folder says.",
    ),
]
Out = Annotated[Path | None, typer.Option(metavar="FIGURE.png", help="Write picture, score maps and leaves there.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Full = Annotated[bool, typer.Option("--full", help="Run the full resolution even where that takes over a minute.")]
MaxNewTokens = Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")]


def compare(
    image: Picture,
    question: Question,
    model: Model = "nano",
    budget: Budget = None,
    out: Out = None,
    is_json: Json = False,
    is_full: Full = False,
    max_new_tokens: MaxNewTokens = 64,
) -> None:
    """Answer a question four ways: full resolution, plain resize, ARR-COC, and ARR-COC until it is sure."""
    host, tokens, source = prepare(image, question, model, budget, out)
    from arr_coc.evaluation.comparing import compare as run
    from arr_coc.pictures.errors import ImageError
    from arr_coc.processor.questions import QuestionError

    with explained(ImageError, QuestionError):
        comparison = run(
            *host,
            source,
            question,
            host=model,
            budget=tokens,
            max_new_tokens=max_new_tokens,
            is_full_forced=is_full,
            on_start=lambda policy: tell(f"running {policy}"),
        )
    if out is not None:
        write_figure(out, source, comparison)
    if is_json:
        typer.echo(json.dumps(comparison.to_json(), ensure_ascii=False))
    else:
        print_comparison(comparison, out)


def ask(
    image: Picture,
    question: Question,
    model: Model = "nano",
    budget: AskBudget = None,
    is_json: Json = False,
    max_new_tokens: MaxNewTokens = 64,
) -> None:
    """Print the answer, how sure it is, and the looks and tokens it took."""
    (network, processor), tokens, source = prepare(image, question, model, budget)
    from arr_coc.pictures.errors import ImageError
    from arr_coc.processor.asking import run_relevance, run_to_json, run_until_sure
    from arr_coc.processor.plain_inputs import question_messages
    from arr_coc.processor.questions import QuestionError
    from arr_coc.views.table import printable

    with explained(ImageError, QuestionError):
        messages = question_messages(source, question)
        fixed = processor.allocator.tokens(tokens)
        if fixed is not None:
            realization, run = run_relevance(network, processor, messages, fixed, max_new_tokens)
            found, spent = None, realization.tensions.budget
        else:
            found, run = run_until_sure(network, processor, messages, max_new_tokens)
            spent = found.looks[-1].budget
    if is_json:
        values = {"question": question, "host": model, "budget": spent, **run_to_json(run), **sureness_json(found)}
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    typer.echo(printable(run.answer or ""))
    if found is not None:
        print_looks(found)
    typer.echo(
        f"{run.visual_tokens} visual tokens (budget {spent}), {run.encoded_tokens} encoded, "
        f"first token after {run.ttft_s:.2f} s, {run.seconds['total']:.2f} s in all"
    )


def sureness_json(found: Answer | None) -> dict[str, Any]:
    """What was said of an answer that was looked for until it was sure."""
    if found is None:
        return {}
    from arr_coc.processor.asking import look_to_json

    return {"confidence": round(found.confidence or 0.0, 4), "looks": [look_to_json(look) for look in found.looks]}


def print_looks(found: Answer) -> None:
    """A line a look: what it cost, what it would have said, and whether that was sure enough."""
    from arr_coc.views.table import printable

    typer.echo(f"{100 * (found.confidence or 0):.0f}% sure after {counted(len(found.looks), 'look')}:")
    for number, look in enumerate(found.looks, start=1):
        cost = f"{look.num_tokens} tokens, {look.num_encoded} newly encoded"
        typer.echo(f"  {number}. {cost}: {printable(look.text)} ({100 * look.settled:.0f}% settled)")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def prepare(
    image: str, question: str, model: str, budget: str | None, out: Path | None = None
) -> tuple[Host, int | str | None, str | bytes]:
    """Checks everything the user gave, the cheap things first, and loads the host; a picture of the web is fetched."""
    with explained():
        if out is not None:
            check_file(out, formats=FIGURE_FORMATS)
        if not question.strip():
            raise ValueError("question: it is empty; say what you want to know about the picture")
        tokens = parse_budget(budget)
        source = fetched(image)
        tell(f"loading {model}")
        silence_libraries()
        from arr_coc.processor.loading import load_host

        host = load_host(model)
    return host, tokens, source


def fetched(image: str) -> str | bytes:
    """The picture a user names, from the web where it has an address, seen to be one.

    Raises:
        ValueError: it can't be fetched, or is no picture.
    """
    from arr_coc.pictures.addresses import download
    from arr_coc.pictures.opening import image_size

    source = download(image) if image.lower().startswith(("http://", "https://")) else image
    image_size(source)
    return source


def parse_budget(text: str | None) -> int | str | None:
    """What `allocator.Budget` says of it: a number, "auto", or None, the allocator's own.

    Raises:
        ValueError: neither "auto" nor a whole number in 64..400.
    """
    from arr_coc.records import AUTO, check_budget

    if text is None or text == AUTO:
        return text
    if not text.strip().lstrip("+-").isdecimal():
        raise ValueError(f"--budget must be auto or a whole number in 64..400, got {quoted(text)}")
    return check_budget(int(text))


def silence_libraries() -> None:
    """Leaves the terminal to us: no progress bars of weights, no advice, no retries."""
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging

    hub_logging.set_verbosity_error()
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def tell(progress: str) -> None:
    """A word on stderr for someone who waits at a terminal."""
    if sys.stderr.isatty():
        typer.echo(f"{progress} ...", err=True)


def write_figure(out: Path, image: str | bytes, comparison: Comparison) -> None:
    from arr_coc.pictures.opening import open_image
    from arr_coc.views.comparison import comparison_figure

    figure = comparison_figure(open_image(image), comparison)
    with replacing(out) as draft:
        figure.savefig(draft)


def print_comparison(comparison: Comparison, out: Path | None) -> None:
    """Question, table, tensions, and where the figure is."""
    from rich.console import Console

    from arr_coc.views.table import describe_tensions, estimate_note

    console = Console(highlight=False)
    width, height = comparison.image_size
    console.print(f"{comparison.question}", markup=False, style="bold")
    console.print(f"{width}x{height} pixels, host {comparison.host}", markup=False)
    console.print(rich_table(comparison))
    notes = [estimate_note(comparison), describe_tensions(comparison), f"figure: {out}" if out else None]
    for note in filter(None, notes):
        console.print(note, markup=False, soft_wrap=True)


def rich_table(comparison: Comparison) -> Any:
    from rich.table import Table
    from rich.text import Text

    from arr_coc.views.table import COLUMNS, is_look, table_rows

    table = Table(header_style="dim")
    for name in COLUMNS:
        is_text = name in ("policy", "answer")
        table.add_column(name, justify="left" if is_text else "right", overflow="fold", no_wrap=name == "policy")
    for row in table_rows(comparison):
        table.add_row(*map(Text, row), style="dim" if is_look(row) else "bold" if row[0] == "arr-coc" else "")
    return table
