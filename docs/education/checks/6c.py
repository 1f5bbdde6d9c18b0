"""What lesson 6C checks."""

from math import isclose

from calling import called


def every_batch_has_one_process(answer):
    for numbers, rank, count, wanted in (
        (range(10, 18), 1, 4, [11, 15]),
        (range(10, 18), 0, 4, [10, 14]),
        (range(3, 9), 2, 3, [5, 8]),
        (range(24, 36), 1, 2, [25, 27, 29, 31, 33, 35]),
        (range(5), 0, 1, [0, 1, 2, 3, 4]),
        (range(7), 0, 3, [0, 3, 6]),
        (range(2), 2, 3, []),
    ):
        got, call = called(answer, "mine", numbers, rank, count)
        assert got == wanted, f"{call} gives {got!r}, not the list {wanted}"


def a_token_counts_the_same_in_every_process(answer):
    for sums, tokens, wanted, why in (
        ([[6.0, 4.0], [6.0, -2.0]], [6, 2], [1.5, 0.25], ": add up the sums, divide once by 8 tokens"),
        ([[6.0], [1.0], [-3.0]], [2, 5, 1], [0.5], ": 4 over 8 tokens"),
        ([[2.0, -8.0, 0.0]], [4], [0.5, -2.0, 0.0], ": one process alone"),
        ([[0.0, 0.0], [9.0, -6.0]], [0, 12], [0.75, -0.5], ": a process without tokens adds nothing"),
        ([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [1.0, 2.0, 5.0]], [1, 1, 2], [0.75, 1.5, 3.0], ": 4 tokens"),
    ):
        got, call = called(answer, "all_reduced", sums, tokens)
        are_numbers = isinstance(got, list | tuple) and all(isinstance(number, int | float) for number in got)
        is_right = are_numbers and len(got) == len(wanted) and all(map(isclose, got, wanted))
        assert is_right, f"{call} gives {got!r}, not {wanted}{why}"


def no_second_counts_twice(answer):
    for spans, wanted in (
        ([("a", 0.0, 10.0), ("b", 1.0, 4.0)], {"a": 7.0, "b": 3.0}),
        ([("a", 0.0, 4.0), ("b", 4.0, 9.0), ("c", 10.0, 11.5)], {"a": 4.0, "b": 5.0, "c": 1.5}),
        (
            [("a", 0.0, 9.0), ("b", 1.0, 4.0), ("c", 5.0, 7.0), ("d", 9.0, 12.0)],
            {"a": 4.0, "b": 3.0, "c": 2.0, "d": 3.0},
        ),
        (
            [("a", 0.0, 9.0), ("b", 1.0, 5.0), ("c", 2.0, 3.0), ("d", 6.0, 8.0)],
            {"a": 3.0, "b": 3.0, "c": 1.0, "d": 2.0},
        ),
        ([("a", 2.0, 8.0), ("b", 2.0, 5.0), ("c", 2.0, 2.5), ("b", 5.0, 8.0)], {"a": 0.0, "b": 5.5, "c": 0.5}),
        ([("a", 0.0, 2.0), ("b", 0.5, 1.0), ("a", 3.0, 6.0), ("b", 4.0, 6.0)], {"a": 2.5, "b": 2.5}),
        ([("a", 0.0, 10.0), ("a", 2.0, 5.0)], {"a": 10.0}),
        ([], {}),
    ):
        got, call = called(answer, "self_times", spans)
        is_right = isinstance(got, dict) and got.keys() == wanted.keys()
        is_right = is_right and all(isclose(got[name], wanted[name], abs_tol=1e-9) for name in wanted)
        assert is_right, f"{call} gives {got!r}, not {wanted}"


class Program:
    """Functions that call each other a known number of times."""

    def __init__(self, num_rows, num_cells):
        self.num_rows, self.num_cells, self.num_runs = num_rows, num_cells, 0

    def __repr__(self):
        return f"program of {self.num_rows} rows of {self.num_cells} cells"

    def __call__(self):
        self.num_runs += 1
        self.rows()

    def rows(self):
        for _ in range(self.num_rows):
            self.row()

    def row(self):
        for _ in range(self.num_cells):
            self.cell(1)

    def cell(self, depth):
        if depth:
            self.cell(depth - 1)


def calls_are_counted_not_guessed(answer):
    for num_rows, num_cells in ((3, 4), (5, 0), (2, 7)):
        for name, wanted, why in (
            ("row", num_rows, ""),
            ("rows", 1, ""),
            ("cell", 2 * num_rows * num_cells, ": each call of cell calls cell once more"),
            ("column", 0, ": it has no such function"),
        ):
            program = Program(num_rows, num_cells)
            got, call = called(answer, "num_calls", program, name)
            assert program.num_runs == 1, f"num_calls runs the program {program.num_runs} times, not once"
            assert got == wanted, f"{call} gives {got!r}, not {wanted}{why}"


CHECKS = (
    every_batch_has_one_process,
    a_token_counts_the_same_in_every_process,
    no_second_counts_twice,
    calls_are_counted_not_guessed,
)
