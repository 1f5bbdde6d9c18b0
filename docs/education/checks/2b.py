"""What lesson 2B checks."""

import torch
import torch.nn.functional as F
from calling import ask
from torch import Tensor

from arr_coc import knowing
from arr_coc.attending import combined_score
from arr_coc.records import ScoreMaps, Tensions


def drawer():
    """A function of a shape that gives numbers in 0..1, the same ones in every run."""
    generator = torch.Generator().manual_seed(1)
    return lambda *shape: torch.rand(shape, generator=generator)


def compare(call, function, inputs, wanted):
    """Calls the function; one line about the first place that is not as wanted."""
    kept = [each.clone() for each in inputs if isinstance(each, Tensor)]
    got = ask(function, call, *inputs)
    assert isinstance(got, Tensor), f"{call} is a {type(got).__name__}, wanted a Tensor"
    assert got.shape == wanted.shape, f"{call} has shape {tuple(got.shape)}, wanted {tuple(wanted.shape)}"
    is_wrong = ~torch.isclose(got.double(), wanted.double(), rtol=1e-4, atol=1e-5)
    if is_wrong.any():
        place = tuple(is_wrong.nonzero()[0].tolist())
        at = ", ".join(str(number) for number in place)
        raise AssertionError(f"{call}, place [{at}]: got {got[place].item():.5g}, wanted {wanted[place].item():.5g}")
    given = [each for each in inputs if isinstance(each, Tensor)]
    assert all(map(torch.equal, kept, given)), f"{function.__name__} changes the tensor it is given; make a new one"


def energy_is_a_mean_over_each_cell(answer):
    signs = torch.tensor([[0.5, -0.5], [0.5, -0.5]])
    call = "energy of one cell with differences 0.5 and -0.5"
    compare(call, answer.energy, (torch.zeros(2, 2), signs, 2), torch.full((1, 1), 0.25))
    drawn = drawer()
    for height, width, side in ((4, 8, 2), (6, 3, 3), (8, 8, 4), (2, 5, 1), (10, 20, 5)):
        pair = drawn(height, width), drawn(height, width)
        wanted = F.avg_pool2d((pair[0] - pair[1]).square()[None], side)[0]
        compare(f"energy of two {height} x {width} pictures, side {side}", answer.energy, (*pair, side), wanted)


def bits_follow_the_energy(answer):
    wanted = (([0, 1, 3, 15], [0, 0.5, 1, 2]), ([255, 63, 2], [4, 3, 0.792481]), ([[7, 0, 1023]], [[1.5, 0, 5]]))
    for noise, given in ((2 / 255, ()), (0.5, (0.5,)), (0.1, (0.1,))):
        for times, bits in wanted:
            call = f"lost_bits of {times} times noise squared, noise {noise:.4g}"
            compare(call, answer.lost_bits, (torch.tensor(times) * noise**2, *given), torch.tensor(bits).float())


def a_cell_stands_out_from_those_around_it(answer):
    dot = torch.zeros(3, 3)
    dot[1, 1] = 9
    wanted = torch.tensor([[2.25, 1.5, 2.25], [1.5, 8, 1.5], [2.25, 1.5, 2.25]])
    compare("stands_out of 3 x 3 zeros with a 9 in the middle", answer.stands_out, (dot,), wanted)
    drawn = drawer()
    for rows, columns in ((1, 1), (1, 5), (4, 1), (2, 2), (3, 7), (6, 5)):
        values = 8 * drawn(rows, columns) - 4
        wanted = (values - knowing.local_mean(values[None], 3)[0]).abs()
        compare(f"stands_out of {rows} x {columns} cells", answer.stands_out, (values,), wanted)


def attention_is_averaged_before_the_logarithm(answer):
    two = torch.tensor([[[0.1, 0.0, 4e-8]], [[0.3, 0.0, 0.0]]])
    call = "asked of two layers, one token, three cells with attention 0.1 and 0.3, 0 and 0, 4e-8 and 0"
    compare(call, answer.asked, (two,), torch.tensor([0.2, 1e-8, 2e-8]).log())
    drawn = drawer()
    for shape in ((1, 1, 1), (2, 3, 4), (3, 3, 3), (5, 1, 7), (1, 4, 2)):
        attention = 0.01 + 0.5 * drawn(*shape)
        call = f"asked of {shape[0]} layers, {shape[1]} tokens, {shape[2]} cells"
        compare(call, answer.asked, (attention,), attention.flatten(0, 1).mean(0).log())


def a_map_has_mean_0_and_deviation_1(answer):
    for pair in ([1.0, 3.0], [-3.0, -1.0], [1e-6, 3e-6], [-1e4, 3e4]):
        try:
            compare(f"standardise({pair})", answer.standardise, (torch.tensor(pair),), torch.tensor([-1.0, 1.0]))
        except AssertionError as error:
            is_sample = "got -0.70711" in str(error)
            raise AssertionError(f"{error}" + ("; divide by N, not N - 1" if is_sample else "")) from None
    drawn = drawer()
    for number in (3, 5, 12, 40):
        scores = 5 - 3 * drawn(number)
        wanted = knowing.standardise(scores)
        compare(f"standardise of {number} scores between 2 and 5", answer.standardise, (scores,), wanted)


def a_constant_map_says_nothing(answer):
    for value, number in ((0.25, 5), (0.0, 3), (-2.0, 1), (0.1, 7), (100.3, 7), (0.7, 1000)):
        call = f"standardise of {number} scores {value}"
        compare(call, answer.standardise, (torch.full((number,), value),), torch.zeros(number))


def maps_add_up_by_their_weights(answer):
    drawn = drawer()
    for weights in ((0.25, 0.15, 0.6), (0.5, 0.5, 0.0), (1.0, 0.0, 0.0), (0.2, 0.2, 0.6)):
        for number in (12, 3, 1):
            maps = 2 * drawn(3, number) - 1
            tensions = Tensions(0.5, 0.4, 0.2, weights, 160)
            wanted = combined_score(ScoreMaps(torch.zeros(number, 3), *maps), tensions)
            call = f"combined of three maps of {number} cells, weights {weights}"
            compare(call, answer.combined, (maps, torch.tensor(weights)), wanted)


CHECKS = (
    energy_is_a_mean_over_each_cell,
    bits_follow_the_energy,
    a_cell_stands_out_from_those_around_it,
    attention_is_averaged_before_the_logarithm,
    a_map_has_mean_0_and_deviation_1,
    a_constant_map_says_nothing,
    maps_add_up_by_their_weights,
)
