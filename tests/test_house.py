"""The rules of CONTRIBUTING.md that a machine can check."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "arr_coc"
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = ("records", "texture", "knowing", "balancing", "attending", "adapter", "realizing", "allocator")
ABOVE = {"core", "files", "pictures", "hosts", "processor", "data", "baselines", "nano"} | {
    "evaluation",
    "views",
    "training",
    "serving",
    "vllm",
    "oracle",
}
LAYERS = {
    "quoting": set(),
    "core": {"core"},
    "files": {"files"},
    "pictures": {"files", "pictures"},
    "oracle": {"files", "oracle"},
    "data": {"core", "files", "pictures", "data"},
    "hosts": {"core", "files", "pictures", "hosts"},
    "processor": {"core", "files", "pictures", "hosts", "processor"},
    "baselines": {"core", "hosts", "baselines"},
    "nano": {"core", "files", "hosts", "processor", "data", "nano"},
    "evaluation": {"core", "files", "pictures", "hosts", "processor", "data", "baselines", "nano", "evaluation"},
    "views": {"core", "files", "hosts", "processor", "data", "baselines", "nano", "evaluation", "views"},
    "training": {"core", "files", "pictures", "hosts", "processor", "data", "evaluation", "training"},
    "serving": {"core", "files", "pictures", "hosts", "processor", "data", "evaluation", "training"}
    | {"serving", "vllm"},
    "vllm": {"core", "files", "pictures", "hosts", "processor", "vllm"},
    "apps": ABOVE | {"apps", "package"},
    "cli": ABOVE | {"apps", "cli", "package"},
    "package": {"core", "hosts", "processor"},
}
"""Which parts of the project a layer may import; "package" is arr_coc/__init__.py."""

FOREIGN = {
    "core": {"torch"},
    "files": {"safetensors", "torch"},
    "pictures": {"PIL", "numpy"},
    "oracle": {"markdown_it"},
    "data": {"PIL", "datasets", "matplotlib", "numpy", "scipy", "torch"},
    "baselines": {"torch", "numpy", "transformers"},
}
"""What a layer may import from outside the standard library; layers that are not named may import anything."""

MAX_CORE_LINES, MAX_FILE_LINES, MAX_README_LINES = 1500, 400, 200


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(module: str) -> str:
    """ "arr_coc.pictures.opening" -> "hosts"; a top-level verb -> "core"."""
    parts = module.split(".")
    if len(parts) == 1:
        return "package"
    if parts[1:3] == ["serving", "vllm"]:
        return "vllm"
    return "core" if parts[1] in CORE else parts[1]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Full dotted names a file imports, lazy imports included; `from arr_coc import x` counts as arr_coc.x."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: relative import"
            assert node.module is not None
            yield from (_target(node.module, alias.name) for alias in node.names)


def _target(module: str, name: str) -> str:
    is_part = (PACKAGE / f"{name}.py").exists() or (PACKAGE / name / "__init__.py").exists()
    return f"{module}.{name}" if module == "arr_coc" and is_part else module


def functions() -> list[tuple[int, str]]:
    """(lines, place) of every function of the package."""
    return [
        (node.end_lineno - node.lineno + 1, f"{relative(path)}:{node.lineno} {node.name}")
        for path in MODULES
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def num_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_imports_follow_the_layers(path: Path) -> None:
    layer = layer_of(module_name(path))
    assert layer in LAYERS, f"{relative(path)} belongs to no layer; name it in LAYERS and in CONTRIBUTING.md"
    for name in imports(path):
        top = name.split(".")[0]
        if top == "arr_coc":
            assert layer_of(name) in LAYERS[layer] | {"quoting"}, f"{layer} must not import {name}"
        elif top not in sys.stdlib_module_names and layer in FOREIGN:
            assert top in FOREIGN[layer], f"{layer} must not import {top}"


def test_core_is_small() -> None:
    total = sum(num_lines(PACKAGE / f"{verb}.py") for verb in CORE)
    assert total <= MAX_CORE_LINES, f"the core has {total} lines"


def test_files_are_small() -> None:
    files = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
    long = {relative(path): num_lines(path) for path in files if num_lines(path) > MAX_FILE_LINES}
    assert not long, f"files over {MAX_FILE_LINES} lines: {long}"


def test_functions_are_small() -> None:
    lengths = sorted(functions())
    sizes = [length for length, _ in lengths]
    assert 3 <= statistics.median(sizes) <= 15
    assert sizes[int(0.95 * len(sizes))] < 60, lengths[-5:]


def test_readme_is_short() -> None:
    assert num_lines(ROOT / "README.md") <= MAX_README_LINES


REACHES = re.compile(r"\bmodel\.model\.|\.model\.(visual|language_model|lm_head)\b")
"""How a file would look that knows how a model is built; `nano` is one kind of model and may."""


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_file_outside_hosts_reaches_into_a_model(path: Path) -> None:
    if layer_of(module_name(path)) not in ("hosts", "nano", "vllm"):
        found = [line for line in path.read_text(encoding="utf-8").splitlines() if REACHES.search(line)]
        assert not found, f"{relative(path)} reaches into a model; ask the host for its part: {found}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_is_documented(path: Path) -> None:
    assert ast.get_docstring(syntax(path)), f"{relative(path)} has no docstring that says what it is for"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.ExceptHandler):
            place = f"{relative(path)}:{node.lineno} catches everything"
            assert node.type is not None, place
            caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
            assert not caught & {"Exception", "BaseException"}, place


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_nothing_is_left_undone(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for word in ("TODO", "FIXME", "XXX", "NotImplementedError"):
            assert word not in line, f"{relative(path)}:{number} {word}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_environment_is_read_by_the_command_line_and_serving_only(path: Path) -> None:
    if layer_of(module_name(path)) in ("cli", "serving", "vllm"):
        return
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            place = f"{node.value.id}.{node.attr}"
            assert place not in {"os.environ", "os.getenv", "sys.path"}, f"{relative(path)}:{node.lineno} {place}"


def test_every_layer_rule_can_fail() -> None:
    """The reader of imports sees lazy imports and names of packages."""
    assert layer_of("arr_coc") == "package"
    assert layer_of("arr_coc.texture") == "core"
    assert layer_of(_target("arr_coc", "views")) == "views"
    assert layer_of(_target("arr_coc", "texture")) == "core"
    assert _target("arr_coc.records", "views") == "arr_coc.records"
    assert "transformers.vision_utils" in set(imports(PACKAGE / "hosts" / "families" / "family.py"))
    assert "hosts" not in LAYERS["core"] and not any("cli" in may for name, may in LAYERS.items() if name != "cli")


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_error_quotes_without_a_bound(path: Path) -> None:
    """A picture in base64 must not be printed whole: what a user gave goes through `quoting`."""
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Raise):
            assert not list(unbounded(node)), f"{relative(path)}:{node.lineno} quotes a value of any length"


def unbounded(node: ast.Raise) -> Iterator[ast.FormattedValue]:
    """Values in f-strings that are shown by `!r`, or after "got" as they are."""
    for text in (part for part in ast.walk(node) if isinstance(part, ast.JoinedStr)):
        before = ""
        for value in text.values:
            if isinstance(value, ast.FormattedValue):
                shown = ast.unparse(value.value)
                is_raw = isinstance(value.value, ast.Attribute) or shown.startswith("getattr(")
                if value.conversion == ord("r") or (
                    before.endswith("got ") and is_raw and not shown.endswith("__name__")
                ):
                    yield value
            before = value.value if isinstance(value, ast.Constant) else ""


@pytest.mark.parametrize(("line", "is_bounded"), [('"got {x!r}"', 0), ('"got {a.b}"', 0), ('"got {quoted(x)}"', 1)])
def test_the_rule_of_quoting_can_fail(line: str, is_bounded: bool) -> None:
    [node] = ast.parse(f"raise ValueError(f{line})").body
    assert isinstance(node, ast.Raise) and (not list(unbounded(node))) == is_bounded


def test_few_files_name_one_family() -> None:
    """What is true of one family only stands in its file, or its twin in vLLM; elsewhere it is an example."""
    named = [path for path in MODULES if re.search("qwen3_?-?vl", path.read_text(encoding="utf-8"), re.IGNORECASE)]
    outside = [relative(path) for path in named if layer_of(module_name(path)) not in ("hosts", "nano", "vllm")]
    assert len(outside) <= 3, outside
