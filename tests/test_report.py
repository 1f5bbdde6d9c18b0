"""Lines of results on disk, the tables and sections made of them, and the page that shows them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from arr_coc.evaluation.reporting.comparisons import comparisons, run_comparisons
from arr_coc.evaluation.reporting.report import large_section, report_sections, sweep
from arr_coc.evaluation.reporting.tables import accuracy_by_budget, by_what_was_found, headroom, paired_gap
from arr_coc.evaluation.running.answers import Line, append_lines, drop_torn_line, read_lines
from arr_coc.evaluation.statistics.intervals import ratio_interval
from arr_coc.views.page import as_html, write_report


def line(policy: str, budget: int, sample: int, score: float, **changes) -> Line:
    fields = {
        "task": "t", "sample": sample, "policy": policy, "budget": budget, "picture": str(sample // 2),
        "picture_kind": "form", "native_side": 640, "kind": "read_field", "group": "reading", "evidence": "level 0",
        "question": f"q{sample}?", "answers": ("a",), "answer": "a" if score else "b", "score": score,
        "metric": "exact_match", "num_tokens": budget or 128, "num_encoded": budget or 128, "flops": 1e9,
        "recall": score, "precision": 0.5, "seconds": {"give": 0.1, "prefill": 0.2} if sample % 4 == 0 else None,
    }  # fmt: skip
    return Line(**{**fields, **changes})


def lines_of_a_run() -> list[Line]:
    lines = []
    for sample in range(24):
        for budget in (64, 100):
            lines.append(line("resize", budget, sample, float(sample % 4 == 0)))
            lines.append(line("arr-coc", budget, sample, float(sample % 2 == 0)))
            lines.append(line("oracle", budget, sample, float(sample % 4 != 1)))
        lines.append(line("arr-coc", 0, sample, float(sample % 2 == 0), num_tokens=64 + sample))
        lines.append(line("full", 0, sample, float(sample % 8 != 1), num_tokens=900))
    return lines


def test_lines_survive_the_disk_and_a_torn_end(tmp_path):
    path, lines = tmp_path / "answers.jsonl", lines_of_a_run()
    append_lines(path, lines)
    assert read_lines(path) == lines
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps(asdict(lines[0])).encode()[:40])
    assert read_lines(path) == lines
    drop_torn_line(path)
    assert path.read_bytes() == whole


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "answers.jsonl"
    append_lines(path, lines_of_a_run()[:2])
    path.write_text(path.read_text().replace('"task"', '"tusk"', 1))
    with pytest.raises(ValueError, match=r"answers\.jsonl:1: not a line of results"):
        read_lines(path)


def test_paired_gap_compares_the_same_questions():
    ours = [line("arr-coc", 64, i, 1.0) for i in range(8)]
    base = [line("resize", 64, i, float(i % 2)) for i in range(2, 10)]
    gap, _ = paired_gap(ours, base)
    assert gap == 0.5


def test_tables_hold_every_policy_and_budget():
    text = accuracy_by_budget(lines_of_a_run())
    header, _, *rows = text.splitlines()
    assert header == "| policy | 64 | 100 | own budget |"
    cells = {row.split(" | ")[0].strip("| "): row for row in rows}
    assert set(cells) == {"full", "resize", "arr-coc", "oracle"}
    assert "25.0 ±" in cells["resize"] and "at 900" in cells["full"]


def test_headroom_is_the_share_of_the_gap_to_the_oracle():
    rows = headroom(lines_of_a_run()).splitlines()[2:]
    assert [row.split(" | ")[1] for row in rows] == ["64", "100"]
    assert all("+50.0" in row and "+25.0" in row and "50%" in row for row in rows)


def test_what_training_adds_is_told_at_its_own_budget_too():
    lines = lines_of_a_run()
    lines += [replace(each, policy="arr-coc-trained") for each in lines if each.policy == "arr-coc"]
    names = [found.name for found in comparisons(lines, "arr-coc-trained")]
    assert "arr-coc - arr-coc-trained at 64" in names and "full - arr-coc-trained at its own budget" in names
    titles = [section.title for section in report_sections(lines)]
    assert "Against the trained ARR-COC" in titles
    assert "Against the trained ARR-COC" not in [section.title for section in report_sections(lines_of_a_run())]


def test_what_is_missing_to_the_oracle_was_not_found():
    rows = by_what_was_found(lines_of_a_run(), ["arr-coc"]).splitlines()[2:]
    assert [row.split(" | ")[1:4] for row in rows] == [["64", "50%", "100.0 ± 7.7"], ["100", "50%", "100.0 ± 7.7"]]
    assert rows[0].startswith("| arr-coc | 64 | 50% | 100.0 ± 7.7 | 100.0 ± 7.7 | 0.0 ± 7.7 | 50.0 ± ")
    assert by_what_was_found([each for each in lines_of_a_run() if each.policy != "oracle"], ["arr-coc"]) == ""


def test_headroom_is_told_on_the_questions_that_all_three_answered():
    lines = lines_of_a_run()
    more = [line(name, 64, 1000 + i, float(name == "resize")) for i in range(40) for name in ("oracle", "resize")]
    assert headroom([*lines, *more]).splitlines()[2] == headroom(lines).splitlines()[2]


def test_ratio_interval_against_a_bootstrap_written_out():
    rng = np.random.default_rng(1)
    clusters = [str(n // 3) for n in range(60)]
    wholes = rng.integers(0, 3, 60).astype(float)
    parts = wholes * 0.5 + rng.normal(0, 0.2, 60)
    low, high = ratio_interval(parts, wholes, clusters)
    draws = []
    for _ in range(3000):
        drawn = rng.integers(0, 20, 20)
        rows = np.concatenate([np.arange(3 * each, 3 * each + 3) for each in drawn])
        draws.append(parts[rows].sum() / wholes[rows].sum())
    assert (low, high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.02)
    assert low < parts.sum() / wholes.sum() < high


def test_large_pictures_are_compared_with_the_full_resolution():
    large = [replace(each, native_side=2048) for each in lines_of_a_run()]
    assert large_section([replace(each, native_side=512) for each in large]) is None
    section = large_section(large)
    assert section is not None and section.body.count("\n| arr-coc |") == 3
    assert "| arr-coc | 64 |" in section.body and "tokens of full" in section.body


def test_comparisons_cover_every_policy_but_the_base():
    found = comparisons(lines_of_a_run(), "resize")
    assert {each.name for each in found} == {
        f"{policy} - resize at {budget}" for policy in ("arr-coc", "oracle") for budget in (64, 100)
    }
    assert all(each.p_holm >= each.p for each in found)


def test_two_runs_are_compared_condition_by_condition():
    lines = lines_of_a_run()
    better = [replace(each, score=1.0) for each in lines if each.policy == "resize"]
    found = run_comparisons(better, lines)
    assert [each.name for each in found] == ["resize at 64", "resize at 100"]
    assert all(each.difference == 0.75 for each in found)
    with pytest.raises(ValueError, match="share no question"):
        run_comparisons(better, [line("full", 0, 0, 1.0)])


def test_sweep_finds_the_smallest_sufficient_budget():
    chosen, sufficient = sweep(lines_of_a_run(), "arr-coc")
    assert len(chosen) == 24 and sufficient[0] == 64 and sufficient[1] == float("inf")


def test_sections_without_their_policies_are_left_out():
    titles = {section.title for section in report_sections([each for each in lines_of_a_run() if each.budget == 100])}
    assert "Headroom" in titles and "What compression loses" not in titles and "Budgets" not in titles


def test_the_page_is_self_contained(tmp_path):
    write_report(tmp_path, lines_of_a_run(), title="A run", host="tiny", command="the command")
    text, page = (tmp_path / "report.md").read_text(), (tmp_path / "report.html").read_text()
    for title in ("Accuracy by tokens", "Headroom", "Against plain resize", "Budgets", "Time to the first token"):
        assert f"## {title}" in text and f"<h2>{title}</h2>" in page
    assert "the command" in text and "](figures/accuracy.png)" in text
    assert 'src="data:image/png;base64,' in page and 'src="figures' not in page
    assert "<table>" in page


def test_markup_in_an_answer_stays_text(tmp_path):
    assert "<script>" not in as_html("| a |\n| --- |\n| <script>x</script> |", "t", tmp_path)


@pytest.mark.parametrize("native_side", [640, 2000])
@pytest.mark.parametrize("is_level", [True, False])
def test_questions_about_one_picture_leave_no_figure_undefined(native_side, is_level):
    """Of one picture no error is known; what would need one is a dash, also where the oracle gains nothing."""
    lines = [replace(each, picture="one", native_side=native_side) for each in lines_of_a_run()]
    if is_level:
        lines = [replace(each, score=1.0) for each in lines]
    text = "\n".join(section.body for section in report_sections(lines))
    assert "nan" not in text.lower() and "inf" not in text.split()
    assert "| - |" in text
