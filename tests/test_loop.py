"""The drawn loop shows what happened: its rounds end in the allocation."""

from __future__ import annotations

from conftest import QUESTION, draw

from arr_coc.processor.plain_inputs import question_messages
from arr_coc.views.loop import leaves_by_round, loop_figure, steps_of


def test_rounds_end_in_the_leaves(tiny_processor):
    picture = draw(900, 700)
    for budget in (64, 160, 400):
        inputs = tiny_processor.apply_chat_template(question_messages(picture, QUESTION), budget=budget)
        realization = inputs.realizations[0][0]
        rounds = list(leaves_by_round(realization))
        assert len(rounds) == len(realization.splits) + 1
        assert [len(b) - len(a) for a, b in zip(rounds, rounds[1:], strict=False)] == [
            3 * len(splits) for splits in realization.splits
        ]
        assert sorted(rounds[-1].tolist()) == sorted(realization.allocation.leaves.tolist())
        assert len(list(steps_of(picture, realization))) == len(rounds) + bool(realization.scores)
        assert loop_figure(picture, realization).axes


def test_a_picture_that_is_shown_whole_has_one_step(tiny_processor):
    picture = draw(96, 64)
    inputs = tiny_processor.apply_chat_template(question_messages(picture, QUESTION), budget=64)
    assert len(list(steps_of(picture, inputs.realizations[0][0]))) == 1
