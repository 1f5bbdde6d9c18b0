"""A host whose matrices take fewer bits, by torchao: less memory, and less time where the hardware multiplies them.

A checkpoint that was saved quantised needs none of this: transformers reads it as it is.
"""

from __future__ import annotations

from torch import nn

from arr_coc.quoting import quoted

QUANTISATIONS = {
    "int8": "Int8WeightOnlyConfig",
    "int8-dynamic": "Int8DynamicActivationInt8WeightConfig",
    "fp8": "Float8WeightOnlyConfig",
}
"""Names and torchao's: weights alone in 8 bits; activations too, quantised as they come; weights as 8-bit floats."""
REMEDY = "pip install 'arr-coc[quantized]'"


def quantise(model: nn.Module, kind: str) -> None:
    """In place, all linear layers of tower and language model; the head that says tokens stays as it is.

    Args:
        kind: one of `QUANTISATIONS`.
    Raises:
        ValueError: an unknown kind, or torchao is not there.
    """
    if kind not in QUANTISATIONS:
        raise ValueError(f"quantize: must be {', '.join(QUANTISATIONS)}, got {quoted(kind)}")
    try:
        from torchao import quantization
    except ImportError as error:
        raise ValueError(f"quantize: needs torchao; {REMEDY}") from error
    quantization.quantize_(model, getattr(quantization, QUANTISATIONS[kind])(), is_inner)


def is_inner(module: nn.Module, name: str) -> bool:
    """Whether a module is a matrix inside a layer."""
    return isinstance(module, nn.Linear) and not name.endswith("lm_head")
