"""ARR-COC for users of transformers: a processor whose output goes into their own, unpatched model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_utils import BaseImageProcessor

from arr_coc.allocator import Allocator, Budget
from arr_coc.hosts.checkpoints import load_image_processor, load_tokenizer
from arr_coc.hosts.decoding import follow_positions
from arr_coc.hosts.host import TransformersHost
from arr_coc.hosts.names import family_of, resolve
from arr_coc.hosts.placement import base_of
from arr_coc.hosts.prompts import ImageBlock, Prompt, lay_out, pad_batch
from arr_coc.hosts.soundness import check_parts
from arr_coc.pictures.opening import open_image
from arr_coc.pictures.sources import ImageSource
from arr_coc.processor.answering import Answering
from arr_coc.processor.call import is_open, read_texts, share_out
from arr_coc.processor.inputs import RelevanceInputs
from arr_coc.processor.kept_pictures import KeptPicture
from arr_coc.processor.messages import Message, named, read_conversations
from arr_coc.processor.options import (
    AS_IT_IS,
    CALL,
    Limits,
    Options,
    checks_names,
    merged_limits,
    pixel_range,
    read_chat_options,
    read_options,
)
from arr_coc.processor.questions import QuestionError, question_of_text
from arr_coc.processor.sample import Sample
from arr_coc.processor.stock_face import StockFace, drops_what_auto_adds, register, write_face
from arr_coc.processor.stock_inputs import take_apart
from arr_coc.processor.sureness import Sureness, load_sureness
from arr_coc.processor.trained_parts import (
    FOLDER,
    check_savable,
    find_relevance,
    host_facts,
    load_relevance,
    save_relevance,
)
from arr_coc.records import Pyramid, Realization, View


class RelevanceProcessor(Answering, StockFace):
    """Spends each picture's visual tokens where the question needs them.

    The budget is per picture: a message with two pictures may cost twice as much. The question is the
    text of the last user turn, also for pictures of earlier turns.

    Attributes:
        host: the model with its tokenizer, image processor and stopwatch.
        allocator: decides where the tokens go; several processors, each with its own, may share a host.
        sureness: when looking closer ends, see `answer`.
        downloads: whether pictures at `https://` addresses are fetched; the command line, pages and evaluation
            switch it off.
    """

    downloads = True

    def __init__(
        self, host: TransformersHost, allocator: Allocator | None = None, sureness: Sureness | None = None
    ) -> None:
        self.host = host
        self.allocator = (allocator or Allocator()).to(host.device)
        self.sureness = sureness or Sureness()
        self.opened: dict[object, tuple[Pyramid, KeptPicture]] | None = None
        follow_positions(host.model)

    @classmethod
    @drops_what_auto_adds
    @checks_names
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        model: PreTrainedModel,
        relevance: str | Path | None = None,
        budget: Budget = None,
        allocator: Allocator | None = None,
    ) -> RelevanceProcessor:
        """Loads tokenizer and image processor; torchvision is not needed.

        Args:
            name: "nano", a folder, or an id of the Hugging Face hub.
            model: the model that will answer.
            relevance: folder from `save_pretrained` or `arr-coc train`; None takes what lies in `name`, else defaults.
            budget: 64..400 or "auto"; None keeps the folder's own.
            allocator: one of your own, in place of what lies in `relevance` or `name`.

        Raises:
            ValueError: unknown name, a kind of model that cannot be a host, parts trained for another host, a
                budget out of range, both `relevance` and `allocator`.
        """
        source = resolve(name)
        family = family_of(name, base_of(model).config.model_type)
        if relevance is not None and allocator is not None:
            raise ValueError("allocator: give either it or relevance, the folder that another one lies in")
        folder, sureness = Path(relevance if relevance is not None else source), None
        place = find_relevance(folder)
        if allocator is None:
            is_there = relevance is not None or place is not None
            allocator = load_relevance(folder, base_of(model).config) if is_there else Allocator()
            sureness = load_sureness(place) if place is not None else None
        if budget is not None:
            allocator = replace(allocator, budget=budget)
        tokenizer, image_processor = load_tokenizer(name), load_image_processor(name, family)
        check_parts(name, base_of(model), tokenizer, image_processor, family)
        return cls(TransformersHost(model, tokenizer, image_processor), allocator, sureness)

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.host.tokenizer

    @property
    def image_processor(self) -> BaseImageProcessor:
        return self.host.image_processor

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes tokenizer, image processor and, in `relevance/`, settings and trained parts.

        Reloading gives the same allocations.

        Raises:
            ValueError: the allocator holds a part of your own, which can't be written down.
        """
        check_savable(self.allocator)
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(path)
        self.image_processor.save_pretrained(path)
        write_face(path, self)
        save_relevance(path / FOLDER, self.allocator, host_facts(self.host.model), sureness=self.sureness)

    def apply_chat_template(
        self,
        conversation: Sequence[Message] | Sequence[Sequence[Message]],
        *,
        add_generation_prompt: bool = False,
        tokenize: bool = True,
        return_dict: bool = True,
        return_tensors: str | None = "pt",
        budget: Budget | list[Budget] = None,
        padding_side: str | None = None,
        **options: Any,
    ) -> RelevanceInputs | Tensor | str | list[str]:
        """Messages to model inputs.

        Args:
            conversation: messages in the format of Hugging Face, or a list of such lists; a picture is
                a PIL image, a path, bytes, or a `file://` or `data:` address.
            budget: tokens per picture, 64..400 or "auto" (what picture and question ask for), None for the
                allocator's own; one for all or one per conversation.
            padding_side: default left where something will be generated (a generation prompt, or a final
                message that is continued), else as the tokenizer says.
            options: `min_pixels`, `max_pixels` (of every picture that names none itself; also in `images_kwargs`),
                `tools`, `documents`, `chat_template`, `continue_final_message`, and the variables that the chat
                template reads, such as `enable_thinking`.

        Raises:
            ValueError: a picture that cannot be opened, a budget out of range, a prompt longer than the model's
                context, truncation.
            TypeError: an option that is not known, with the nearest one that is.
        """
        given = {**options, "padding_side": padding_side, "return_tensors": return_tensors}
        read = read_chat_options(given, self.tokenizer)
        conversations, is_batch = read_conversations(conversation)
        template = {**read.template, "add_generation_prompt": add_generation_prompt}
        if not tokenize:
            texts = [self.host.text.render(c.messages, **template) for c in conversations]
            return texts if is_batch else texts[0]
        self.host.clock.reset()
        with self.host.clock.measure("prepare"):
            samples = [
                self._sample(
                    self.host.tokenize(c.messages, **template),
                    c.pictures,
                    c.question,
                    each,
                    [merged_limits(own, read.limits) for own in c.limits],
                )
                for c, each in zip(conversations, self._budgets(budget, len(conversations)), strict=True)
            ]
            is_prompt = add_generation_prompt or bool(read.template.get("continue_final_message"))
            inputs = self._realize(samples, read, is_prompt)
        return inputs if return_dict else inputs["input_ids"]

    def __call__(
        self,
        images: ImageSource | Sequence[ImageSource] | Sequence[Sequence[ImageSource]] | None = None,
        text: str | Sequence[str] | None = None,
        *,
        budget: Budget | list[Budget] = None,
        padding_side: str | None = None,
        return_tensors: str | None = "pt",
        **options: Any,
    ) -> RelevanceInputs:
        """The stock call: rendered chat text(s) with one placeholder per picture, and the pictures in order.

        The question is found as in messages (see `questions`). Special tokens in the text are the caller's; those that
        `apply_chat_template(..., tokenize=False)` told apart by a space, since a user typed them, are characters.
        `options` are `min_pixels`, `max_pixels`, `size` and `do_resize`, beside those of a stock processor that say
        what is done here anyway (`padding=True`, `truncation=False`); pictures come in groups as well
        (`images_kwargs`).

        Raises:
            ValueError, TypeError: as `apply_chat_template`.
        """
        given = {**options, "padding_side": padding_side, "return_tensors": return_tensors}
        read = read_options(given, CALL, "RelevanceProcessor()")
        texts = read_texts(text)
        ids = [self.host.text.encode(one) for one in texts]
        pictures = share_out(images, [one.count(self.host.image_token_id) for one in ids])
        self.host.clock.reset()
        with self.host.clock.measure("prepare"):
            questions = [question_of_text(one, self.host) for one in texts]
            parts = zip(ids, pictures, questions, self._budgets(budget, len(texts)), strict=True)
            samples = [self._sample(*part, [read.limits] * len(part[1])) for part in parts]
            return self._realize(samples, read, any(is_open(one, self.host.family.marks) for one in texts))

    @checks_names
    def condense(self, stock_inputs: Mapping[str, Tensor], budget: Budget | list[Budget] = None) -> RelevanceInputs:
        """What the stock processor returned, with its pictures re-allocated; padding on the same side.

        Pictures are taken back from `pixel_values`, so nothing finer than the stock size can be seen.

        Raises:
            ValueError: videos, or inputs that do not fit together.
        """
        self.host.clock.reset()
        with self.host.clock.measure("prepare"):
            stock = take_apart(stock_inputs, self.host)
            budgets = self._budgets(budget, len(stock))
            samples = [
                self._sample(one.ids, one.pictures, one.question, each, [AS_IT_IS] * len(one.pictures))
                for one, each in zip(stock, budgets, strict=True)
            ]
            mask = stock_inputs.get("attention_mask")
            is_right = mask is not None and bool((mask[:, -1] == 0).any())
            return self._realize(samples, Options(padding_side="right" if is_right else "left"))

    def decode(self, *args: Any, **kwargs: Any) -> str:
        """The tokenizer's `decode`."""
        return self.tokenizer.decode(*args, **kwargs)

    def batch_decode(self, *args: Any, **kwargs: Any) -> list[str]:
        """The tokenizer's `batch_decode`."""
        return self.tokenizer.batch_decode(*args, **kwargs)

    def post_process_image_text_to_text(self, generated_outputs: Any, **kwargs: Any) -> list[str]:
        """The texts of generated ids (B, T); what `pipeline("image-text-to-text")` asks of a processor."""
        return self.batch_decode(generated_outputs, **{"skip_special_tokens": True, **kwargs})

    def _budgets(self, budget: Budget | list[Budget], count: int) -> list[Budget]:
        budgets = list(budget) if isinstance(budget, (list, tuple)) else [budget] * count
        if len(budgets) != count:
            raise ValueError(f"budget: {len(budgets)} values for {count} conversations; give one, or one for each")
        for each in budgets:
            self.allocator.tokens(each)
        return budgets

    def _sample(
        self,
        ids: list[int],
        pictures: Sequence[ImageSource | None],
        question: str,
        budget: Budget,
        limits: Sequence[Limits],
    ) -> Sample:
        self._check_length(len(ids))
        looked = [self._look(*each) for each in zip(named(pictures), limits, strict=True)]
        return Sample(ids, [View.of(pyramid, question) for pyramid, _ in looked], [kept for _, kept in looked], budget)

    def _look(self, picture: ImageSource, limits: Limits) -> tuple[Pyramid, KeptPicture]:
        if self.opened is None:
            return self._open(picture, limits)
        key = (picture if isinstance(picture, (str, Path)) else id(picture), limits)
        if key not in self.opened:
            self.opened[key] = self._open(picture, limits)
        return self.opened[key]

    def _open(self, picture: ImageSource, limits: Limits) -> tuple[Pyramid, KeptPicture]:
        size = self.image_processor.size
        pixels = pixel_range(limits, size["shortest_edge"], size["longest_edge"])
        with self.host.clock.measure("open"):
            needed = partial(self.host.needed_size, limits=pixels)
            image = open_image(picture, needed, allow_download=self.downloads)
        pyramid = self.host.pyramid(image, pixels)
        return pyramid, KeptPicture.of(picture, image, pyramid, self.host.resizing)

    def _check_length(self, num_tokens: int) -> None:
        if num_tokens > self.host.max_tokens:
            raise QuestionError(
                f"question: the prompt takes {num_tokens} tokens, the model's context is {self.host.max_tokens}; "
                "shorten the text, send fewer pictures or lower the budget"
            )

    def _realize(self, samples: list[Sample], options: Options, is_prompt: bool = False) -> RelevanceInputs:
        host = self.host.with_chat(options.chat)
        side = options.padding_side or ("left" if is_prompt else self.tokenizer.padding_side)
        with nullcontext() if self.host.is_training else torch.no_grad():
            with self.host.clock.measure("select"):
                views = [view for sample in samples for view in sample.views]
                budgets = [sample.budget for sample in samples for _ in sample.views]
                remaining = iter(self.allocator.realize(host, views, budgets))
            realizations = [[replace(next(remaining), picture=kept) for kept in sample.kept] for sample in samples]
            prompts = self._lay_out(samples, realizations)
            options.check_rows([len(prompt.ids) for prompt in prompts])
            return self._assemble(prompts, realizations, side)

    def _lay_out(self, samples: list[Sample], realizations: list[list[Realization]]) -> list[Prompt]:
        prompts = []
        for sample, pictures in zip(samples, realizations, strict=True):
            blocks = [ImageBlock.of(realization.allocation) for realization in pictures]
            prompts.append(lay_out(sample.ids, self.host.image_token_id, blocks))
            self._check_length(len(prompts[-1].ids))
        return prompts

    def _assemble(self, prompts: list[Prompt], realizations: list[list[Realization]], side: str) -> RelevanceInputs:
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        data: dict[str, Any] = {key: value.to(self.host.device) for key, value in pad_batch(prompts, pad, side).items()}
        features = [[realization.features for realization in pictures] for pictures in realizations]
        if any(features):
            data["mm_encoder_outputs"] = self.host.encoder_outputs(features)
        return RelevanceInputs(data, realizations)


register(RelevanceProcessor)
