"""Kinds of models that cannot be hosts, and why: what a user reads who tries one."""

from __future__ import annotations

from collections.abc import Mapping

TILES = "it sees a picture as tiles of one size and a token is a share of a whole tile, so no cell can be encoded alone"
FIXED = "it resizes every picture to one square and makes the same number of tokens of it, so there is nothing to share"
POOLED = "its tokens are pooled over a whole picture, so no cell can be encoded alone"
NUMBERED = "its language model numbers a picture's tokens one after the other, so leaves of mixed sizes can't be placed"
STREAMS = (
    "its layers pass several streams on and take token ids beside them (n-gram tables), and its attention is indexed, "
    "so where a question looks can't be read off its first layers"
)
TEXT = "it sees no pictures"

REASONS: Mapping[str, str] = {
    **dict.fromkeys(
        ("internvl", "internvl_chat", "ovis2", "idefics3", "smolvlm", "aya_vision", "cohere2_vision"), TILES
    ),
    **dict.fromkeys(
        ("llava_next", "llava_onevision", "deepseek_vl", "deepseek_ocr2", "minicpmv", "minicpmv4_6"), TILES
    ),
    **dict.fromkeys(
        ("llava", "vipllava", "gemma3", "paligemma", "florence2", "shieldgemma2", "deepseek_vl_hybrid"), FIXED
    ),
    **dict.fromkeys(("idefics2", "mllama", "blip-2", "instructblip", "gemma3n"), POOLED),
    **dict.fromkeys(("gemma4", "gemma4_unified"), NUMBERED),
    "qwen4_exp": STREAMS,
    **dict.fromkeys(("qwen2", "qwen3", "qwen3_moe", "qwen3_next", "qwen3_5_text", "llama", "mistral", "gemma2"), TEXT),
}
