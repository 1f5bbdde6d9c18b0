"""The demo without a browser: streaming, remembered pictures, what its handler answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from apps_toys import Tags
from conftest import QUESTION, draw

from arr_coc.hosts.caching import Memory
from arr_coc.processor.answer import answer
from arr_coc.processor.plain_inputs import plain_inputs, question_messages

pytest.importorskip("gradio", reason="gradio is not installed; pip install -e '.[demo]'")

from arr_coc.apps.asking import FULL, OURS, RESIZE, Asker  # noqa: E402
from arr_coc.apps.demo import respond, saved_text  # noqa: E402
from arr_coc.apps.examples import read_examples  # noqa: E402
from arr_coc.apps.remembering import remember  # noqa: E402
from arr_coc.apps.streaming import stream_answer  # noqa: E402
from arr_coc.apps.uploads import check_picture, friendly  # noqa: E402

RECEIPT = str(read_examples()[0].path)
ASKED = read_examples()[0].questions[1]


@pytest.fixture(scope="module")
def asker() -> Asker:
    return Asker("nano")


def test_question_cannot_bring_markup(asker: Asker) -> None:
    *_, last = respond(asker, RECEIPT, "<script>alert(1)</script>?", True, False, 64, {})
    assert "<script>" not in last[0] and "&lt;script&gt;" in last[0]


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
        *_, reply = asker.ask(RECEIPT, ASKED, way=way, max_tokens=most)
        stock = plain_inputs(asker.host, question_messages(RECEIPT, ASKED), most)
        assert reply.text == answer(asker.model, asker.processor.tokenizer, stock).text
        assert reply.num_tokens == int((stock["input_ids"] == asker.host.image_token_id).sum())


def test_speed_compares_like_with_like(asker: Asker, tmp_path) -> None:
    """New against new, remembered against remembered, never one against the other."""
    draw(900, 700, seed=9).save(tmp_path / "new.png")
    path, times = str(tmp_path / "new.png"), {}
    labels = []
    for uses_relevance in (True, True, False, False):
        *_, (_, facts, *_, times) = respond(asker, path, ASKED, uses_relevance, False, 64, times)
        labels.append(re.findall(r"speed[^<]*", facts))
    assert labels[0] == labels[1] == [] and [len(each) for each in labels[2:]] == [1, 2]
    assert "first question" in labels[2][0] and "second question" in labels[3][1]
    kept = times[path, ASKED]
    assert set(kept) == {(way, seen) for way in (OURS, FULL) for seen in (True, False)}


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
        list(asker.ask(str(path), "Is there a red circle?", 100))
        stages.append(set(asker.host.clock.seconds))
    handle.remove()
    assert {"pyramid", "resize"} <= stages[0] and not {"pyramid", "resize"} & stages[1]
    assert encoded[0][0] == 64 and encoded[0][1:] == encoded[1] and encoded[1]


def test_answer_comes_with_its_cost(asker: Asker) -> None:
    *growing, last = respond(asker, RECEIPT, ASKED, True, False, 100, {})
    shown, facts, leaves, slider, times = last
    assert growing and ASKED in shown and ">100<" in facts and "tokens saved of 992" in facts
    assert len(Tags(leaves).found["i"]) == 100
    assert slider[0].size == slider[1].size
    *_, plain = respond(asker, RECEIPT, ASKED, False, False, 100, times)
    assert ">992<" in plain[1] and "speed of ARR-COC over full resolution" in plain[1] and plain[3] is None


def bad_files(folder: Path) -> dict[str, str]:
    from PIL import Image

    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    draw(300, 300).save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:3000])
    return {
        "text.png": "not a picture that can be read",
        "empty.png": "the file is empty",
        "dot.png": "1x1 pixels",
        "cut.jpg": "cut short or damaged",
    }


@pytest.mark.parametrize("name", ["text.png", "empty.png", "dot.png", "cut.jpg"])
def test_bad_files_get_a_friendly_message(asker: Asker, tmp_path, name: str) -> None:
    expected = bad_files(tmp_path)[name]
    *_, last = respond(asker, str(tmp_path / name), ASKED, True, True, 160, {})
    assert expected in last[0] and "trouble" in last[0] and str(tmp_path) not in last[0]
    *_, again = respond(asker, RECEIPT, ASKED, True, False, 64, {})
    assert ">64<" in again[1]


@pytest.mark.parametrize(("path", "question", "expected"), [(None, ASKED, "first"), (RECEIPT, "  ", "empty")])
def test_missing_fields_are_named(asker: Asker, path: str | None, question: str, expected: str) -> None:
    *_, last = respond(asker, path, question, True, True, 160, {})
    assert expected in last[0]


def test_friendly_hides_where_the_server_keeps_files(tmp_path) -> None:
    path = str(tmp_path / "a.png")
    Path(path).write_bytes(b"")
    with pytest.raises(ValueError, match="empty") as caught:
        check_picture(path)
    assert '"a.png"' in friendly(caught.value, path) and str(tmp_path) not in friendly(caught.value, path)
