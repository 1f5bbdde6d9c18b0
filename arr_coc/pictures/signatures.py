"""How files of each kind begin: what a file that cannot be read wanted to be, and whether a text is a picture."""

from __future__ import annotations

import re

LENGTH = 32
"""Bytes that tell."""

PICTURES = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "WebP": rb"RIFF....WEBP",
    "GIF": rb"GIF8[79]a",
    "BMP": rb"BM.{4}\0{4}",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "AVIF": rb"....ftypavi[fs]",
    "PPM": rb"P[1-7fF][\s#]",
}

OTHERS = {
    "a HEIC photo": rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)",
    "a JPEG 2000 file": rb"\0\0\0\x0cjP|\xff\x4f\xff\x51",
    "a JPEG XL file": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "a PDF": rb"%PDF-",
    "a PostScript file": rb"%!|\xc5\xd0\xd3\xc6",
    "a DDS texture": rb"DDS ",
    "an icon": rb"\0\0\x01\0[^\0]\0|icns",
    "a Photoshop file": rb"8BPS",
    "an SVG drawing": rb"\s*<(?:\?xml|svg|!DOCTYPE svg)",
    "a web page": rb"(?i:\s*<(?:!doctype html|html|head))",
    "a video": rb"....ftyp(?:isom|iso\d|mp4\d|M4V |qt  |3gp)|\x1a\x45\xdf\xa3",
    "a zip archive": rb"PK\x03\x04",
    "a pointer of Git LFS, not the file itself": rb"version https://git-lfs",
}


def picture_kind(head: bytes) -> str | None:
    """Name of the picture format that begins so, None for anything else."""
    return _find(PICTURES, head)


def other_kind(head: bytes) -> str | None:
    """What a file is that begins so and is none of the formats that are read, None where that is unknown."""
    return _find(OTHERS, head)


def _find(kinds: dict[str, bytes], head: bytes) -> str | None:
    return next((kind for kind, pattern in kinds.items() if re.match(pattern, head, re.DOTALL)), None)
