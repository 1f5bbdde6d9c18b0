"""What the phases learn: losses, gradients where a phase wants them, the policy gradient, and a run end to end."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from conftest import random_parts
from torch import Tensor
from transformers import Qwen3VLForConditionalGeneration

from arr_coc.attending import select
from arr_coc.balancing import particularize_of
from arr_coc.data.tasks import TRAIN_SEEDS, GeneratedTask, Sample
from arr_coc.hosts.attention import heads_read, layers_read, look
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock, lay_out
from arr_coc.knowing import LearnedScorer
from arr_coc.processor.processor import RelevanceProcessor
from arr_coc.processor.trained_parts import load_relevance, trained_parts
from arr_coc.records import Allocation, Gaze, ScoreMaps, Tensions
from arr_coc.training.batches import Batch, answer_ids, answer_logits, answered, collate_with, pyramid_of, question_ids
from arr_coc.training.learner import LossWeights
from arr_coc.training.losses import alignment, answer_divergence, answer_loss, budget_chances, is_right, mass_of
from arr_coc.training.phases import PHASES, build, complete, find_phase, scaled
from arr_coc.training.policy_gradient import PolicySettings, group_advantages, log_chance, spread_evenly
from arr_coc.training.recipe import DataSettings, feeds, open_source, run_phase
from arr_coc.training.sampling import Drawn, Estimate
from arr_coc.training.settings import LoopSettings
from arr_coc.training.teacher import boxes_attention, teach

TASK = GeneratedTask(TRAIN_SEEDS.start, 1, 3, size=(512, 384))
TENSIONS = Tensions(0.0, 0.5, 0.25, (0.2, 0.2, 0.6), 100)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [TASK[index] for index in range(3)]


def batch_of(host: TransformersHost, samples: list[Sample], budget: int = 100) -> Batch:
    return collate_with(host)([Drawn(sample, 0.5, "k") for sample in samples], budget, 7)


def test_answers_end_in_the_last_column_and_padding_is_ignored(
    tiny_host: TransformersHost, samples: list[Sample]
) -> None:
    longer = [replace(samples[0], answers=("red circle on the left",)), replace(samples[0], answers=("no",))]
    pyramid = pyramid_of(tiny_host, samples[0].image)
    cells = pyramid.cells(pyramid.coarsest)
    (features,) = tiny_host.encode([pyramid], [cells])
    block = ImageBlock.of(Allocation(cells, pyramid.grid(pyramid.coarsest)))
    texts = answered(tiny_host, longer, [block, block], [features, features])
    assert texts.labels[:, -1].tolist() == [tiny_host.tokenizer.eos_token_id] * 2
    assert bool((texts.labels[1, : -len(texts.labels[1][texts.labels[1] >= 0])] == -100).all())
    both = answer_loss(answer_logits(tiny_host, texts), texts.labels)
    for row, sample in enumerate(longer):
        alone = answered(tiny_host, [sample], [block], [features])
        one = answer_loss(answer_logits(tiny_host, alone), alone.labels)
        torch.testing.assert_close(both[row], one[0], rtol=1e-4, atol=1e-4)


def test_a_question_without_answer_is_refused(tiny_host: TransformersHost, samples: list[Sample]) -> None:
    with pytest.raises(ValueError, match="answers: the question"):
        answer_ids(tiny_host, replace(samples[0], answers=()))


def test_losses_against_numbers_worked_out_by_hand() -> None:
    logits = torch.tensor([[[0.0, 0.0], [3.0, 0.0]], [[9.0, 0.0], [0.0, 1.0]]])
    labels = torch.tensor([[-100, 0], [1, 1]])
    expected = torch.tensor([0.048587, 9.000123 + 0.313262])
    torch.testing.assert_close(answer_loss(logits, labels), expected, rtol=1e-4, atol=1e-5)
    assert is_right(logits, labels).tolist() == [True, False]
    same = answer_divergence(logits, logits, labels)
    other = answer_divergence(logits, logits.flip(-1), labels)
    assert same.abs().max() < 1e-6 and bool((other > 0.1).all())


def scores_at(level: int, rows: int, cols: int, participatory: Tensor) -> ScoreMaps:
    index = torch.arange(rows * cols)
    cells = torch.stack([torch.full_like(index, level), index // cols, index % cols], 1)
    return ScoreMaps(cells, torch.zeros(rows * cols), torch.zeros(rows * cols), participatory)


def test_mass_of_cells_is_the_attention_they_cover() -> None:
    attention = torch.arange(16.0).view(4, 4)
    assert mass_of(attention, scores_at(1, 2, 2, torch.zeros(4))).tolist() == [10, 18, 42, 50]


def test_alignment_is_least_where_the_scores_follow_the_attention() -> None:
    attention = torch.zeros(4, 4)
    attention[0, 0] = 1

    class Rounds:
        def __init__(self, participatory: list[float]) -> None:
            self.scores = (scores_at(1, 2, 2, torch.tensor(participatory)),)

    rounds = [Rounds(each) for each in ([9.0, 0, 0, 0], [0.0] * 4, [0.0, 0, 0, 9])]
    good, flat, bad = (alignment(each, attention) for each in rounds)  # type: ignore[arg-type]
    assert good < flat < bad


def test_boxes_become_attention(samples: list[Sample], tiny_host: TransformersHost) -> None:
    pyramid = pyramid_of(tiny_host, samples[0].image)
    width, height = samples[0].image.size
    rows, cols = pyramid.grid()
    whole = replace(samples[0], boxes=((0.0, 0.0, width / cols, height / rows),))
    maps = boxes_attention(pyramid, [whole, replace(whole, boxes=None)], [(width, height)] * 2)
    assert maps[0, 0, 0] == pytest.approx(1, abs=1e-4) and maps[0].sum() == pytest.approx(1)
    assert maps[1].sum() == 0


def test_teacher_sees_what_the_host_sees_when_asked_alone(tiny_host: TransformersHost, samples: list[Sample]) -> None:
    pyramid = pyramid_of(tiny_host, samples[0].image)
    lesson = teach(tiny_host, pyramid, samples, Gaze())
    cells = pyramid.cells(0)
    (features,) = tiny_host.encode([pyramid], [cells])
    block = ImageBlock.of(Allocation(cells, pyramid.grid()))
    prompts = [lay_out(question_ids(tiny_host, s.question), tiny_host.image_token_id, [block]) for s in samples]
    with torch.no_grad():
        maps, _ = look(tiny_host.family, tiny_host.language, prompts, features, tiny_host.image_token_id, Gaze())
        texts = answered(tiny_host, samples, [block] * 3, [features] * 3)
        logits = answer_logits(tiny_host, texts)
    torch.testing.assert_close(lesson.attention.flatten(1), maps, rtol=1e-3, atol=1e-6)
    for row, taught in enumerate(lesson.logits):
        torch.testing.assert_close(taught, logits[row, -len(taught) :], rtol=1e-3, atol=1e-4)


def gradients(phase: str, processor: RelevanceProcessor, batch: Batch) -> dict[str, float]:
    objective, _ = build(find_phase(phase), processor, PolicySettings(num_rollouts=3))
    objective.train()
    objective(batch).total().backward()
    return {
        name: sum(float(p.grad.abs().sum()) for p in parameters if p.grad is not None)
        for name, parameters in objective.parts().items()
    }


@pytest.mark.parametrize("phase", list(PHASES))
def test_a_phase_teaches_its_parts_and_leaves_the_rest(
    phase: str, tiny_processor: RelevanceProcessor, samples: list[Sample]
) -> None:
    tiny_processor.allocator = random_parts(48)
    model = tiny_processor.host.model
    before = [parameter.clone() for parameter in model.parameters()]
    found = gradients(phase, tiny_processor, batch_of(tiny_processor.host, samples, 64))
    assert set(found) == set(PHASES[phase].rates)
    assert all(
        found[name] > 0 for name in found if (phase, name) not in (("bridge", "balancer"), ("joint", "balancer"))
    )
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    assert all(parameter.grad is None for parameter in frozen)
    assert (len(frozen) == len(before)) == (phase in ("allocator", "reinforce", "scout"))
    model.requires_grad_(True)
    model.zero_grad()
    tiny_processor.host.is_training = False


def test_unknown_phase_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="phase: unknown '7'; there are allocator .*, bridge .*, joint .*, reinforce"):
        find_phase("7")
    with pytest.raises(ValueError, match="rate_scale must be positive"):
        scaled(find_phase("allocator"), 0)
    with pytest.raises(ValueError, match="kl must not be negative"):
        LossWeights(kl=-1)
    with pytest.raises(ValueError, match="num_rollouts must be at least 2"):
        PolicySettings(num_rollouts=1)


def test_log_chance_is_that_of_the_draws() -> None:
    """Frequencies of ordered draws by Gumbel top-k against the probabilities that the policy gradient uses."""
    scores = scores_at(1, 1, 4, torch.tensor([0.0, 1.0, 2.0, 0.5]))
    tensions = replace(TENSIONS, weights=(0.0, 0.0, 1.0), exploit_explore=0.0)
    generator = torch.Generator().manual_seed(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(4000):
        drawn = tuple(select(scores, 2, tensions, generator, 0.7).tolist())
        counts[drawn] = counts.get(drawn, 0) + 1
    total = 0.0
    for drawn, count in counts.items():
        chance = float(log_chance(scores, torch.tensor(drawn), tensions, 0.7).exp())
        total += chance
        assert count / 4000 == pytest.approx(chance, abs=0.03)
    assert total == pytest.approx(1, abs=0.02)


def test_advantages_compare_rollouts_of_one_question_only() -> None:
    advantages = group_advantages(torch.tensor([1.0, 0.0, 5.0, 5.0]), [2, 2])
    assert advantages.tolist() == pytest.approx([1, -1, 0, 0])


def test_budget_chances_peak_at_the_tension() -> None:
    budgets = (64, 100, 160, 256, 400)
    for number, budget in enumerate(budgets):
        chances = budget_chances(torch.tensor(particularize_of(budget)), budgets)
        assert int(chances.argmax()) == number and float(chances.sum()) == pytest.approx(1)


def test_validation_and_training_do_not_share_samples(tmp_path: Path, tiny_processor: RelevanceProcessor) -> None:
    write_folder(tmp_path, 20)
    source, held_out = open_source(str(tmp_path), DataSettings())
    kept = {drawn.sample.question for drawn in held_out}
    drawn = {each.sample.question for each in source.draw(Random(0), [1] * 200, Estimate())}
    assert len(kept) == 2 and len(drawn) == 18 and not kept & drawn
    _, validation = feeds(tiny_processor, DataSettings(tasks=(str(tmp_path),)), 10, 0)
    assert len(validation) == 1 and validation[0].budget == 64


def write_folder(folder: Path, count: int, answers: bool = True) -> None:
    TASK[0].image.save(folder / "p.png")
    lines = [
        {"image": "p.png", "question": f"What is written in line {n}?", "answers": ["no"] if answers else []}
        for n in range(count)
    ]
    (folder / "qa.jsonl").write_text("\n".join(map(json.dumps, lines)))


def test_a_batch_with_nothing_to_split_teaches_nothing(tiny_processor: RelevanceProcessor) -> None:
    small = GeneratedTask(TRAIN_SEEDS.start, 1, 1, size=(256, 256))[0]
    objective, _ = build(find_phase("scout"), tiny_processor, PolicySettings())
    objective.train()
    loss = objective(batch_of(tiny_processor.host, [small], 400)).total()
    loss.backward()
    gradients = [parameter.grad for parameter in objective.parts()["scorer"]]
    assert float(loss.detach()) == 0 and all(grad is not None and not grad.any() for grad in gradients)


@pytest.mark.parametrize("phase", ["allocator", "reinforce", "scout"])
def test_a_run_leaves_parts_that_the_processor_uses(
    phase: str, tmp_path: Path, tiny_processor: RelevanceProcessor
) -> None:
    write_folder(tmp_path, 12)
    chosen = scaled(find_phase(phase), 30.0)
    settings = LoopSettings(rates=chosen.rates, num_steps=2, validate_every=2, warmup_steps=1, device="cpu")
    data = DataSettings(tasks=(str(tmp_path),), tokens_per_batch=400, questions_per_picture=2, num_validation=2)
    if phase == "scout":
        data = replace(data, budgets=(100, 160))
    model = tiny_processor.host.model
    policy = PolicySettings(num_rollouts=2)
    result = run_phase(chosen, model, tiny_processor, data, settings, tmp_path / "out", policy=policy)
    assert result.step == 2 and result.score is not None
    learned = trained_parts(load_relevance(tmp_path / "out" / "relevance", model.config))
    assert set(learned) == ({"scorer"} if phase == "scout" else {"scorer", "balancer", "adapter"})
    events = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    train = next(event for event in events if event["event"] == "train")
    wanted = {
        "allocator": ("answer", "kl", "alignment", "efficiency"),
        "reinforce": ("policy", "kl", "entropy"),
        "scout": ("alignment",),
    }[phase]
    assert all(any(name.endswith(term) for name in train) for term in wanted)
    model.requires_grad_(True)


def test_a_task_without_answers_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, 3, answers=False)
    with pytest.raises(ValueError, match=r"answers"):
        open_source(str(tmp_path), DataSettings())


def test_only_phases_that_teach_the_host_say_so() -> None:
    assert {name for name, phase in PHASES.items() if phase.teaches_host} == {"bridge", "joint"}


def test_lora_teaches_low_rank_updates_and_leaves_an_ordinary_host(
    tmp_path: Path, tiny_processor: RelevanceProcessor
) -> None:
    write_folder(tmp_path, 4)
    host = tiny_processor.host
    copy = RelevanceProcessor(TransformersHost(deepcopy(host.model), host.tokenizer, host.image_processor))
    before = {name: value.clone() for name, value in copy.host.model.state_dict().items()}
    chosen = scaled(find_phase("bridge"), 1000)
    settings = LoopSettings(rates=chosen.rates, num_steps=2, validate_every=2, save_every=2, num_workers=0)
    data = DataSettings(tasks=(str(tmp_path),), tokens_per_batch=400, questions_per_picture=2, num_validation=2)
    run_phase(chosen, copy.host.model, copy, data, settings, tmp_path / "out", lora=2)
    saved = Qwen3VLForConditionalGeneration.from_pretrained(tmp_path / "out" / "host").state_dict()
    assert set(saved) == set(before)
    changed = {name for name in before if not torch.equal(before[name], saved[name])}
    matrix = "model.language_model.layers.0.self_attn.q_proj.weight"
    assert matrix in changed and "model.language_model.norm.weight" not in changed
    assert torch.linalg.matrix_rank(saved[matrix] - before[matrix], tol=1e-6) <= 2


def test_lora_needs_a_phase_that_teaches_the_host(tmp_path: Path, tiny_processor: RelevanceProcessor) -> None:
    chosen = find_phase("allocator")
    settings = LoopSettings(rates=chosen.rates, num_steps=2)
    with pytest.raises(ValueError, match="lora: phase allocator"):
        run_phase(chosen, tiny_processor.host.model, tiny_processor, DataSettings(), settings, tmp_path, lora=2)


def test_a_fresh_scorer_gets_every_head_of_the_layers_that_are_read(tiny_processor: RelevanceProcessor) -> None:
    gaze, text = tiny_processor.allocator.gaze, tiny_processor.host.text_config
    completed = complete(tiny_processor)
    scorer, layers = completed.scorer, heads_read(completed.gaze, text)
    assert layers == layers_read(gaze, text) and completed.gaze.heads_from == gaze.first
    assert tiny_processor.allocator.gaze.heads_from is None, "the processor stays as it is"
    assert isinstance(scorer, LearnedScorer) and scorer.config.num_looks == text.num_attention_heads * len(layers) > 0


def test_rollouts_are_spread_evenly_and_without_bias() -> None:
    generator = torch.Generator().manual_seed(0)
    draws = torch.tensor([spread_evenly(6, generator) for _ in range(2000)])
    assert bool((draws.diff(dim=1) > 0).all())
    assert abs(draws.mean()) < 0.03 and abs(draws.std() - 1) < 0.03
    assert draws.mean(1).std() < 0.5 / 6**0.5
