"""Makes `nano` from nothing: tokenizer, print, labelled lines, then the generator's pictures.

A run is a function of its settings: batches are drawn by number, so a killed run resumes on the same
data from its last checkpoint.
"""

from __future__ import annotations

import copy
import ctypes
import dataclasses
import json
import platform
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn
from torch.utils.data import Subset
from transformers import PreTrainedTokenizerFast, Qwen3VLForConditionalGeneration

from arr_coc.data.mixture import mixture
from arr_coc.data.tasks import TRAIN_SEEDS
from arr_coc.data.workers import Loader
from arr_coc.files.faults import weights_written
from arr_coc.files.jsonl import JsonlLog
from arr_coc.files.locking import locked
from arr_coc.files.tensors import load_state, save_state
from arr_coc.files.writing import replacing_folder, write_atomically
from arr_coc.hosts.compiling import compile_layers
from arr_coc.hosts.hardware import has_bfloat16
from arr_coc.nano.config import nano_config, nano_image_processor
from arr_coc.nano.curriculum import Curriculum, Stage
from arr_coc.nano.distributed import ALONE, Team
from arr_coc.nano.learning import LOOKING_WEIGHT, Learner, Losses
from arr_coc.nano.metering import Meter
from arr_coc.nano.muon import Muon32
from arr_coc.nano.packing import Batch, ChatFormat
from arr_coc.nano.recipes import find_recipe
from arr_coc.nano.settings import CHECKPOINT, HOST, SETTINGS, TOKENIZER, Settings
from arr_coc.nano.synthetic_lines import draw_primer
from arr_coc.nano.tokenizer import train_tokenizer
from arr_coc.quoting import quoted

WARMUP_BATCHES = 30
VISION_RATE, LANGUAGE_RATE, TABLE_RATE, VECTOR_RATE = 1.0, 4.0, 2.0, 1.0
LOG, LOG_EVERY = "log.jsonl", 20
FROM_BOXES = """, and where the answer and each
of its characters stand (a pointing head and the attention of one language layer, from the evidence boxes of training
pictures and the places of their print)"""
WITHOUT_BOXES = "; no evidence box was used"
RECIPE = f"""\
Dense supervision runs beside question answering: characters (a head on every patch, one on every merged token), the
characters with which words begin, colours, shapes and other things that can be counted{FROM_BOXES}. Pictures are shown
in part, whole at every size, and as leaves of mixed levels whose splits follow print and chance, never the evidence."""
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def worker_options(num_workers: int) -> dict[str, Any]:
    """Of a DataLoader; a forked worker would keep a copy of each page that the trainer has since written to."""
    return {
        "num_workers": num_workers,
        **({"prefetch_factor": 4, "multiprocessing_context": "spawn"} if num_workers else {}),
    }


def keep_freed_memory() -> None:
    """Tells glibc to reuse freed blocks instead of handing them back to the kernel.

    Every step frees and takes the same tensors; without this, page faults took half of the time.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_TOP_PAD, 2**28)


def make_tokenizer(kind: str = "", num_pictures: int = 400) -> PreTrainedTokenizerFast:
    """Trained on the questions of the first training pictures, of one kind or all, their answers left out."""
    texts = ["user\n", "assistant\n", "system\n"] * num_pictures
    for seed in range(num_pictures):
        picture = mixture(TRAIN_SEEDS.start + seed, 10, kind=kind or None, max_side=256)
        texts += [question.text.replace(question.answers[0], "") for question in picture.questions]
        texts += [question.text.replace(question.answers[0], "") for question in draw_primer(seed).questions]
    return train_tokenizer(texts)


def first_tokenizer(settings: Settings) -> PreTrainedTokenizerFast:
    """Of the host that a run goes on from, or a new one."""
    if settings.start:
        return PreTrainedTokenizerFast.from_pretrained(settings.start)
    return make_tokenizer(find_recipe(settings.recipe).kind)


def first_model(settings: Settings, tokenizer: PreTrainedTokenizerFast) -> Qwen3VLForConditionalGeneration:
    """The host that a run goes on from, in float32, or a fresh one."""
    if settings.start:
        return Qwen3VLForConditionalGeneration.from_pretrained(settings.start, dtype=torch.float32)
    return Qwen3VLForConditionalGeneration(nano_config(tokenizer))


def make_optimizers(learner: nn.Module, team: Team = ALONE) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside blocks and mergers, AdamW for tables and heads and, without decay, for vectors.

    Each group carries the `factor` by which its learning rate exceeds the stage's. Decay of the matrices keeps their
    norm, and with it the relative size of a step, from drifting: most of them are followed by a norm (dev/LOG.md).
    """
    groups: dict[str, list[nn.Parameter]] = {"vision": [], "language": [], "tables": [], "vectors": []}
    for name, parameter in learner.named_parameters():
        groups[group_of(name, parameter)].append(parameter)
    matrices = [
        {"params": groups["vision"], "factor": VISION_RATE},
        {"params": groups["language"], "factor": LANGUAGE_RATE},
    ]
    rest = [
        {"params": groups["tables"], "factor": TABLE_RATE, "weight_decay": 0.01},
        {"params": groups["vectors"], "factor": VECTOR_RATE, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(rest, lr=1e-3, betas=(0.9, 0.98))
    if not has_bfloat16(next(learner.parameters()).device.type):
        return [adam, Muon32(matrices, team=team)]
    return [adam, torch.optim.Muon(matrices, lr=1e-3, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")]


def group_of(name: str, parameter: nn.Parameter) -> str:
    """ "vision" or "language" for a matrix inside a block or merger, "tables" for other matrices, else "vectors"."""
    if parameter.ndim < 2:
        return "vectors"
    if parameter.ndim == 2 and ("blocks." in name or "merger" in name):
        return "vision"
    return "language" if parameter.ndim == 2 and "layers." in name else "tables"


def rate_at(stage: Stage, number: int) -> float:
    """Linear from `rate` to `final_rate` over a stage, after a short warm-up."""
    done = number / max(1, stage.num_batches)
    return (stage.rate + (stage.final_rate - stage.rate) * done) * min(1.0, (number + 1) / WARMUP_BATCHES)


def to_device(batch: Batch, device: str) -> Batch:
    moved = {
        field.name: value.to(device)
        for field in dataclasses.fields(batch)
        if isinstance(value := getattr(batch, field.name), torch.Tensor)
    }
    return dataclasses.replace(batch, **moved)


def prepare(folder: Path, settings: Settings) -> None:
    """Writes what a run is made with: its settings and, where there is none yet, its tokenizer."""
    write_atomically(folder / SETTINGS, json.dumps(dataclasses.asdict(settings), indent=1))
    if not (folder / TOKENIZER).exists():
        with replacing_folder(folder / TOKENIZER) as draft:
            first_tokenizer(settings).save_pretrained(draft)


class Run:
    """A training run in a folder: settings.json, log.jsonl, checkpoint.pt and, at the end, the model."""

    def __init__(self, folder: Path, settings: Settings, team: Team = ALONE) -> None:
        self.folder, self.settings, self.team = folder, settings, team
        if team.leads:
            prepare(folder, settings)
        team.wait()
        torch.manual_seed(settings.seed)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / TOKENIZER)
        model = first_model(settings, self.tokenizer)
        model.set_attn_implementation("plain_products" if settings.device == "cpu" and has_bfloat16("cpu") else "sdpa")
        self.learner = Learner(model).to(settings.device)
        if settings.compiled:
            compile_layers(model.model.language_model.layers)
        self.optimizers = make_optimizers(self.learner, team)
        self.stage, self.batch, self.seconds = 0, 0, 0.0
        self.meter = Meter()

    @property
    def checkpoint(self) -> Path:
        return self.folder / CHECKPOINT

    def save(self) -> None:
        """Atomic: a kill leaves the old checkpoint or the new one."""
        state = {
            "settings": dataclasses.asdict(self.settings),
            "stage": self.stage,
            "batch": self.batch,
            "seconds": self.seconds,
            "meter": dataclasses.asdict(self.meter),
            "learner": self.learner.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        save_state(self.checkpoint, state)

    def resume(self) -> None:
        """Raises ValueError where the run was started with other settings."""
        state = load_state(self.checkpoint, self.settings.device)
        before_answering = (state["stage"], state["batch"]) <= (find_recipe(self.settings.recipe).num_reading, 0)
        for name in sorted(self.settings.what_counts() - ({"boxes"} if before_answering else set())):
            before, now = state["settings"].get(name), getattr(self.settings, name)
            if before != now:
                raise ValueError(f"{name}: the run in {self.folder} has {quoted(before)}, got {quoted(now)}")
        self.stage, self.batch, self.seconds = state["stage"], state["batch"], state["seconds"]
        self.meter = Meter(**state["meter"])
        self.learner.load_state_dict(state["learner"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def export(self, folder: Path) -> None:
        """The host alone, as any Qwen3-VL checkpoint: model (bfloat16), tokenizer, image processor."""
        model = copy.deepcopy(self.learner.model).to(torch.bfloat16)
        model.generation_config.eos_token_id = self.tokenizer.eos_token_id
        model.generation_config.pad_token_id = self.tokenizer.pad_token_id
        with replacing_folder(folder) as draft, weights_written(draft):
            model.save_pretrained(draft)
            self.tokenizer.save_pretrained(draft)
            nano_image_processor().save_pretrained(draft)
            write_atomically(draft / "training.json", json.dumps(self.facts(), indent=1) + "\n")

    def facts(self) -> dict[str, object]:
        """How the host was made."""
        return {
            "seconds": round(self.seconds),
            "device": self.settings.device,
            "processes": self.team.size,
            "recipe": RECIPE if self.settings.boxes else RECIPE.replace(FROM_BOXES, WITHOUT_BOXES),
            "num_parameters": sum(p.numel() for p in self.learner.model.parameters()),
            "stages": [f"{s.name} ({s.num_batches} x {s.batch_size})" for s in self.settings.stages()],
        }

    def step(self, batch: Batch, stage: Stage) -> Losses:
        rate = rate_at(stage, self.batch)
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = rate * group["factor"]
        batch = to_device(batch, self.settings.device)
        device = self.settings.device.split(":")[0]
        with torch.autocast(device, torch.bfloat16, enabled=has_bfloat16(device)):
            losses = self.learner(batch, stage.language, stage.heads_only)
        losses.total(stage.dense_weight, LOOKING_WEIGHT if self.settings.boxes else 0.0).backward()
        self.team.average_gradients(self.learner.parameters())
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return losses

    def open_log(self, is_resumed: bool) -> JsonlLog:
        """Without the lines that come again."""
        names = [stage.name for stage in self.settings.stages()]

        def is_before(line: dict[str, Any]) -> bool:
            return (names.index(line["stage"]), line["batch"]) <= (self.stage, self.batch)

        return JsonlLog(self.folder / LOG, is_before if is_resumed else None)

    def run_stage(self, stage: Stage, progress: Progress, log: JsonlLog | None) -> None:
        data = Curriculum(stage, ChatFormat(self.tokenizer), self.team)
        remaining = Subset(data, range(self.batch, len(data)))
        loader = Loader(remaining, **worker_options(self.settings.num_workers))
        bar = progress.add_task(stage.name, total=len(data), completed=self.batch, note="")
        started = saved = time.monotonic()
        for batch in loader:
            self.meter.add(self.step(batch, stage))
            self.batch += 1
            if log is None:
                continue
            now = time.monotonic()
            self.seconds, started = self.seconds + now - started, now
            progress.update(bar, advance=1)
            if self.meter.num_batches == LOG_EVERY or self.batch == len(data):
                summary = self.meter.summary()
                log.append({"stage": stage.name, "batch": self.batch, "seconds": round(self.seconds), **summary})
                progress.update(
                    bar, note=f"loss {summary['loss_answers']:.3f}  read {summary['character_accuracy']:.3f}"
                )
                self.meter = Meter()
            if now - saved > self.settings.save_every_s:
                self.save()
                saved = time.monotonic()


def check_folder(folder: Path, resume: bool) -> None:
    """Raises ValueError where the folder holds another run and `resume` is False, or nothing to resume."""
    if (folder / CHECKPOINT).exists() != resume:
        hint = "holds no run to resume" if resume else "holds a run: pass --resume to go on, or choose another"
        raise ValueError(f"out: {folder} {hint}")


def check_team(settings: Settings, team: Team) -> None:
    """Raises ValueError where a batch has fewer pictures than there are processes."""
    smallest = min(stage.batch_size for stage in settings.stages())
    if team.size > smallest:
        raise ValueError(f"processes: at most {smallest}, the smallest batch's pictures; torchrun started {team.size}")


def train(
    folder: Path, settings: Settings, resume: bool = False, team: Team = ALONE, num_stages: int | None = None
) -> Path:
    """Trains and exports; returns the folder of the finished host. Of a team, the leading process alone writes.

    Args:
        num_stages: leaves off after so many stages of the recipe, without a host; None trains to the end.
    Raises:
        ValueError: the folder holds another run and `resume` is False, or nothing to resume.
    """
    with locked(folder) if team.leads else nullcontext():
        check_folder(folder, resume)
        return train_alone(folder, settings, resume, team, num_stages)


def train_alone(folder: Path, settings: Settings, resume: bool, team: Team, num_stages: int | None) -> Path:
    """`train`, in a folder that is this run's alone."""
    keep_freed_memory()
    run = Run(folder, settings, team)
    if resume:
        run.resume()
    log = run.open_log(resume) if team.leads else None
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), disable=not team.leads) as progress:
        for number, stage in enumerate(settings.stages()[:num_stages]):
            if number < run.stage:
                continue
            run.run_stage(stage, progress, log)
            run.stage, run.batch = number + 1, 0
            if team.leads:
                run.save()
    if log is not None:
        log.close()
        if run.stage == len(settings.stages()):
            run.export(folder / HOST)
    return folder / HOST
