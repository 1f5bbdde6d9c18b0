"""One loader for every entrance: upright, same modes, same refusals; and sources as transformers takes them."""

from __future__ import annotations

import base64
import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw
from PIL import Image

from arr_coc.data.hub.task import decode
from arr_coc.data.tasks import FolderTask
from arr_coc.pictures import addresses
from arr_coc.pictures.addresses import Reply, download, is_public, parts_of, public_address
from arr_coc.pictures.errors import ImageError
from arr_coc.pictures.opening import image_size, open_image
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.quoting import quoted, shortened

PICTURE = draw(96, 64, seed=5)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
BLOCKS = [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*" + b"\xff" * 40, b"Exif\0\0garbage"]
NO_ADDRESSES = ["http://a.org/x", "https://", "https://u:p@a.org/", "https://a.org:x/", "https://a b/"]
MODES = ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"]


def encoded(image, kind="JPEG", **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(orientation):
    """A PNG whose pixels were turned so that its EXIF says how to turn them back."""
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(PICTURE if back is None else PICTURE.transpose(back), "PNG", exif=exif)


def folder_task(tmp_path, content, name="a.png"):
    (tmp_path / name).write_bytes(content)
    line = {"image": name, "question": QUESTION, "answers": ["x"]}
    (tmp_path / "qa.jsonl").write_text(json.dumps(line) + "\n")
    return FolderTask(tmp_path)


ENTRANCES = {
    "file": lambda content, tmp_path: open_image(_written(content, tmp_path)),
    "bytes": lambda content, tmp_path: open_image(content),
    "image": lambda content, tmp_path: open_image(Image.open(BytesIO(content))),
    "base64": lambda content, tmp_path: open_image(base64.b64encode(content).decode()),
    "folder task": lambda content, tmp_path: folder_task(tmp_path, content)[0].image,
    "hub bytes": lambda content, tmp_path: decode({"bytes": content}, None, "row 1")[0],
    "hub file": lambda content, tmp_path: decode(_written(content, tmp_path).name, tmp_path, "row 1")[0],
    "hub image": lambda content, tmp_path: decode(Image.open(BytesIO(content)), None, "row 1")[0],
}


def _written(content, tmp_path) -> Path:
    path = tmp_path / "b.png"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_upright_from_every_entrance(entrance, orientation, tmp_path):
    image = ENTRANCES[entrance](oriented(orientation), tmp_path)
    assert image.mode == "RGB" and np.array_equal(np.asarray(image), np.asarray(PICTURE))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_is_turned_once(kind, tmp_path):
    """Tasks open a picture and the processor opens it again; a turned one must say no more that it lies."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(PICTURE, kind, exif=exif)
    once = folder_task(tmp_path, content, "a.img")[0].image
    assert once.size == image_size(content) == image_size(once) == PICTURE.size[::-1]
    for again in (open_image(once), open_image(once.copy())):
        assert np.array_equal(np.asarray(again), np.asarray(once))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_the_same_from_every_entrance(mode, tmp_path):
    image = PICTURE.convert("L").convert("I;16") if mode == "I;16" else PICTURE.convert(mode)
    content = encoded(image, "TIFF")
    found = [np.asarray(enter(content, tmp_path)) for enter in ENTRANCES.values()]
    assert all(each.shape == (64, 96, 3) and np.array_equal(each, found[0]) for each in found)


def test_the_processor_turns_a_photo_too(tiny_processor):
    turned, plain = (
        tiny_processor.apply_chat_template(question_messages(content, QUESTION), budget=80)
        for content in (oriented(6), oriented(1))
    )
    assert turned.realizations[0][0].allocation.grid == plain.realizations[0][0].allocation.grid
    assert torch.equal(turned["input_ids"], plain["input_ids"])


@pytest.mark.parametrize("entrance", [name for name in ENTRANCES if name not in ("image", "hub image")])
@pytest.mark.parametrize("content", [b"", b"no picture", encoded(PICTURE)[:200], POSTSCRIPT])
def test_the_same_refusals_from_every_entrance(entrance, content, tmp_path):
    if entrance == "base64" and len(content) < 60:
        pytest.skip("too short to be taken for base64")
    with pytest.raises(ValueError) as caught:
        ENTRANCES[entrance](content, tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("block", BLOCKS)
def test_a_damaged_exif_block_turns_nothing(block):
    plain = encoded(PICTURE)
    marker = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    image = open_image(plain[:2] + marker + plain[2:])
    assert np.array_equal(np.asarray(image), np.asarray(open_image(plain)))


def test_fuzzed_pictures_open_or_say_one_line():
    """Thousands were tried by hand; a few of each kind stay here."""
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words " * 20
    for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        content = encoded(PICTURE, kind, **({"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
        for _ in range(40):
            damaged = bytearray(content)
            for place in rng.integers(0, min(len(damaged), 400), 6):
                damaged[place] = rng.integers(256)
            try:
                assert open_image(bytes(damaged)).mode == "RGB"
            except ImageError as error:
                assert "\n" not in str(error) and len(str(error)) < 400


def test_damaged_tiffs_print_nothing(capfd):
    content = encoded(PICTURE, "TIFF", compression="tiff_lzw")
    for cut in (0.9, 0.6, 0.3):
        with pytest.raises(ImageError):
            open_image(content[: int(len(content) * cut)])
    assert capfd.readouterr() == ("", "")


# Sources


@pytest.mark.parametrize("shape", ["hw", "hw1", "hw3", "hw4", "chw"])
@pytest.mark.parametrize("kind", ["uint8", "float"])
def test_arrays_and_tensors(shape, kind):
    pixels = np.asarray(PICTURE)
    grey = np.asarray(PICTURE.convert("L"))
    array = {
        "hw": grey,
        "hw1": grey[:, :, None],
        "hw3": pixels,
        "hw4": np.dstack([pixels, np.full(grey.shape, 255, np.uint8)]),
        "chw": np.moveaxis(pixels, 2, 0),
    }[shape]
    source = array if kind == "uint8" else (array / 255).astype(np.float32)
    source = torch.from_numpy(np.ascontiguousarray(source)) if shape == "chw" else source
    expected = PICTURE.convert("L").convert("RGB") if shape in ("hw", "hw1") else PICTURE
    assert np.array_equal(np.asarray(open_image(source)), np.asarray(expected))


@pytest.mark.parametrize(
    "source",
    [np.zeros((2, 2, 2)), np.zeros((0, 4, 3)), np.zeros(5), np.full((4, 4), np.nan), np.full((4, 4), -1), 7, object()],
)
def test_arrays_that_are_no_picture(source):
    with pytest.raises(ImageError):
        open_image(source)


def test_spellings_of_base64():
    content = encoded(PICTURE, "PNG")
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    bare = base64.urlsafe_b64encode(content).decode().rstrip("=")
    for spelling in (text, lines, f"data:image/png;base64,{lines}", bare):
        assert open_image(spelling).size == PICTURE.size
    with pytest.raises(ImageError, match="not valid base64") as caught:
        open_image(f"data:image/png;base64,{'!' * 100_000}")
    assert len(str(caught.value)) < 300
    for value in ("x" * 1000, b"x" * 1000, Path("x" * 1000), ["x" * 1000] * 1000, {"a": "x" * 1000}, "\ud800\n" * 90):
        assert len(quoted(value)) <= 80 and len(shortened(value)) <= 80
        (quoted(value) + shortened(value)).encode()
    assert quoted("a'b") == repr("a'b") and quoted(Path("/a/b.png")) == "'/a/b.png'"


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name, what in [
        (tmp_path / "pipe.png", "it is a pipe, not a file"),
        (tmp_path / "loop.png", "symbolic link that leads back to itself"),
        (tmp_path, "it is a directory"),
        ("/dev/null", "it is a device, not a file"),
        ("x" * 300 + ".png", "too long"),
        ("a\0b.png", "NUL"),
        ("https://example.org/a.png", "not downloaded here"),
    ]:
        with pytest.raises(ImageError, match=what):
            open_image(name)


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "link.png", "sub/../../outside.png"])
def test_a_folder_task_stays_in_its_folder(name, tmp_path):
    (tmp_path / "task").mkdir()
    PICTURE.save(tmp_path / "outside.png")
    (tmp_path / "task" / "link.png").symlink_to(tmp_path / "outside.png")
    line = {"image": name, "question": "a", "answers": ["b"]}
    (tmp_path / "task" / "qa.jsonl").write_text(json.dumps(line))
    with pytest.raises(ValueError, match=r"qa\.jsonl:1: image .* leads out of the folder"):
        FolderTask(tmp_path / "task")


# Addresses


@pytest.mark.parametrize(
    "numeric",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "2002:7f00:0001::",
    ],
)
def test_private_addresses_are_refused(numeric, monkeypatch):
    assert not is_public(numeric)
    entries = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (numeric, 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **kwargs: entries)
    with pytest.raises(ImageError, match="private network"):
        public_address("example.org", 443, "https://example.org")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    seen = []
    entries = [(0, 0, 0, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **kwargs: entries)

    def connect(place, timeout):
        seen.append(place)
        raise OSError

    monkeypatch.setattr(addresses.socket, "create_connection", connect)
    with pytest.raises(ImageError, match="can't be fetched"):
        download("https://example.org/a.png")
    assert seen == [("93.184.216.34", 443)]


def test_redirects_are_followed_and_checked():
    pages = {
        "https://a.org/1": Reply(302, "/2", b""),
        "https://a.org/2": Reply(301, "https://b.org/3", b""),
        "https://b.org/3": Reply(200, None, b"picture"),
        "https://a.org/loop": Reply(302, "/loop", b""),
        "https://a.org/gone": Reply(404, None, b""),
    }
    asked = []

    def fetch(address, seconds_left):
        asked.append(address)
        return pages[address]

    assert download("https://a.org/1", fetch) == b"picture" and asked[-1] == "https://b.org/3"
    with pytest.raises(ImageError, match="more than 5 redirects"):
        download("https://a.org/loop", fetch)
    with pytest.raises(ImageError, match="the server answers 404"):
        download("https://a.org/gone", fetch)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_addresses_that_are_not_fetched(address):
    with pytest.raises(ImageError):
        parts_of(address)
