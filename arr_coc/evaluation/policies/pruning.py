"""Published token pruners as policies: the picture whole at full resolution, of which exactly K tokens are kept.

Kept tokens stay where they are: M-RoPE positions are those of the whole picture, text goes on where it would without
pruning, and DeepStack planes are pruned with the tokens.

Shapes: N cells, P patches, T text tokens, D width, K kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from arr_coc.baselines.cdpruner import cdpruner
from arr_coc.baselines.divprune import divprune
from arr_coc.baselines.fastv import decode, need_every_layer, num_full_layers, prefill
from arr_coc.baselines.mmtok import mmtok
from arr_coc.baselines.pixelprune import pixelprune
from arr_coc.baselines.scope import scope
from arr_coc.baselines.uniform import uniform
from arr_coc.baselines.visionzip import visionzip
from arr_coc.data.tasks import Sample
from arr_coc.evaluation.flops import prefill_flops
from arr_coc.evaluation.policies.full_picture import Whole, whole_picture, whole_segment
from arr_coc.evaluation.policies.policy import Gazing, Give, Given, Policy
from arr_coc.evaluation.recall import levels_of_tokens
from arr_coc.hosts.attention import last_read
from arr_coc.hosts.encoding import Segment
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.prompts import ImageBlock, Prompt, lay_out
from arr_coc.processor.answer import greedy
from arr_coc.records import CellFeatures, Gaze, Pyramid


def give_uniform(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole = whole_picture(host, sample.image)
    return keep(whole, uniform(whole.num_cells, budget))


def give_visionzip(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole = whole_picture(host, sample.image, with_attention=True)
    assert whole.received is not None
    index, features = visionzip(whole.features, whole.received.attention, whole.received.keys, budget)
    return keep(whole, index, read_flops(host, whole.num_cells), features)


def give_divprune(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole = whole_picture(host, sample.image)
    flops = 2.0 * whole.num_cells * (whole.num_cells + budget) * width_of(whole)
    return keep(whole, divprune(whole.features.merged, budget), flops)


def give_scope(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole = whole_picture(host, sample.image, with_attention=True)
    assert whole.received is not None
    flops = read_flops(host, whole.num_cells) + 2.0 * whole.num_cells**2 * width_of(whole)
    return keep(whole, scope(whole.features.merged, whole.received.attention, budget), flops)


def give_cdpruner(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole, words = whole_picture(host, sample.image), embed_words(host, sample.question)
    flops = 2.0 * whole.num_cells * ((len(words) + budget) * width_of(whole) + budget**2 / 2)
    return keep(whole, cdpruner(whole.features.merged, words, budget), flops)


def give_mmtok(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    whole, words = whole_picture(host, sample.image), embed_words(host, sample.question)
    flops = 2.0 * whole.num_cells * (len(words) + whole.num_cells) * width_of(whole)
    return keep(whole, mmtok(whole.features.merged, words, budget), flops)


def give_pixelprune(host: TransformersHost, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """Encodes the cells kept and no other."""
    segment, grid = whole_segment(host, sample.image)
    index = pixelprune(segment.image, host.geometry.cell_px, budget)
    with torch.no_grad():
        [features] = host.encode_segments([Segment(segment.image, index)])
    block = block_of(index, grid)
    return Given(block, features, (len(index),), levels_of_tokens(block.positions, grid))


def fastv_after(num_full: int) -> Give:
    """FastV that drops tokens behind so many layers."""
    return lambda host, sample, pyramid, budget: give_fastv(host, sample, budget, num_full)


def fastv_behind_gaze(host: TransformersHost, gaze: Gaze, sample: Sample, pyramid: Pyramid, budget: int) -> Given:
    """FastV behind the last layer that this host's attention is read in: two, as in the paper, are too few here."""
    return give_fastv(host, sample, budget, last_read(gaze, host.text_config) + 1)


def give_fastv(host: TransformersHost, sample: Sample, budget: int, num_full: int) -> Given:
    """Reads the prompt here, since what is kept shows on the way; answers from there."""
    whole = whole_picture(host, sample.image)
    prompt = prompt_of(host, sample.prompt, block_of(torch.arange(whole.num_cells), whole.grid))
    with torch.no_grad():
        read = prefill(host, prompt, whole.features, budget, num_full)
    num_text = len(prompt.ids) - whole.num_cells
    first = range(num_full_layers(host.language, num_full))
    lengths = whole.num_cells + num_text, len(read.kept) + num_text
    flops = prefill_flops(host, lengths[0], first) - prefill_flops(host, lengths[1], first)

    def answer(max_new_tokens: int) -> str:
        with torch.no_grad():
            ids = decode(host, read, max_new_tokens, end_ids(host))
        return host.tokenizer.decode(ids, skip_special_tokens=True).strip()

    return keep(whole, read.kept, flops, answer=answer)


def keep(
    whole: Whole,
    index: Tensor,
    selection_flops: float = 0.0,
    features: CellFeatures | None = None,
    answer: Callable[[int], str] | None = None,
) -> Given:
    """Cells (K,) of a whole picture in raster order, with their own features unless others are given."""
    block = block_of(index, whole.grid)
    features = whole.features[index.to(whole.features.merged.device)] if features is None else features
    shown = levels_of_tokens(block.positions, whole.grid)
    return Given(block, features, (whole.num_cells,), shown, selection_flops=selection_flops, answer=answer)


def block_of(index: Tensor, grid: tuple[int, int]) -> ImageBlock:
    """Cells at their places in the grid, all of which the block takes up."""
    index = index.cpu()
    return ImageBlock(torch.stack([index // grid[1], index % grid[1]], dim=1), max(grid))


def prompt_of(host: TransformersHost, question: str, block: ImageBlock) -> Prompt:
    """One user turn, the picture and the question, and the head of the answer."""
    content = [{"type": "image"}, {"type": "text", "text": question}]
    ids = host.tokenize([{"role": "user", "content": content}], add_generation_prompt=True)
    return lay_out(ids, host.image_token_id, [block])


def embed_words(host: TransformersHost, question: str) -> Tensor:
    """(T, D) rows of the host's embedding table for the question's tokens."""
    ids = host.text.encode_literally(question)
    with torch.no_grad():
        return host.language.embed_tokens(torch.tensor(ids, dtype=torch.long, device=host.device))


def end_ids(host: TransformersHost) -> list[int]:
    ends = greedy(host.model, host.tokenizer)["eos_token_id"]
    return list(ends) if isinstance(ends, list | tuple) else [ends]


def width_of(whole: Whole) -> int:
    return whole.features.merged.shape[1]


def read_flops(host: TransformersHost, num_cells: int) -> float:
    """Of working out queries, keys and their products once more in one block of the vision encoder."""
    shape = host.family.tower_shape(host.base.config)
    num_patches = num_cells * shape.patches_per_cell
    return 6.0 * num_patches * shape.width**2 + 2.0 * num_patches**2 * shape.width


PEERS = (
    Policy("uniform", give_uniform, "every n-th token of the whole picture", frozenset()),
    Policy(
        "visionzip",
        give_visionzip,
        "most encoder attention received, the rest merged by similarity",
        frozenset({"encoder features", "encoder attention"}),
        source="arXiv 2412.04467",
    ),
    Policy(
        "divprune",
        give_divprune,
        "greedy max-min distance between features",
        frozenset({"encoder features"}),
        source="arXiv 2503.02175",
    ),
    Policy(
        "scope",
        give_scope,
        "greedy saliency times gain in coverage",
        frozenset({"encoder features", "encoder attention"}),
        source="arXiv 2510.24214",
    ),
    Policy(
        "cdpruner",
        give_cdpruner,
        "determinantal point process on relevance and similarity",
        frozenset({"encoder features", "question"}),
        source="arXiv 2506.10967",
    ),
    Policy(
        "mmtok",
        give_mmtok,
        "greedy coverage of the question's words and of the picture",
        frozenset({"encoder features", "question"}),
        source="arXiv 2508.18264",
    ),
    Policy(
        "fastv",
        Gazing(fastv_behind_gaze),
        "drops visual tokens that get little attention behind the last language layer that the gaze reads",
        frozenset({"encoder features", "question", "language attention"}),
        source="arXiv 2403.06764",
        check=need_every_layer,
    ),
    Policy(
        "pixelprune",
        give_pixelprune,
        "before the encoder, the cells that their neighbours predict worst",
        frozenset({"pixels"}),
        source="arXiv 2604.00886",
    ),
)

DEPTHS: dict[str, Policy] = {
    f"fastv after {depth}": Policy(
        f"fastv after {depth}",
        fastv_after(depth),
        f"drops visual tokens that get little attention after language layer {depth}",
        frozenset({"encoder features", "question", "language attention"}),
        source="arXiv 2403.06764",
        check=need_every_layer,
    )
    for depth in range(1, 7)
}
"""FastV by the layer it drops tokens behind: to choose one for a host, on questions that no report is about."""
