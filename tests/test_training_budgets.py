"""What the balancer learns from a sweep of budgets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from arr_coc.balancing import NUM_STATISTICS, BalancerConfig, LearnedBalancer
from arr_coc.cli.main import app
from arr_coc.evaluation.running.runner import Plan, run
from arr_coc.processor.loading import load_host
from arr_coc.processor.trained_parts import trained_parts
from arr_coc.training.budgets import (
    BudgetSettings,
    Sweep,
    best_fixed,
    chances,
    choose,
    interpolated,
    judge,
    learn_budget,
    particularize,
    read_sweep,
    run_budget,
)

BUDGETS, WIDTH = (64, 160, 400), 8


def toy_sweep(num_pictures: int = 30) -> Sweep:
    """Questions of one word: easy ones are right at every budget, hard ones at the largest, hopeless ones never."""
    generator = torch.Generator().manual_seed(1)
    easy, hard, hopeless = torch.randn(3, 1, WIDTH, generator=generator).unbind()
    outcomes = torch.tensor([[1.0, 1, 1], [0, 0, 1], [0, 0, 0]])
    prior = torch.tensor([0.0, 0, 0, 0, 0, 0])
    return Sweep(
        BUDGETS,
        outcomes.repeat(num_pictures, 1),
        [str(number) for number in range(num_pictures) for _ in range(3)],
        [easy, hard, hopeless] * num_pictures,
        [torch.randn(NUM_STATISTICS, generator=generator) for _ in range(3 * num_pictures)],
        [prior] * (3 * num_pictures),
    )


def toy_balancer() -> LearnedBalancer:
    torch.manual_seed(0)
    return LearnedBalancer(BalancerConfig(WIDTH, 16))


def test_learns_which_questions_want_tokens() -> None:
    sweep, balancer = toy_sweep(), toy_balancer()
    everything = list(range(len(sweep)))
    before = judge(choose(balancer, sweep, everything), sweep, 0.2)
    verdict = learn_budget(balancer, sweep, BudgetSettings(num_epochs=40, rate=3e-3))
    easy, hard, hopeless = choose(balancer, sweep, [0, 1, 2]).tolist()
    assert hard > 330 and easy < 90 and hopeless < 90
    assert verdict.reward > judge(best_fixed(sweep, 0.2), sweep, 0.2).reward
    assert verdict.reward > before.reward + 0.1 and verdict.rank_correlation > 0.8


def test_a_price_of_nothing_buys_everything_and_a_high_one_nothing() -> None:
    sweep = toy_sweep()
    for price, wanted in ((0.0, 400), (50.0, 64)):
        assert best_fixed(sweep, price).tolist() == [wanted] * len(sweep)


def test_only_the_budget_is_learnt() -> None:
    sweep, balancer = toy_sweep(10), toy_balancer()
    learn_budget(balancer, sweep, BudgetSettings(num_epochs=5, rate=3e-3))
    logits = balancer.corrected(sweep.words[1], sweep.looks[1], sweep.priors[1])
    assert float(logits[0].detach()) != 0 and torch.equal(logits[1:], sweep.priors[1][1:])


def test_keeps_what_was_there_where_nothing_is_gained() -> None:
    sweep, balancer = toy_sweep(10), toy_balancer()
    nothing = Sweep(sweep.budgets, sweep.scores * 0 + 1, sweep.pictures, sweep.words, sweep.looks, sweep.priors)
    verdict = learn_budget(balancer, nothing, BudgetSettings(price=0.0, num_epochs=2))
    assert verdict.score == 1 and not balancer.leave.weight.any()


def test_pictures_are_judged_by_what_never_saw_them() -> None:
    sweep = toy_sweep(7)
    folds = sweep.folds()
    assert sorted(n for _, judged in folds for n in judged) == list(range(len(sweep)))
    for learnt_from, judged in folds:
        assert sorted(learnt_from + judged) == list(range(len(sweep)))
        assert not {sweep.pictures[n] for n in learnt_from} & {sweep.pictures[n] for n in judged}


def test_questions_of_different_lengths_do_not_disturb_each_other() -> None:
    sweep, balancer = toy_sweep(2), toy_balancer()
    torch.nn.init.normal_(balancer.leave.weight)
    generator = torch.Generator().manual_seed(2)
    longer = [torch.randn(1 + n, WIDTH, generator=generator) for n in range(len(sweep))]
    ragged = Sweep(sweep.budgets, sweep.scores, sweep.pictures, longer, sweep.looks, sweep.priors)
    together = particularize(balancer, ragged, range(len(ragged)))
    alone = torch.cat([particularize(balancer, ragged, [n]) for n in range(len(ragged))])
    torch.testing.assert_close(together, alone)
    single = balancer.corrected(longer[3], sweep.looks[3], sweep.priors[3])[0].sigmoid()
    torch.testing.assert_close(together[3], single)


def test_the_same_seed_learns_the_same() -> None:
    sweep, first, second = toy_sweep(6), toy_balancer(), toy_balancer()
    verdicts = [learn_budget(each, sweep, BudgetSettings(num_epochs=3, rate=3e-3)) for each in (first, second)]
    assert verdicts[0] == verdicts[1] and torch.equal(first.leave.weight, second.leave.weight)


def test_scores_between_budgets_and_chances() -> None:
    scores = torch.tensor([[0.0, 1, 0]]).repeat(4, 1)
    assert interpolated(scores, torch.tensor([64, 112, 160, 400]), BUDGETS).tolist() == [0, 0.5, 1, 0]
    spread = chances(torch.tensor([0.0, 1.0]), BUDGETS, 0.1)
    assert torch.allclose(spread.sum(1), torch.ones(2)) and spread[0, 0] > 0.99 < spread[1, 2]
    verdict = judge(torch.tensor([64, 400, 64]), toy_sweep(1), 0.2)
    assert verdict.score == pytest.approx(2 / 3) and verdict.tokens == 176
    assert "66.7% at 176 tokens" in str(verdict)


def answers_of(host_folder: str, data: Path, out: Path, budgets: tuple[int, ...]) -> Path:
    list(run(Plan(host_folder, (str(data),), ("arr-coc-trained",), budgets), out))
    return out


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("budgets") / "data"
    command = ["data", "generate", "--out", str(folder), "--num", "2", "--seed", "5", "--questions", "2"]
    assert CliRunner().invoke(app, [*command, "--max-side", "512"]).exit_code == 0
    return folder


def test_from_answers_to_a_folder_that_decides(tmp_path: Path, questions: Path) -> None:
    swept = answers_of("nano", questions, tmp_path / "run", (64, 100))
    told = CliRunner().invoke(
        app, ["train", "budget", "--sweep", str(swept), "--price", "0.1", "--out", str(tmp_path / "out")]
    )
    assert told.exit_code == 0, told.output
    assert "4 questions, budgets 64, 100; judged by picture" in told.output and "learnt" in told.output
    learned = trained_parts(load_host("nano", relevance=tmp_path / "out" / "relevance")[1].allocator)
    assert set(learned) == {"scorer", "balancer"}


def test_tensions_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["train", "budget", "--tensions", "0.7,0,0.2,0,0.8", "--out", str(out)]
    assert CliRunner().invoke(app, command).exit_code == 0
    balancer = load_host("nano", relevance=out / "relevance")[1].allocator.balancer
    assert balancer is not None and not balancer.leave.weight.any()
    assert list(balancer.config.tensions or ()) == [0.7, 0, 0.2, 0, 0.8]


def test_answers_that_are_no_sweep(tmp_path: Path, questions: Path) -> None:
    _, processor = load_host("nano")
    swept = answers_of("nano", questions, tmp_path / "run", (64,))
    for folder in (swept, tmp_path):
        with pytest.raises(ValueError, match=r"two budgets or more|holds no run"):
            run_budget(processor, folder, BudgetSettings(), tmp_path / "out", print)
    path = answers_of("nano", questions, tmp_path / "half", (64, 100)) / "answers.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if json.loads(line)["budget"] == 64 or '"sample": 0' in line))
    with pytest.raises(ValueError, match="every question at each"):
        read_sweep(tmp_path / "half", processor.host, LearnedBalancer(BalancerConfig(192)))
    assert not (tmp_path / "out").exists()


def test_bad_settings(tmp_path: Path) -> None:
    for wrong in ({"price": -1.0}, {"spread": 0.0}, {"num_epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            BudgetSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two pictures"):
        learn_budget(toy_balancer(), toy_sweep(1), BudgetSettings())
    missing = CliRunner().invoke(app, ["train", "budget", "--out", str(tmp_path / "out")])
    assert missing.exit_code == 2 and "sweep" in missing.output


@pytest.mark.parametrize("tensions", ["", "nan,0,0,0,1", "2,0,0,0,1", "0.6,0,0,0,0", "0.6,0,0,1", "0.6,inf,0,0,1"])
def test_tensions_that_are_none_write_nothing(tensions: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["train", "budget", "--tensions", tensions, "--out", str(tmp_path / "out")])
    assert told.exit_code == 2 and len(told.output.strip().splitlines()) == 1, told.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scale", ["nan", "inf", "-1", "0"])
def test_a_scale_of_rates_is_a_number_above_0(scale: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["train", "allocator", "--rate-scale", scale, "--out", str(tmp_path / "out")])
    assert told.exit_code == 2 and "--rate-scale: must be a number above 0" in told.output
    assert not (tmp_path / "out").exists()


def test_tensions_and_budgets_that_are_none(tmp_path: Path) -> None:
    run_of = ["train"]
    wrong = {
        "numbers, such as": ["budget", "--sweep", str(tmp_path), "--tensions", "a,b"],
        "batches have a fixed budget": ["scout", "--budgets", "64,auto"],
        "learns the budget from all of": ["allocator", "--budgets", "64,100"],
    }
    for message, options in wrong.items():
        told = CliRunner().invoke(app, [*run_of, *options, "--out", str(tmp_path / "out")])
        assert told.exit_code == 2 and message in " ".join(told.output.split()), told.output
    assert not (tmp_path / "out").exists()
