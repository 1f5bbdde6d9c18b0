"""Looking until sure: nested leaves, checked drafts, when it stops, and what it refuses."""

from __future__ import annotations

import json
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image

import arr_coc.processor.until_sure as until_sure
from arr_coc.attending import plan_further, plan_splits
from arr_coc.data.mixture import mixture
from arr_coc.processor.answer import greedy
from arr_coc.processor.drafting import Draft, write
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.sureness import FILE, LADDER, Sign, Sureness, load_sureness, save_sureness
from arr_coc.processor.until_sure import Closer, looks_of, num_agreeing

PICTURE = mixture(31, 4, max_side=832)
NEVER, ALWAYS = Sureness(thresholds={"1": 1.0}), Sureness(thresholds={"1": 0.0})


@pytest.fixture(scope="module")
def loaded() -> RelevanceProcessor:
    return load_host("nano", dtype="float32", device="cpu")[1]


@pytest.fixture()
def processor(loaded: RelevanceProcessor) -> RelevanceProcessor:
    return RelevanceProcessor(loaded.host, loaded.allocator, loaded.sureness)


def messages_of(number: int = 0, image: Image.Image = PICTURE.image) -> list[dict[str, object]]:
    return question_messages(image, PICTURE.questions[number].text)


def test_what_is_left_of_a_plan_is_the_plan_less_the_splits_given() -> None:
    before, after = plan_splits(100, 64, 3, 0.6), plan_splits(256, 64, 3, 0.6)
    num_cells, leaves = 64, []
    for level, given in zip((3, 2, 1), before, strict=True):
        leaves += [(level, 0, 0)] * (num_cells - given)
        num_cells = 4 * given
    leaves += [(0, 0, 0)] * num_cells
    left = plan_further(after, torch.tensor(leaves), 64)
    assert left == [now - then for now, then in zip(after, before, strict=True)] and sum(left) == 52


def test_the_finest_level_pays_for_splits_beyond_the_plan() -> None:
    leaves = torch.tensor([(1, 0, 0)] * 10 + [(0, 0, 0)] * 24)  # of 16 cells 6 are split, 2 more than planned
    assert plan_further([4], leaves, 16) == [0]
    deep = torch.tensor([(2, 0, 0)] * 10 + [(1, 0, 0)] * 24)  # of 16 cells of level 2 six are split, of level 1 none
    assert plan_further([4, 5], deep, 16) == [0, 3]


@pytest.mark.parametrize("closer", [Closer.NESTED, Closer.POINTED])
def test_nested_looks_encode_every_cell_once(processor: RelevanceProcessor, closer: Closer) -> None:
    steps = list(looks_of(processor, messages_of(), (64, 100, 160, 256), 16, closer=closer))
    seen = set()
    for step in steps:
        (realization,) = step.realizations
        leaves = {tuple(leaf) for leaf in realization.allocation.leaves.tolist()}
        parents = {(level + 1, row // 2, col // 2) for level, row, col in leaves}
        for scores, splits in zip(realization.scores, realization.splits, strict=True):
            seen |= {tuple(cell) for cell in scores.cells[splits].tolist()}
        seen |= leaves | {cell for cell in parents if cell in seen}
    assert sum(step.num_encoded for step in steps) == len(seen)
    assert [step.num_tokens for step in steps] == sorted(step.num_tokens for step in steps)


def test_nested_looks_keep_what_was_finer(processor: RelevanceProcessor) -> None:
    inputs = processor.apply_chat_template(messages_of(), add_generation_prompt=True, budget=100)
    closer = processor.look_closer(inputs, "something", 256)
    before, after = (each.realizations[0][0].allocation for each in (inputs, closer))
    covered = {tuple(leaf) for leaf in after.leaves.tolist()}
    for level, row, col in before.leaves.tolist():
        children = {(level - 1, 2 * row + i, 2 * col + j) for i in (0, 1) for j in (0, 1)}
        assert (level, row, col) in covered or level > 0 and not covered.isdisjoint(children) or level > 1
    assert before.num_tokens < after.num_tokens <= 256
    assert torch.equal(processor.look_closer(inputs, "", 64)["input_ids"], inputs["input_ids"])


def test_a_draft_points_somewhere(processor: RelevanceProcessor) -> None:
    inputs = processor.apply_chat_template(messages_of(), add_generation_prompt=True, budget=64)
    maps = [processor.look_closer(inputs, draft, 160).realizations[0][0].scores[0] for draft in ("", "31.90", "Mango")]
    assert not torch.equal(maps[0].participatory, maps[1].participatory)
    assert not torch.equal(maps[1].participatory, maps[2].participatory)


@pytest.mark.parametrize("number", range(4))
def test_a_checked_draft_becomes_what_would_have_been_written(processor: RelevanceProcessor, number: int) -> None:
    model, settings = processor.host.model, greedy(processor.host.model, processor.tokenizer)
    coarse, fine = (
        processor.apply_chat_template(messages_of(number), add_generation_prompt=True, budget=budget)
        for budget in (64, 256)
    )
    expected, draft = write(model, fine, settings, 24, None), write(model, coarse, settings, 24, None)
    wrong = Draft((draft.ids[0] + 1, *draft.ids[1:]), draft.chances, True)
    late = Draft((*expected.ids[:1], 9, *expected.ids[1:]), (), True)
    cut = Draft(expected.ids[:2], (), False)
    for before in (draft, wrong, late, cut, expected):
        found = write(model, fine, settings, 24, before)
        assert found.ids == expected.ids and found.has_ended == expected.has_ended
        assert found.chances == pytest.approx(expected.chances, abs=1e-4)
    assert write(model, fine, settings, 24, expected).num_kept == len(expected.ids)


def test_looks_whose_drafts_are_not_checked_say_the_same(processor: RelevanceProcessor) -> None:
    checked, anew = (
        list(looks_of(processor, messages_of(), (64, 100, 160), 16, checks_drafts=checks)) for checks in (True, False)
    )
    assert [step.draft.ids for step in checked] == [step.draft.ids for step in anew]
    assert any(step.num_drafted for step in checked)
    assert not any(step.num_drafted or step.draft.num_kept for step in anew)


def test_looking_ends_when_it_is_sure_and_else_at_the_largest_budget(processor: RelevanceProcessor) -> None:
    processor.sureness = ALWAYS
    first = processor.answer(messages_of())
    processor.sureness = NEVER
    last = processor.answer(messages_of(), max_budget=200)
    assert [look.budget for look in first.looks] == [64]
    assert [look.budget for look in last.looks] == [64, 100, 160, 200]
    assert first.num_tokens == first.looks[-1].num_tokens <= 64 < last.num_tokens <= 200
    assert last.num_encoded == sum(look.num_encoded for look in last.looks)
    assert 0 <= first.confidence <= 1 and last.text == last.looks[-1].text and last.ttft == last.total > 0


def test_the_last_look_says_what_one_look_at_its_budget_says(processor: RelevanceProcessor) -> None:
    processor.sureness = NEVER
    for number in range(4):
        once = processor.answer(messages_of(number), until_sure=False, budget=256)
        assert processor.answer(messages_of(number), max_budget=256).text == once.text
        assert once.looks == () and once.confidence is None and once.num_tokens <= 256


def test_four_at_once_and_one_after_the_other_say_the_same(processor: RelevanceProcessor) -> None:
    alone = [processor.answer(messages_of(number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: processor.answer(messages_of(number)), range(4)))
    told = [[(look.text, look.num_tokens, look.num_encoded) for look in each.looks] for each in (*alone, *together)]
    assert told[:4] == told[4:]
    inputs = processor.apply_chat_template(messages_of(), add_generation_prompt=True, budget=64)
    copied = pickle.loads(pickle.dumps(inputs))
    leaves = [processor.look_closer(each, "x", 160).realizations[0][0].allocation.leaves for each in (inputs, copied)]
    assert torch.equal(*leaves)


def test_questions_about_one_picture_share_its_glimpse(
    processor: RelevanceProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = type(processor.host).encode_segments

    def counting(host: object, segments: list) -> list:
        encoded.append(sum(len(segment.index) for segment in segments))
        return encode(host, segments)

    monkeypatch.setattr(type(processor.host), "encode_segments", counting)
    processor.sureness = ALWAYS
    answers = processor.answer([messages_of(0), messages_of(1), messages_of(2)])
    glimpse = answers[0].looks[0].num_encoded
    assert len(answers) == 3 and encoded.count(max(encoded)) == 1 and glimpse >= max(encoded)
    alone = processor.answer(messages_of(1))
    assert answers[1].text == alone.text


def test_an_answer_too_long_for_a_draft_is_given_by_the_largest_budget(
    processor: RelevanceProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = processor.answer(messages_of(), until_sure=False, budget=400)
    monkeypatch.setattr(until_sure, "MOST_DRAFTED", 1)
    answer = processor.answer(messages_of())
    assert [look.budget for look in answer.looks] == [64, 400] and answer.text == once.text


def test_a_picture_that_is_seen_whole_is_looked_at_once(processor: RelevanceProcessor) -> None:
    processor.sureness = NEVER
    answer = processor.answer(messages_of(image=PICTURE.image.resize((200, 160))))
    assert len(answer.looks) == 1 and answer.looks[0].settled == 1.0


def test_generation_options_write_the_answer_from_the_look_that_held(processor: RelevanceProcessor) -> None:
    processor.sureness = ALWAYS
    one = processor.answer(messages_of(), do_sample=False, repetition_penalty=1.0)
    assert one.text == processor.answer(messages_of()).text
    stopped = processor.answer(messages_of(), stopping_criteria=[lambda ids, scores, **_: torch.tensor([True])])
    assert stopped.num_new_tokens == 1 and stopped.looks[-1].text == one.text
    once = processor.answer(messages_of(), until_sure=False, budget=64, do_sample=False)
    assert once.text == processor.answer(messages_of(), until_sure=False, budget=64).text
    torch.manual_seed(0)
    assert isinstance(processor.answer(messages_of(), do_sample=True, temperature=5.0, max_new_tokens=4).text, str)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"until_sure": 1.5}, "until_sure: must be True, False or a number in 0..1, got 1.5"),
        ({"until_sure": "yes"}, "until_sure: must be True"),
        ({"max_budget": 63}, "max_budget must be"),
        ({"max_budget": 401}, "max_budget must be"),
        ({"budget": 100}, "budget: one look at a fixed budget needs until_sure=False"),
    ],
)
def test_what_makes_no_sense_is_one_line(processor: RelevanceProcessor, given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")) as error:
        processor.answer(messages_of(), **given)
    assert "\n" not in str(error.value)


def test_a_host_without_calibration_is_told_of_once(
    processor: RelevanceProcessor, caplog: pytest.LogCaptureFixture
) -> None:
    until_sure.tell_uncalibrated.cache_clear()
    processor.sureness = Sureness()
    with caplog.at_level(logging.WARNING):
        processor.answer(messages_of())
        processor.answer(messages_of())
    assert sum("never calibrated" in record.message for record in caplog.records) == 1


def test_not_one_draft_a_conversation_is_refused(processor: RelevanceProcessor) -> None:
    inputs = processor.apply_chat_template(messages_of(), add_generation_prompt=True, budget=64)
    with pytest.raises(ValueError, match="draft: 2 for 1 conversations"):
        processor.look_closer(inputs, ["a", "b"], 100)


def test_agreement_counts_looks_in_a_row() -> None:
    assert num_agreeing("12.50", ["12.50", "9", "12.50", " 12.50"]) == 2
    assert num_agreeing("Red", ["red"]) == 1 and num_agreeing("Red", []) == 0


def test_signs_and_chances() -> None:
    rule = Sureness(settled_weights=(0.0, 1.0, 2.0, 0.0, 0.0), confidence_weights=(0.0, 1.0, 0.0, 0.0, 0.0))
    assert rule.confidence(Sign(64, 0.8, 0)) == pytest.approx(0.8)
    assert rule.settled(Sign(64, 0.5, 1)) == pytest.approx(0.880797, abs=1e-6)
    assert Sign(160, 1.0, 2).values()[2:4] == (1.0, 1.0)
    assert rule.rungs(160) == (64, 100, 160) and rule.rungs(130) == (64, 100, 130) and rule.rungs(64) == (64,)


def test_a_calibration_lies_with_the_trained_parts(processor: RelevanceProcessor, tmp_path: Path) -> None:
    rule = Sureness((64, 160), thresholds={"1": 0.7, "2": 0.5}, is_calibrated=True, facts={"questions": 8})
    processor.sureness = rule
    processor.save_pretrained(tmp_path)
    again = RelevanceProcessor.from_pretrained("nano", model=processor.host.model, relevance=tmp_path)
    assert again.sureness == rule and (tmp_path / "relevance" / FILE).is_file()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"ladder": [100, 64]}', '{"ladder": [64], "thresholds": {"1": 7}}', '{"who": 1}']
)
def test_a_broken_calibration_is_one_line(tmp_path: Path, text: str) -> None:
    save_sureness(tmp_path, Sureness())
    assert load_sureness(tmp_path) == Sureness() and load_sureness(tmp_path / "none") == Sureness(LADDER)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match="not written by arr-coc eval calibrate") as error:
        load_sureness(tmp_path)
    assert "\n" not in str(error.value)


def test_a_saved_calibration_is_plain_json(tmp_path: Path) -> None:
    save_sureness(tmp_path, Sureness())
    assert json.loads((tmp_path / FILE).read_text())["ladder"] == list(LADDER)
