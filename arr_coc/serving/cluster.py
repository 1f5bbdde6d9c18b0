"""A Ray cluster that is there already."""

from __future__ import annotations

import socket
from typing import Any

from arr_coc.quoting import quoted, shortened

REACHED_S = 5.0  # to answer at an address


def join_cluster(address: str) -> Any:
    """Ray, connected. What Ray itself would wait for without end is tried first.

    Raises:
        ValueError: Ray is not installed, or nothing answers at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise ValueError("--ray needs Ray; install it with: pip install 'arr-coc[ray]'") from error
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"--ray: must be auto or HOST:PORT, got {quoted(address)}; ray start --head makes a cluster")
    try:
        if address != "auto":
            socket.create_connection((host, int(port)), REACHED_S).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"--ray: no cluster at {quoted(address)} ({shortened(error)})") from error
    return ray
