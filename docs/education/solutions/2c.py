"""Lesson 2C, a solution."""


def tokens(dial):
    return round(64 * (400 / 64) ** dial)


def split(cell):
    level, row, column = cell
    return [(level - 1, 2 * row + down, 2 * column + right) for down in (0, 1) for right in (0, 1)]


def grow(budget, glimpse, score):
    leaves = list(glimpse)
    while len(leaves) + 3 <= budget:
        open_cells = [cell for cell in leaves if cell[0] > 0]
        if not open_cells:
            break
        best = max(open_cells, key=score)
        leaves.remove(best)
        leaves += split(best)
    return leaves


def plan_wide(num_splits, num_cells, coarsest):
    plan = []
    for _ in range(coarsest):
        plan.append(min(num_splits, num_cells))
        num_splits -= plan[-1]
        num_cells = 4 * plan[-1]
    return plan


def choose(asked, blind, num_splits, explore):
    num_exploring = int(num_splits * explore + 0.5)
    by_question = sorted(range(len(asked)), key=lambda cell: -asked[cell])
    chosen = by_question[: num_splits - num_exploring]
    left = [cell for cell in range(len(blind)) if cell not in chosen]
    return chosen + sorted(left, key=lambda cell: -blind[cell])[:num_exploring]
