"""Facts about this repository that pages state, looked up in its code. Nothing that a page says is evaluated.

A fact is one line of a page, in one of these forms:

    - fact: `arr_coc/records.py:MAX_BUDGET` = `400`              a literal: of a module, of a class
    - fact: `len(arr_coc/texture.py:CHANNELS)` = `13`            its length
    - fact: `arr_coc/attending.py:select`                        a function, class, method or name is there
    - fact: `arr_coc/texture.py:round_grid(20, 20)` = `(20, 20, 2)`   what a function of the core returns for literals
    - fact: `pyproject.toml` says `vllm>=0.32`                   a file of the repository holds these words
    - fact: `arr-coc train --help` says `scout`                  so does the help of a command

The code is read, not imported, but for the core's functions, which change no file.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from arr_coc.quoting import quoted, shortened

FACT = re.compile(r"- fact: `([^`]+)`(?: (=|says) `([^`]+)`)?")
NAME = re.compile(r"([\w./-]+\.py):(\w+)(?:\.(\w+))?")
CALL = re.compile(r"(arr_coc/(\w+)\.py):(\w+)\((.*)\)")
HELP = re.compile(r"arr-coc((?: [a-z-]+)*) --help")
PURE = ("texture", "knowing", "balancing", "attending", "records")
"""Modules of the core whose functions may be called: they compute and touch no file."""

Help = Callable[[list[str]], str]
"""Words of a command, without its name and --help, to what its help says; ValueError for no such command."""


@dataclass(frozen=True)
class Fact:
    """What a page states, the word between, what it is to be; and its line."""

    subject: str
    relation: str | None
    value: str | None
    line: int


def facts_of(lines: tuple[str, ...]) -> Iterator[Fact]:
    """Raises ValueError for a line that begins as a fact and is none."""
    for number, line in enumerate(lines, 1):
        if not line.startswith("- fact:"):
            continue
        match = FACT.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number} begins as a fact and is none: {quoted(line)}")
        yield Fact(match[1], match[2], match[3], number)


def verify(fact: Fact, root: Path, help_of: Help) -> None:
    """Holds a fact against the repository in `root`.

    Raises:
        ValueError: it is not true, or not of a form that can be looked up.
    """
    if fact.relation == "says":
        said = help_text(fact.subject, help_of) if fact.subject.startswith("arr-coc") else source_of(root, fact.subject)
        if (fact.value or "") not in said:
            raise ValueError(f"{fact.subject} does not say {quoted(fact.value)}")
        return
    call, inner = CALL.fullmatch(fact.subject), fact.subject.removeprefix("len(").removesuffix(")")
    if call:
        found = called(root, *call.groups())
    elif inner != fact.subject:
        found = len(literal(root, inner))
    elif fact.relation is None:
        find(root, fact.subject)
        return
    else:
        found = literal(root, fact.subject)
    if found != literal_of(fact.value or ""):
        raise ValueError(f"{fact.subject} is {shortened(repr(found))}, not {shortened(fact.value)}")


def help_text(subject: str, help_of: Help) -> str:
    match = HELP.fullmatch(subject)
    if match is None:
        raise ValueError(f"{quoted(subject)}: only the help of a command is run, arr-coc ... --help")
    return help_of(match[1].split())


@lru_cache(maxsize=256)
def source_of(root: Path, name: str) -> str:
    """Text of a file inside the repository."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"{quoted(name)} lies outside the repository")
    if not path.is_file():
        raise ValueError(f"{quoted(name)} is not there")
    return path.read_text(encoding="utf-8", errors="replace")


@lru_cache(maxsize=256)
def syntax_of(root: Path, name: str) -> ast.Module:
    return ast.parse(source_of(root, name))


def find(root: Path, subject: str) -> ast.AST:
    """The node that defines `file.py:name` or `file.py:Class.name`."""
    match = NAME.fullmatch(subject)
    if match is None:
        raise ValueError(f"{quoted(subject)} is no file.py:name")
    node = defined(syntax_of(root, match[1]), match[2], subject)
    return defined(node, match[3], subject) if match[3] else node


def defined(scope: ast.AST, name: str, subject: str) -> ast.AST:
    for node in getattr(scope, "body", ()):
        if name in names_of(node):
            return node  # type: ignore[no-any-return]
    raise ValueError(f"{subject} is not there: no {name}")


def names_of(node: ast.AST) -> list[str]:
    """What a statement of a module or class defines; (A, B) = 1, 2 defines both."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)]


def literal(root: Path, subject: str) -> Any:
    """The literal that `file.py:name` is set to."""
    node = find(root, subject)
    value = getattr(node, "value", None)
    name = subject.rpartition(":")[2].rpartition(".")[2]
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        value = value.elts[[getattr(each, "id", "") for each in target.elts].index(name)]
    try:
        return ast.literal_eval(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise ValueError(f"{subject} is no literal") from None


def literal_of(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise ValueError(f"{quoted(text)} is no literal") from None


def called(root: Path, file: str, module: str, name: str, arguments: str) -> Any:
    """What a function that the module itself defines returns for literal arguments."""
    if module not in PURE:
        raise ValueError(f"{file}: only functions of {', '.join(PURE)} are called")
    if not isinstance(find(root, f"{file}:{name}"), ast.FunctionDef):
        raise ValueError(f"{file}:{name} is no function")
    loaded = importlib.import_module(f"arr_coc.{module}")
    if Path(str(loaded.__file__)).resolve() != (root / file).resolve():
        raise ValueError(f"{file}: another copy of arr_coc is installed; run the check with the one in this folder")
    values = literal_of(f"({arguments},)") if arguments else ()
    try:
        return getattr(loaded, name)(*values)
    except (ValueError, TypeError, AssertionError) as error:
        raise ValueError(f"{file}:{name} refuses these arguments: {shortened(error)}") from None
