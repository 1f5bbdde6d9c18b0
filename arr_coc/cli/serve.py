"""`arr-coc serve`: an OpenAI-compatible server that spends visual tokens where the question needs them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arr_coc.cli.apps import LOOPBACK, Host, Port
from arr_coc.cli.errors import explained, fail, say

if TYPE_CHECKING:
    from arr_coc.serving.vllm.launching import Launch


def serve(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="nano, a folder, a hub id, or a size: 2b (random weights).")] = "nano",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    budget: Annotated[
        str, typer.Option(help="Of requests that name none: 64 to 400, or auto; default the trained parts' own.")
    ] = "",
    relevance: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Trained parts; none: the model's own.")
    ] = None,
    max_pictures: Annotated[int, typer.Option(min=1, help="Pictures of a request.")] = 8,
    max_body_mb: Annotated[int, typer.Option(min=1, help="Size of a request.")] = 32,
    max_megapixels: Annotated[int, typer.Option(min=1, max=178, help="Of a picture.")] = 50,
    fetch_from: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="Fetch pictures from there; default from nowhere.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(envvar="ARR_COC_API_KEY", help="What clients must send.")] = None,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Ray cluster, auto or HOST:PORT.")] = None,
    replicas: Annotated[int | None, typer.Option(min=1, help="Engines on it, always as many.")] = None,
    min_replicas: Annotated[int, typer.Option(min=1, help="Engines on it at least.")] = 1,
    max_replicas: Annotated[int | None, typer.Option(min=1, help="Engines on it at most, under load.")] = None,
) -> None:
    """Serve a model with vLLM, OpenAI-compatible; options of vLLM's own follow after --."""
    if find_spec("vllm") is None:
        fail("serving needs vLLM; install it with: pip install 'arr-coc[vllm]' (docs/serving.md)")
    if not any(each.name == "arr_coc" for each in entry_points(group="vllm.general_plugins")):
        fail("vLLM would not find ARR-COC: the package was installed before it had a plugin; install it again")
    with explained():
        from arr_coc.serving.vllm.plugin import check_options

        check_options(context.args)
        numbers = replicas_of(ray, replicas, min_replicas, max_replicas)
        source, own = source_of(model)
        model_type = check_model(source, budget, relevance, context.args)
        from arr_coc.serving.vllm.launching import Launch

        launch = Launch(
            source,
            model,
            host,
            port,
            budget,
            None if relevance is None else str(relevance.resolve()),
            max_pictures,
            max_body_mb,
            tuple(fetch_from or ()),
            api_key,
            (*own, *context.args),
            max_megapixels=max_megapixels,
        )
    say_where_bfloat16_is_slow(model, model_type, context.args)
    reach = "this machine only" if host in LOOPBACK else "everyone who can reach this machine"
    say(f"http://{host}:{port}/v1 ({reach}); Ctrl-C ends it")
    start(launch, ray, numbers)


def say_where_bfloat16_is_slow(model: str, model_type: str, options: list[str]) -> None:
    """Of hosts whose number format is left to vLLM; for the embedded one `Launch` chooses, and hybrids have one."""
    from arr_coc.hosts.hardware import best_device, has_bfloat16
    from arr_coc.serving.vllm.plugin import FORMAT, HYBRID, values_of

    is_chosen = model == "nano" or model_type in HYBRID or FORMAT in values_of(options)
    if not is_chosen and not has_bfloat16(best_device()):
        say("this CPU has no units for bfloat16; -- --dtype float32 may answer sooner, and takes twice the memory")


def source_of(model: str) -> tuple[str, tuple[str, ...]]:
    """Folder or hub id of a model, and what vLLM must be told of it; a size has a folder without weights."""
    from arr_coc.evaluation.random_hosts import DUMMY, write_without_weights
    from arr_coc.hosts.families.registry import sizes
    from arr_coc.hosts.names import resolve
    from arr_coc.serving.vllm.plugin import check_served

    if model not in sizes():
        return resolve(model), ()
    check_served(sizes()[model].model_type)
    folder = tempfile.mkdtemp(prefix=f"arr-coc-{model}-")
    write_without_weights(model, Path(folder))
    say(f"{model}: random weights of the true geometry; times and memory are right, answers are not")
    return folder, DUMMY


def check_model(model: str, budget: str, relevance: Path | None, options: Sequence[str] = ()) -> str:
    """The host's model type; raises ValueError, before vLLM starts, for what it would refuse minutes later."""
    from arr_coc.allocator import Allocator
    from arr_coc.hosts.checkpoints import load_config
    from arr_coc.hosts.hardware import best_device
    from arr_coc.processor.trained_parts import load_relevance
    from arr_coc.serving.vllm.plugin import check_format, check_served

    Allocator(int(budget) if budget.isdigit() else budget or "auto")
    config = load_config(model)
    check_served(config.model_type)
    check_format(config.model_type, options, best_device())
    if relevance is not None:
        load_relevance(relevance, config)
    return str(config.model_type)


def start(launch: Launch, ray: str | None, numbers: tuple[int, int]) -> None:
    """On a Ray cluster, or in place of this process."""
    if ray is not None:
        with explained():
            from arr_coc.serving.replicas import run

            run(ray, launch, *numbers)
        return
    command = launch.command()
    os.execve(command[0], command, launch.environment(os.environ))


def replicas_of(ray: str | None, always: int | None, least: int, most: int | None) -> tuple[int, int]:
    """(fewest, most) engines; one where nothing is said.

    Raises:
        ValueError: numbers that do not go together, or that need a cluster.
    """
    if ray is None and (always is not None or most is not None or least != 1):
        raise ValueError("--ray: missing; replicas need a cluster, and ray start --head makes one of this machine")
    if always is not None and (most is not None or least != 1):
        raise ValueError("--replicas: says how many there always are; leave it or --min-replicas, --max-replicas out")
    if always is not None:
        return always, always
    if most is not None and most < least:
        raise ValueError(f"--max-replicas: must be at least --min-replicas, got {most} and {least}")
    return least, most or least
