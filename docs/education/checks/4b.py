"""What lesson 4B checks."""

import torch

RNG = torch.Generator().manual_seed(3)


def alignment_is_least_where_the_scores_point_at_the_mass(answer):
    mass = torch.tensor([0.0, 1.0, 0.0])
    flat, there = torch.zeros(3), torch.tensor([0.0, 5.0, 0.0])
    got = answer.alignment(mass, flat)
    assert got is not None, "alignment returns nothing"
    assert abs(float(got) - float(torch.tensor(3.0).log())) < 1e-5, "three equal scores must cost log 3"
    assert answer.alignment(mass, there) < 0.1 < answer.alignment(mass, flat), "it must fall where the scores are right"


def draws_are_those_of_gumbel(answer):
    scores = torch.tensor([0.0, 0.0, 3.0])
    first = []
    for _ in range(400):
        got = answer.gumbel_top_k(scores, torch.rand(3, generator=RNG).clamp(min=1e-6), 2)
        assert got is not None, "gumbel_top_k returns nothing"
        assert len(set(got)) == 2, "two different cells must be drawn"
        first.append(got[0])
    share = first.count(2) / len(first)
    wanted = float(scores.softmax(0)[2])
    assert abs(share - wanted) < 0.06, f"the best cell came first in {share:.0%} of the draws, not in {wanted:.0%}"


def the_gate_is_one_and_has_a_gradient(answer):
    score = torch.tensor([0.0, 2.0], requires_grad=True)
    got = answer.gate(score)
    assert got is not None, "gate returns nothing"
    assert torch.allclose(got, torch.ones(2)), f"its value is {got.tolist()}, not 1"
    got.sum().backward()
    chance = torch.tensor([0.0, 2.0]).sigmoid()
    assert torch.allclose(score.grad, chance * (1 - chance)), "the gradient is not that of the sigmoid"


CHECKS = (
    alignment_is_least_where_the_scores_point_at_the_mass,
    draws_are_those_of_gumbel,
    the_gate_is_one_and_has_a_gradient,
)
