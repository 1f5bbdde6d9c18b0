"""Checks what you wrote for an exercise: python docs/education/check.py LESSON ANSWER.py, such as 2a out/2a.py."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

SECONDS = int(os.environ.get("CHECK_SECONDS", "60"))
"""For each check."""
HERE = Path(__file__).resolve().parent


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"lesson_{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refuse(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(2)


def main(arguments: list[str]) -> int:
    """0 where all checks pass, 1 where one does not, 2 where nothing could be checked."""
    lessons = sorted(path.stem for path in (HERE / "checks").glob("*.py"))
    if len(arguments) != 2 or arguments[0] not in lessons:
        refuse(f"usage: python docs/education/check.py LESSON ANSWER.py, LESSON one of {', '.join(lessons)}")
    lesson, answer = arguments[0], Path(arguments[1])
    if not answer.is_file():
        refuse(f"{answer} is not there; copy docs/education/exercises/{lesson}.py and fill it in")
    checks = load_checks(lesson)
    try:
        written = load(answer)
    except SyntaxError as error:
        refuse(f"{answer}, line {error.lineno}: Python can't read it: {error.msg}")
    except Exception as error:  # whatever stands outside the functions may fail in any way
        refuse(f"{answer}: it ends with {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    if (borrowed := imported(answer)) is not None:
        refuse(f"{answer}, line {borrowed}: do it without arr_coc; that is what the exercise is for")
    passed = [run(check, written) for check in checks]
    print(f"{sum(passed)} of {len(passed)}")
    return int(not all(passed))


def load_checks(lesson: str) -> tuple[object, ...]:
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))  # they share calling.py
    try:
        return load(HERE / "checks" / f"{lesson}.py").CHECKS
    except ModuleNotFoundError as error:
        refuse(f"this Python has no {error.name}; make the environment active first: source .venv/bin/activate")
        raise


def imported(answer: Path) -> int | None:
    """Line in which an answer imports the package, None where it does not."""
    for node in ast.walk(ast.parse(answer.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any(name.split(".")[0] == "arr_coc" for name in names):
                return node.lineno
    return None


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in an answer that does not end, where the system can."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def end(*_: object) -> None:
        raise TimeoutError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(check: object, written: ModuleType) -> bool:
    """One check; whatever an answer does wrong is one line."""
    name = check.__name__.replace("_", " ")  # type: ignore[attr-defined]
    try:
        with limited(SECONDS):
            check(written)  # type: ignore[operator]
    except AssertionError as error:
        print(f"not yet  {name}: {str(error).splitlines()[0] if str(error) else 'wrong'}")
    except AttributeError as error:
        is_missing = error.obj is written and error.name is not None
        print(f"not yet  {name}: " + (f"the function {error.name} is missing" if is_missing else str(error)))
    except Exception as error:  # an answer may fail in any way
        print(f"not yet  {name}: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    else:
        print(f"ok       {name}")
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
