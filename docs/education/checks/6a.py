"""What lesson 6A checks."""

from math import isclose

from calling import called


def expect(answer, name, arguments, wanted, why=""):
    """Fails with what one call gave and what it should give."""
    got, call = called(answer, name, *arguments)
    assert isinstance(got, int | float), f"{call} gives {got!r}, not a number; {wanted:g} is right"
    assert isclose(got, wanted, rel_tol=1e-9), f"{call} gives {got:.12g}, not {wanted:.12g}{why}"


def matrices_and_attention_are_counted(answer):
    for tokens, weights, width, blocks, wanted in (
        (10, 1000, 0, 1, 20_000),
        (10, 0, 64, 1, 25_600),
        (20, 0, 64, 1, 102_400),
        (7, 300, 50, 1, 14_000),
        (7, 300, 50, 3, 42_000),
        (1, 5, 2, 12, 216),
    ):
        part = " (matrices alone)" if width == 0 else " (attention alone)" if weights == 0 else ""
        expect(answer, "model_flops", (tokens, weights, width, blocks), wanted, part)


def split_cells_were_encoded_too(answer):
    expect(answer, "encoded", (48, [7, 14, 16]), 196, ": 48 + 4 * 37; 159 would be the tokens")
    expect(answer, "encoded", (48, []), 48, ": without a split the glimpse is all")
    expect(answer, "encoded", (64, [13, 13]), 168)
    expect(answer, "encoded", (30, [0, 5, 1, 5]), 74)


class World:
    """A clock that moves only while something runs, and what ran."""

    def __init__(self, slow, fast):
        self.now, self.ran = 100.0, ""
        self.left = {"slow": list(slow), "fast": list(fast)}

    def runs(self, name):
        def run():
            self.ran += f"{name} "
            assert self.left[name], f"in_turns runs {name} too often: once to warm up, then once a round"
            self.now += self.left[name].pop(0)

        return run

    def clock(self):
        self.now += 0.25  # a look takes time, too
        return self.now


def runs_take_turns_after_a_warm_up(answer):
    for slow, fast in (([9.0, 4.0, 5.0, 40.0], [8.0, 1.0, 2.0, 1.5]), ([7.0, 3.0], [70.0, 6.0])):
        rounds, world = len(slow) - 1, World(slow, fast)
        got = answer.in_turns(world.runs("slow"), world.runs("fast"), world.clock, rounds)
        assert got is not None, "in_turns returns nothing"
        ran = world.ran.split()
        assert len(ran) == 2 * rounds + 2, f"with rounds={rounds} there are {len(ran)} runs, not {2 * rounds + 2}"
        assert sorted(ran[:2]) == ["fast", "slow"], f"the first two runs are {ran[0]}, {ran[1]}; warm up each once"
        assert ran[2:] == ["slow", "fast"] * rounds, f"after the warm-up it runs {', '.join(ran[2:])}: take turns"
        are_lists = isinstance(got, tuple | list) and [type(times) for times in got] == [list, list]
        assert are_lists, f"in_turns gives {got!r}, not two lists of {rounds} numbers"
        for name, times, costs in zip(("slow", "fast"), got, (slow, fast), strict=True):
            wanted = [cost + 0.25 for cost in costs[1:]]
            assert times == wanted, f"seconds of {name}: {times!r}, not {wanted}; look right before and after"


def one_odd_round_does_not_count(answer):
    expect(answer, "speedup", ([4.0, 40.0, 4.5], [1.5, 1.0, 9.0]), 3.0, ": the medians are 4.5 and 1.5")
    expect(answer, "speedup", ([40.0, 4.0, 5.0], [2.0, 0.5, 0.25]), 10.0, ": the medians are 5 and 0.5")
    expect(answer, "speedup", ([2.0, 1.0, 8.0, 4.0], [1.0, 5.0, 3.0]), 1.0, ": the medians are 3 and 3")
    expect(answer, "speedup", ([3.0, 3.0], [2.0, 6.0, 7.0, 4.0]), 0.6, ": the medians are 3 and 5")


def the_largest_stage_comes_first(answer):
    for seconds, stage, wanted in (
        ({"prepare": 1.0, "encode": 8.0, "prefill": 1.0}, "encode", 5.0),
        ({"prefill": 3.0, "decode": 1.0}, "prefill", 4.0),
        ({"prepare": 0.25, "encode": 0.5, "prefill": 0.5, "decode": 0.75}, "decode", 1.6),
    ):
        got, call = called(answer, "worth_most", seconds)
        is_pair = isinstance(got, tuple | list) and len(got) == 2 and isinstance(got[1], int | float)
        is_right = is_pair and got[0] == stage and isclose(got[1], wanted)
        assert is_right, f"{call} gives {got!r}, not {(stage, wanted)}"


CHECKS = (
    matrices_and_attention_are_counted,
    split_cells_were_encoded_too,
    runs_take_turns_after_a_warm_up,
    one_odd_round_does_not_count,
    the_largest_stage_comes_first,
)
