"""What the open network may send: a middleware of the server that refuses large requests before they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

MAX_BODY, DEFAULT_MAX_BODY = "ARR_COC_MAX_BODY", 32 * 2**20
TOO_LARGE = 413

Message = MutableMapping[str, Any]
Receive, Send = Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]


class BodyTooLargeError(Exception):
    """Raised out of a request that is read in pieces."""


class RequestLimits:
    """ASGI middleware: at most ARR_COC_MAX_BODY bytes a request, whether it says its length or not."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.most = int(os.environ.get(MAX_BODY, DEFAULT_MAX_BODY))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > self.most:
            await self.refuse(send)
            return
        seen, has_answered = 0, False

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise BodyTooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await self.app(scope, limited, noted)
        except BodyTooLargeError:
            if not has_answered:
                await self.refuse(send)

    async def refuse(self, send: Send) -> None:
        text = f"request: larger than {self.most / 2**20:.0f} MB; send smaller or fewer pictures"
        error = {"message": text, "type": "BadRequestError", "param": None, "code": TOO_LARGE}
        body = json.dumps({"error": error}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": TOO_LARGE, "headers": headers})
        await send({"type": "http.response.body", "body": body})
