"""What docs/serving.md shows is run as it stands there, against a running server."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import EXAMPLES, Server

TEXT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-c", "from arr_coc.cli.main import main; main()"]
ADDRESS, OFFLINE = "http://127.0.0.1:8000", {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
BENCHMARK = """
from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser

parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""
"""What `vllm bench serve` runs; the command itself asks for a package named vllm, and the one for CPUs is not."""


def blocks(heading: str, language: str) -> list[str]:
    """Code of a section."""
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    [found] = [part for part in section if part.startswith(heading)]
    return re.findall(rf"```{language}\n(.*?)```", found, re.DOTALL)


def commands(heading: str, program: str) -> list[list[str]]:
    """Those of a section that start with a program, by word; what runs behind the others is left out."""
    lines = "".join(blocks(heading, "bash")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [words for words in split if " ".join(words).startswith(program) and words[-1] != "&"]


def run(words: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `pictures`, as the command of the page makes them, but few."""
    folder = tmp_path_factory.mktemp("documents")
    [[_, *words]] = commands("Load", "arr-coc data generate")
    run([*COMMAND, *(word.replace("64", "8") for word in words), "--max-side", "640"], folder)
    return folder


def test_the_first_request(server: Server, tmp_path: Path) -> None:
    [code] = blocks("From nothing to an answer", "python")
    shutil.copy(EXAMPLES / "receipt.jpg", tmp_path)
    code = code.replace(ADDRESS, server.url).replace("Qwen/Qwen3-VL-2B-Instruct", "nano")
    answer, num_tokens = run([sys.executable, "-c", code], tmp_path).split()[-2:]
    assert answer and 0 < int(num_tokens) < 260


def test_load_with_clients_and_at_rates(server: Server, pictures: Path) -> None:
    for _, *words in commands("Load", "arr-coc load pictures --budgets 160,off"):
        told = run([*COMMAND, *words, "--url", server.url], pictures)
        rows = [line.split(" | ") for line in told.splitlines() if line.startswith(("| 160", "| off"))]
        assert len(rows) >= 2 and all(float(row[-4].split()[0]) > 0 for row in rows)
        assert "160 against off" in told and "failed" in told


def test_lmms_eval(server: Server, pictures: Path) -> None:
    [task], [reading] = blocks("Measured by others", "yaml"), blocks("Measured by others", "python")
    (pictures / "tasks").mkdir()
    (pictures / "tasks" / "my_pictures.yaml").write_text(task, encoding="utf-8")
    (pictures / "tasks" / "reading.py").write_text(reading, encoding="utf-8")
    [[_, *words]] = commands("Measured by others", "python -m lmms_eval")
    asked = [word.replace(ADDRESS, server.url) for word in words]
    asked += ["--limit", "6", "--log_samples", "--output_path", "out"]
    run([sys.executable, *asked], pictures, HF_DATASETS_CACHE=str(pictures / "cache"), **OFFLINE)
    [path] = (pictures / "out").rglob("*_samples_*.jsonl")
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    records = [json.loads(line) for line in (pictures / "pictures" / "qa.jsonl").read_text().splitlines()][:6]
    assert [sample["input"] for sample in found] == [record["question"] for record in records]
    for sample, record in zip(found, records, strict=True):
        assert sample["exact_match"] == float(sample["filtered_resps"] == record["answers"][0])
        assert sample["token_counts"][0]["input_tokens"] < 400
    assert sum(sample["exact_match"] for sample in found) >= 1


def test_vllms_own_benchmark(server: Server, pictures: Path) -> None:
    records = [json.loads(line) for line in (pictures / "pictures" / "qa.jsonl").read_text().splitlines()]
    lines = []
    for record in records[:4]:
        data = base64.b64encode((pictures / "pictures" / record["image"]).read_bytes()).decode()
        line = {"prompt": record["question"], "image_files": [f"data:image/png;base64,{data}"], "output_tokens": 16}
        lines.append(json.dumps(line) + "\n")
    (pictures / "pictures.jsonl").write_text("".join(lines), encoding="utf-8")
    [[_, _, _, *words]] = commands("Measured by others", "vllm bench serve")
    weights = EXAMPLES.parent / "nano" / "weights"
    asked = [str(weights) if word == "WEIGHTS" else word.replace(ADDRESS, server.url) for word in words]
    told = run([sys.executable, "-c", BENCHMARK, *asked, "--num-prompts", "4"], pictures, VLLM_LOGGING_LEVEL="WARNING")
    assert re.search(r"Successful requests: +4\b", told) and re.search(r"Failed requests: +0\b", told)
    assert re.search(r"Request goodput", told)
