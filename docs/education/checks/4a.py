"""What lesson 4A checks."""

import numpy as np
import torch

from arr_coc.nano.dense_losses import BLANK, IGNORE, NUM_CLASSES, character_accuracy, character_loss, character_slots

RNG = torch.Generator().manual_seed(2)
LOGITS = torch.randn(6, 8, NUM_CLASSES, generator=RNG)
SLOTS = torch.randint(1, NUM_CLASSES, (6, 8), generator=RNG)
SLOTS[0], SLOTS[1, :4] = BLANK, IGNORE
LOGITS[2].scatter_(1, SLOTS[2][:, None], 20.0)


def a_character_finds_its_slot(answer):
    for x, y in ((3.0, 2.0), (44.0, 20.0), (95.0, 63.0)):
        slots = character_slots("A", np.array([[x, y]]), np.array([20.0]), (1.0, 1.0), (2, 3))
        [[cell, slot]] = slots.nonzero().tolist()
        got = answer.slot_of(x, y, 3)
        assert got is not None, "slot_of returns nothing"
        assert tuple(got) == (cell, slot), f"({x:g}, {y:g}) is in cell {cell}, slot {slot}, not {tuple(got)}"


def accuracy_leaves_out_blank_and_ignored(answer):
    right, total = character_accuracy(LOGITS, SLOTS)
    got = answer.accuracy(LOGITS, SLOTS)
    assert got is not None, "accuracy returns nothing"
    assert abs(float(got) - right / total) < 1e-6, f"{float(got):.3f}, not {right / total:.3f}"


def the_loss_weighs_blanks_less(answer):
    got = answer.dense_loss(LOGITS, SLOTS)
    assert got is not None, "dense_loss returns nothing"
    wanted = character_loss(LOGITS, SLOTS)
    assert torch.allclose(got, wanted, atol=1e-4), f"{float(got):.4f}, not {float(wanted):.4f}"


CHECKS = (a_character_finds_its_slot, accuracy_leaves_out_blank_and_ignored, the_loss_weighs_blanks_less)
