"""vLLM's chat completions, whose `usage` also says visual tokens; leaves and tensions for those who ask for them.

An endpoint plugin of vLLM's, of which a server loads those that VLLM_PLUGINS names; `arr-coc serve` names this one.
"""

from __future__ import annotations

import json
import uuid
from argparse import Namespace
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionResponse
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat

from arr_coc.quoting import quoted
from arr_coc.serving.vllm.leaves import READ
from arr_coc.serving.vllm.media import register as register_media
from arr_coc.serving.vllm.preprocessing import FULL, KEY

RETURN_LEAVES, VISUAL, PICTURES = "return_leaves", "visual_tokens", "pictures"
BAD_REQUEST = 400
EVENT, DONE = "data: ", "data: [DONE]"


@dataclass(frozen=True)
class Prepared:
    """What is known of a request's pictures before the engine sees them.

    Attributes:
        spent, full: visual tokens of every picture, and what each would take at full resolution.
        hashes: of every picture with its question and budget.
    """

    spent: Sequence[int]
    full: Sequence[int]
    hashes: Sequence[str]

    @classmethod
    def of(cls, engine_input: Mapping[str, Any]) -> Prepared:
        spent = [each.length for each in engine_input.get("mm_placeholders", {}).get("image", ())]
        return cls(spent, engine_input.get(FULL, spent), engine_input.get("mm_hashes", {}).get("image", ()))

    def usage(self) -> dict[str, int]:
        spent, full = sum(self.spent), sum(self.full)
        return {"spent": spent, "saved": max(0, full - spent)}


NOTHING = Prepared((), (), ())
PREPARED: ContextVar[Prepared] = ContextVar("prepared", default=NOTHING)
"""Of the request that this task answers."""


class RelevanceChat(OpenAIServingChat):
    """Beside `prompt_tokens`, `usage` has `visual_tokens`: {"spent": ..., "saved": ...}.

    With `"return_leaves": true` an answer has `pictures`: for each its grid, leaves and tensions, or null where it was
    read at full resolution. In a stream they come in a chunk of their own, the last one.
    """

    @classmethod
    def instead_of(cls, stock: OpenAIServingChat) -> RelevanceChat:
        """vLLM has no hook for this class, so it takes over what vLLM has put together."""
        chat = cls.__new__(cls)
        vars(chat).update(vars(stock))
        return chat

    async def render_chat_request(self, request: Any) -> Any:
        result = await super().render_chat_request(request)
        if isinstance(result, tuple):
            conversation, [engine_input] = result
            if request.echo and not isinstance(conversation[-1].get("content"), str):
                raise ValueError("echo: a message with pictures can't be repeated; leave echo out")
            PREPARED.set(Prepared.of(engine_input))
        return result

    async def create_chat_completion(self, request: Any, raw_request: Any = None) -> Any:
        """As vLLM's.

        Raises:
            ValueError: `return_leaves` is neither true nor false.
        """
        key = self.key_of(request)
        if key:
            request.mm_processor_kwargs = {**(request.mm_processor_kwargs or {}), KEY: key}
        PREPARED.set(NOTHING)
        answer = await super().create_chat_completion(request, raw_request)
        prepared = PREPARED.get()
        if isinstance(answer, AsyncGenerator):
            return self.completed_stream(answer, prepared, key)
        if isinstance(answer, ChatCompletionResponse):
            setattr(answer.usage, VISUAL, prepared.usage())  # its class keeps fields that it does not know
            if key:
                setattr(answer, PICTURES, await self.pictures(key, prepared))
        return answer

    def key_of(self, request: Any) -> str:
        wanted = (request.model_extra or {}).get(RETURN_LEAVES, False)
        if not isinstance(wanted, bool):
            raise ValueError(f"{RETURN_LEAVES}: must be true or false, got {quoted(wanted)}")
        return uuid.uuid4().hex if wanted else ""

    async def completed_stream(
        self, events: AsyncGenerator[str, None], prepared: Prepared, key: str
    ) -> AsyncGenerator[str, None]:
        last: dict[str, Any] = {}
        async with aclosing(events):
            async for event in events:
                if event.startswith(DONE):
                    if key and last:
                        pictures = await self.pictures(key, prepared)
                        yield f"{EVENT}{json.dumps({**last, 'choices': [], PICTURES: pictures})}\n\n"
                elif event.startswith(EVENT):
                    chunk = json.loads(event.removeprefix(EVENT))
                    if chunk.get("usage"):
                        chunk["usage"][VISUAL] = prepared.usage()
                        event = f"{EVENT}{json.dumps(chunk, ensure_ascii=False)}\n\n"
                    last = {name: chunk[name] for name in ("id", "object", "created", "model") if name in chunk}
                yield event

    async def pictures(self, key: str, prepared: Prepared) -> list[dict[str, Any] | None]:
        """For each picture what the engine noted; the same picture twice was looked at once."""
        found: dict[int, dict[str, Any]] = {}
        for noted in await self.engine_client.collective_rpc(READ, args=(key,)):
            found |= {int(number): each for number, each in noted.items()}
        first = {each: number for number, each in reversed(list(enumerate(prepared.hashes)))}
        return [found.get(number, found.get(first[each])) for number, each in enumerate(prepared.hashes)]


async def tell_what_is_wrong(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        text = "request: nested too deeply"
    body = {"message": text, "type": "BadRequestError", "param": None, "code": BAD_REQUEST}
    return JSONResponse({"error": body}, BAD_REQUEST)


class RelevanceEndpoint:
    """What vLLM asks of an endpoint plugin."""

    name = "arr_coc"
    required_tasks = ("generate",)

    def attach_router(self, app: Any) -> None:
        """No route of our own; requests that break a parser are their senders' fault, and told in one line."""
        register_media()
        app.exception_handler(ValidationError)(tell_what_is_wrong)
        app.exception_handler(RecursionError)(tell_what_is_wrong)

    async def init_state(self, engine_client: Any, state: Any, args: Namespace) -> None:
        if state.openai_serving_chat is not None:
            state.openai_serving_chat = RelevanceChat.instead_of(state.openai_serving_chat)
