"""Where pictures of requests come from: vLLM's own reader, with an error of the client's for what a client got wrong.

vLLM answers some of it with a 500, whose connection is closed and which clients send again.
"""

from __future__ import annotations

from typing import Any

from PIL import Image
from vllm.multimodal.media import MEDIA_CONNECTOR_REGISTRY, MediaConnector

from arr_coc.quoting import quoted

NAME = "arr_coc"
SCHEMES = ("data:", "http://", "https://")
MAX_ADDRESS = 4096


class CheckedMedia(MediaConnector):
    """Chosen by VLLM_MEDIA_CONNECTOR=arr_coc, which `arr-coc serve` sets.

    Raises:
        ValueError: an address of another kind; a picture of more pixels than the server takes.
    """

    async def load_from_url_async(self, url: str, media_io: Any, *, fetch_timeout: int | None = None) -> Any:
        if not (self.allowed_local_media_path and url.startswith("file:")):
            check_address(url)
        try:
            return await super().load_from_url_async(url, media_io, fetch_timeout=fetch_timeout)
        except Image.DecompressionBombError as error:
            raise ValueError(f"image_url: {error}; send a smaller picture") from error


def check_address(url: str) -> None:
    kind, comma, _ = url[:1000].partition(",")
    if not kind.lower().startswith(SCHEMES):
        raise ValueError(
            f"image_url: must be data:image/...;base64,... or, where allowed, https://..., got {quoted(url[:100])}"
        )
    if kind.lower().startswith("data:") and not (comma and kind.endswith(";base64")):
        raise ValueError(f"image_url: data must be in base64 (data:image/jpeg;base64,...), got {quoted(url[:100])}")
    if len(url) > MAX_ADDRESS and not kind.lower().startswith("data:"):
        raise ValueError(f"image_url: an address of {len(url)} characters; at most {MAX_ADDRESS} are read")


def register() -> None:
    MEDIA_CONNECTOR_REGISTRY.register(NAME)(CheckedMedia)
