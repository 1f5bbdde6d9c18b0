"""ARR-COC in lmms-eval, the harness of the field: any task of it that asks for generated text about pictures.

lmms-eval (0.7 or newer) is no dependency. Once it is installed beside arr-coc it finds the model by itself, through the
entry point `lmms_eval.models`:

    pip install lmms-eval
    python -m lmms_eval --model arr_coc --tasks docvqa_val --limit 100 --batch_size 4 \
        --model_args pretrained=Qwen/Qwen3-VL-2B-Instruct,budget=auto

`--model_args`: `pretrained` (nano, a folder, an id of the hub), `budget` (64..400 tokens a picture, or auto),
`relevance` (folder with trained settings), `dtype`, `system_prompt`. Run it again with `--model qwen3_vl` for the host
without ARR-COC. Samples logged with `--log_samples` hold the tokens each prompt took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmms_eval.models.registry_v2 import ModelManifest


def manifest() -> ModelManifest:
    """What lmms-eval asks the entry point for."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="arr_coc", chat_class_path="arr_coc.evaluation.lmms_eval.model.ArrCoc")
