"""The embedded host: a tiny Qwen3-VL, how it is trained, and its weights."""
