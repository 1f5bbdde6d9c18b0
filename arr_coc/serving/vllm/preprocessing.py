"""The side of vLLM that prepares requests: picture, question and budget to a pyramid and its number of leaves.

How many leaves there will be is known before anything is encoded: glimpse and three for every split. So placeholders
get their number here, and the engine finds out which leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import BatchFeature
from vllm.model_executor.models.qwen3_5 import Qwen3_5MoeProcessingInfo, Qwen3_5ProcessingInfo
from vllm.model_executor.models.qwen3_vl import Qwen3VLMultiModalProcessor, Qwen3VLProcessingInfo
from vllm.model_executor.models.qwen3_vl_moe import Qwen3VLMoeProcessingInfo
from vllm.multimodal.inputs import MultiModalFieldConfig
from vllm.multimodal.processing import PromptReplacement

from arr_coc.attending import plan_splits
from arr_coc.hosts.resizing import shares_of
from arr_coc.pictures.opening import open_image
from arr_coc.processor.options import pixel_range
from arr_coc.processor.questions import question_of_ids
from arr_coc.quoting import quoted
from arr_coc.records import Pyramid, Tensions
from arr_coc.serving.vllm.metrics import count
from arr_coc.serving.vllm.parts import front_allocator, front_host
from arr_coc.texture import CHANNELS, Textures

OFF, PIXELS = "off", ("min_pixels", "max_pixels")
BUDGET, QUESTION = "budget", "arr_coc_question"
FINEST, COARSER, TENSIONS = "arr_coc_finest", "arr_coc_coarser", "arr_coc_tensions"
ASKED, COUNT, GRID = "arr_coc_asked", "arr_coc_count", "image_grid_thw"
KEY, NOTED, FULL = "arr_coc_key", "arr_coc_noted", "arr_coc_full"
"""The option under which `RelevanceChat` asks for leaves, unlike any other's, so that no cache answers; the field that
names a picture of such a request to the engine; and what was prepared says of the full resolution."""

KEYS = "[0-9a-f]{32}"


@dataclass(frozen=True)
class Looked:
    """One picture and its question, ready for the engine."""

    pyramid: Pyramid
    tensions: Tensions
    question: str
    noted: str = ""

    def num_leaves(self) -> int:
        """Visual tokens that `realize` will end with."""
        pyramid, budget = self.pyramid, self.tensions.budget
        rows, cols = pyramid.grid()
        if rows * cols <= budget:
            return rows * cols
        glimpse = len(pyramid.cells(pyramid.coarsest))
        return glimpse + 3 * sum(plan_splits(budget, glimpse, pyramid.coarsest, self.tensions.focus_diversify))

    def fields(self, merge_size: int, rescale_factor: float) -> dict[str, Tensor]:
        """Tensors that cross to the engine; level 0 as bytes, which it was."""
        rows, cols = self.pyramid.grid()
        coarse = range(1, len(self.pyramid.levels))  # of level 0 the engine knows the pixels, which is all it asks for
        coarser = [each[level].flatten() for each in (self.pyramid.levels, self.pyramid.textures) for level in coarse]
        tensions = self.tensions
        shares = [float(each) for each in tensions.weights]
        return {
            FINEST: (self.pyramid.levels[0] / rescale_factor).round().to(torch.uint8),
            COARSER: torch.cat([torch.empty(0), *coarser]),
            TENSIONS: torch.tensor(
                [tensions.compress_particularize, tensions.focus_diversify, tensions.exploit_explore, *shares]
            ).double(),
            ASKED: to_bytes(self.question),
            NOTED: to_bytes(self.noted),
            COUNT: torch.tensor([self.num_leaves(), tensions.budget]),
            GRID: torch.tensor([1, rows * merge_size, cols * merge_size]),
        }


class RelevanceInfo(Qwen3VLProcessingInfo):
    """What vLLM asks of a model's inputs."""

    def parse_mm_data(self, mm_data: Any, *, validate: bool = True) -> Any:
        """Raises ValueError for text where a picture was expected, which vLLM takes for a mistake of its own."""
        pictures = mm_data.get("image")
        if isinstance(pictures, str) or (
            isinstance(pictures, list) and any(isinstance(each, str) for each in pictures)
        ):
            raise ValueError(
                "image_pil: an object of Python's can't be sent; send image_url with data:image/...;base64"
            )
        return super().parse_mm_data(mm_data, validate=validate)


class RelevanceMoeInfo(RelevanceInfo, Qwen3VLMoeProcessingInfo):
    """The same of a host of experts."""


class RelevanceHybridInfo(RelevanceInfo, Qwen3_5ProcessingInfo):
    """The same of Qwen3.5."""


class RelevanceHybridMoeInfo(RelevanceInfo, Qwen3_5MoeProcessingInfo):
    """The same of Qwen3.5 with experts."""


class RelevanceImages(Qwen3VLMultiModalProcessor):
    """Pictures by budget: `mm_processor_kwargs={"budget": 160}`, "auto", or "off" for the full resolution.

    Question and budget are among the processor's options, which vLLM hashes with the picture; so its caches keep the
    same picture with several questions apart. Videos, and pictures beside them, are read as vLLM reads them.
    """

    def apply(self, inputs: Any, timing_ctx: Any) -> Any:
        options = self.asked(inputs)
        processed = super().apply(replace(inputs, hf_processor_mm_kwargs=options), timing_ctx)
        host, full = front_host(self.info.model_id), []
        for number, place in enumerate(processed["mm_placeholders"].get("image", ())):
            width, height = host.stock_size(*inputs.mm_data_items["image"].get_image_size(number))
            full.append(width * height // host.geometry.cell_px**2)
            count(options.get(BUDGET, OFF), place.length, full[-1])
        return {**processed, FULL: full}

    def asked(self, inputs: Any) -> dict[str, Any]:
        """The request's options with the question in them; without budget where the full resolution is meant."""
        options = dict(inputs.hf_processor_mm_kwargs)
        budget, key = options.pop(BUDGET, None), options.get(KEY)
        if isinstance(key, str) and re.fullmatch(KEYS, key):
            del options[KEY]
        self.check(options)
        counts = inputs.mm_data_items.get_all_counts()
        self.check_places(inputs.prompt, counts.get("image", 0))
        if any(inputs.mm_data_items["image"][number] is None for number in range(counts.get("image", 0))):
            raise ValueError("image_url: only the uuid of a picture came; send the picture, too, nothing is kept of it")
        if budget == OFF or counts.get("video") or not counts.get("image"):
            return options
        tokens = front_allocator(self.info.model_id).tokens(budget)
        options[BUDGET] = "auto" if tokens is None else tokens
        options[QUESTION] = question_of_ids(inputs.prompt, front_host(self.info.model_id))
        return {**options, KEY: key} if key else options

    def check(self, options: Mapping[str, Any]) -> None:
        """Raises ValueError for what a request may not ask for: it may look less closely than the server, not more."""
        unknown = sorted(set(options) - set(PIXELS))
        if unknown:
            raise ValueError(
                f"mm_processor_kwargs: {quoted(unknown[0])} is not known; {', '.join((BUDGET, *PIXELS))} are"
            )
        most = front_host(self.info.model_id).image_processor.size["longest_edge"]
        for name in PIXELS:
            value = options.get(name)
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise ValueError(f"{name}: must be a whole number of pixels in 1..{most}, got {quoted(value)}")

    def check_places(self, ids: Sequence[int], num_pictures: int) -> None:
        """Raises ValueError where a typed marker would take a picture's place, or the place of one was cut away."""
        host = front_host(self.info.model_id)
        found = list(ids).count(host.image_token_id)
        if found != num_pictures:
            marker = host.tokenizer.convert_ids_to_tokens(host.image_token_id)
            raise ValueError(
                f"messages: {num_pictures} pictures, but {found} places for them in the prompt; write {marker} "
                "otherwise, and do not cut the prompt"
            )

    def _apply_hf_processor_main(self, mm_items: Any, hf_kwargs: Mapping[str, Any]) -> BatchFeature:
        if QUESTION not in hf_kwargs or "image" not in mm_items:
            return super()._apply_hf_processor_main(mm_items, without_own(hf_kwargs))
        pictures = [mm_items["image"].get(number) for number in range(len(mm_items["image"]))]
        looked = [self.look(getattr(picture, "media", picture), hf_kwargs) for picture in pictures]
        merge_size = self.info.get_hf_config().vision_config.spatial_merge_size
        rescale_factor = front_host(self.info.model_id).image_processor.rescale_factor
        if key := hf_kwargs.get(KEY):
            looked = [replace(each, noted=f"{key}:{number}") for number, each in enumerate(looked)]
        fields = [each.fields(merge_size, rescale_factor) for each in looked]
        stacked = {name: [each[name] for each in fields] for name in fields[0]}
        return BatchFeature({**stacked, GRID: torch.stack(stacked[GRID])})

    def look(self, picture: Any, options: Mapping[str, Any]) -> Looked:
        name = self.info.model_id
        host, allocator = front_host(name), front_allocator(name)
        size = host.image_processor.size
        limits = tuple(options.get(each) for each in PIXELS)
        pixels = pixel_range(limits, size["shortest_edge"], size["longest_edge"])  # type: ignore[arg-type]
        pyramid = host.pyramid(open_image(picture), pixels)
        question = options[QUESTION]
        tensions = allocator.balancer(host, pyramid, question, allocator.tokens(options[BUDGET]))  # type: ignore[arg-type]
        return Looked(pyramid, tensions, question)

    def _get_mm_fields_config(self, hf_inputs: Any, hf_processor_mm_kwargs: Mapping[str, Any]) -> Any:
        if FINEST not in hf_inputs:
            return super()._get_mm_fields_config(hf_inputs, without_own(hf_processor_mm_kwargs))
        names = (FINEST, COARSER, TENSIONS, ASKED, NOTED, COUNT, GRID)
        return {name: MultiModalFieldConfig.batched("image", keep_on_cpu=True) for name in names}

    def _get_prompt_updates(self, mm_items: Any, hf_processor_mm_kwargs: Mapping[str, Any], out_mm_kwargs: Any) -> Any:
        if QUESTION not in hf_processor_mm_kwargs:
            return super()._get_prompt_updates(mm_items, hf_processor_mm_kwargs, out_mm_kwargs)
        token = self.info.get_hf_config().image_token_id

        def placeholders(number: int) -> Sequence[int]:
            return [token] * int(out_mm_kwargs["image"][number][COUNT].data[0])

        return [PromptReplacement(modality="image", target=[token], replacement=placeholders)]


def to_bytes(text: str) -> Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def to_text(values: Tensor) -> str:
    return bytes(values.tolist()).decode()


def without_own(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that the stock processor knows."""
    return {name: value for name, value in options.items() if name not in (BUDGET, QUESTION, KEY)}


def read_pyramid(finest: Tensor, coarser: Tensor, cell_px: int, rescale_factor: float) -> Pyramid:
    """A pyramid from the fields that crossed; shapes follow from level 0: every level halves both sides."""
    rows, cols = (each // cell_px for each in finest.shape[1:])
    shapes, channels, size = [], len(CHANNELS), len(coarser)
    while size > 0:
        rows, cols = rows // 2, cols // 2
        shapes.append((rows, cols))
        size -= (3 * cell_px**2 + channels) * rows * cols
    pieces = [(3, r * cell_px, c * cell_px) for r, c in shapes] + [(channels, r, c) for r, c in shapes]
    parts = coarser.split([a * b * c for a, b, c in pieces])
    tensors = [part.view(piece) for part, piece in zip(parts, pieces, strict=True)]
    levels = (shares_of(finest, rescale_factor), *tensors[: len(shapes)])
    return Pyramid(levels, Textures(levels, cell_px, dict(enumerate(tensors[len(shapes) :], start=1))), cell_px)
