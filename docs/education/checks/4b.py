"""What lesson 4B checks."""

import torch
from calling import ask

MASSES = (
    ([0.0, 1.0, 0.0], [0.0, 0.0, 0.0]),
    ([0.0, 0.8, 0.2, 0.0], [0.0, 0.0, 0.0, 0.0]),
    ([0.5, 0.5], [-1.0, 2.0]),
    ([1.0], [3.0]),
    ([0.1, 0.2, 0.3, 0.4, 0.0], [2.0, -3.0, 0.5, 1.0, -1.0]),
    ([0.3, 0.7, 0.0], [-1000.0, 0.0, 1000.0]),
)
DRAWS = ((1, 1, 1.0), (3, 2, 1.0), (6, 1, 1.0), (6, 4, 0.2), (6, 6, 1.0), (9, 3, 4.0))
TRIALS = (
    ([1, 0, 1, 1], [100, 100, 160, 400], 0.2),
    ([1, 0, 1, 1], [100, 100, 160, 400], 0.0),
    ([1, 0, 1], [160, 64, 100], 0.5),
    ([0, 1, 0, 0, 1, 1], [64, 400, 100, 256, 160, 64], 1.0),
    ([1, 1, 1, 1], [64, 100, 160, 400], 0.02),
    ([0, 0, 0], [160, 160, 160], 0.2),
    ([1], [64], 0.2),
)


def tensor(got, name, shape):
    assert isinstance(got, torch.Tensor), f"{name} gives a {type(got).__name__}, not a tensor"
    assert got.shape == shape, f"{name} gives the shape {tuple(got.shape)}, not {tuple(shape)}"
    return got


def told(values):
    return [round(value, 4) for value in values.flatten().tolist()]


def alignment_pulls_the_scores_towards_the_mass(answer):
    for mass, scores in MASSES:
        mass, scores = torch.tensor(mass), torch.tensor(scores, requires_grad=True)
        name = f"mass {told(mass)}, scores {told(scores)}"
        got = tensor(ask(answer.alignment, name, mass, scores), "alignment", ())
        wanted = -(mass * scores.detach().log_softmax(0)).sum().item()
        close = abs(got.item() - wanted) < 2e-4 * max(1.0, wanted)
        assert close, f"{name}: {got.item():.4f}, not {wanted:.4f}"
        assert got.requires_grad, "alignment gives a tensor without a gradient, so the scores can't learn"
        got.backward()
        gradient = scores.detach().softmax(0) - mass
        close = torch.allclose(scores.grad, gradient, atol=2e-4)
        assert close, f"{name}: the gradient is {told(scores.grad)}, not {told(gradient)}"


def draws_are_those_of_gumbel(answer):
    generator = torch.Generator().manual_seed(3)
    for num, k, temperature in DRAWS:
        for _ in range(20):
            scores = torch.randn(num, generator=generator)
            uniform = torch.rand(num, generator=generator).clamp(1e-4, 1 - 1e-4)
            wanted = (scores / temperature - (-uniform.log()).log()).argsort(descending=True)[:k].tolist()
            name = f"scores {told(scores)}, uniform {told(uniform)}, k {k}, temperature {temperature:g}"
            options = {} if temperature == 1 else {"temperature": temperature}
            got = ask(answer.gumbel_top_k, name, scores.clone(), uniform.clone(), k, **options)
            assert hasattr(got, "__len__"), f"{name}: {got!r}, not {wanted}"
            assert list(got) == wanted, f"{name}: {list(got)}, not {wanted}"


def the_gate_is_one_and_has_a_gradient(answer):
    for values in ([0.0, 2.0], 0.5, [-3.0, -1.0, 0.0, 1.0, 4.0], [[-100.0, 100.0, 0.1]]):
        score = torch.tensor(values, requires_grad=True)
        name = f"score {told(score)}"
        got = tensor(ask(answer.gate, name, score), "gate", score.shape)
        assert torch.allclose(got, torch.ones_like(got), atol=2e-4), f"{name}: its value is {told(got)}, not 1"
        assert got.requires_grad, "gate gives a tensor without a gradient, so the score can't learn"
        (3 * got).sum().backward()
        chance = score.detach().sigmoid()
        wanted = 3 * chance * (1 - chance)
        close = torch.allclose(score.grad, wanted, atol=2e-4)
        assert close, f"{name}: 3 * gate has the gradient {told(score.grad)}, not {told(wanted)}"


def better_trials_have_an_advantage(answer):
    for right, tokens, price in TRIALS:
        right, tokens = torch.tensor(right, dtype=torch.float32), torch.tensor(tokens)
        for least in (None, 0.05, 0.5):
            limit = 0.05 if least is None else least
            reward = right - price * tokens / 400
            wanted = (reward - reward.mean()) / reward.std(correction=0).clamp(min=limit)
            name = f"right {right.int().tolist()}, tokens {tokens.tolist()}, price {price}, least {limit}"
            given = right.clone(), tokens.clone(), price, *([] if least is None else [least])
            got = tensor(ask(answer.advantages, name, *given), "advantages", wanted.shape)
            assert torch.allclose(got, wanted, atol=2e-4), f"{name}: {told(got)}, not {told(wanted)}"


CHECKS = (
    alignment_pulls_the_scores_towards_the_mass,
    draws_are_those_of_gumbel,
    the_gate_is_one_and_has_a_gradient,
    better_trials_have_an_advantage,
)
