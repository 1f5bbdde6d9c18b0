"""The engine's side: `records.Host` on vLLM's own vision tower and the first layers of its language model."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from vllm.lora.layers import BaseLayerWithLoRA

from arr_coc.hosts.attention import heads_read, last_read, layers_read, looks_of
from arr_coc.hosts.bare import BareHost, glimpse_block
from arr_coc.hosts.encoding import Segment, cut_patches, gather_blocks, in_place, segments_of
from arr_coc.hosts.prompts import Prompt
from arr_coc.records import CellFeatures, Gaze, Looks, Pyramid, View
from arr_coc.serving.vllm.layers import attends, last_weights, project, step
from arr_coc.serving.vllm.parts import FrontHost

PLAIN = "IdentityInputNorm"


class EngineHost(BareHost):
    """Pictures of one engine step go through tower and gaze together.

    Attributes:
        model: vLLM's Qwen3-VL or Qwen3.5.
    """

    def __init__(self, model: Any, front: FrontHost) -> None:
        super().__init__(front.config, front.tokenizer, front.image_processor)
        self.model = model
        self._grid = lru_cache(maxsize=32)(self._tables)

    @cached_property
    def language(self) -> nn.Module:
        """The language model without adapters, whichever a request names: where to look is one for all of them."""
        return without_adapters(self.model.language_model.model)

    def encode(self, pyramids: list[Pyramid], cells: list[Tensor]) -> list[CellFeatures]:
        """One pass of the tower for all pictures; a level of a picture is an attention segment of its own."""
        segments, places = segments_of(pyramids, cells)
        tower, block = self.model.visual, self.geometry.merge_size**2
        tables = [self._grid(*self._patches(segment)) for segment in segments]
        gathered = [
            [gather_blocks(table, each.index, block) for table in part]
            for part, each in zip(tables, segments, strict=True)
        ]
        positions, cos, sin = (torch.cat(part) for part in zip(*gathered, strict=True))
        grids = [
            [1, self.geometry.merge_size, block * len(each.index) // self.geometry.merge_size] for each in segments
        ]
        metadata = tower.prepare_encoder_metadata(grids)  # where segments end; positions are those of their own levels
        metadata |= {"pos_embeds": positions, "rotary_pos_emb_cos": cos, "rotary_pos_emb_sin": sin}
        pixels = torch.cat([cut_patches(each, self._pixels()) for each in segments])
        encoded = tower(pixels, grids, encoder_metadata=metadata)
        planes = encoded.view(len(encoded), 1 + self.model.deepstack_num_level, -1).transpose(0, 1)
        counts = [len(each.index) for each in segments]
        features = [CellFeatures(part[0], part[1:]) for part in planes.split(counts, dim=1)]
        return in_place(features, places)

    def attend(self, views: list[View], gaze: Gaze) -> list[Looks]:
        """Log attention as `TransformersHost.attend` reads it; prompts of all views lie one after the other."""
        texts = [[view.question, gaze.neutral] if gaze.relative else [view.question] for view in views]
        blocks = [glimpse_block(view.pyramid, view.cells) for view in views]
        prompts = [[self.ask(block, text) for text in group] for block, group in zip(blocks, texts, strict=True)]
        features = [view.features for view, group in zip(views, texts, strict=True) for _ in group]
        maps = iter(self._look([prompt for group in prompts for prompt in group], features, gaze))
        return [looks_of([next(maps) for _ in group], gaze) for group in texts]

    def embed(self, question: str) -> Tensor:
        """(Q, D) float32 rows of the embedding table."""
        ids = torch.tensor(self.text.encode_literally(question), dtype=torch.long, device=self.model.visual.device)
        return self.language.embed_tokens(ids).float()

    def _look(
        self, prompts: Sequence[Prompt], features: Sequence[CellFeatures], gaze: Gaze
    ) -> list[tuple[Tensor, Tensor]]:
        """Per prompt (N,) the mean and (N, M) head by head, float32."""
        language, device = self.language, self.model.visual.device
        ids = torch.cat([prompt.ids for prompt in prompts]).to(device)
        positions = torch.cat([prompt.positions for prompt in prompts], dim=1).to(device)
        spans = spans_of(prompts)
        visual = ids == self.image_token_id
        hidden = language.embed_tokens(ids)
        hidden = hidden.masked_scatter(visual[:, None], torch.cat([each.merged for each in features]).to(hidden.dtype))
        planes = torch.cat([each.deepstack for each in features], dim=1).to(hidden.dtype)
        text = self.text_config
        averaged, apart, last = layers_read(gaze, text), heads_read(gaze, text), last_read(gaze, text)
        means: list[list[Tensor]] = [[] for _ in prompts]
        heads: list[list[Tensor]] = [[] for _ in prompts]
        for depth in range(last + 1):
            layer = language.layers[depth]
            normed = layer.input_layernorm(hidden)
            projected = project(layer.self_attn, normed, positions) if attends(layer) else None
            if projected is not None and (depth in averaged or depth in apart):
                found = last_weights(projected, layer.self_attn.scaling, spans, gaze.num_queries)
                for row, weights in enumerate(found):
                    seen = weights[visual[spans[row]]]
                    means[row] += [seen.mean(1)] if depth in averaged else []
                    heads[row] += [seen] if depth in apart else []
            if depth < last:
                hidden = step(layer, hidden, normed, projected, spans)
                if depth < len(planes):
                    hidden = hidden + torch.zeros_like(hidden).masked_scatter(visual[:, None], planes[depth])
        return [
            (torch.stack(mean).mean(0), torch.cat([*each, mean[0].new_zeros(len(mean[0]), 0)], dim=1))
            for mean, each in zip(means, heads, strict=True)
        ]

    def _patches(self, segment: Segment) -> tuple[int, int]:
        height, width = segment.image.shape[-2:]
        return height // self.geometry.patch_size, width // self.geometry.patch_size

    def _tables(self, rows: int, cols: int) -> tuple[Tensor, Tensor, Tensor]:
        """Positions of all patches of a level: embeddings, cosines and sines."""
        found = self.model.visual.prepare_encoder_metadata([[1, rows, cols]])
        return found["pos_embeds"], found["rotary_pos_emb_cos"], found["rotary_pos_emb_sin"]

    def _pixels(self) -> Any:
        """The geometry whose patches the tower takes: 0..255 where it normalises by itself."""
        if type(self.model.visual.input_norm).__name__ == PLAIN:
            return self.geometry
        factor = self.image_processor.rescale_factor
        return replace(self.geometry, mean=(0.0, 0.0, 0.0), std=(factor, factor, factor))


def without_adapters(module: nn.Module) -> nn.Module:
    """The module itself, or a copy that shares its weights where adapters stand around layers inside."""
    if isinstance(module, BaseLayerWithLoRA):
        return module.base_layer
    children = {name: without_adapters(child) for name, child in module.named_children()}
    if all(child is module._modules[name] for name, child in children.items()):
        return module
    own = copy(module)
    own._modules = {**module._modules, **children}
    return own


def spans_of(prompts: Sequence[Prompt]) -> list[slice]:
    spans, start = [], 0
    for prompt in prompts:
        spans.append(slice(start, start + len(prompt.ids)))
        start += len(prompt.ids)
    return spans
