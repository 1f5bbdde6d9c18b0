"""Files that are no pictures, or pictures that no phone would take, as data addresses."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from conftest import EXAMPLES
from PIL import Image, PngImagePlugin

RECEIPT = (EXAMPLES / "receipt.jpg").read_bytes()
SQUARE = Image.new("RGB", (96, 96), "white")
LETTERS = base64.b64encode(RECEIPT).decode()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def address(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int, height: int, *, depth: int = 8, color: int = 2, data: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A PNG that says to be of a size, whatever its data is."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = zlib.compress(bytes(1000)) if data is None else data
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    return start + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def blank(side: int) -> bytes:
    """A whole PNG of one bit a pixel, a thousandth of the bytes that it takes unpacked."""
    line = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    return png(side, side, depth=1, color=0, data=data)


def bombs() -> Iterator[tuple[str, str]]:
    for side in (20_000, 60_000):
        yield f"bomb of {side} x {side}", address(blank(side))
    for side in (100_000, 2**31 - 1):
        yield f"header of {side} x {side}", address(png(side, side))
    yield "header of no size", address(png(0, 0))
    yield "profile that unpacks to a gigabyte", address(png(96, 96, extra=chunk(b"iCCP", b"a\0\0" + squeezed(10**8))))
    yield "text that unpacks to a gigabyte", address(png(96, 96, extra=chunk(b"zTXt", b"a\0\0" + squeezed(10**8))))
    yield "data that unpacks to a gigabyte", address(png(96, 96, data=squeezed(10**8)))
    frames = [Image.new("P", (96, 96), number) for number in range(64)]
    yield "gif of 64 frames", address(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), "image/gif")
    webp = saved(
        frames[0].convert("RGB"), "WEBP", save_all=True, append_images=[each.convert("RGB") for each in frames]
    )
    yield "webp of many frames", address(webp, "image/webp")
    yield "tiff of many pages", address(saved(SQUARE, "TIFF", save_all=True, append_images=[SQUARE] * 40), "image/tiff")


def squeezed(size: int) -> bytes:
    packer = zlib.compressobj(9)
    zeros = bytes(10**6)
    return b"".join(packer.compress(zeros) for _ in range(size // len(zeros))) + packer.flush()


def shapes() -> Iterator[tuple[str, str]]:
    for width, height in (
        (1, 1),
        (2, 2),
        (1, 200),
        (1, 5000),
        (5000, 1),
        (20_000, 2),
        (3, 601),
        (31, 33),
        (4000, 4000),
    ):
        yield f"{width} x {height} pixels", address(saved(Image.new("RGB", (width, height)), "PNG"))


def modes() -> Iterator[tuple[str, str]]:
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16", "I"):
        yield f"png of mode {mode}", address(saved(Image.new(mode, (96, 96)), "PNG"))
    yield "jpeg of mode CMYK", address(saved(Image.new("CMYK", (96, 96)), "JPEG"), "image/jpeg")
    yield "tiff of mode F", address(saved(Image.new("F", (96, 96)), "TIFF"), "image/tiff")
    yield "png, transparent palette", address(saved(Image.new("P", (96, 96)), "PNG", transparency=0))
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "b" * 100_000)
    yield "png with much text", address(saved(SQUARE, "PNG", pnginfo=info))
    yield "jpeg, broken profile", address(saved(SQUARE, "JPEG", icc_profile=b"none" * 50), "image/jpeg")
    exif = Image.Exif()
    exif[0x0112] = 77
    yield "jpeg, turned 77 ways", address(saved(SQUARE, "JPEG", exif=exif), "image/jpeg")
    yield "jpeg, broken exif", address(saved(SQUARE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"), "image/jpeg")
    for kind in ("BMP", "ICO", "PPM", "TGA", "PCX", "DIB", "EPS", "PDF", "SGI"):
        yield f"file of kind {kind}", address(saved(SQUARE, kind), f"image/{kind.lower()}")


def broken() -> Iterator[tuple[str, str]]:
    for share in (0, 1, 2, 10, 50, 90, 99):
        cut = RECEIPT[: len(RECEIPT) * share // 100]
        yield f"jpeg, {share}% of it", address(cut, "image/jpeg")
    whole = saved(Image.effect_noise((96, 96), 50), "PNG")
    for share in (1, 10, 50, 90, 99):
        yield f"png, {share}% of it", address(whole[: len(whole) * share // 100])
    for place in (2, 20, 200, 2000, 20_000):
        turned = bytearray(RECEIPT)
        turned[place : place + 40] = b"\xff" * 40
        yield f"jpeg, overwritten at {place}", address(bytes(turned), "image/jpeg")
    yield "png, wrong checksums", address(whole.replace(b"IDAT", b"IDAT\0", 1))
    yield "png, no data", address(png(96, 96, data=b""))
    yield "png, data of another size", address(png(96, 96, data=zlib.compress(bytes(10))))
    yield "png, unknown colors", address(png(96, 96, color=9))
    yield "jpeg twice", address(RECEIPT * 2, "image/jpeg")
    yield "jpeg behind a zip", address(b"PK\3\4" + RECEIPT, "image/jpeg")
    for name, data in {
        "nothing": b"",
        "a zero": b"\0",
        "zeros": bytes(10_000),
        "text": b"hello",
        "html": b"<html><script>alert(1)</script></html>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "entities": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><svg>&b;</svg>",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "elf": b"\x7fELF" + bytes(100),
        "numbers": b"\x93NUMPY\x01\0v\0{'descr':'|O'}",
    }.items():
        yield f"{name} as a picture", address(data)


def spellings() -> Iterator[tuple[str, Any]]:
    """Addresses that are not what they should be."""
    good = f"data:image/jpeg;base64,{LETTERS}"
    yield "letters that base64 does not have", "data:image/png;base64,%%%"
    yield "base64 cut in the middle of four", good[:-3]
    yield (
        "base64 with line ends",
        "data:image/jpeg;base64," + "\n".join(LETTERS[at : at + 76] for at in range(0, 7600, 76)),
    )
    yield "base64 for addresses", "data:image/jpeg;base64," + LETTERS.replace("+", "-").replace("/", "_")
    yield "base64 with other letters", "data:image/jpeg;base64," + LETTERS[:100] + "äöü" + LETTERS[100:]
    yield "no kind", "data:;base64," + LETTERS
    yield "no base64", "data:image/png,hello"
    yield "no comma", "data:image/png;base64" + LETTERS
    yield "kind of a video", "data:video/mp4;base64," + LETTERS
    yield "kind of a text", "data:text/html;base64," + LETTERS
    yield "kind with options", "data:image/jpeg;a=b;c=d;base64," + LETTERS
    yield "capitals", "DATA:IMAGE/JPEG;BASE64," + LETTERS
    yield "spaces before it", "   " + good
    yield "only the word", "data:"
    yield "embeddings as a picture", "data:image/pt;base64," + LETTERS
    for name in ("127.0.0.1:1", "localhost:1", "[::1]:1", "0.0.0.0:1", "2130706433:1", "0x7f.1:1", "169.254.169.254"):
        yield f"address of {name}", f"http://{name}/latest/meta-data"
    for name in (
        "10.0.0.1",
        "192.168.0.1",
        "metadata.google.internal",
        "user:word@127.0.0.1",
        "example.com",
        "a" * 300,
    ):
        yield f"address of {name[:30]}", f"https://{name}/a.png"
    for name in (
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "/etc/passwd",
        "../../etc/passwd",
        "ftp://a/b.png",
    ):
        yield f"place {name}", name
    for name in (
        "gopher://a",
        "javascript:alert(1)",
        "http://",
        "http:///",
        "http://[",
        "http://a b/",
        "",
        " ",
        "\0",
        "💥",
    ):
        yield f"place {name!r}", name
    yield "place of a megabyte", "http://" + "a" * 10**6
    for value in (None, 1, 1.5, True, [], ["a"], {}, {"url": good}):
        yield f"address that is {str(value)[:20]}", value


def all_pictures() -> Iterator[tuple[str, Any]]:
    for group in (bombs, shapes, modes, broken, spellings):
        yield from group()
