"""The embedded host's own training: batches, labels, positions, losses, resuming."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.attending import check_tiling
from arr_coc.data.drawing.colours import PALETTE, VIVID
from arr_coc.data.drawing.generator import generate
from arr_coc.data.mixture import mixture
from arr_coc.data.records import Glyphs
from arr_coc.nano import train as training
from arr_coc.nano.config import INTERPOLATION, nano_config
from arr_coc.nano.curriculum import Curriculum, Stage, character_places, start_of
from arr_coc.nano.dense_losses import (
    BLANK,
    CLASS_OF,
    IGNORE,
    character_loss,
    character_slots,
    colour_names,
    patch_colours,
    patch_starts,
)
from arr_coc.nano.learning import Learner, whole_answers
from arr_coc.nano.packing import ChatFormat, Sample, chat_positions, collate, leaf_view, plain_view
from arr_coc.nano.recipes import NANO, RECEIPTS, RECIPES, Recipe
from arr_coc.nano.synthetic_lines import draw_primer
from arr_coc.nano.tokenizer import train_tokenizer
from arr_coc.nano.views import Shown, in_pieces, levels_shown, show_leaves, show_part, show_whole, split_by


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["user\n", "assistant\n", "What is the price of the red thing?"] * 5, vocab_size=300)


NOTHING = torch.zeros(1, 12, dtype=torch.bool)
NO_EVIDENCE = NOTHING, torch.zeros(1, dtype=torch.long), NOTHING
PAIRS = [("What is the price?", "3.40"), ("Is it red?", "yes")]


@pytest.mark.parametrize("pair", PAIRS)
def test_chat_format_equals_the_chat_template(tokenizer, pair):
    chat = ChatFormat(tokenizer).write([pair], num_visual=3)
    question, answer = pair
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]},
        {"role": "assistant", "content": answer},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    text = text.replace("<|image_pad|>", "<|image_pad|>" * 3).removesuffix("\n")
    assert tokenizer.decode(chat.ids) == text
    assert chat.ids == tokenizer(text, add_special_tokens=False).input_ids
    spoken = [token for token in chat.labels if token != -100]
    assert tokenizer.decode(spoken) == f"{answer}<|im_end|>"
    assert all(label in (-100, token) for token, label in zip(chat.ids, chat.labels, strict=True))


def test_packed_questions_do_not_see_each_other(tokenizer):
    torch.manual_seed(0)
    learner = Learner(Qwen3VLForConditionalGeneration(nano_config(tokenizer, 64, 64))).eval()
    learner.model.set_attn_implementation("eager")
    picture = draw_primer(5)
    view = plain_view(picture, 3, 4)
    write = ChatFormat(tokenizer).write

    def logits_of(pairs, *more):
        chats = [Sample(view, write(each, 12), *NO_EVIDENCE) for each in (pairs, *more)]
        batch = collate(chats, tokenizer.pad_token_id, INTERPOLATION)
        with torch.no_grad():
            return learner.answer(batch, learner.speak(batch, learner.encode(batch)[1])[0])[0]

    packed = logits_of(PAIRS)
    assert (packed - torch.cat([logits_of([pair]) for pair in PAIRS])).abs().max() < 1e-5
    assert (packed - logits_of(PAIRS, PAIRS + PAIRS)[: len(packed)]).abs().max() < 1e-5


def test_word_starts_are_named_by_patch():
    slots = torch.zeros(2, 8, dtype=torch.long)
    slots[0, 1], slots[0, 6], slots[1, 2], slots[1, 3] = 5, 7, 8, 9
    assert patch_starts(slots).tolist() == [[5, 0, 0, 7], [0, IGNORE, 0, 0]]


def test_evidence_is_where_the_answer_begins():
    picture = draw_primer(3, 2, 0.0, 16)
    view = plain_view(picture, picture.image.height // 32, picture.image.width // 32)
    question = next(q for q in picture.questions if q.text.startswith(("What is", "What does", "Read")))
    x0, y0, _, y1 = question.boxes[0]
    marked = view.evidence(start_of(question), picture.image.size).nonzero()[:, 0].tolist()
    cols = picture.image.width // 32
    assert int((y0 + y1) / 2 // 32) * cols + int((x0 + 2) // 32) in marked
    assert len(marked) <= 6
    assert not view.evidence(None, picture.image.size).any()


def test_every_character_of_an_answer_is_traced_to_the_cell_that_holds_it(tokenizer):
    curriculum = Curriculum(RECIPES["receipts"].stages[-1], ChatFormat(tokenizer))
    picture = generate(7, kind="till_receipt", max_side=512, num_questions=None)
    rows, cols = picture.image.height // 32, picture.image.width // 32
    shown = Shown(plain_view(picture, rows, cols), list(picture.questions), picture)
    scale = torch.tensor([cols / picture.image.width, rows / picture.image.height])
    for question in picture.questions:
        held, printed = curriculum.trace(question, shown), question.kind != "yes_no"
        answer = question.answers[0].replace(" ", "")
        cells = [held_by.nonzero()[:, 0].tolist() for held_by in held if held_by.any()]
        assert len(cells) == (len(answer) if printed else 0) and not held[-1].any()
        for char, (cell,) in zip(answer, cells, strict=False):
            here = [
                at
                for at, place in zip(picture.glyphs.chars, torch.from_numpy(picture.glyphs.centres), strict=True)
                if (place * scale).long().tolist() == [cell % cols, cell // cols]
            ]
            assert char in here


@pytest.mark.parametrize("answer", ["Café", "Über Nacht", "3 €", "ŁÓDŹ 12", "日本"])
def test_a_letter_of_several_bytes_is_spelt_by_each_of_its_tokens(tokenizer, answer):
    chat = ChatFormat(tokenizer)
    spelt = chat.spelt(answer)
    assert len(spelt) == len(chat.text.encode_literally(answer))
    assert [answer[number] for numbers in spelt for number in numbers] == [c for c in answer for _ in c.encode()]


def test_an_answer_of_several_bytes_a_letter_is_traced(tokenizer):
    picture = draw_primer(5)
    answer = "éß"
    centres = np.array([[0.25, 0.5], [0.75, 0.5]]) * picture.image.size
    glyphs = Glyphs(answer, centres, np.full(2, 10.0), np.array([True, False]))
    question = dataclasses.replace(picture.questions[0], answers=(answer,), boxes=((0, 0, *picture.image.size),))
    picture = dataclasses.replace(picture, glyphs=glyphs)
    shown = Shown(plain_view(picture, 1, 2), [question], picture)
    held = Curriculum(NANO[0], ChatFormat(tokenizer)).trace(question, shown)
    assert held.int().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]]


def test_an_answer_that_is_not_printed_in_its_box_is_not_traced():
    picture = generate(7, kind="till_receipt", max_side=512, num_questions=None)
    question = next(q for q in picture.questions if q.kind == "read_field")
    assert character_places(question, picture) is not None
    assert character_places(dataclasses.replace(question, answers=("never printed",)), picture) is None
    assert character_places(dataclasses.replace(question, boxes=()), picture) is None


def test_names_of_colours_by_cell():
    image = torch.ones(3, 32, 64)
    image[:, 8:24, 40:56] = torch.tensor(PALETTE["red"])[:, None, None] / 255
    names = colour_names(image, torch.tensor([0, 1]))
    assert names[0].tolist() == [0.0] * len(VIVID)
    assert [name for name, shown in zip(VIVID, names[1], strict=True) if shown] == ["red"]


def test_text_continues_after_the_picture(tokenizer):
    picture = draw_primer(1)
    view = plain_view(picture, 2, 5)
    chat = ChatFormat(tokenizer).write([("What is it?", "x")], len(view.keep))
    positions = chat_positions(chat, view)
    start, end = chat.image_at, chat.image_at + 10
    assert positions[:, start:end].T.tolist() == [[start, start + i // 5, start + i % 5] for i in range(10)]
    assert positions[:, end].tolist() == [start + 5] * 3


def test_slots_name_the_character_where_it_stands():
    glyphs = Glyphs(
        "aB1x",
        np.array([[4, 8], [12, 8], [20, 24], [60, 8]], np.float32),
        np.array([10, 10, 10, 4], np.float32),
        np.array([True, False, True, True]),
    )
    slots = character_slots(glyphs.chars, glyphs.centres, glyphs.heights, (1, 1), (1, 2))
    assert slots.shape == (2, 8)
    assert slots[0].tolist() == [CLASS_OF["a"], CLASS_OF["B"], 0, 0, 0, 0, CLASS_OF["1"], 0]
    assert slots[1, 3] == IGNORE and (slots[1, [0, 1, 2, 4, 5, 6, 7]] == BLANK).all()


def test_two_characters_in_one_slot_are_ignored():
    slots = character_slots("ab", np.array([[2, 5], [5, 5]], np.float32), np.array([9, 9], np.float32), (1, 1), (1, 1))
    assert slots[0, 0] == IGNORE


def test_character_loss_sees_a_wrong_character():
    slots = torch.tensor([[CLASS_OF["a"]] + [BLANK] * 7])
    right = torch.full((1, 8, 97), -5.0).scatter(2, slots[..., None], 5.0)
    wrong = torch.full((1, 8, 97), -5.0).scatter(2, slots.roll(1, 1)[..., None], 5.0)
    assert character_loss(right, slots) < 0.1 < 1 < character_loss(wrong, slots)


def test_whole_answers_counts_runs():
    labels = torch.tensor([[-100, 5, 6, -100, 7, -100], [-100, -100, 8, 9, -100, -100]])
    right = torch.tensor([True, False, True, True, True])
    assert whole_answers(right, labels) == (2, 3)


@pytest.mark.parametrize("show", [show_part, show_whole, show_leaves])
def test_a_view_keeps_to_its_tokens_and_its_questions_are_the_pictures(show):
    for seed in range(6):
        picture = mixture(1_000_000_000 + seed, 10, max_side=512)
        shown = show(picture, random.Random(seed), 100)
        assert 0 < len(shown.view.keep) <= 100
        assert set(shown.questions) <= set(picture.questions)
        assert len(shown.view.slots) == sum(len(segment.index) for segment in shown.view.segments)


def test_split_by_tiles_and_follows_the_heat():
    heat = torch.zeros(16, 16)
    heat[3, 12] = 1
    looked_at, leaves = split_by(heat, (16, 16), 1, 100, 0.5)
    check_tiling(leaves, (16, 16))
    assert levels_shown(leaves, (16, 16))[3, 12] == 0
    assert len(leaves) == 64 + 3 * 12 and sum(map(len, looked_at)) == 64 + 4 * 12


def test_leaf_view_keeps_the_cells_of_its_leaves():
    picture = draw_primer(3)
    picture = dataclasses.replace(picture, image=picture.image.resize((512, 512)))
    looked_at, leaves = split_by(torch.rand(16, 16), (16, 16), 1, 80, 0.5)
    view = leaf_view(picture, (16, 16), list(enumerate(looked_at)), leaves)
    segment_level = torch.cat([torch.full_like(index, level) for level, index in enumerate(looked_at) if len(index)])
    assert segment_level[view.keep].tolist() == leaves[:, 0].tolist()
    assert view.extent == 16


def test_levels_in_pieces_are_the_same_cells_in_more_segments():
    picture = generate(7, kind="receipt", max_side=832, num_questions=None)
    whole, pieces = (show_leaves(picture, random.Random(4), 200, share).view for share in (0.0, 1.0))
    assert len(pieces.segments) > len(whole.segments) > 1
    assert torch.equal(whole.areas, pieces.areas) and torch.equal(whole.positions, pieces.positions)
    for facts in ("slots", "starts", "figures"):
        assert torch.equal(getattr(whole, facts)[whole.keep], getattr(pieces, facts)[pieces.keep])
    glimpse = whole.segments[-1]
    assert torch.equal(pieces.segments[-1].index, glimpse.index)
    for index in in_pieces(torch.arange(64), 8, random.Random(1)):
        cells = set(index.tolist())
        assert all({cell ^ 1, cell ^ 8, cell ^ 9} <= cells for cell in cells), "children of one parent part"


def test_batches_are_a_function_of_their_number(tokenizer):
    for stage in (
        NANO[1],
        dataclasses.replace(NANO[-2], batch_size=3),
        dataclasses.replace(RECEIPTS[1], kind="receipt"),
    ):
        data = Curriculum(stage, ChatFormat(tokenizer))
        first, again, other = data[2], data[2], data[3]
        assert torch.equal(first.input_ids, again.input_ids) and torch.equal(first.slots, again.slots)
        assert torch.equal(first.pixels.pixels, again.pixels.pixels)
        assert not torch.equal(first.pixels.pixels[:64], other.pixels.pixels[:64])


def test_neighbours_show_one_picture_each_in_its_own_way(tokenizer):
    stage = Stage("shown", 1, 4, primer=0.0, views=(1, 0, 0), sides=(448,), max_cells=8, kind="receipt")
    apart = Curriculum(stage, ChatFormat(tokenizer))
    together = Curriculum(dataclasses.replace(stage, showings=2), ChatFormat(tokenizer))
    first = stage.first_seed
    shown = [together.show(first + number) for number in range(4)]
    assert [s.picture.seed - first for s in shown] == [0, 0, 2, 2]
    assert shown[0].picture is shown[1].picture
    assert not torch.equal(shown[0].view.segments[0].index, shown[1].view.segments[0].index)
    assert torch.equal(shown[2].view.segments[0].index, apart.show(first + 2).view.segments[0].index)


@pytest.mark.parametrize("recipe", RECIPES)
def test_stages_draw_different_training_pictures(recipe):
    stages = RECIPES[recipe].stages
    spans = sorted((stage.first_seed, stage.first_seed + stage.num_batches * stage.batch_size) for stage in stages)
    assert all(end < start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))


def test_learner_speaks_like_the_untouched_model(tokenizer):
    torch.manual_seed(0)
    from arr_coc.hosts.encoding import Geometry, cut_patches, segment_grid
    from arr_coc.hosts.families.qwen3_vl import Interpolation

    learner = Learner(Qwen3VLForConditionalGeneration(nano_config(tokenizer, 64, 64))).eval()
    assert Interpolation.of(learner.model.model.visual) == INTERPOLATION
    picture = draw_primer(5)
    view = plain_view(picture, 3, 4)
    chat = ChatFormat(tokenizer).write([("What is it?", "abc")], 12)
    batch = collate([Sample(view, chat, *NO_EVIDENCE)], tokenizer.pad_token_id, INTERPOLATION)
    with torch.no_grad():
        _, features = learner.encode(batch)
        logits, targets, _ = learner.answer(batch, learner.speak(batch, features)[0])
        ids = torch.tensor([chat.ids])
        stock = learner.model(
            input_ids=ids,
            pixel_values=cut_patches(view.segments[0], Geometry()),
            image_grid_thw=segment_grid(view.segments[0], Geometry()),
            mm_token_type_ids=(ids == learner.model.config.image_token_id).int(),
        ).logits[0]
    spoken = torch.tensor([label != -100 for label in chat.labels[1:]] + [False])
    assert targets.tolist() == [label for label in chat.labels if label != -100]
    assert (logits - stock[spoken]).abs().max() < 1e-5


SMALL = (
    Stage("print", 4, 2, lines=2, max_cells=8, language=False),
    Stage("lines", 4, 2, lines=2, max_cells=8),
)


def losses_of(folder: Path) -> list[str]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [json.dumps({key: value for key, value in entry.items() if key != "seconds"}) for entry in entries]


def test_a_killed_run_resumes_as_if_never_killed(tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "nano", Recipe("nano", "small", SMALL))
    monkeypatch.setattr(training, "LOG_EVERY", 3)
    monkeypatch.setattr(training, "nano_config", lambda tokenizer: nano_config(tokenizer, 32, 64))
    monkeypatch.setattr(training, "make_tokenizer", lambda kind: train_tokenizer(["user\n", "What is the"] * 3, 280))
    settings = training.Settings(num_workers=0, save_every_s=0.0)
    host = training.train(tmp_path / "whole", settings)
    steps = iter(range(100))

    def killed_at_the_sixth(run, batch, stage, step=training.Run.step):
        if next(steps) == 5:
            raise KeyboardInterrupt
        return step(run, batch, stage)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.Run, "step", killed_at_the_sixth)
        training.train(tmp_path / "killed", settings)
    with pytest.raises(ValueError, match="seed: the run in .* has 0, got 1"):
        training.train(tmp_path / "killed", training.Settings(seed=1, num_workers=0), resume=True)
    with open(tmp_path / "killed" / "log.jsonl", "a") as log:
        log.write(json.dumps({"stage": "lines", "batch": 4}) + "\n")  # written after the last checkpoint
    training.train(tmp_path / "killed", settings, resume=True)
    assert losses_of(tmp_path / "killed") == losses_of(tmp_path / "whole")
    assert (host / "model.safetensors").exists() and (host / "preprocessor_config.json").exists()


def test_training_into_a_used_folder_is_refused(tmp_path):
    (tmp_path / "checkpoint.pt").touch()
    with pytest.raises(ValueError, match="--resume"):
        training.train(tmp_path, training.Settings())
    with pytest.raises(ValueError, match="no run to resume"):
        training.train(tmp_path / "other", training.Settings(), resume=True)


def test_the_primer_is_drawn_by_its_seed():
    assert np.array_equal(np.asarray(draw_primer(7).image), np.asarray(draw_primer(7).image))


def test_patch_colours_are_in_the_order_of_the_hosts_patches():
    image = torch.zeros(3, 32, 64)
    image[0, :16, 48:] = 1.0
    colours = patch_colours(image, torch.tensor([1]))
    assert colours.shape == (1, 4, 3)
    assert colours[0, :, 0].tolist() == [-1, 1, -1, -1] and (colours[0, :, 1:] == -1).all()
