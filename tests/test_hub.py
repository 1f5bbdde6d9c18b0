"""Public data sets: the same rows from every kind of copy, one mapping each, pictures decoded one at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from arr_coc.data.hub import DATA_SETS, open_hub_task, rows, task
from arr_coc.data.suites import open_task
from arr_coc.evaluation.running import runner
from arr_coc.evaluation.running.answers import read_lines
from arr_coc.evaluation.running.runner import Plan
from arr_coc.processor.loading import load_host

datasets = pytest.importorskip("datasets", reason="the extra hub is not installed: pip install 'arr-coc[hub]'")

TEXT, NUMBER = datasets.Value("string"), datasets.Value("int64")
PICTURE, TEXTS = datasets.Image(), datasets.List(datasets.Value("string"))
PEOPLE = ["net", "net", "net", "net", "mesh", "net", "net", "net", "fence", "net"]
VOTES = [{"answer": word, "answer_confidence": "yes", "answer_id": number} for number, word in enumerate(PEOPLE, 1)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What `datasets` prepares stays in the test's folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets.disable_progress_bars()


def picture(shade: int = 0, side: int = 96) -> Image.Image:
    return Image.linear_gradient("L").resize((side, side)).point(lambda value: (value + shade) % 256).convert("RGB")


def table(records: list[dict], **features):
    return datasets.Dataset.from_list(records, features=datasets.Features(features))


def docvqa(count: int = 3):
    fields = {"question_types": TEXTS, "image": PICTURE, "docId": NUMBER, "answers": TEXTS, "data_split": TEXT}
    return table(
        [
            {
                "questionId": str(number),
                "question": f"What is printed {number} lines below?",
                "question_types": ["handwritten", "form"],
                "image": picture(40 * (number // 2)),
                "docId": 14465,
                "answers": ["1/8/93", "1/8/93 "],
                "data_split": "val",
            }
            for number in range(count)
        ],
        questionId=TEXT,
        question=TEXT,
        **fields,
    )


def single(**values):
    """One record; a feature follows from each value."""
    known = {"image": PICTURE, "images": datasets.List(PICTURE)}
    kinds = {str: TEXT, int: NUMBER, list: TEXTS}
    features = {name: known.get(name) or kinds[type(value)] for name, value in values.items()}
    return table([values], **features)


def nested(image: str, asked: str, question: str, answers: str, value, feature):
    records = [
        {image: [picture(9)] if image == "images" else picture(9), asked: [{question: f"{n}?", answers: value}] * n}
        for n in (2, 0, 1)
    ]
    return table(
        records,
        **{
            image: datasets.List(PICTURE) if image == "images" else PICTURE,
            asked: datasets.List({question: TEXT, answers: feature}),
        },
    )


COPIES = {
    "docvqa": (docvqa(1), ("1/8/93", "1/8/93"), "handwritten", "1/8/93", "1/8/94", 5 / 6),
    "infographicvqa": (
        single(questionId="1", question="How many?", answers=["forty"], answer_type=["single span"], image=picture()),
        ("forty",),
        "single span",
        "Forty",
        "fifty",
        0.6,
    ),
    "chartqa": (
        single(type="human_test", question="What share?", answer="14", image=picture()),
        ("14",),
        "human_test",
        "14.5",
        "15",
        0.0,
    ),
    "chartqa, HuggingFaceM4": (
        single(image=picture(), query="What share?", label=["14"], human_or_machine=1),
        ("14",),
        "question",
        "14.5",
        "15",
        0.0,
    ),
    "plotqa": (
        nested("images", "texts", "user", "assistant", "23.5.", TEXT),
        ("23.5",),
        "question",
        "24",
        "25",
        0.0,
    ),
    "plotqa, as released": (
        single(image=picture(), question_string="What is the total?", answer="101", template="data_retrieval"),
        ("101",),
        "data_retrieval",
        "100",
        "90",
        0.0,
    ),
    "vqav2": (
        table(
            [{"question": "What is this?", "answers": VOTES, "answer_type": "other", "image": picture()}],
            question=TEXT,
            answers=datasets.List({"answer": TEXT, "answer_confidence": TEXT, "answer_id": NUMBER}),
            answer_type=TEXT,
            image=PICTURE,
        ),
        tuple(PEOPLE),
        "other",
        "a net",
        "mesh",
        0.3,
    ),
    "textvqa": (
        single(image_id="003a8ae2", question_id=34602, question="What word?", answers=PEOPLE, image=picture()),
        tuple(PEOPLE),
        "question",
        "net",
        "fence",
        0.3,
    ),
    "stvqa": (
        nested("image", "qas", "question", "answers", ["EXIT", "exit sign"], TEXTS),
        ("EXIT", "exit sign"),
        "question",
        "exit",
        "exat",
        0.75,
    ),
}
"""Record, accepted answers, kind, a right answer, another one and its score."""


@pytest.mark.parametrize("copy", COPIES)
def test_a_record_becomes_a_sample_with_the_metric_of_its_data_set(copy, tmp_path):
    records, answers, kind, right, other, score = COPIES[copy]
    name = copy.split(",")[0]
    records.save_to_disk(tmp_path / "copy")
    opened = open_task(f"{name}:{tmp_path / 'copy'}")
    sample = opened[0]
    assert (sample.answers, sample.kind, sample.picture_kind) == (answers, kind, name)
    assert sample.image.size == (96, 96) and sample.image.mode == "RGB" and sample.question.endswith("?")
    assert opened.score(right, sample) == 1.0
    assert opened.score(other, sample) == pytest.approx(score)


def gqa(folder: Path, reference: str = "n161313") -> Path:
    asked = {"imageId": reference, "question": "Is it overcast?", "answer": "no", "fullAnswer": "No, it is not."}
    single(id="201307251", **asked).save_to_disk(folder / "testdev_balanced_instructions")
    pictures = [{"id": name, "image": picture(shade)} for shade, name in ((80, "n413811"), (0, "n161313"))]
    table(pictures, id=TEXT, image=PICTURE).save_to_disk(folder / "testdev_balanced_images")
    return folder


def test_gqa_finds_its_pictures_in_their_own_table(tmp_path):
    opened = open_task(f"gqa:{gqa(tmp_path)}")
    assert opened.score("No", opened[0]) == 1.0 and opened.score("No, it is not.", opened[0]) == 0.0
    assert opened[0].image.tobytes() == picture(0).tobytes()


def test_gqa_names_a_picture_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="gqa 0: imageId 'n9' is no picture of testdev_balanced_images"):
        open_task(f"gqa:{gqa(tmp_path, 'n9')}")[0]


def test_gqa_with_pictures_beside_the_questions(tmp_path):
    single(question="Is it?", answer="yes", image=picture()).save_to_disk(tmp_path / "copy")
    assert open_task(f"gqa:{tmp_path / 'copy'}")[0].answers == ("yes",)


def write_copies(folder: Path) -> dict[str, Path]:
    """The same rows as every kind of copy on disk."""
    records = docvqa()
    saved, both, snapshot = folder / "saved", folder / "both", folder / "snapshot"
    records.save_to_disk(saved)
    datasets.DatasetDict({"validation": records, "test": docvqa(1)}).save_to_disk(both)
    parquet = snapshot / "DocVQA" / "validation-00000-of-00001.parquet"
    parquet.parent.mkdir(parents=True)
    records.to_parquet(parquet)
    docvqa(1).to_parquet(parquet.with_name("test-00000-of-00001.parquet"))
    lines = folder / "lines" / "questions.jsonl"
    lines.parent.mkdir()
    for number in (0, 1):
        picture(40 * number).save(lines.parent / f"{number}.png")
    fields = [{**row, "image": f"{number // 2}.png"} for number, row in enumerate(records.remove_columns("image"))]
    lines.write_text("\n".join(map(json.dumps, fields)))
    return {"saved": saved, "splits": both, "snapshot": snapshot, "parquet": parquet, "jsonl": lines}


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> dict[str, Path]:
    return write_copies(tmp_path_factory.mktemp("copies"))


@pytest.mark.parametrize("limit", [None, 2])
@pytest.mark.parametrize("kind", ["saved", "splits", "snapshot", "parquet", "jsonl"])
def test_every_kind_of_copy_gives_the_same_questions(kind, limit, copies):
    opened = open_task(f"docvqa:{copies[kind]}", limit=limit)
    assert len(opened) == (limit or 3)
    first, second = opened[0], opened[1]
    assert first.question == "What is printed 0 lines below?" and first.answers == ("1/8/93", "1/8/93")
    assert first.image.tobytes() == picture(0).tobytes()
    assert first.picture_id == second.picture_id
    if limit is None:
        assert opened[2].picture_id != first.picture_id
    with pytest.raises(IndexError):
        opened[len(opened)]


def test_a_limit_streams_no_more_rows(copies, monkeypatch):
    asked, load_dataset = [], datasets.load_dataset

    def watched(**address):
        asked.append(address.get("streaming", False))
        return load_dataset(**address)

    monkeypatch.setattr(datasets, "load_dataset", watched)
    opened = open_hub_task(f"docvqa:{copies['snapshot']}", limit=1)
    assert asked == [True] and len(opened.rows) == 1


def test_a_limit_sees_a_copy_that_was_written_again(tmp_path):
    path = tmp_path / "data.parquet"
    single(question="Old?", answers=["a"], image=picture()).to_parquet(path)
    old = open_task(f"docvqa:{path}", limit=1)
    single(question="New?", answers=["a"], image=picture()).to_parquet(path)
    new = open_task(f"docvqa:{path}", limit=1)
    assert (old[0].question, new[0].question) == ("Old?", "New?") and old.version != new.version


def test_pictures_are_decoded_one_at_a_time(copies, monkeypatch):
    decoded = []
    monkeypatch.setattr(task, "decode", lambda value, folder, where: decoded.append(where) or (picture(), where))
    opened = open_task(f"docvqa:{copies['saved']}")
    assert len(opened) == 3 and decoded == []
    assert opened[2].picture_id == "docvqa 2" and decoded == ["docvqa 2"]


def test_rows_with_several_questions_are_counted(tmp_path):
    COPIES["stvqa"][0].save_to_disk(tmp_path / "copy")
    opened = open_task(f"stvqa:{tmp_path / 'copy'}")
    assert [opened[index].question for index in range(len(opened))] == ["2?", "2?", "1?"]


def test_a_record_of_lists_is_a_list_of_records():
    assert task.records_of({"question": ["a", "b"], "answers": [["1"], ["2", "3"]]}) == [
        {"question": "a", "answers": ["1"]},
        {"question": "b", "answers": ["2", "3"]},
    ]
    assert task.records_of(None) == [] and task.records_of([{"question": "a"}]) == [{"question": "a"}]


def test_a_missing_field_is_named_beside_those_there_are(tmp_path):
    single(question="What?", label="x", image=picture()).save_to_disk(tmp_path / "copy")
    with pytest.raises(ValueError, match="docvqa needs the fields answers; there are question, label, image"):
        open_task(f"docvqa:{tmp_path / 'copy'}")


def test_a_picture_that_no_field_names_is_missed(tmp_path):
    single(id="1", question="Is it?", answer="yes").save_to_disk(tmp_path / "copy")
    with pytest.raises(ValueError, match="gqa: needs the field imageId; there are id, question, answer"):
        open_task(f"gqa:{tmp_path / 'copy'}")


def test_a_copy_without_questions_is_named(tmp_path):
    COPIES["stvqa"][0].select([1]).save_to_disk(tmp_path / "copy")
    with pytest.raises(ValueError, match="stvqa: .*copy holds no questions"):
        open_task(f"stvqa:{tmp_path / 'copy'}")


@pytest.mark.parametrize("value", [[], None, [""]])
def test_a_question_without_answers_is_named(value, tmp_path):
    records = [{"question": "What?", "answers": value, "image": picture()}]
    table(records, question=TEXT, answers=TEXTS, image=PICTURE).save_to_disk(tmp_path / "copy")
    with pytest.raises(ValueError, match="docvqa 0: answers must hold answers"):
        open_task(f"docvqa:{tmp_path / 'copy'}")[0]


def test_a_damaged_picture_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    line = {"image": "a.png", "question": "What?", "answers": ["x"]}
    (tmp_path / "data.jsonl").write_text(json.dumps(line))
    with pytest.raises(ValueError, match="docvqa 0: its picture cannot be read"):
        open_task(f"docvqa:{tmp_path / 'data.jsonl'}")[0]


def test_unclear_splits_and_missing_paths_are_named(tmp_path):
    datasets.DatasetDict({"a": docvqa(1), "b": docvqa(1)}).save_to_disk(tmp_path / "copy")
    with pytest.raises(ValueError, match="docvqa: needs the split validation; there are a, b"):
        open_task(f"docvqa:{tmp_path / 'copy'}")
    with pytest.raises(ValueError, match="'docvqa:/nowhere': there is no '/nowhere'"):
        open_task("docvqa:/nowhere")
    with pytest.raises(ValueError, match="docvqa: cannot load from .*empty"):
        (tmp_path / "empty").mkdir()
        open_task(f"docvqa:{tmp_path / 'empty'}")


def test_without_the_library_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(rows, "import_module", missing)
    with pytest.raises(ValueError, match=r"pip install 'arr-coc\[hub\]'"):
        open_task("docvqa")


def test_the_hub_is_asked_for_config_and_split_with_answers(monkeypatch):
    asked = []

    def load_dataset(**address):
        asked.append(address)
        raise datasets.exceptions.DatasetNotFoundError("no network")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(ValueError, match="cannot load lmms-lab-encoder/DocVQA.*no network.*docvqa:FOLDER"):
        open_task("docvqa")
    assert asked == [{"path": "lmms-lab-encoder/DocVQA", "name": "DocVQA", "split": "validation"}]


def test_unknown_names_list_the_data_sets():
    with pytest.raises(ValueError, match=", ".join(DATA_SETS)):
        open_task("docvqas")


def test_the_runner_answers_two_questions_on_the_embedded_host(copies, tmp_path):
    name = f"docvqa:{copies['saved']}"
    plan = Plan("nano", (name,), ("resize", "arr-coc"), (64,), limit=2)
    *_, (done, total) = runner.run(plan, tmp_path / "run")
    lines = read_lines(tmp_path / "run" / "answers.jsonl")
    assert done == total == len(lines) == 4
    assert {line.metric for line in lines} == {"anls"} and {line.task for line in lines} == {name}
    assert len({line.picture for line in lines}) == 1 and all(0 <= line.score <= 1 for line in lines)


def test_the_instruction_is_told_to_the_host_and_is_no_part_of_what_is_looked_for(copies, monkeypatch):
    sample = open_task(f"docvqa:{copies['saved']}")[0]
    assert sample.prompt == f"{sample.question}\nAnswer the question using a single word or phrase."
    told: list[str] = []
    monkeypatch.setattr(runner, "answer_all", lambda host, questions, given: told.extend(questions) or ["x"])
    processor = load_host("nano")[1]
    task = open_task(f"docvqa:{copies['saved']}")
    [line] = runner.answer_picture(processor, task, "docvqa", [runner.Row(0, sample, "resize", 64)], timed_every=0)
    assert told == [sample.prompt] and line.question == sample.question
