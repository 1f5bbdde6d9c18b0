"""`arr-coc bench`: what an answer costs, by stage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.errors import explained
from arr_coc.files.checking import check_file
from arr_coc.files.writing import write_atomically
from arr_coc.quoting import quoted, shortened

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from arr_coc.processor.processor import RelevanceProcessor


def bench(
    model: Annotated[str, typer.Option(help="nano, a folder, a hub id, or a size: 2b (random weights).")] = "nano",
    sizes: Annotated[str, typer.Option(help="Comma-separated WIDTHxHEIGHT of the picture.")] = "1024x1024,3840x2160",
    budget: Annotated[int, typer.Option(min=64, max=400, help="Visual tokens of ARR-COC.")] = 160,
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds; medians are reported.")] = 5,
    estimate_full: Annotated[
        bool, typer.Option("--estimate-full", help="Scale full from resize by operations instead of running it.")
    ] = False,
    answers: Annotated[
        int, typer.Option(min=0, max=64, help="Also whole answers of so many tokens, by looks; 0: none.")
    ] = 0,
    dtype: Annotated[str, typer.Option(help="bfloat16, float32; auto: float32 for nano, else bfloat16.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quantize: Annotated[
        str | None, typer.Option(help="Matrices of the host in 8 bits: int8, int8-dynamic, fp8.")
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the host's layers; the first round takes minutes.")
    ] = False,
    attention: Annotated[
        str | None, typer.Option(help="Attention of the host as transformers names it: sdpa, eager, flash_attention_2.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the tables there too.")] = None,
) -> None:
    """Seconds and memory per stage: full resolution, plain resize and ARR-COC, interleaved in one run."""
    with explained():
        if out is not None:
            check_file(out)
        if answers and estimate_full:
            raise ValueError("answers: they are held against full, which must be run; leave out --estimate-full")
        pixels = [parse_size(text) for text in sizes.split(",")]
    from arr_coc.evaluation.bench import measure
    from arr_coc.evaluation.bench_answers import measure_answers
    from arr_coc.views.cost import cost_report

    with explained():
        host = open_host(model, dtype, device)
        change_host(*host, quantize, compiled, attention)
    results, whole = [], []
    for size in pixels:
        with explained():
            typer.echo(f"{size[0]}x{size[1]}, {rounds} rounds", err=True)
            results.append(
                measure(*host, host=model, size=size, budget=budget, rounds=rounds, is_full_estimated=estimate_full)
            )
            if answers:
                found = measure_answers(*host, size=size, budget=budget, rounds=rounds, num_tokens=answers)
                whole.append((answers, found))
    command = f"arr-coc bench --model {model} --sizes {sizes} --budget {budget} --rounds {rounds}"
    chosen = {"--estimate-full": estimate_full, "--answers": answers, "--quantize": quantize, "--compile": compiled}
    for option, value in {**chosen, "--attention": attention}.items():
        command += f" {option}" if value is True else f" {option} {value}" if value else ""
    report = cost_report(results, command, str(host[0].device), str(host[0].dtype).removeprefix("torch."), whole)
    typer.echo(report)
    if out is not None:
        write_atomically(out, report)


def open_host(model: str, dtype: str, device: str) -> tuple[PreTrainedModel, RelevanceProcessor]:
    """With its weights, or a published size with random ones."""
    from arr_coc.evaluation.random_hosts import random_host
    from arr_coc.hosts.families.registry import sizes
    from arr_coc.processor.loading import load_host

    if model in sizes():
        return random_host(model, "bfloat16" if dtype == "auto" else dtype, device)
    return load_host(model, dtype, device)


def change_host(
    model: PreTrainedModel, processor: RelevanceProcessor, quantize: str | None, compiled: bool, attention: str | None
) -> None:
    """Attention first, then numbers, then compiling, which fixes both."""
    from arr_coc.hosts.compiling import compile_layers
    from arr_coc.hosts.quantising import quantise

    if attention is not None:
        attend_by(model, attention)
    if quantize is not None:
        quantise(model, quantize)
    if compiled:
        compile_layers(processor.host.blocks)


def attend_by(model: PreTrainedModel, name: str) -> None:
    """Raises ValueError for an attention that transformers does not know, or whose package is not there."""
    try:
        model.set_attn_implementation(name)
    except (ValueError, ImportError, KeyError) as error:
        raise ValueError(f"attention: {quoted(name)} can't be used here: {shortened(str(error))}") from error


def parse_size(text: str) -> tuple[int, int]:
    """ "1024x768" -> (1024, 768).

    Raises:
        ValueError: something else, or a side outside 32..8192.
    """
    parts = text.strip().split("x")
    if len(parts) != 2 or not all(part.isdigit() and 32 <= int(part) <= 8192 for part in parts):
        raise ValueError(f"sizes: {quoted(text)} is not WIDTHxHEIGHT with sides of 32..8192")
    return int(parts[0]), int(parts[1])
