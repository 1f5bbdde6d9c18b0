"""Meters, alarms, patience and sinks."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from arr_coc.files import jsonl
from arr_coc.training import sinks
from arr_coc.training.monitoring import Meter, StepReport, bin_centre, budget_bin, budget_bucket, budget_calibration
from arr_coc.training.objective import Outcome, SampleFacts
from arr_coc.training.settings import AlarmSettings, PatienceSettings
from arr_coc.training.sinks import JsonlSink, Sinks, TerminalSink, open_tracker
from arr_coc.training.spike_recovery import ScoreWatch, SpikeWatch, Verdict
from arr_coc.training.warnings import GradientWatch, window_alarms


def sample(budget: int = 100, num_tokens: int = 100, is_correct: float = 1.0, **changes: Any) -> SampleFacts:
    values = {"kind": "total", "difficulty": 0.5, **changes}
    return SampleFacts(budget=budget, num_tokens=num_tokens, is_correct=is_correct, **values)


def report(total: float, num_tokens: int, *facts: SampleFacts) -> StepReport:
    return StepReport(total, {"answer": total / 2}, num_tokens, facts, {"scorer": 3.0}, 3.0, {"scorer": 1e-3})


def test_outcome_adds_up_by_weight() -> None:
    terms = {"answer": torch.tensor(2.0, requires_grad=True), "kl": torch.tensor(5.0, requires_grad=True)}
    total = Outcome(terms, {"answer": 3.0, "kl": 0.0}, 1, []).total()
    total.backward()
    assert total.item() == 6 and terms["answer"].grad.item() == 3 and terms["kl"].grad is None
    with pytest.raises(ValueError, match="weights"):
        Outcome(terms, {"answer": 1.0}, 1, [])
    with pytest.raises(ValueError, match="num_tokens"):
        Outcome(terms, {"answer": 1.0, "kl": 1.0}, 0, [])


def test_losses_are_means_per_token_and_accuracy_per_sample() -> None:
    meter = Meter()
    meter.add_step(report(10.0, 1, sample(64, 62, 1.0), sample(90, 90, 0.0, extras={"kl": 0.4})))
    meter.add_step(report(2.0, 3, sample(400, 398, 0.0, kind="colour", extras={"kl": 0.2})))
    means = meter.means()
    assert means["loss"] == 3.0 and means["loss/answer"] == 1.5 and means["grad_norm/scorer"] == 3.0
    assert means["accuracy"] == pytest.approx(1 / 3) and means["tokens"] == pytest.approx(550 / 3)
    assert [means[f"accuracy/budget_{budget}"] for budget in (64, 100, 400)] == [1.0, 0.0, 0.0]
    assert means["accuracy/kind_total"] == 0.5 and means["tokens/kind_colour"] == 398
    assert means["kl"] == pytest.approx(0.3)
    assert sum(value for name, value in means.items() if name.startswith("budget_share/")) == pytest.approx(1)


def test_budgets_fall_into_buckets_and_bins() -> None:
    assert [budget_bucket(budget) for budget in (10, 64, 65, 256, 999)] == [64, 64, 100, 256, 400]
    assert [bin_centre(budget_bin(num)) for num in (61, 64, 100, 256, 398, 400)] == [64, 64, 108, 256, 431, 431]
    assert {budget_bin(num) for num in range(64, 401)} == set(range(12))


def test_calibration_is_a_rank_correlation() -> None:
    rising = [sample(num_tokens=64 + n, difficulty=0.1 * n, extras={"sufficient_budget": 9 - n}) for n in range(8)]
    assert budget_calibration(rising) == {"calibration/sufficient": pytest.approx(-1)}
    assert budget_calibration([sample(num_tokens=64 + n, difficulty=0.1 * n) for n in range(8)]) == {
        "calibration/difficulty": pytest.approx(1)
    }
    assert budget_calibration([sample()] * 5) == {} and budget_calibration([]) == {}


def test_dead_and_exploding_parts_are_named() -> None:
    watch, few = GradientWatch(), AlarmSettings(dead_steps=3, explode_ratio=10.0)
    rng = np.random.default_rng(0)
    quiet = [watch.look({"scorer": 1 + rng.random(), "adapter": 0.5}, few) for _ in range(40)]
    assert not any(quiet)
    (alarm,) = watch.look({"scorer": 30.0, "adapter": 0.5}, few)
    assert alarm.name == "exploding_gradient" and alarm.message.startswith("scorer")
    assert watch.means["scorer"] < 2
    dead = [watch.look({"scorer": 1.0, "adapter": 0.0}, few) for _ in range(6)]
    assert [[alarm.name for alarm in alarms] for alarms in dead] == [[], [], ["dead_gradient"]] * 2


def test_collapse_of_the_budget_is_told() -> None:
    meter, few = Meter(), AlarmSettings()
    meter.add_facts([sample(400, 98 + n % 3) for n in range(40)])
    (alarm,) = window_alarms(meter, few)
    assert alarm.name == "budget_collapse" and alarm.message == "100% of 40 samples want about 108 tokens"
    meter.add_facts([sample(400, 250)] * 10)
    assert window_alarms(meter, few) == []
    assert window_alarms(meter, AlarmSettings(collapse_share=0.5))[0].name == "budget_collapse"
    forced = Meter()
    forced.add_facts([sample(num_tokens=64 * (1 + n % 6), extras={"auto_budget": 66.0}) for n in range(40)])
    assert window_alarms(forced, few)[0].message == "100% of 40 samples want about 64 tokens"
    small = Meter()
    small.add_facts([sample()] * 10)
    assert window_alarms(small, few) == []


def test_floors_hold_for_any_figure() -> None:
    meter = Meter()
    meter.add_facts([sample(is_correct=0.2, extras={"attention_precision": 0.05})])
    few = AlarmSettings(floors={"accuracy": 0.1, "attention_precision": 0.1, "absent": 1.0})
    (alarm,) = window_alarms(meter, few)
    assert alarm.name == "floor" and "attention_precision is 0.05" in alarm.message


def test_noise_is_no_spike_and_a_jump_is() -> None:
    few, rng = PatienceSettings(spike_warmup=30, spike_steps=3), np.random.default_rng(1)
    watch = SpikeWatch()
    noisy = [3 * 0.999**n * (1 + 0.2 * rng.standard_normal()) for n in range(2000)]
    assert not any(watch.look(loss, few) for loss in noisy)
    mean = watch.mean
    assert [watch.look(5.0, few) for _ in range(2)] == [False, False]
    assert not watch.look(mean, few) and watch.num_suspicious == 0
    assert [watch.look(5.0, few) for _ in range(3)] == [False, False, True]
    assert watch.mean < 2 * mean


def test_running_statistics_follow_the_loss() -> None:
    watch, few, rng = SpikeWatch(), PatienceSettings(), np.random.default_rng(2)
    for _ in range(2000):
        watch.look(2 + 0.5 * rng.standard_normal(), few)
    assert watch.mean == pytest.approx(2, abs=0.25) and watch.variance == pytest.approx(0.25, rel=0.5)


def test_patience() -> None:
    watch, few = ScoreWatch(), PatienceSettings(plateau=2, stop=5, min_gain=0.01)
    scores = [0.5, 0.505, 0.4, 0.52, 0.1, 0.1, 0.1, 0.1, 0.1]
    expected = ["better", "wait", "halve", "better", "wait", "halve", "wait", "halve", "stop"]
    assert [watch.look(score, few) for score in scores] == [Verdict(name) for name in expected]


def test_the_log_of_a_resumed_run_forgets_what_comes_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonlSink(path)
    for step in (1, 2, 3):
        log.write("train", step, {"loss": 1.0 / step})
    log.close()
    with open(path, "ab") as file:
        file.write(b'{"event": "tra')
    JsonlSink(path, resume_step=2).write("train", 3, {"loss": 0.25})
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(entry["step"], entry["loss"]) for entry in entries] == [(1, 1.0), (2, 0.5), (3, 0.25)]
    JsonlSink(path)
    assert path.read_text() == ""


def test_the_log_waits_for_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = JsonlSink(tmp_path / "log.jsonl")
    with monkeypatch.context() as full:
        full.setattr(jsonl, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")), raising=False)
        log.write("train", 1, {"loss": 1.0})
        with pytest.raises(OSError):
            log.close()
    log.write("train", 2, {"loss": 0.5})
    assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [1, 2]


def test_the_terminal_shows_figures_and_alarms() -> None:
    text = io.StringIO()
    terminal = TerminalSink(100, console=Console(file=text, force_terminal=False, width=200))
    terminal.write("train", 50, {"loss": 1.234, "accuracy": 0.5, "loss/kl": 9.0})
    terminal.write("validation", 50, {"loss": 1.0, "score": 0.75})
    terminal.write("budget_collapse", 50, {"message": "100% of [40] samples"})
    terminal.close()
    assert "step 50  budget_collapse: 100% of [40] samples" in text.getvalue()
    assert "score 0.75" in text.getvalue() and "50/100" in text.getvalue() and "loss 1.23" in text.getvalue()


class Recorder:
    """Stands for a tracker's module and for the run or writer that it makes."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*positional: Any, **named: Any) -> Recorder:
            self.calls.append((name, *positional, named))
            return self

        return call


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_run_trackers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Recorder()
    monkeypatch.setitem(sys.modules, name, module)
    sink = Sinks([open_tracker(name, tmp_path / "phase1", {"host": "nano"}, resume_step=5)])
    sink.write("train", 6, {"loss": 1.0})
    sink.close()
    assert module.calls == [
        ("init", {"project": "arr-coc", "name": "phase1", "config": {"host": "nano"}, "resume": "allow"}),
        ("log", {"train/loss": 1.0}, {"step": 6}),
        ("finish", {}),
    ]


def test_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Recorder()
    monkeypatch.setattr(sinks, "import_module", lambda name: {"torch.utils.tensorboard": module}[name])
    sink = open_tracker("tensorboard", tmp_path, {}, resume_step=5)
    sink.write("floor", 6, {"message": "low", "loss": 1.0})
    assert module.calls == [
        ("SummaryWriter", str(tmp_path / "tensorboard"), {"purge_step": 6}),
        ("add_text", "floor/message", "low", 6, {}),
        ("add_scalar", "floor/loss", 1.0, 6, {}),
    ]


def test_unknown_and_missing_trackers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="tracker must be one of tensorboard, trackio, wandb, got 'mlflow'"):
        open_tracker("mlflow", tmp_path, {})
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match="wandb is not installed; pip install wandb"):
        open_tracker("wandb", tmp_path, {})


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [(AlarmSettings, "dead_steps", 0), (AlarmSettings, "explode_ratio", -1.0), (PatienceSettings, "stop", 0)],
)
def test_watch_settings_are_checked(settings: Any, field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must be positive, got {value}"):
        settings(**{field: value})
