"""What lesson 4A checks."""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from calling import ask

from arr_coc.nano.dense_losses import BLANK, IGNORE, character_slots

ROWS = 3
WITHIN_X, WITHIN_Y = (0.0, 7.9, 8.0, 13.0, 23.6, 31.9), (0.0, 15.6, 16.0, 31.9)
LINE = ("A1€", [(4.0, 8.0), (13.0, 9.0), (40.0, 24.0)], [14.0, 14.0, 14.0])
LABELLED = (
    ("one line", LINE, 1, 2),
    ("one line, more cells than it needs", LINE, 2, 3),
    ("no characters", ("", [], []), 2, 1),
    ("first and last of the alphabet", ("!£", [(31.9, 31.9), (0.0, 32.0)], [20.0, 9.0]), 2, 1),
    ("two characters in a slot", ("AB", [(3.0, 8.0), (5.0, 8.0)], [14.0, 14.0]), 1, 1),
    ("the same character twice in a slot", ("aa", [(3.0, 8.0), (5.0, 8.0)], [14.0, 14.0]), 1, 1),
    ("three characters in a slot", ("ABC", [(41.0, 60.0), (43.0, 60.0), (45.0, 60.0)], [14.0] * 3), 2, 2),
    ("a readable and a tiny character in a slot", ("AB", [(3.0, 8.0), (5.0, 8.0)], [14.0, 5.0]), 1, 1),
    ("a tiny and a readable character in a slot", ("AB", [(3.0, 8.0), (5.0, 8.0)], [5.0, 14.0]), 1, 1),
    ("heights of 6.4 and 6.5", ("AB", [(3.0, 8.0), (20.0, 8.0)], [6.4, 6.5]), 1, 1),
    ("a character that is not in the alphabet", ("Aß", [(3.0, 8.0), (20.0, 8.0)], [14.0, 14.0]), 1, 1),
    ("a strange and a readable character in a slot", ("ßA", [(3.0, 8.0), (5.0, 8.0)], [14.0, 14.0]), 1, 1),
    ("a character left of the picture", ("AB", [(-3.0, 8.0), (20.0, 8.0)], [14.0, 14.0]), 1, 2),
    ("a character right of the picture", ("AB", [(64.0, 8.0), (20.0, 8.0)], [14.0, 14.0]), 2, 2),
    ("a character above the picture", ("AB", [(3.0, -0.5), (20.0, 40.0)], [14.0, 14.0]), 2, 2),
    ("a character below the picture", ("AB", [(3.0, 32.0), (20.0, 8.0)], [14.0, 14.0]), 1, 2),
)


def cases():
    """(logits, slots) of several shapes: some slots right, some blank, some ignored."""
    rng = torch.Generator().manual_seed(2)
    for cells, classes in ((6, 97), (3, 5), (1, 12), (4, 3)):
        slots = torch.randint(0, classes, (cells, 8), generator=rng)
        slots[0, :3], slots[-1, 4:6] = BLANK, IGNORE
        logits = torch.randn(cells, 8, classes, generator=rng)
        logits[:, ::2] += 9 * F.one_hot(slots[:, ::2].clamp(min=0), classes)
        logits[:, 2, BLANK] += 20
        yield logits, slots


def number(got, name):
    try:
        return float(got.detach() if isinstance(got, torch.Tensor) else got)
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"{name} gives a {type(got).__name__}, not one number") from None


def a_character_finds_its_slot(answer):
    for columns in (1, 3, 5):
        for row, column, x, y in product(range(ROWS), range(columns), WITHIN_X, WITHIN_Y):
            x, y = column * 32 + x, row * 32 + y
            slots = character_slots("A", np.array([[x, y]]), np.array([20.0]), (1.0, 1.0), (ROWS, columns))
            [wanted] = slots.nonzero().tolist()
            where = f"x {x:g}, y {y:g}, columns {columns}"
            got = ask(answer.slot_of, where, x, y, columns)
            assert isinstance(got, tuple | list) and len(got) == 2, f"slot_of gives {got!r}, not (cell, slot)"
            assert list(got) == wanted, f"{where}: cell {got[0]}, slot {got[1]}, not cell {wanted[0]}, slot {wanted[1]}"


def every_slot_gets_its_label(answer):
    for name, (chars, middles, heights), rows, columns in LABELLED:
        centres = np.array(middles, dtype=float).reshape(-1, 2)
        wanted = character_slots(chars, centres, np.array(heights), (1.0, 1.0), (rows, columns)).tolist()
        got = ask(answer.label, name, chars, list(middles), list(heights), rows, columns)
        is_nested = hasattr(got, "__len__") and all(hasattr(slots, "__len__") for slots in got)
        assert is_nested, f"{name}: {got!r} is not a list of lists"
        sizes = [len(slots) for slots in got]
        assert sizes == [8] * len(wanted), f"{name}: cells of {sizes} slots, not {len(wanted)} cells of 8"
        for cell, slot in product(range(len(wanted)), range(8)):
            said, right = got[cell][slot], wanted[cell][slot]
            assert said == right, f"{name}: cell {cell}, slot {slot} is {said}, not {right}"


def accuracy_leaves_out_blank_and_ignored(answer):
    for logits, slots in cases():
        printed = slots > BLANK
        wanted = int((logits.argmax(-1) == slots)[printed].sum()) / int(printed.sum())
        name = f"logits of shape {tuple(logits.shape)}"
        got = number(ask(answer.accuracy, name, logits, slots), "accuracy")
        assert abs(got - wanted) < 1e-4, f"{name}: {got:.5f}, not {wanted:.5f}"
        for empty in (BLANK, IGNORE):
            name = f"every slot has class {empty}"
            got = number(ask(answer.accuracy, name, logits, torch.full_like(slots, empty)), "accuracy")
            assert got == 0, f"{name}: {got:.5f}, not 0"


def the_loss_weighs_blanks_less(answer):
    for (logits, slots), blank_weight, scale in product(cases(), (None, 0.1, 0.5, 1.0), (1.0, 30.0)):
        weight = torch.ones(logits.shape[-1])
        weight[BLANK] = 0.1 if blank_weight is None else blank_weight
        mine, given = ((logits * scale).requires_grad_() for _ in range(2))
        wanted = F.cross_entropy(mine.flatten(0, 1), slots.flatten(), weight, ignore_index=IGNORE)
        name = f"logits of shape {tuple(logits.shape)}, a blank weighs {weight[BLANK]:g}"
        got = ask(answer.dense_loss, name, given, slots, *([] if blank_weight is None else [blank_weight]))
        value, right = number(got, "dense_loss"), wanted.item()
        assert abs(value - right) < 1e-3 * max(1.0, right), f"{name}: {value:.4f}, not {right:.4f}"
        has_gradient = isinstance(got, torch.Tensor) and got.requires_grad
        assert has_gradient, "dense_loss gives a number without a gradient, so nothing can learn from it"
        wanted.backward()
        got.backward()
        said, right = (each.grad.norm().item() for each in (given, mine))
        same = torch.allclose(given.grad, mine.grad, atol=1e-4)
        assert same, f"{name}: its gradient (of norm {said:.4f}) is not that of the weighted mean (norm {right:.4f})"


CHECKS = (
    a_character_finds_its_slot,
    every_slot_gets_its_label,
    accuracy_leaves_out_blank_and_ignored,
    the_loss_weighs_blanks_less,
)
