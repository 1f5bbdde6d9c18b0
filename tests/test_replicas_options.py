"""`arr-coc serve --ray`: which numbers of replicas go together, and addresses where no cluster is."""

from __future__ import annotations

import socket
from importlib.util import find_spec

import pytest

from arr_coc.cli.serve import replicas_of
from arr_coc.serving.cluster import join_cluster


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, None, 1, None), (1, 1)),
        (("auto", None, 1, None), (1, 1)),
        (("auto", 4, 1, None), (4, 4)),
        (("auto", None, 1, 4), (1, 4)),
        (("auto", None, 2, None), (2, 2)),
    ],
)
def test_numbers_that_go_together(given: tuple, expected: tuple[int, int]) -> None:
    assert replicas_of(*given) == expected


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((None, 4, 1, None), "ray start --head"),
        ((None, None, 1, 4), "--ray: missing"),
        (("auto", 4, 1, 8), "--replicas"),
        (("auto", None, 3, 2), "--max-replicas: must be at least"),
    ],
)
def test_numbers_that_do_not(given: tuple, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replicas_of(*given)


@pytest.mark.parametrize("address", ["nowhere", "local", "host:", ":1", "host:port", "h:99999", "closed"])
def test_no_cluster_is_one_line_at_once(address: str) -> None:
    with socket.socket() as one:  # a port that nobody listens at
        one.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{one.getsockname()[1]}" if address == "closed" else address
        with pytest.raises(ValueError, match="^--ray[^\n]*$") as caught:
            join_cluster(place)
    assert find_spec("ray") or "arr-coc[ray]" in str(caught.value)
