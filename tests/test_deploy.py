"""The files of deploy/: whole, about files and metrics that exist, and naming what the code has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
NAMES = set((DEPLOY / "metrics.txt").read_text(encoding="utf-8").split())
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/arr-coc.json").read_text(encoding="utf-8"))
WANTED = ("requests", "first token", "whole answer", "visual tokens of a request", "saved", "queue", "budget by kind",
          "cache hits", "errors", "replicas")  # fmt: skip


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def metrics_in(expression: str) -> set[str]:
    """Names that are metrics: what is neither a function, nor a label, nor a word of PromQL."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)", "", expression)
    return {name for name in re.findall(r"[a-zA-Z_][\w:]*(?!\w*\s*\()", bare) if name not in ("or", "and", "by")}


def test_every_expression_asks_for_a_metric_that_a_server_has() -> None:
    asked = [metrics_in(expression) for expression in expressions()]
    assert all(asked) and set().union(*asked) <= NAMES, set().union(*asked) - NAMES
    assert metrics_in("sum by (le) (rate(none_such[1m])) or vector(1)") == {"none_such"}


def test_the_dashboard_shows_what_it_should_and_nothing_overlaps() -> None:
    titles = " / ".join(panel["title"].lower() for panel in DASHBOARD["panels"])
    assert all(words in titles for words in WANTED), titles
    quantiles = [expression for expression in expressions() if "histogram_quantile" in expression]
    assert {re.search(r"\(([\d.]+),", each)[1] for each in quantiles} == {"0.5", "0.95", "0.99"}  # type: ignore[index]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_compose_mounts_files_that_are_there_and_prometheus_asks_its_server() -> None:
    [compose] = documents("compose.yaml")
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume
    assert (DEPLOY.parent / compose["services"]["server"]["build"]["dockerfile"]).is_file()
    [prometheus] = documents("prometheus.yaml")
    [job] = prometheus["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    command = compose["services"]["server"]["command"]
    assert host in compose["services"] and command[command.index("--port") + 1] == port
    [source] = documents("grafana/provisioning/datasources/prometheus.yaml")[0]["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}


def test_the_command_of_compose_is_one_of_ours() -> None:
    """Its options are those of `arr-coc serve`."""
    from typer.testing import CliRunner

    from arr_coc.cli.main import app

    [compose] = documents("compose.yaml")
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    assert compose["services"]["server"]["command"][0] == "serve"
    assert all(word in shown for word in compose["services"]["server"]["command"] if word.startswith("--"))


def test_kuberay_names_what_the_code_has() -> None:
    found = {document["kind"]: document for document in documents("kuberay.yaml")}
    spec = found["RayService"]["spec"]
    [application] = yaml.safe_load(spec["serveConfigV2"])["applications"]
    source = (DEPLOY.parent / "arr_coc/serving/replicas.py").read_text(encoding="utf-8")
    module, function = application["import_path"].split(":")
    assert module == "arr_coc.serving.replicas" and f"def {function}(args" in source
    defaults = source[source.index("DEFAULTS:") : source.index("}\n\n", source.index("DEFAULTS:"))]
    assert all(f'"{name}"' in defaults for name in application["args"])
    [group] = spec["rayClusterConfig"]["workerGroupSpecs"]
    assert group["maxReplicas"] == application["args"]["max_replicas"]
    project = (DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r"ray\[serve\]>=([\d.]+)", project)[1] in spec["rayClusterConfig"]["rayVersion"]  # type: ignore[index]


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.y*ml")), ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    assert all(isinstance(each, dict) for each in yaml.safe_load_all(path.read_text(encoding="utf-8")))
