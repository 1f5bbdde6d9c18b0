"""Several processes in one test. On Linux they are forked, so that nothing has to be imported again."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess

import torch
from accelerate.state import AcceleratorState

PATIENCE_S = 600


def start(target: Callable[..., object], *arguments: object, **environment: str) -> BaseProcess:
    """A process that calls the target, which must stand in a module, with more of an environment."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    process = context.Process(target=call, args=(target, arguments, environment))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on warns of forks beside threads
        process.start()
    return process


def call(target: Callable[..., object], arguments: tuple[object, ...], environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.set_num_threads(1)
    target(*arguments)


def end(*processes: BaseProcess) -> list[int | None]:
    """Exit codes, negative for signals; what does not end in time is killed."""
    for process in processes:
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def run_pair(target: Callable[..., object], *arguments: object) -> list[int | None]:
    """Exit codes of two processes that find each other as those of torchrun do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    shared["TORCHELASTIC_RUN_ID"] = "test"
    return end(*[start(target, *arguments, **shared, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")])
