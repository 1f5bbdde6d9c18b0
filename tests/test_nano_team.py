"""Several processes train as one; evidence in pieces; things by cell."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from teams import run_pair
from torch import nn

from arr_coc.cli.teams import check_out
from arr_coc.data.drawing.generator import generate
from arr_coc.data.records import FIGURES, Figure
from arr_coc.nano import train as training
from arr_coc.nano.config import nano_config
from arr_coc.nano.curriculum import Curriculum, Stage, pieces_of
from arr_coc.nano.dense_losses import IGNORE, attention_loss, figure_loss, figures_by_cell
from arr_coc.nano.distributed import ALONE, Team, even_shares, joined
from arr_coc.nano.muon import Muon32
from arr_coc.nano.packing import ChatFormat
from arr_coc.nano.recipes import NANO, RECIPES, Recipe
from arr_coc.nano.tokenizer import train_tokenizer
from arr_coc.nano.train import Settings, check_team

LOSE_ONE = """
import os
import torch
from torch import nn
from arr_coc.nano.distributed import joined

with joined() as team:
    if not team.leads:
        os._exit(3)
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    team.average_gradients([parameter])
"""


def average_twos(folder: Path) -> None:
    """Gradients 1 and 3 become 2 in every process; one that a process lacks counts as zero."""
    with joined() as team:
        reached, idle, missed = (nn.Parameter(torch.zeros(*shape)) for shape in ((2, 3), (1,), (4,)))
        reached.grad = torch.full((2, 3), 1.0 + 2 * team.rank)
        missed.grad = torch.full((4,), 8.0) if team.leads else None
        team.average_gradients([reached, idle, missed])
        assert idle.grad is None
        torch.save([reached.grad, missed.grad], folder / f"{team.rank}.pt")


def train_together(folder: Path) -> None:
    """Two short stages of a small host; runs in a process of its own, which it may change."""
    stages = Stage("print", 2, 2, lines=2, max_cells=8, language=False), Stage("lines", 2, 3, lines=2, max_cells=8)
    RECIPES["nano"] = Recipe("nano", "small", stages)
    training.nano_config = lambda tokenizer: nano_config(tokenizer, 32, 64)
    training.make_tokenizer = lambda kind: train_tokenizer(["user\n", "What is the"] * 3, 280)
    learners, make_optimizers = [], training.make_optimizers
    training.make_optimizers = lambda learner, team: learners.append(learner) or make_optimizers(learner, team)
    with joined() as team:
        training.train(folder / "run", training.Settings(num_workers=0), team=team)
        torch.save(learners[0].state_dict(), folder / f"{team.rank}.pt")


def step_by_muon(folder: Path) -> None:
    """Three steps on matrices of many shapes, shared out among a team."""
    with joined() as team:
        torch.save(three_steps(team), folder / f"{team.rank}.pt")


def three_steps(team: Team) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((24, 40), (40, 24), (8, 8), (64, 64), (5, 90))
    matrices = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    optimizer = Muon32(matrices, lr=1e-2, team=team)
    for number in range(3):
        for matrix in matrices:
            matrix.grad = torch.randn(matrix.shape, generator=generator)
        matrices[number].grad = None
        optimizer.step()
    return [matrix.detach() for matrix in matrices]


def check_often(folder: Path) -> None:
    for number in range(300):
        check_out(folder / str(number // 100))


def torchrun(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Two processes run a script, whose first argument is `folder`."""
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run([*launch, path, folder], capture_output=True, text=True, timeout=600, check=False)


def test_a_team_averages_its_gradients(tmp_path):
    assert run_pair(average_twos, tmp_path) == [0, 0]
    for rank in range(2):
        reached, missed = torch.load(tmp_path / f"{rank}.pt")
        assert torch.equal(reached, torch.full((2, 3), 2.0)) and torch.equal(missed, torch.full((4,), 4.0))


def test_a_team_trains_one_host(tmp_path):
    assert run_pair(train_together, tmp_path) == [0, 0]
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert json.loads((tmp_path / "run" / "host" / "training.json").read_text())["processes"] == 2


def test_a_team_shares_out_the_products_of_muon(tmp_path):
    assert run_pair(step_by_muon, tmp_path) == [0, 0]
    alone = three_steps(ALONE)
    for rank in range(2):
        together = torch.load(tmp_path / f"{rank}.pt")
        assert all(torch.allclose(mine, theirs, atol=1e-6) for mine, theirs in zip(alone, together, strict=True))


def test_work_is_shared_out_evenly():
    costs = [9.0, 1.0, 4.0, 5.0, 3.0]
    owner = even_shares(costs, 2)
    assert {sum(cost for cost, rank in zip(costs, owner, strict=True) if rank == who) for who in range(2)} == {10, 12}
    assert even_shares([2.0, 2.0], 1) == [0, 0] and even_shares([], 3) == []


def test_a_team_that_loses_a_member_stops(tmp_path):
    assert torchrun(LOSE_ONE, tmp_path).returncode != 0


def test_a_team_does_not_take_each_others_empty_folders_away(tmp_path):
    assert run_pair(check_often, tmp_path) == [0, 0]


def test_shares_of_a_batch_are_the_batch():
    tokenizer = train_tokenizer(["user\n", "What is the"] * 3, 280)
    whole = Curriculum(NANO[2], ChatFormat(tokenizer))[1]
    shares = [Curriculum(NANO[2], ChatFormat(tokenizer), Team(rank, 2))[1] for rank in range(2)]
    rows = [tuple(row[row != tokenizer.pad_token_id].tolist()) for part in shares for row in part.input_ids]
    assert sorted(rows) == sorted(tuple(row[row != tokenizer.pad_token_id].tolist()) for row in whole.input_ids)
    with pytest.raises(ValueError, match="processes"):
        check_team(Settings(), Team(0, min(stage.batch_size for stage in NANO) + 1))


def test_things_are_known_by_cell():
    car, star = FIGURES.index("car") + 1, FIGURES.index("star") + 1
    figures = (Figure("car", (0, 0, 128, 64)), Figure("star", (140, 70, 150, 80)), Figure("star", (150, 80, 156, 90)))
    filled, middles = figures_by_cell(figures, (192, 128), (4, 6)).reshape(4, 6, 2).unbind(-1)
    assert filled[0, 1] == car and filled[1, 2] == car
    assert filled[0, 0] == IGNORE and filled[0, 5] == 0
    assert middles[1, 2] == 1 and middles[2, 4] == 2 and int(middles.sum()) == 3
    assert filled[2, 4] == IGNORE
    assert figures_by_cell((figures[1],), (192, 128), (4, 6)).reshape(4, 6, 2)[2, 4, 0] == star


@pytest.mark.parametrize(
    ("kind", "names"), [("shapes", FIGURES[:8]), ("street", FIGURES[8:12]), ("bar_chart", ("bar",))]
)
def test_pictures_know_their_things(kind, names):
    picture = generate(3, kind=kind, max_side=640)
    assert picture.figures and {figure.name for figure in picture.figures} <= set(names)
    for x0, y0, x1, y1 in (figure.box for figure in picture.figures):
        assert 0 <= x0 < x1 <= picture.image.width and 0 <= y0 < y1 <= picture.image.height


def test_a_learner_of_things_is_rewarded_for_them():
    figures = torch.tensor([[3, 1], [IGNORE, 0]])
    right = torch.zeros(2, len(FIGURES) + 1 + 4)
    right[0, 3], right[0, len(FIGURES) + 2], right[1, len(FIGURES) + 1] = 9.0, 9.0, 9.0
    assert figure_loss(right, figures) < 0.05 < figure_loss(-right, figures)


def test_attention_belongs_to_every_piece_alike():
    logits = torch.log(torch.tensor([[[0.5, 0.3, 0.2]], [[0.1, 0.1, 0.8]]]))
    evidence = torch.tensor([[True, False, False], [False, True, False], [False, False, True], [False, False, False]])
    loss = attention_loss(logits, evidence, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.3)) / 4 - math.log(0.8) / 2)


def test_worked_out_answers_have_several_pieces():
    questions = [
        q for seed in range(6) for q in generate(seed, kind="receipt", max_side=448, num_questions=None).questions
    ]
    several = {q.kind for q in questions if len(pieces_of(q)) > 1}
    assert "compare" in several and "read_field" not in several
