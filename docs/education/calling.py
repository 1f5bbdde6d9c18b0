"""Calls a learner's functions; what goes wrong in one is told with the case, in one line."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


def ask(function: Callable[..., Any], case: str, *given: Any, **options: Any) -> Any:
    """What the function gives, which is never None."""
    try:
        got = function(*given, **options)
    except AssertionError:
        raise
    except Exception as error:  # an answer may fail in any way
        reason = (str(error).splitlines() or [""])[0]
        raise AssertionError(f"{case}: it ends with {type(error).__name__}: {reason}") from error
    assert got is not None, f"{function.__name__} returns nothing"
    return got


def called(answer: ModuleType, name: str, *arguments: Any) -> tuple[Any, str]:
    """What a function gives, and the call as one writes it."""
    call = f"{name}({', '.join(map(repr, arguments))})"
    return ask(getattr(answer, name), call, *arguments), call
