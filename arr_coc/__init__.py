"""ARR-COC: a vision-language model spends its tokens where the question needs them."""

from __future__ import annotations

from arr_coc.quoting import quoted

__all__ = ["Allocator", "RelevanceProcessor"]


def __getattr__(name: str) -> object:
    """Loads Allocator (and torch) or RelevanceProcessor (and transformers) on first use: `import arr_coc` is cheap."""
    if name == "Allocator":
        from arr_coc.allocator import Allocator

        return Allocator
    if name == "RelevanceProcessor":
        from arr_coc.processor.processor import RelevanceProcessor

        return RelevanceProcessor
    raise AttributeError(f"module {quoted(__name__)} has no attribute {quoted(name)}")
