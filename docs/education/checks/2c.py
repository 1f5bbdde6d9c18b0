"""What lesson 2C checks."""

from itertools import product

import torch
from calling import ask

from arr_coc.attending import blind_score, check_tiling, children, combined_score, plan_splits, select
from arr_coc.balancing import budget_of
from arr_coc.records import ScoreMaps, Tensions

MOST_CALLS = 20_000


def near_the_corner(cell):
    level, row, column = cell
    return -abs((row + 0.5) * 2**level - 1.5) - abs((column + 0.5) * 2**level - 1.5)


def mixed_up(cell):
    level, row, column = cell
    return (37 * level + 101 * row + 53 * column) % 19 - 9


GLIMPSES = {
    "2 cells of level 1": [(1, 0, 0), (1, 0, 1)],
    "4 x 4 cells of level 2": [(2, row, column) for row in range(4) for column in range(4)],
    "7 cells of levels 0 to 3": [(1, 0, 0), (0, 0, 2), (0, 0, 3), (0, 1, 2), (0, 1, 3), (3, 1, 0), (2, 5, 1)],
    "1 cell of level 1": [(1, 0, 0)],
    "2 cells of level 0": [(0, 0, 0), (0, 0, 1)],
    "2 cells of levels 2 and 0": [(2, 1, 0), (0, 0, 5)],
}
SCORES = {
    "all scores 7": lambda cell: 7,
    "highest near the corner": near_the_corner,
    "scores from -9 to 9": mixed_up,
    "scores near minus a billion": lambda cell: mixed_up(cell) - 1e9,
    "highest for fine cells": lambda cell: 1 / (1 + sum(cell)),
}


def listed(call, got):
    """The answer's list of cells, as tuples."""
    assert isinstance(got, list), f"{call}: got a {type(got).__name__}, wanted a list"
    try:
        return [(int(level), int(row), int(column)) for level, row, column in got]
    except (TypeError, ValueError):
        raise AssertionError(f"{call}: got {show(got)}, wanted cells (level, row, column)") from None


def show(value):
    return str(value) if len(str(value)) <= 60 else f"{str(value)[:57]}..."


def same_list(call, got, wanted):
    """One line about the first entry that is not as wanted."""
    for place, (one, other) in enumerate(zip(got, wanted, strict=False)):
        assert one == other, f"{call}, entry [{place}]: got {one}, wanted {other}"
    assert len(got) == len(wanted), f"{call}: got {len(got)} entries, wanted {len(wanted)}"


def grown(budget, glimpse, score):
    """The leaves that are wanted, by names of GLIMPSES and SCORES."""
    leaves = list(GLIMPSES[glimpse])
    while len(leaves) + 3 <= budget and any(level for level, _, _ in leaves):
        best = max((cell for cell in leaves if cell[0]), key=SCORES[score])
        leaves.remove(best)
        leaves += [tuple(cell) for cell in children(torch.tensor([best])).tolist()]
    return leaves


def grow(answer, budget, glimpse, score):
    """(words for the call, leaves): the answer's, which may neither run for ever nor change the glimpse."""
    call = f"grow, budget {budget}, {glimpse}, {score}"
    num_calls, given = 0, list(GLIMPSES[glimpse])

    def counted(cell):
        nonlocal num_calls
        num_calls += 1
        assert num_calls <= MOST_CALLS, f"{call}: {MOST_CALLS} scores were asked for; the loop does not seem to end"
        return SCORES[score](tuple(cell))

    leaves = listed(call, ask(answer.grow, call, budget, given, counted))
    assert given == GLIMPSES[glimpse], "grow changes the list of the glimpse; make a copy first"
    return call, leaves


def the_budget_grows_by_equal_factors(answer):
    for dial in (0, 0.5, 1, *(step / 20 for step in range(21))):
        got, wanted = ask(answer.tokens, f"tokens({dial})", dial), budget_of(dial)
        assert isinstance(got, int), f"tokens({dial}): got {show(got)}, a {type(got).__name__}, wanted the int {wanted}"
        assert got == wanted, f"tokens({dial}): got {got}, wanted {wanted}"


def four_children_in_raster_order(answer):
    for cell in ((2, 1, 3), (1, 0, 0), (3, 0, 2), (5, 3, 7), (1, 4, 1)):
        call = f"split({cell})"
        wanted = [tuple(child) for child in children(torch.tensor([cell])).tolist()]
        same_list(call, listed(call, ask(answer.split, call, cell)), wanted)


def leaves_keep_the_budget(answer):
    for budget in (*range(16, 33), 40, 70, 3):
        given = budget, "4 x 4 cells of level 2", "highest near the corner"
        call, leaves = grow(answer, *given)
        wanted = len(grown(*given))
        assert len(leaves) == wanted, f"{call}: got {len(leaves)} leaves, wanted {wanted}"


def leaves_tile_the_picture(answer):
    for score in SCORES:
        call, leaves = grow(answer, 70, "4 x 4 cells of level 2", score)
        assert min(level for level, _, _ in leaves) >= 0, f"{call}: a cell of level 0 was split; it has no children"
        try:
            check_tiling(torch.tensor(leaves), (16, 16))
        except AssertionError as error:
            raise AssertionError(f"{call}: {error}") from None


def the_highest_score_is_split_first(answer):
    for score in SCORES:
        for budget, glimpse in ((5, 0), (30, 1), (70, 1), (40, 2)):
            given = budget, list(GLIMPSES)[glimpse], score
            call, leaves = grow(answer, *given)
            same_list(call, leaves, grown(*given))


def it_ends_where_nothing_is_left_to_split(answer):
    for glimpse in list(GLIMPSES)[3:]:
        given = 400, glimpse, "highest near the corner"
        call, leaves = grow(answer, *given)
        same_list(call, leaves, grown(*given))


def a_wide_plan_fills_level_after_level(answer):
    numbers = ((12, 64, 2), (100, 64, 2), (64, 64, 2), (65, 64, 3), (40, 6, 3), (0, 9, 1))
    wanted = {each: plan_splits(each[1] + 3 * each[0], *each[1:], 1.0) for each in numbers}
    for given, plan in {**wanted, (99, 4, 2): [4, 16], (99, 5, 1): [5]}.items():
        got = ask(answer.plan_wide, f"plan_wide{given}", *given)
        assert got == plan, f"plan_wide{given}: got {show(got)}, wanted {plan}"


def a_share_of_the_splits_explores(answer):
    generator = torch.Generator().manual_seed(2)
    for number in (4, 7, 12):
        for num_splits, explore in product((0, 1, 2, 3, number), (0.0, 0.25, 0.5, 0.7, 1.0)):
            cells = torch.zeros(number, 3, dtype=torch.int64)
            maps = ScoreMaps(cells, *torch.randint(-3, 3, (3, number), generator=generator).float())
            tensions = Tensions(0.5, 0.4, explore, (0.5, 0.0, 0.5), 160)
            given = [score(maps, tensions).tolist() for score in (combined_score, blind_score)]
            call = f"choose({given[0]}, {given[1]}, {num_splits}, {explore})"
            got = ask(answer.choose, call, *given, num_splits, explore)
            wanted = select(maps, num_splits, tensions).tolist()
            assert got == wanted, f"{call}: got {show(got)}, wanted {wanted}"
            is_kept = call == f"choose({given[0]}, {given[1]}, {num_splits}, {explore})"
            assert is_kept, "choose changes the lists it is given; make copies first"


CHECKS = (
    the_budget_grows_by_equal_factors,
    four_children_in_raster_order,
    leaves_keep_the_budget,
    leaves_tile_the_picture,
    the_highest_score_is_split_first,
    it_ends_where_nothing_is_left_to_split,
    a_wide_plan_fills_level_after_level,
    a_share_of_the_splits_explores,
)
