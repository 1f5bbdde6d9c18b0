"""ARR-COC: a vision-language model spends its tokens where the question needs them."""

from __future__ import annotations

__all__ = ["RelevanceProcessor"]


def __getattr__(name: str) -> object:
    """Loads RelevanceProcessor (and with it transformers) on first use, so that `import arr_coc` is cheap."""
    if name == "RelevanceProcessor":
        from arr_coc.processor.processor import RelevanceProcessor

        return RelevanceProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
