"""The demo without a browser: streaming, remembered pictures, what its handlers answer."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from apps_toys import Tags
from conftest import QUESTION, draw
from PIL import Image

from arr_coc.hosts.caching import Memory
from arr_coc.processor.answer import answer
from arr_coc.processor.loading import load_host
from arr_coc.processor.plain_inputs import plain_inputs, question_messages
from arr_coc.views.looks import LookCard, looks_html

gr = pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from arr_coc.apps.answering import Asked, Turn, respond, saved_text, values_of  # noqa: E402
from arr_coc.apps.asking import FULL, OURS, RESIZE, Asker  # noqa: E402
from arr_coc.apps.choosing import DEFAULT_BUDGET, suit_picture, take_more, take_upload  # noqa: E402
from arr_coc.apps.current import MOST_VISITORS, Current  # noqa: E402
from arr_coc.apps.demo import another_picture, ask  # noqa: E402
from arr_coc.apps.examples import is_right, read_examples, record_of  # noqa: E402
from arr_coc.apps.remembering import remember  # noqa: E402
from arr_coc.apps.streaming import stream_answer  # noqa: E402
from arr_coc.apps.uploads import check_picture, friendly, take_heic  # noqa: E402

RECEIPT = str(read_examples()[0].path)
ASKED = read_examples()[0].questions[0]
HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABoAABAAAAAAAAAD4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Glw"
    "cnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AA"
    "AAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABA"
    "AAAAQAAAAChjbGFwAAAAGAAAAAEAAAAQAAAAAf///9gAAAAC////0AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYEC"
    "AwWEAAAARm1kYXQAAAA6KAGvUhoBhIDylFH9wlzafA564xcAp47Hg4l4mPrkFMf38UeezySo3zr2hU8QPB2gtTI4v7quAOBE4A=="
)
"""24x16, the left half red, the right half blue, as an iPhone would keep it."""


@pytest.fixture(scope="module")
def asker() -> Asker:
    return Asker("nano")


def test_question_cannot_bring_markup(asker: Asker) -> None:
    *_, last = respond(asker, Asked((RECEIPT,), "<script>alert(1)</script>?", 64, compares=False))
    assert "<script>" not in last.answers and "&lt;script&gt;" in last.answers


def test_stream_ends_in_the_answer(tiny_model, tiny_processor) -> None:
    messages = question_messages(draw(640, 480), QUESTION)
    inputs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=64)
    *_, streamed = stream_answer(tiny_model, tiny_processor.tokenizer, dict(inputs.items()), 12)
    assert streamed == answer(tiny_model, tiny_processor.tokenizer, inputs, 12).text != ""


def test_stream_raises_what_generate_raises(tiny_model, tiny_processor) -> None:
    with pytest.raises(ValueError, match="max_new_tokens"):
        list(stream_answer(tiny_model, tiny_processor.tokenizer, {"input_ids": torch.tensor([[5, 6]])}, 0))


def test_second_question_reuses_pyramid_and_glimpse(tiny_processor, tmp_path) -> None:
    path = tmp_path / "picture.png"
    draw(1000, 700).save(path)
    processor, host = remember(tiny_processor, 2)
    first, second = host.open(path), host.open(path)
    assert first is second and host.pyramid(first) is host.pyramid(second)
    messages = question_messages(first, QUESTION)
    ours = processor.apply_chat_template(messages, add_generation_prompt=True, budget=100).realizations[0][0]
    theirs = tiny_processor.apply_chat_template(messages, add_generation_prompt=True, budget=100).realizations[0][0]
    assert ours.pyramid is host.pyramid(first) and torch.equal(ours.allocation.leaves, theirs.allocation.leaves)
    assert torch.equal(ours.features.merged, theirs.features.merged)


def test_memory_goes_with_the_file(tiny_processor, tmp_path) -> None:
    """A picture is dropped with all that was made of it once its file is gone; others stay."""
    processor, host = remember(tiny_processor, 2)
    pictures = []
    for name in ("a.png", "b.png"):
        draw(1000, 700, seed=len(pictures)).save(tmp_path / name)
        pictures.append(host.open(tmp_path / name))
        processor.apply_chat_template(question_messages(pictures[-1], QUESTION), add_generation_prompt=True, budget=100)
        host.encode_whole(pictures[-1], (320, 224))
    sizes = {name: len(memory) for name, memory in vars(host).items() if isinstance(memory, Memory)}
    assert set(sizes.values()) == {1, 2} and len(sizes) == 6
    host.forget()
    assert all(host.remembers(picture) and host.remembers(picture, (320, 224)) for picture in pictures)
    (tmp_path / "a.png").unlink()
    host.forget()
    assert not host.remembers(pictures[0]) and not host.remembers(pictures[0], (320, 224))
    assert host.remembers(pictures[1]) and host.open(tmp_path / "b.png") is pictures[1]
    (tmp_path / "b.png").unlink()
    host.forget()
    assert not any(len(memory) for memory in vars(host).values() if isinstance(memory, Memory))


def test_whole_pictures_are_read_as_the_untouched_host_reads_them(asker: Asker) -> None:
    for way, most in ((FULL, None), (RESIZE, 100)):
        *_, reply = asker.ask([RECEIPT], ASKED, way=way, max_tokens=most and [most])
        stock = plain_inputs(asker.host, question_messages(RECEIPT, ASKED), most)
        assert reply.text == answer(asker.model, asker.processor.tokenizer, stock).text
        assert reply.num_tokens == int((stock["input_ids"] == asker.host.image_token_id).sum())


@pytest.mark.parametrize(("read", "whole", "text"), [(120, 108, "-11%"), (108, 108, "0%"), (100, 992, "90%")])
def test_tokens_saved_may_be_less_than_none(read: int, whole: int, text: str) -> None:
    assert saved_text(read, whole) == text


def test_second_question_makes_neither_pyramid_nor_glimpse_again(asker: Asker, tmp_path) -> None:
    """Counted, not timed: a question that differs may split other cells, the same one splits the same."""
    path, encoded, stages = tmp_path / "picture.png", [], []
    draw(1024, 1024).save(path, compress_level=1)
    handle = asker.host.vision.register_forward_pre_hook(lambda _, args: encoded[-1].append(len(args[0]) // 4))
    for _ in range(2):
        encoded.append([])
        list(asker.ask([str(path)], "Is there a red circle?", 100))
        stages.append(set(asker.host.clock.seconds))
    handle.remove()
    assert {"pyramid", "resize"} <= stages[0] and not {"pyramid", "resize"} & stages[1]
    assert encoded[0][0] == 64 and encoded[0][1:] == encoded[1] and encoded[1]


def test_first_question_shows_why_resize_fails(asker: Asker) -> None:
    """Right by one look, wrong by resize; the evidence in three columns with the heights of its print."""
    *growing, last = respond(asker, Asked((RECEIPT,), ASKED, DEFAULT_BUDGET))
    [shown] = [step for step in growing if step.leaves]
    values = values_of(last.turn, "nano")
    assert values["is_right"] and not values["others"][RESIZE]["is_right"] and values["expected"] == ["6807"]
    assert 0.9 * values["tokens"] < values["others"][RESIZE]["tokens"] <= values["tokens"] <= DEFAULT_BUDGET
    assert values["others"][FULL]["tokens"] == values["tokens_at_full_resolution"] == 992
    assert last.answers.count("✓ right") + last.answers.count("✗ wrong") == 3
    assert last.answers.rindex("The right answer: <b>6807</b>") > last.answers.rindex("in all")
    assert (
        shown.evidence.count('class="arr-lens"') == 3 and "19 pixels" in shown.evidence and "8 pixels" in shown.evidence
    )
    assert len(Tags(shown.leaves).found["i"]) == values["tokens"] == len(values["leaves"])


def test_expected_answer_is_not_told_before_the_models(asker: Asker) -> None:
    *growing, last = respond(asker, Asked((RECEIPT,), ASKED, 64))
    assert "The right answer" in last.answers and not any(
        "The right answer" in (step.answers or "") for step in growing
    )


def test_picture_of_ones_own_is_not_judged(asker: Asker, tmp_path) -> None:
    draw(900, 700, seed=9).save(tmp_path / "own.png")
    *_, last = respond(asker, Asked((str(tmp_path / "own.png"),), ASKED, 64))
    assert "✓" not in last.answers and "✗" not in last.answers and "right answer" not in last.answers
    assert values_of(last.turn, "nano")["expected"] is None


def test_closing_ends_the_answer(asker: Asker) -> None:
    """Whoever stops, or takes another picture, leaves the model free for the next."""
    steps = respond(asker, Asked((RECEIPT,), ASKED, 64))
    assert [next(steps) for _ in range(2)][1].answers
    steps.close()
    *_, reply = asker.ask([RECEIPT], ASKED, 64)
    assert reply.text


def test_stopping_keeps_what_is_finished(asker: Asker) -> None:
    seen = []
    for step in respond(
        asker, Asked((RECEIPT,), ASKED, DEFAULT_BUDGET), lambda: not any("✓ right" in answers for answers in seen)
    ):
        seen.append(step.answers or "")
    last = step
    assert last.turn is None and "✓ right" in last.answers and last.answers.count("stopped") == 2
    assert "is-done" in last.answers and "reading" not in last.answers
    *_, only = respond(asker, Asked((RECEIPT,), ASKED, 64), lambda: False)
    assert only.answers.count("stopped") == 3 and "6807" not in only.answers


def test_an_answer_without_a_word_yet_is_not_called_none(asker: Asker) -> None:
    turn = Turn(Asked((RECEIPT,), ASKED, 64), None)
    *_, reply = asker.ask([RECEIPT], ASKED, 64)
    turn.replies[OURS] = replace(reply, text="")
    assert "(no answer)" not in turn.answers(is_busy=True) and turn.answers(is_busy=True).count("reading") == 1
    turn.finished.add(OURS)
    assert turn.answers(is_busy=True).count("(no answer)") == 1


def test_a_newer_question_another_picture_and_stop_end_the_one_before() -> None:
    current = Current()
    current.ask("anna")
    first = current.begin("anna")
    assert current.goes_on("anna", first) and not current.goes_on("bert", first)
    current.ask("anna")
    assert not current.goes_on("anna", first) and not current.is_idle("anna")
    second = current.begin("anna")
    current.stop("anna")
    assert not current.goes_on("anna", second) and current.is_newest("anna", second)
    current.change_picture("anna")
    assert current.is_idle("anna") and not current.is_newest("anna", second)
    current.ask("anna")
    assert current.goes_on("anna", current.begin("anna"))


def test_questions_that_queue_begin_in_their_order_and_only_the_newest_goes_on() -> None:
    current = Current()
    for _ in range(3):
        current.ask("anna")
    assert [current.goes_on("anna", current.begin("anna")) for _ in range(3)] == [False, False, True]
    assert not current.goes_on("anna", current.begin("anna"))


def test_visitors_who_left_are_forgotten() -> None:
    current = Current()
    for number in range(MOST_VISITORS + 5):
        current.ask(str(number))
    assert not current.goes_on("0", current.begin("0"))
    assert current.goes_on(str(MOST_VISITORS), current.begin(str(MOST_VISITORS)))


def test_programs_get_plain_values(asker: Asker) -> None:
    values = ask(asker, RECEIPT, ASKED, 100, False)
    assert json.loads(json.dumps(values)) == values and values["others"] == {}
    assert values["tokens"] == len(values["leaves"]) == 100 and values["budget"] == 100
    area = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (leaf["box"] for leaf in values["leaves"]))
    assert area == pytest.approx(1, abs=1e-3)
    sure = ask(asker, RECEIPT, ASKED, 0, False)
    assert json.loads(json.dumps(sure)) == sure and sure["budget"] == "auto" and sure["looks"]
    with pytest.raises(gr.Error, match="64..400"):
        ask(asker, RECEIPT, ASKED, 5000, False)


def test_another_picture_leaves_nothing_of_the_old_one() -> None:
    stale, suggestions, answers, *rest = another_picture(None, ASKED)
    assert stale == ASKED and not suggestions.visible and "6807" not in answers
    assert all(part in ("", []) or part.get("visible") is False or part.get("interactive") is False for part in rest)


def test_question_of_ones_own_stays_with_another_picture() -> None:
    other = read_examples()[1]
    assert suit_picture(RECEIPT, "Mine?")[0] == suit_picture(None, "Mine?")[0] == "Mine?"
    assert suit_picture(RECEIPT, other.questions[0])[0] == "" and suit_picture(RECEIPT, ASKED)[0] == ASKED


def test_looks_come_one_after_the_other_and_end_like_the_processor_s(asker: Asker) -> None:
    """The first draft is shown at once, with what it was drafted from; the last look is the answer."""
    steps = list(respond(asker, Asked((RECEIPT,), ASKED, None, compares=False)))
    rows = [Tags(step.looks).found["input"] for step in steps if step.looks]
    expected = load_host("nano")[1].answer(question_messages(RECEIPT, ASKED))
    count = len(expected.looks)
    assert count > 1 and [len(row) for row in rows] == [*range(1, count + 1), count]
    assert ["checked" in radio for radio in rows[-1]] == [False] * (count - 1) + [True]
    first = next(step for step in steps if step.looks)
    assert expected.looks[0].text in first.answers and "is-busy" in first.answers and "✓" not in first.answers
    leaves = next(step.leaves for step in reversed(steps) if step.leaves)
    tokens = [look.num_tokens for look in expected.looks]
    assert leaves.count('class="arr-pane"') == count and len(Tags(leaves).found["i"]) == sum(tokens)
    values = values_of(steps[-1].turn, "nano")
    assert values["text"] == expected.text and values["confidence"] == pytest.approx(expected.confidence, abs=1e-3)
    assert [look["visual_tokens"] for look in values["looks"]] == tokens and len(values["leaves"]) == tokens[-1]


def test_what_is_drawn_between_looks_is_not_their_time(asker: Asker) -> None:
    spent, waited, start = 0.0, 0.0, time.perf_counter()
    for reply in asker.ask([RECEIPT], ASKED):
        spent = reply.total_s
        time.sleep(0.5)
        waited += 0.5
    assert len(reply.looks) > 1 and spent < time.perf_counter() - start - waited + 0.4


def test_drafts_bring_no_markup() -> None:
    page = looks_html([LookCard("<b>7</b>", "64 tokens"), LookCard("", "9 tokens")], "Looks & more")
    assert "<b>7</b>" not in page and "&lt;b&gt;7" in page and "Looks &amp; more" in page and "(no answer)" in page


def test_several_pictures_are_asked_about_at_once(asker: Asker) -> None:
    """Each has its own leaves and its own columns; the resize gives each as many tokens as ARR-COC did."""
    paths = (RECEIPT, str(read_examples()[6].path))
    *growing, last = respond(asker, Asked(paths, "How many hexagons are there?", 100))
    messages = [{"role": "user", "content": [{"type": "image", "image": path} for path in paths]}]
    messages[0]["content"].append({"type": "text", "text": "How many hexagons are there?"})
    assert last.turn.replies[OURS].text == load_host("nano")[1].answer(messages, until_sure=False, budget=100).text
    values = values_of(last.turn, "nano")
    assert values["pictures"] == 2 and values["expected"] is None and values["tokens"] == len(values["leaves"])
    own = [sum(leaf["picture"] == number for leaf in values["leaves"]) for number in (0, 1)]
    assert all(90 < count <= 100 for count in own) and 0.8 * sum(own) < values["others"][RESIZE]["tokens"] <= sum(own)
    stock = plain_inputs(asker.host, messages)
    assert values["others"][FULL]["tokens"] == int((stock["input_ids"] == asker.host.image_token_id).sum())
    assert values["others"][FULL]["text"] == answer(asker.model, asker.processor.tokenizer, stock).text
    [shown] = [step for step in growing if step.evidence]
    assert shown.evidence.count("arr-lenses") > 2 and shown.leaves.count("data-picture=") == 2
    *_, refused = respond(asker, Asked(paths * 2, ASKED, 64))
    assert "at most 3" in refused.trouble


def test_further_pictures_are_refused_with_the_reason(tmp_path) -> None:
    bad_files(tmp_path)
    kept, told = take_more([RECEIPT, str(tmp_path / "text.png")])
    assert kept == [RECEIPT] and "not a picture" in told and str(tmp_path) not in told
    assert len(take_more([RECEIPT] * 5)[0]) == 2 and take_more(None) == (None, "")


@pytest.mark.slow
@pytest.mark.parametrize("budget", [None, DEFAULT_BUDGET])
def test_page_is_as_good_as_full_resolution_on_the_shipped_questions(asker: Asker, budget: int | None) -> None:
    """Looking until sure, with which the page opens, and one look; `-rP` prints the counts."""
    counts = dict.fromkeys((OURS, RESIZE, FULL), 0)
    for example in read_examples():
        for record in example.records:
            *_, last = respond(asker, Asked((str(example.path),), record.question, budget))
            for way, reply in last.turn.replies.items():
                counts[way] += is_right(record, reply.text)
    print(f"budget {budget}, right of {sum(len(example.records) for example in read_examples())}: {counts}")
    assert counts[OURS] >= counts[FULL] > counts[RESIZE]


def test_records_are_of_shipped_pictures_only(tmp_path) -> None:
    assert record_of(RECEIPT, ASKED).answers == ("6807",)
    assert record_of(str(tmp_path / "receipt.jpg"), ASKED) is None and record_of(RECEIPT, "Else?") is None


def bad_files(folder: Path) -> dict[str, str]:
    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    draw(300, 300).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:3000])
    (folder / "cut.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    return {
        "text.png": "not a picture that can be read",
        "empty.png": "the file is empty",
        "dot.png": "1x1 pixels",
        "cut.jpg": "cut short or damaged",
        "cut.heic": "HEIC",
    }


@pytest.mark.parametrize("name", ["text.png", "empty.png", "dot.png", "cut.jpg", "cut.heic"])
def test_bad_files_get_a_friendly_message(asker: Asker, tmp_path, name: str) -> None:
    expected = bad_files(tmp_path)[name]
    *_, last = respond(asker, Asked((str(tmp_path / name),), ASKED, None))
    assert expected in last.trouble and "trouble" in last.answers and str(tmp_path) not in last.answers
    *_, again = respond(asker, Asked((RECEIPT,), ASKED, 64, compares=False))
    assert again.turn.replies[OURS].num_tokens == 64


@pytest.mark.parametrize("name", ["text.png", "empty.png", "dot.png", "cut.heic"])
def test_bad_files_are_refused_when_they_come(tmp_path, name: str) -> None:
    expected = bad_files(tmp_path)[name]
    picture, told = take_upload(str(tmp_path / name))
    assert picture is None and expected in told and str(tmp_path) not in told


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.avif"])
def test_what_browsers_show_is_left_alone(tmp_path, name: str) -> None:
    draw(300, 200).save(tmp_path / name)
    picture, told = take_upload(str(tmp_path / name))
    assert picture == gr.skip() and told == ""


@pytest.mark.parametrize("name", ["a.heic", "a.tiff", "a.ppm"])
def test_what_browsers_do_not_show_comes_as_a_jpeg(tmp_path, name: str) -> None:
    """Red left, blue right, 24x16."""
    if name == "a.heic":
        pytest.importorskip("pi_heif")
        assert take_heic()
        (tmp_path / name).write_bytes(b64decode(HEIC))
    else:
        red_and_blue().save(tmp_path / name)
    picture, told = take_upload(str(tmp_path / name))
    with Image.open(picture) as shown:
        assert shown.format == "JPEG" and shown.size == (24, 16) and told == ""
        left, right = shown.getpixel((3, 8)), shown.getpixel((20, 8))
    assert left[0] > left[2] + 60 and right[2] > right[0] + 60


def red_and_blue() -> Image.Image:
    picture = Image.new("RGB", (24, 16), "#c03020")
    picture.paste((30, 60, 200), (12, 0, 24, 16))
    return picture


@pytest.mark.parametrize(("paths", "question", "expected"), [((), ASKED, "first"), ((RECEIPT,), "  ", "empty")])
def test_missing_fields_are_named(asker: Asker, paths: tuple[str, ...], question: str, expected: str) -> None:
    *_, last = respond(asker, Asked(paths, question, None))
    assert expected in last.trouble


def test_friendly_hides_where_the_server_keeps_files(tmp_path) -> None:
    path = str(tmp_path / "a.png")
    Path(path).write_bytes(b"")
    with pytest.raises(ValueError, match="empty") as caught:
        check_picture(path)
    assert '"a.png"' in friendly(caught.value, path) and str(tmp_path) not in friendly(caught.value, path)
