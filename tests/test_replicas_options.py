"""`arr-coc serve --ray`: which numbers of replicas go together, and addresses where no cluster is."""

from __future__ import annotations

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer

from arr_coc.cli.serve import check_model, replicas_of, source_of
from arr_coc.hosts.checkpoints import load_image_processor
from arr_coc.serving.cluster import join_cluster


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, None, 1, None), (1, 1)),
        (("auto", None, 1, None), (1, 1)),
        (("auto", 4, 1, None), (4, 4)),
        (("auto", None, 1, 4), (1, 4)),
        (("auto", None, 2, None), (2, 2)),
    ],
)
def test_numbers_that_go_together(given: tuple, expected: tuple[int, int]) -> None:
    assert replicas_of(*given) == expected


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((None, 4, 1, None), "ray start --head"),
        ((None, None, 1, 4), "--ray: missing"),
        (("auto", 4, 1, 8), "--replicas"),
        (("auto", None, 3, 2), "--max-replicas: must be at least"),
    ],
)
def test_numbers_that_do_not(given: tuple, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replicas_of(*given)


@pytest.mark.parametrize("address", ["nowhere", "local", "host:", ":1", "host:port", "h:99999", "closed"])
def test_no_cluster_is_one_line_at_once(address: str) -> None:
    with socket.socket() as one:  # a port that nobody listens at
        one.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{one.getsockname()[1]}" if address == "closed" else address
        with pytest.raises(ValueError, match="^--ray[^\n]*$") as caught:
            join_cluster(place)
    assert find_spec("ray") or "arr-coc[ray]" in str(caught.value)


def test_a_size_is_served_without_weights(tmp_path, capsys):
    folder, options = source_of("2b")
    config, tokenizer = AutoConfig.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert config.architectures == ["Qwen3VLForConditionalGeneration"] and config.text_config.hidden_size == 2048
    assert tokenizer.convert_tokens_to_ids("<|image_pad|>") == config.image_token_id
    assert load_image_processor(folder).size["longest_edge"] == 2**24
    assert options[:2] == ("--load-format", "dummy") and "random weights" in capsys.readouterr().err
    assert not list(Path(folder).glob("*.safetensors"))
    check_model(folder, "160", None)
    shutil.rmtree(folder)


def test_a_folder_is_served_as_it_is(tmp_path):
    assert source_of(str(tmp_path)) == (str(tmp_path), ())


def test_a_size_that_is_not_served_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="glm4v is not served"):
        source_of("glm-4.1v-9b")
    assert not list(tmp_path.iterdir())
