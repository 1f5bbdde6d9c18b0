"""The microscope without a browser: variants, what is inside, history, batch, report."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from dataclasses import replace

import pytest
from apps_toys import Tags
from conftest import QUESTION, draw

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from typer.testing import CliRunner  # noqa: E402

from arr_coc.apps.checkpoints import CheckpointManager  # noqa: E402
from arr_coc.apps.examples import read_examples  # noqa: E402
from arr_coc.apps.microscope import call_back  # noqa: E402
from arr_coc.apps.microscope import respond as compare  # noqa: E402
from arr_coc.apps.panels.batch import respond as run_batch  # noqa: E402
from arr_coc.apps.panels.batch import worst_lines  # noqa: E402
from arr_coc.apps.panels.comparing import describe  # noqa: E402
from arr_coc.apps.panels.inside import look_inside, replay  # noqa: E402
from arr_coc.apps.panels.report import report_html  # noqa: E402
from arr_coc.apps.session import as_csv, as_json, sorted_rows, with_note  # noqa: E402
from arr_coc.apps.variants import MAX_VARIANTS, OURS, Variant, examine, make_variants, sample_of  # noqa: E402
from arr_coc.cli.main import app  # noqa: E402

RECEIPT = str(read_examples()[0].path)
ASKED = read_examples()[0].questions[1]


@pytest.fixture(scope="module")
def manager() -> CheckpointManager:
    return CheckpointManager(["nano"])


def test_variants_are_every_combination() -> None:
    variants = make_variants(["a", "b"], ["full", "resize", "arr-coc"], ["auto", "100"])
    own = [(v.policy, v.budget) for v in variants if v.checkpoint == "a"]
    assert own == [("full", 0), ("resize", 100), ("arr-coc", 0), ("arr-coc", 100)] and len(variants) == 8
    with pytest.raises(ValueError, match="budget"):
        make_variants(["a"], ["resize"], [])
    with pytest.raises(ValueError, match="number"):
        make_variants(["a"], ["resize"], ["auto"])
    with pytest.raises(ValueError, match=str(MAX_VARIANTS)):
        make_variants(list("abcdefg"), ["resize"], ["100", "160"])


@pytest.fixture(scope="module")
def compared(manager: CheckpointManager):
    """What the page gets last when every kind of policy is compared."""
    policies = ["full", "resize", "divprune", "oracle", "arr-coc"]
    *growing, last = compare(manager, RECEIPT, ASKED, ["nano"], policies, ["100"], [])
    return growing, last


def test_comparison_shows_a_card_per_variant(compared) -> None:
    growing, last = compared
    _, findings = last[2]
    cards = growing[-1][1]
    tags = Tags(cards).found
    assert cards.count('class="arr-card"') == 5 and len(tags["b"]) == 5
    assert len(tags["i"]) == sum(finding.num_tokens for finding in findings)
    tokens = {finding.variant.policy: finding.num_tokens for finding in findings}
    assert tokens["full"] == 992 and tokens["divprune"] == 100 and 0 < tokens["resize"] <= 100
    assert all(finding.score in (0, 1) and finding.recall is not None for finding in findings)
    assert findings[0].recall == 1 and [f.realization is not None for f in findings] == [False] * 4 + [True]
    for finding in findings:
        assert all(0 <= side <= 1 + 1e-6 for tile in finding.tiles for side in tile.box)


def test_each_policy_pays_its_own_work(manager: CheckpointManager, monkeypatch) -> None:
    """A slow pyramid is charged to who needs it, a slow tower to "encoding" and nothing else."""
    with manager.lend("nano") as loaded:
        host, sample = loaded[1].host, sample_of(draw(300, 300), QUESTION, None)
        pyramid = host.pyramid
        monkeypatch.setattr(host, "pyramid", lambda *given: (time.sleep(1), pyramid(*given))[1])
        handle = host.vision.blocks[0].register_forward_pre_hook(lambda *_: time.sleep(1))
        try:
            found = {name: examine(loaded, sample, Variant("nano", name, 64)) for name in ("resize", OURS)}
        finally:
            handle.remove()
    resize, ours = (found[name].seconds for name in ("resize", OURS))
    assert resize["preparing"] < 0.9 and ours["preparing"] >= 1
    assert resize["encoding"] >= 1 and ours["encoding"] >= 2 and max(resize["answering"], ours["answering"]) < 0.9
    assert "preparing" in describe(found["resize"]) and "choosing" not in describe(found["resize"])


def test_inside_shows_everything_of_arr_coc(compared) -> None:
    state = compared[1][2]
    label = state[1][-1].variant.label
    tensions, step, splitting, level, textures, scores = look_inside(state, label)
    assert "budget 100" in tensions and re.search(r"participatory [01]\.\d\d", tensions)
    assert "100 tokens after round 2 of 2" in splitting and "data:image/png" in textures and "data:image/png" in scores
    assert "64 tokens after round 0" in replay(state, label, 0)
    assert "arr-coc" in look_inside(None, None)[0]


def test_history_is_sorted_noted_exported_and_called_back(compared) -> None:
    [entry] = compared[1][3]
    second = replace(entry, number=2, rows=tuple(replace(row, entry=2) for row in entry.rows))
    entries = with_note([entry, second], 2, "=odd")
    rows = sorted_rows(entries, "tokens", is_descending=True)
    assert [row.tokens for row in rows] == sorted((row.tokens for row in rows), reverse=True)
    assert {row.note for row in rows if row.entry == 1} == {""}
    table = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert len(table) == 10 and table[0]["policy"] == "full" and {row["note"] for row in table} == {"", "'=odd"}
    assert json.loads(as_json(rows))[0]["tokens"] == 992
    path, question, checkpoints, policies, budgets, _, cards, _, _ = call_back(entries, 1)
    assert (path, question, checkpoints, budgets) == (RECEIPT, ASKED, ["nano"], ["100"])
    assert policies[-1] == "arr-coc" and cards.count('class="arr-card"') == 5
    gone = call_back([replace(entry, path="/nowhere/x.png")], 1)
    assert "no such file" in gone[5] and "trouble" in gone[5]
    with pytest.raises(ValueError, match="sort by"):
        sorted_rows(entries, "weather")


def test_rows_without_a_value_come_last(compared) -> None:
    [entry] = compared[1][3]
    holes = replace(entry, rows=(replace(entry.rows[0], score=None), *entry.rows[1:]))
    for order in (False, True):
        assert sorted_rows([holes], "score", order)[-1].score is None


def test_batch_has_table_summary_and_worst_cases(manager: CheckpointManager, tmp_path) -> None:
    draw(500, 400).save(tmp_path / "a.png")
    records = [
        {"image": "a.png", "question": question, "answers": ["no such answer"], "boxes": [[10, 10, 90, 60]]}
        for question in (QUESTION, "Which bar is the highest?")
    ]
    (tmp_path / "qa.jsonl").write_text("\n".join(map(json.dumps, records)))
    *growing, last = run_batch(manager, str(tmp_path), "nano", 2, ["resize", "arr-coc"], ["64"])
    assert "4 answers" in last[0] and last[2].count('class="arr-card"') == 2
    summary, rows = growing[-1][1], growing[-1][3]
    assert "| arr-coc |" in summary and len(rows) == 4
    *_, wrong = run_batch(manager, "no such task", "nano", 2, ["resize"], ["64"])
    assert "neither a folder nor one of" in wrong[0]


def test_worst_come_first(manager: CheckpointManager) -> None:
    from arr_coc.evaluation.running.answers import Line

    line = Line(**{name: None for name in Line.__dataclass_fields__} | {"policy": "arr-coc", "score": 1.0})
    lines = [
        replace(line, score=score, recall=recall) for score, recall in ((0.5, 0.1), (0.0, 0.9), (1.0, 0), (0.0, 0.2))
    ]
    found = worst_lines([*lines, replace(line, policy="resize", score=0.0)])
    assert [(each.score, each.recall) for each in found] == [(0.0, 0.2), (0.0, 0.9), (0.5, 0.1)]


def test_newest_report_is_shown(tmp_path) -> None:
    assert "No report" in report_html(tmp_path)
    for number, name in enumerate(("new", "old")):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "report.html"
        path.write_text(f'<h1 title="x">{name}</h1>')
        os.utime(path, (1000 - number, 1000 - number))
    text = report_html(tmp_path)
    assert "new/report.html" in text and 'sandbox=""' in text and "&lt;h1 title=&quot;x&quot;&gt;new" in text


def test_label_names_the_budget() -> None:
    assert Variant("nano", "arr-coc", 0).label == "nano · arr-coc · auto"
    assert Variant("nano", "full", 0).label == "nano · full"


@pytest.mark.parametrize("options", [[], ["--password", ""]])
def test_a_page_for_the_network_asks_for_a_password(options: list[str]) -> None:
    told = CliRunner().invoke(app, ["microscope", "--host", "0.0.0.0", *options])
    assert told.exit_code == 2 and "--password or --no-password" in told.stderr, told.output


@pytest.mark.parametrize(
    ("options", "auth"),
    [(["--password", "fern"], ("arr-coc", "fern")), (["--no-password"], None)],
    ids=["asked", "open"],
)
def test_the_password_reaches_the_page(
    options: list[str], auth: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: dict[str, object] = {}
    monkeypatch.setattr("gradio.Blocks.launch", lambda page, **given: launched.update(given))
    told = CliRunner().invoke(app, ["microscope", "--host", "0.0.0.0", *options])
    assert told.exit_code == 0, told.output
    assert launched["auth"] == auth and launched["server_name"] == "0.0.0.0"
    assert "fern" not in told.output
