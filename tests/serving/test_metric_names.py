"""The names that the dashboard is held against are those of a running server."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from subprocess import run

from conftest import EXAMPLES, Server, picture, text

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
OF_THE_FRONT = {"arr_coc_replicas"}


def test_a_server_has_every_metric_that_the_dashboard_asks_for(server: Server) -> None:
    for budget in (64, "auto", "off"):
        server.ask([picture(EXAMPLES / "receipt.jpg"), text("What is the total?")], budget)
    command = [sys.executable, str(DEPLOY / "metric_names.py"), server.url]
    names = set(run(command, capture_output=True, text=True, check=True).stdout.split())
    dashboard = (DEPLOY / "grafana/dashboards/arr-coc.json").read_text(encoding="utf-8")
    asked = set(re.findall(r"\b(?:vllm:|arr_coc_|http_)\w+", dashboard))
    assert asked and asked - OF_THE_FRONT <= names, asked - names
    listed = set((DEPLOY / "metrics.txt").read_text(encoding="utf-8").split())
    assert listed - OF_THE_FRONT <= names, listed - names
