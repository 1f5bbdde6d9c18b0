"""Lesson 2C, a solution."""


def tokens(tension):
    return round(64 * (400 / 64) ** tension)


def split(cell):
    level, row, col = cell
    return [(level - 1, 2 * row + down, 2 * col + right) for down in (0, 1) for right in (0, 1)]


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
