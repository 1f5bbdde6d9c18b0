"""Qwen3-VL as a host, and the processor that users of transformers see."""
