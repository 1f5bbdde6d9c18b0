"""The loop: exact resume, several processes, bad losses, full disks, and when it reacts."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from teams import end, run_pair, start
from torch import nn
from training_toys import Toy, ToyBatches, ToyFeed, draw, run, run_modes, run_until_killed, settings

from arr_coc.training import loop
from arr_coc.training.checkpoints import Checkpoints
from arr_coc.training.memory import prepared
from arr_coc.training.objective import Outcome
from arr_coc.training.optimizer import make_optimizer, rate_factor, set_rates
from arr_coc.training.processes import Processes
from arr_coc.training.runs import load_weights, train
from arr_coc.training.settings import AlarmSettings, LoopSettings, PatienceSettings


def lines(folder: Path, event: str | None = None) -> list[dict[str, Any]]:
    """The log without wall clock."""
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in entry.items() if name != "seconds"}
        for entry in entries
        if event in (None, entry["event"])
    ]


def latest_weights(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = Checkpoints(folder / "checkpoints", 3).latest()
    assert checkpoint is not None
    return checkpoint.load()["weights"]


def test_a_killed_run_resumes_to_the_same_curve(tmp_path: Path) -> None:
    kill_at = Random(7).randrange(6, 29)
    killed = start(run_until_killed, tmp_path, kill_at)
    run(tmp_path / "whole", num_workers=1)
    assert end(killed) == [-signal.SIGKILL]
    interrupted = tmp_path / "run"
    assert 0 < Checkpoints(interrupted / "checkpoints", 3).latest().step < kill_at + 1
    run(interrupted, resume=True)
    assert lines(interrupted) == lines(tmp_path / "whole")
    expected = latest_weights(tmp_path / "whole")
    assert all(torch.equal(value, expected[name]) for name, value in latest_weights(interrupted).items())


def test_two_processes_train_like_one(tmp_path: Path) -> None:
    """Weights copied (DDP) and sharded (FSDP2), batches of different sizes; a sharded run resumes a plain one's."""
    run(tmp_path / "one", batches_per_step=4)
    shutil.copytree(tmp_path / "one", tmp_path / "resume-sharded")
    for path in (tmp_path / "resume-sharded" / "checkpoints").glob("step_000000[23]0*"):
        path.unlink()
    assert run_pair(run_modes, tmp_path, "copied", "sharded", "resume-sharded") == [0, 0]
    for mode in ("copied", "sharded", "resume-sharded"):
        assert len(lines(tmp_path / mode)) == len(lines(tmp_path / "one"))
        for ours, theirs in zip(lines(tmp_path / mode), lines(tmp_path / "one"), strict=True):
            assert ours.pop("event") == theirs.pop("event")
            assert ours == pytest.approx(theirs, rel=1e-4), mode
        torch.testing.assert_close(latest_weights(tmp_path / mode), latest_weights(tmp_path / "one"))


def test_batches_must_divide_among_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processes, "count", 2)
    with pytest.raises(ValueError, match="batches_per_step: 3 batches"):
        Processes(settings(batches_per_step=3))


def test_gradient_is_the_mean_over_tokens(tmp_path: Path) -> None:
    """Of all tokens of the step, not the mean of its batches' means."""
    toy = Toy(noise=0.0)
    run_settings = settings(num_steps=1, batches_per_step=3, log_every=1, clip_norm=1e9)
    train(toy, ToyFeed(ToyBatches()), run_settings, tmp_path / "run", show=False)
    own = Toy(noise=0.0)
    batches = [draw(number) for number in range(3)]
    joined = {name: torch.cat([batch[name] for batch in batches]) for name in ("x", "y", "tokens")}
    gaps = own.adapter(own.scorer(own.language(joined["x"])))[:, 0] - joined["y"]
    loss = (gaps**2 * joined["tokens"]).sum() + 0.01 * own.scorer(own.language(joined["x"])).abs().sum()
    (loss / joined["tokens"].sum()).backward()
    (entry,) = lines(tmp_path / "run", "train")
    for part, parameters in own.parts().items():
        norm = torch.cat([parameter.grad.flatten() for parameter in parameters]).norm().item()
        assert entry[f"grad_norm/{part}"] == pytest.approx(norm, rel=1e-5)
    assert entry["loss"] == pytest.approx(loss.item() / joined["tokens"].sum().item(), rel=1e-5)


def test_gradient_is_clipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = []

    def spy(optimizer: torch.optim.Optimizer, scale: float, norm: float, clip_norm: float) -> None:
        original(optimizer, scale, norm, clip_norm)
        gradients = [parameter.grad.flatten() for group in optimizer.param_groups for parameter in group["params"]]
        norms.append((norm, torch.cat(gradients).norm().item()))

    original = loop.scale_gradients
    monkeypatch.setattr(loop, "scale_gradients", spy)
    run(tmp_path / "run", num_steps=12, clip_norm=3.0)
    assert any(norm > 3 for norm, _ in norms) and any(norm < 3 for norm, _ in norms)
    for norm, clipped in norms:
        assert clipped == pytest.approx(min(norm, 3.0), rel=1e-4)


def test_each_part_has_its_rate() -> None:
    toy, few = Toy(), settings(rates={"scorer": 0.1, "adapter": 0.3}, num_steps=100, warmup_steps=10)
    optimizer = make_optimizer(toy.parts(), few)
    assert set_rates(optimizer, few, 0, 1.0) == pytest.approx({"scorer": 0.01, "adapter": 0.03}, rel=1e-2)
    assert set_rates(optimizer, few, 50, 0.5) == pytest.approx({"scorer": 0.0275, "adapter": 0.0825})
    assert rate_factor(few, 100) == pytest.approx(few.final_rate)
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(p) for p in toy.parameters() if p.requires_grad and p.ndim == 2}
    with pytest.raises(ValueError, match=r"rates: must name the trained parts \['adapter', 'scorer'\]"):
        make_optimizer(toy.parts(), settings(rates={"scorer": 0.1}))


def test_nan_stops_names_and_keeps_the_batch(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"step 8: .*bad_batch_17\.pt"):
        run(tmp_path / "run", data=ToyBatches(nan_at=17), batches_per_step=2)
    kept = torch.load(tmp_path / "run" / "bad_batch_17.pt", weights_only=False)
    assert kept["number"] == 17 and torch.equal(kept["batch"]["tokens"], draw(17)["tokens"])
    assert not (tmp_path / "run" / "bad_batch_16.pt").exists()
    assert lines(tmp_path / "run")[-1]["event"] == "not_finite"
    assert all(value.isfinite().all() for value in latest_weights(tmp_path / "run").values())


class Steep(Toy):
    """A finite loss whose gradient is not: the root of zero."""

    def forward(self, batch: dict[str, Any]) -> Outcome:
        outcome = super().forward(batch)
        return replace(outcome, terms={**outcome.terms, "answer": (0 * outcome.terms["answer"]).sqrt()})


def test_infinite_gradient_stops(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="step 0: gradient is not finite"):
        train(Steep(), ToyFeed(ToyBatches()), settings(), tmp_path / "run", show=False)


def test_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up after step 10 and has room again at the end."""
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if 8 < len(calls) < 11:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    seen = []
    monkeypatch.setattr(loop.Loop, "_tell", lambda self, alarms: seen.extend((self.state.step, a) for a in alarms))
    monkeypatch.setattr(loop.Loop, "_validate", lambda self: seen.append(self.checkpoints.latest().step) or 0.5)
    run(tmp_path / "run")
    failed = [(step, alarm.message) for step, alarm in (entry for entry in seen if isinstance(entry, tuple))]
    assert [step for step, _ in failed] == [15, 20] and "No space left" in failed[0][1]
    assert [entry for entry in seen if isinstance(entry, int)] == [5, 10, 25]
    assert not list((tmp_path / "run" / "checkpoints").glob("*.partial"))


def test_a_refused_write_leaves_the_old_file(tmp_path: Path) -> None:
    """The kernel itself refuses: a limit on the size of files."""
    resource = pytest.importorskip("resource")
    saved = Checkpoints(tmp_path, keep_best=3)
    saved.save({"x": torch.zeros(8)}, 1, None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError):
            saved.save({"x": torch.zeros(100_000)}, 2, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.pt"]
    assert torch.equal(saved.latest().load()["x"], torch.zeros(8))


def test_best_three_and_the_latest_are_kept(tmp_path: Path) -> None:
    saved = Checkpoints(tmp_path, keep_best=3)
    for step, score in enumerate([0.1, 0.5, None, 0.3, 0.4, 0.2, None], start=1):
        saved.save({}, step, score)
    assert [checkpoint.step for checkpoint in saved.all()] == [2, 4, 5, 7]
    assert [checkpoint.score for checkpoint in saved.best()] == [0.5, 0.4, 0.3]
    assert saved.latest().step == 7


def test_checkpoints_hold_what_is_trained(tmp_path: Path) -> None:
    run(tmp_path / "run", num_steps=1)
    names = {name for name, parameter in Toy().named_parameters() if parameter.requires_grad}
    assert set(latest_weights(tmp_path / "run")) == names


class Spiking(ToyBatches):
    """Targets are far off in three batches in a row."""

    def __getitem__(self, number: int) -> dict[str, Any]:
        batch = draw(number)
        return {**batch, "y": batch["y"] + (200.0 if 21 <= number <= 23 else 0.0)}


def test_a_spike_rolls_back_and_halves_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = []
    original = Processes.write_weights

    def spy(self: Processes, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        original(self, model, optimizer, state)
        restored.append({name: value.clone() for name, value in self.read_weights(model, optimizer)["weights"].items()})
        restored.append(state["weights"])

    monkeypatch.setattr(Processes, "write_weights", spy)
    patience = PatienceSettings(spike_warmup=10, spike_steps=3, spike_sigmas=6.0)
    run(tmp_path / "run", data=Spiking(), patience=patience, log_every=1, batches_per_step=1)
    (rollback,) = lines(tmp_path / "run", "rollback")
    assert rollback["step"] == 24 and "back to step 20" in rollback["message"]
    torch.testing.assert_close(restored[0], restored[1], rtol=0, atol=0)
    rates = {entry["step"]: entry["rate/scorer"] for entry in lines(tmp_path / "run", "train")}
    assert rates[25] / rates[24] == pytest.approx(0.5, rel=0.2)


def test_plateau_halves_then_stops(tmp_path: Path) -> None:
    scores = iter([0.5, 0.6, *[0.4] * 20])
    patience = PatienceSettings(plateau=2, stop=5)
    few = settings(num_steps=60, validate_every=2, patience=patience)
    result = train(
        Toy(),
        ToyFeed(ToyBatches()),
        few,
        tmp_path / "run",
        validation=ToyBatches(2),
        score=lambda means: next(scores),
        show=False,
    )
    assert (result.step, result.stopped, result.score) == (14, loop.EARLY_STOP, 0.6)
    assert [entry["step"] for entry in lines(tmp_path / "run", "plateau")] == [8, 12]
    assert result.best.name == "step_00000004_score_0.600000.pt"
    restored = Toy()
    load_weights(restored, result.best)
    assert torch.equal(restored.adapter.weight, torch.load(result.best)["weights"]["adapter.weight"])
    assert not torch.equal(restored.adapter.weight, Toy().adapter.weight)


def test_floors_and_dead_parts_are_told(tmp_path: Path) -> None:
    alarms = AlarmSettings(dead_norm=1e6, dead_steps=4, floors={"accuracy": 1.1})
    result = run(tmp_path / "run", num_steps=9, alarms=alarms)
    assert [entry["step"] for entry in lines(tmp_path / "run", "dead_gradient")] == [4, 4, 8, 8]
    assert "accuracy" in lines(tmp_path / "run", "floor")[0]["message"]
    assert result.alarms == {"dead_gradient": 4, "floor": 3}


def test_a_run_is_resumed_only_as_it_was(tmp_path: Path) -> None:
    run(tmp_path / "run", num_steps=4)
    with pytest.raises(ValueError, match="holds a run"):
        run(tmp_path / "run", num_steps=4)
    with pytest.raises(ValueError, match="holds no run to resume"):
        run(tmp_path / "other", resume=True)
    with pytest.raises(ValueError, match=r"num_steps: .* has 4, got 5"):
        run(tmp_path / "run", resume=True, num_steps=5)
    with pytest.raises(ValueError, match=r"host: .* has None, got 'nano'"):
        few = settings(num_steps=4)
        train(Toy(), ToyFeed(ToyBatches()), few, tmp_path / "run", recipe={"host": "nano"}, resume=True)
    assert run(tmp_path / "run", resume=True, num_steps=4, prefetch=2).stopped == loop.FINISHED


def test_memory_options_leave_the_losses_alone(tmp_path: Path) -> None:
    def losses(name: str, **changes: Any) -> list[float]:
        toy = Toy()
        few = settings(num_steps=6, log_every=1, **changes)
        train(toy, ToyFeed(ToyBatches()), few, tmp_path / name, blocks=[toy.scorer], show=False)
        assert "forward" not in vars(toy.scorer)
        return [entry["loss"] for entry in lines(tmp_path / name, "train")]

    plain = losses("plain")
    assert losses("recomputed", gradient_checkpointing=True) == plain
    assert losses("offloaded", offload_activations=True) == plain
    halved = losses("halved", bf16=True)
    assert halved != plain and halved == pytest.approx(plain, rel=0.05)
    with pytest.raises(ValueError, match="compile_blocks: needs the blocks"):
        train(Toy(), ToyFeed(ToyBatches()), settings(compile_blocks=True), tmp_path / "none", show=False)


def test_blocks_recompute_before_they_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(nn.Module, "compile", lambda block: seen.append((block, "forward" in vars(block))))
    block = nn.Linear(2, 2)
    with prepared([block], settings(compile_blocks=True, gradient_checkpointing=True)):
        assert seen == [(block, True)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_steps", 0), ("batches_per_step", 0), ("final_rate", 2.0), ("device", "tpu"), ("rates", {"scorer": 0.0})],
)
def test_settings_are_checked(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        LoopSettings(**{"rates": {"scorer": 1.0}, "num_steps": 1, field: value})
