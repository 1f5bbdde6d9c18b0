"""The microscope without a browser: variants, what is inside, history, batch, report."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from apps_toys import Tags
from conftest import QUESTION, draw

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from typer.testing import CliRunner  # noqa: E402

from arr_coc.apps.checkpoints import CheckpointManager  # noqa: E402
from arr_coc.apps.demo import build_demo  # noqa: E402
from arr_coc.apps.examples import read_examples  # noqa: E402
from arr_coc.apps.microscope import build_microscope, call_back  # noqa: E402
from arr_coc.apps.microscope import respond as compare  # noqa: E402
from arr_coc.apps.notebook import Notebook  # noqa: E402
from arr_coc.apps.pages import STYLE  # noqa: E402
from arr_coc.apps.panels.choices import policies_html  # noqa: E402
from arr_coc.apps.panels.comparing import describe  # noqa: E402
from arr_coc.apps.panels.history import COLUMNS, compare_two, fill  # noqa: E402
from arr_coc.apps.panels.inside import look_again, look_inside, replay, slider_values  # noqa: E402
from arr_coc.apps.panels.report import find_reports, report_html  # noqa: E402
from arr_coc.apps.session import as_json, seen_of, sorted_rows  # noqa: E402
from arr_coc.apps.unpacking import unpack  # noqa: E402
from arr_coc.apps.variants import MAX_VARIANTS, OURS, Variant, examine, make_variants, sample_of  # noqa: E402
from arr_coc.cli.main import app  # noqa: E402
from arr_coc.evaluation.policies.registry import POLICIES  # noqa: E402
from arr_coc.pictures.opening import open_image  # noqa: E402
from arr_coc.processor.plain_inputs import question_messages  # noqa: E402

RECEIPT = str(read_examples()[0].path)
ASKED, KNOWN = read_examples()[0].questions[1], read_examples()[0].records[1].answers


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
def notebook(tmp_path_factory) -> Notebook:
    return Notebook(tmp_path_factory.mktemp("history") / "history.sqlite3")


@pytest.fixture(scope="module")
def compared(manager: CheckpointManager, notebook: Notebook):
    """What the page gets last when every kind of policy is compared; it is entry 1 of the notebook."""
    policies = ["full", "resize", "divprune", "oracle", "arr-coc-trained"]
    *growing, last = compare(manager, notebook, RECEIPT, ASKED, ["nano"], policies, ["100"])
    return growing, last


def test_comparison_shows_a_card_per_variant(compared) -> None:
    growing, last = compared
    findings = last[2].findings
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
    label = state.findings[-1].variant.label
    answer, tensions, step, splitting, level, textures, scores, *sliders = look_inside(state, label)
    assert "budget 100" in tensions and re.search(r"participatory [01]\.\d\d", tensions)
    assert "100 tokens after round 2 of 2" in splitting and "data:image/png" in textures and "data:image/png" in scores
    assert "64 tokens after round 0" in replay(state, label, 0)
    assert sliders == slider_values(state.findings[-1].realization.tensions) and sliders[0] == 100
    assert "Compare a variant" in look_inside(None, None)[1]


def test_looks_until_sure_are_kept_and_paged_through(manager: CheckpointManager, tmp_path: Path) -> None:
    """The last look is the answer; the entry holds all of them, and each can be looked into."""
    notebook, question = Notebook(tmp_path / "history.sqlite3"), read_examples()[0].questions[0]
    budgets = ["until sure", "100"]
    *growing, last = compare(manager, notebook, RECEIPT, question, ["nano"], ["resize", "arr-coc-trained"], budgets)
    state, cards = last[2], growing[-1][1]
    sure = state.findings[-1]
    with manager.lend("nano") as loaded:
        expected = loaded[1].answer(question_messages(RECEIPT, question))
    assert [each.variant.is_sure for each in state.findings] == [False, False, True] and len(expected.looks) > 1
    assert [look.answer for look in sure.looks] == [look.text for look in expected.looks]
    assert sure.answer == expected.text and sure.num_encoded == expected.num_encoded
    assert sum(sure.seconds.values()) == pytest.approx(sum(sum(look.seconds.values()) for look in sure.looks), abs=1e-6)
    assert len(Tags(cards).found["input"]) == cards.count('class="arr-pane"') == len(expected.looks)
    first = sure.looks[0]
    assert first.label.endswith("look 1") and "64 tokens" in replay(state, first.label, 9)
    assert expected.looks[0].text in look_inside(state, first.label)[0]
    entry = notebook.entry(1)
    kept = entry.seen[-1]
    assert entry.rows[-1].budget == "until sure" and [look.answer for look in kept.looks] == [
        x.answer for x in sure.looks
    ]
    assert [look.leaves for look in kept.looks] == [seen_of(look).leaves for look in sure.looks]
    finest = [[tile.is_finest for tile in look.tiles] for look in sure.looks]
    assert [[tile.is_finest for tile in look.tiles] for look in kept.looks] == finest and any(finest[-1])
    fields = call_back(notebook, tmp_path, 1)
    assert fields[4] == ["100", "until sure"] and fields[9].count('class="arr-pane"') == len(expected.looks)
    assert [row.budget for row in sorted_rows(entry.rows, "budget")] == ["until sure", "100", "100"]


def test_only_arr_coc_looks_until_sure() -> None:
    variants = make_variants(["a"], ["resize", "arr-coc", "full"], ["until sure", "100"])
    assert [v.label for v in variants if v.is_sure] == ["a · arr-coc · until sure"] and len(variants) == 4
    with pytest.raises(ValueError, match="number"):
        make_variants(["a"], ["resize"], ["until sure"])


def test_inside_shows_the_kept_tokens_of_baselines(compared) -> None:
    state = compared[1][2]
    resize = state.findings[1]
    answer, tensions, _, splitting, _, textures, scores, *_ = look_inside(state, resize.variant.label)
    assert "no tensions" in tensions and textures == scores == ""
    assert len(Tags(splitting).found["i"]) == resize.num_tokens and describe(resize) in answer


def test_history_is_searched_sorted_exported_and_called_back(compared, notebook: Notebook, tmp_path: Path) -> None:
    status, table, csv_file, json_file, which, *_ = fill(notebook, tmp_path, ASKED, "tokens", "descending", None)
    assert "1 of " in status and str(notebook.path) in status and which["value"] == 1
    assert fill(notebook, tmp_path, None, "entry", "descending", None)[1], "an untouched search field"
    tokens = [row[COLUMNS.index("tokens")] for row in table]
    assert len(tokens) == 5 and tokens == sorted(tokens, reverse=True)
    text = Path(csv_file["value"]).read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5 and rows[0]["policy"] == "full" and rows[0]["accepted"] == " / ".join(KNOWN)
    assert json.loads(Path(json_file["value"]).read_text())[0]["tokens"] == 992
    path, question, checkpoints, policies, budgets, accepted, evidence, region, _, cards, *_ = call_back(
        notebook, tmp_path, 1
    )
    assert Path(path).read_bytes() == Path(RECEIPT).read_bytes() and question == ASKED
    assert (checkpoints, budgets, region) == (["nano"], ["100"], "")
    assert policies[-1] == "arr-coc-trained" and cards.count('class="arr-card"') == 5
    assert accepted == " | ".join(KNOWN) and len(evidence.split()) == 4
    gone = call_back(notebook, tmp_path, 99)
    assert "no entry 99" in gone[8] and "trouble" in gone[8]
    with pytest.raises(ValueError, match="sort by"):
        sorted_rows([], "weather")


def test_a_name_that_was_imported_leads_nowhere_else(tmp_path: Path) -> None:
    for name in ("../../x.png", "/etc/x.png", "..", ""):
        path = unpack(tmp_path, name, b"content")
        assert path.resolve().parent.parent == tmp_path and path.read_bytes() == b"content"


def test_rows_without_a_value_come_last(compared, notebook: Notebook) -> None:
    rows = notebook.find(ASKED)[1]
    holes = [replace(rows[0], score=None), *rows[1:]]
    for order in (False, True):
        assert sorted_rows(holes, "score", order)[-1].score is None
    assert json.loads(as_json(holes))[0]["score"] is None


def test_tensions_of_the_sliders_are_looked_with(compared, manager: CheckpointManager, notebook: Notebook) -> None:
    """All weight on information: the splits are those that the propositional map would choose by itself."""
    state = compared[1][2]
    label = state.findings[-1].variant.label
    *_, (status, after, which) = look_again(manager, notebook, state, label, 160, 0.5, 0, 1, 0, 0)
    found = after.findings[-1]
    assert found.realization.tensions.weights == (1, 0, 0) and found.num_tokens == 160 and "before" in status
    for maps, split in zip(found.realization.scores, found.realization.splits, strict=True):
        order = maps.propositional.sort(descending=True, stable=True).indices
        assert split.tolist() == order[: len(split)].tolist()
    number = max(notebook.find()[0])
    kept = notebook.entry(number)
    assert kept.seen[0].variant == found.variant and which["value"] == found.variant.label
    assert kept.seen[0].tensions.weights == (1, 0, 0)
    page = compare_two(notebook, 1, number)
    assert "picture: the same" in page and page.count('class="arr-card"') == 6


def test_sliders_at_zero_are_one_line(compared, manager: CheckpointManager, notebook: Notebook) -> None:
    import gradio

    state = compared[1][2]
    with pytest.raises(gradio.Error, match="weights: at least one"):
        list(look_again(manager, notebook, state, state.findings[-1].variant.label, 160, 0.5, 0, 0, 0, 0))


def test_an_unused_map_says_why(compared) -> None:
    """The shipped balancer starts from weights of 0: the page says so, and by whom it was set."""
    reasons = compared[1][2].findings[-1].reasons
    weights = compared[1][2].findings[-1].realization.tensions.weights
    assert "trained balancer" in reasons.source
    for weight, text in zip(weights, reasons.maps, strict=True):
        assert ("not used" in text) == (weight < 0.005) and f"Weight {weight:.2f}" in text
        assert re.search(r"Alone it would have chosen \d+ of the 12 splits", text)


def test_typed_answer_and_drawn_boxes(manager: CheckpointManager, notebook: Notebook, tmp_path: Path) -> None:
    """A typed answer scores, a drawn box is the evidence, and a drawn region is where it is looked."""
    draw(800, 600).save(tmp_path / "mine.png")
    drawn = "the typed answer | other", "10 10 90 60", "600 400 800 600"
    *_, last = compare(manager, notebook, str(tmp_path / "mine.png"), QUESTION, ["nano"], [OURS], ["100"], *drawn)
    ours, region = last[2].findings
    assert ours.score == 0 and ours.recall is not None and "region drawn" in region.variant.label
    leaves = region.allocation.leaves
    x0, y0, x1, y1 = region.allocation.boxes()[leaves[:, 0] == leaves[:, 0].min()].unbind(1)
    inside = ((x0 + x1) / 2 > 0.75) & ((y0 + y1) / 2 > 2 / 3)
    assert len(x0) and float(inside.float().mean()) > 0.6
    entry = notebook.entry(max(notebook.find()[0]))
    assert entry.accepted == ("the typed answer", "other") and entry.seen[1].variant.hand.region[0][0] == 0.75
    fields = call_back(notebook, tmp_path, entry.number)
    assert fields[5] == drawn[0] and fields[6] == drawn[1] and fields[7] == drawn[2]
    for wrong in ("1 2 3", "0 0 900 10", "5 5 5 9", "a b c d"):
        *_, last = compare(
            manager, notebook, str(tmp_path / "mine.png"), QUESTION, ["nano"], [OURS], ["100"], "", wrong, ""
        )
        assert "Evidence: " in last[0] and "trouble" in last[0]


def test_a_question_need_not_wait_for_a_whole_batch() -> None:
    """Who waits for a checkpoint comes before the thread that has it and asks again."""
    manager, order = CheckpointManager(["a"], 1, lambda name: (None, None)), []
    waiting = threading.Event()

    def question() -> None:
        waiting.set()
        with manager.lend("a"):
            order.append("question")

    asker = threading.Thread(target=question)
    for turn in range(3):
        with manager.lend("a"):
            if turn == 0:
                asker.start()
                waiting.wait()
                while not manager._next.locked():
                    time.sleep(0.001)
            order.append(f"batch {turn}")
    asker.join()
    assert order == ["batch 0", "question", "batch 1", "batch 2"]


def test_reports_are_all_listed_the_shipped_ones_first(tmp_path: Path) -> None:
    own, shipped = tmp_path / "out", tmp_path / "shipped"
    assert "No report" in report_html(own, shipped, None)
    for place in (own / "old", own / "new", shipped / "main"):
        place.mkdir(parents=True)
        (place / "report.html").write_text(f'<body><h1 title="x">{place.name}</h1>')
        time.sleep(0.01)
    (own / "out").mkdir()
    (tmp_path / "secret.html").write_text("secret")
    (own / "out" / "report.html").symlink_to(tmp_path / "secret.html")
    found = find_reports(own, shipped)
    assert list(found) == ["shipped: main", "new/report.html", "old/report.html"]
    text = report_html(own, shipped, "old/report.html")
    assert 'sandbox=""' in text and "&lt;h1 title=&quot;x&quot;&gt;old" in text and "only dark" not in text
    assert "only dark" in report_html(own, shipped, "old/report.html", True)
    for name in ("../secret.html", "/etc/passwd", "out/report.html"):
        assert "no such report" in report_html(own, shipped, name)


def test_every_policy_is_explained_in_a_line() -> None:
    assert policies_html(list(POLICIES)).count("<li>") == len(POLICIES)
    assert POLICIES["resize"].summary.split(",")[0] in policies_html(["resize"]).replace("&#x27;", "'")


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
    options: list[str], auth: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    launched: dict[str, object] = {}
    monkeypatch.setattr("gradio.Blocks.launch", lambda page, **given: launched.update(given))
    kept = tmp_path / "kept" / "history.sqlite3"
    told = CliRunner().invoke(app, ["microscope", "--host", "0.0.0.0", "--history", str(kept), *options])
    assert told.exit_code == 0 and kept.is_file(), told.output
    assert launched["auth"] == auth and launched["server_name"] == "0.0.0.0"
    assert "fern" not in told.output


@pytest.mark.parametrize("option", ["--history", "--folders"])
def test_a_place_that_is_none_ends_the_command_in_one_line(option: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database, and no folder with questions either " * 30)
    history = ["--history", str(tmp_path / "h")] if option != "--history" else []
    told = CliRunner().invoke(app, ["microscope", option, str(tmp_path / "x"), *history])
    assert told.exit_code == 2 and option[2:] in told.stderr and "Traceback" not in told.output, told.output


def test_a_policy_means_here_what_it_means_in_an_evaluation(manager: CheckpointManager) -> None:
    sample = sample_of(open_image(RECEIPT), ASKED, None)
    with manager.lend("nano") as loaded:
        host, standing = loaded[1].host, loaded[1].allocator
        pyramid = host.pyramid(sample.image)
        for name, is_trained in (("arr-coc", False), ("arr-coc-trained", True)):
            wanted = POLICIES[name].give(host, standing, sample, pyramid, 100).leaves
            found = examine(loaded, sample, Variant("nano", name, 100))
            assert found.allocation is not None and torch.equal(found.allocation.leaves, wanted)
            assert ("trained balancer" in found.reasons.source) == is_trained


def test_no_rule_made_for_an_element_of_one_page_meets_another_of_the_other():
    """A rule that hides the demo's lenses while they are empty once hid a field of the microscope."""
    pages = build_demo(), build_microscope(["nano"])
    ids = [{each["props"].get("elem_id") for each in page.config["components"]} - {None} for page in pages]
    styled = set(re.findall(r"#([a-z][a-z-]*)", STYLE))
    assert ids[0] & ids[1] & styled == {"picture", "examples"}, "the same element on both pages"
