"""GLM-4.6V: the tower and the language model of GLM-4V under a configuration of their own."""

from __future__ import annotations

from dataclasses import replace

from arr_coc.hosts.families.glm4v import GLM4V

GLM46V = replace(
    GLM4V,
    model_type="glm46v",
    name="GLM-4.6V",
    model_class="Glm46VForConditionalGeneration",
    example="zai-org/GLM-4.6V-Flash",
    image_processor="Glm46VImageProcessorPil",
    sizes={},
)

FAMILIES = (GLM46V,)
