"""One loader for every entrance: upright, same modes, same refusals; and sources as transformers takes them."""

from __future__ import annotations

import base64
import json
import logging
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import QUESTION, draw
from PIL import Image
from typer.testing import CliRunner

from arr_coc.apps.remembering import PictureHost
from arr_coc.apps.uploads import check_picture
from arr_coc.cli.main import app
from arr_coc.data.hub.task import decode
from arr_coc.data.suites import open_task
from arr_coc.data.tasks import FolderTask
from arr_coc.pictures.errors import ImageError
from arr_coc.pictures.opening import image_size, open_image
from arr_coc.processor.plain_inputs import question_messages
from arr_coc.quoting import quoted, shortened
from arr_coc.training.batches import collate_with
from arr_coc.training.sampling import Drawn

PICTURE = draw(96, 64, seed=5)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
BLOCKS = [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*" + b"\xff" * 40, b"Exif\0\0garbage"]
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


def test_pages_and_training_turn_a_photo_too(tiny_host, tmp_path):
    """Both look at level 0, which must not depend on how the photo lies in its file."""
    levels = []
    for number in (1, 6):
        folder = tmp_path / str(number)
        folder.mkdir()
        task = folder_task(folder, oriented(number))
        batch = collate_with(tiny_host)([Drawn(open_task(str(folder))[0], 1.0, "k")], 80, 0)
        page = PictureHost(tiny_host, 1)
        levels += [batch.groups[0].pyramid.levels[0], page.pyramid(page.open(folder / "a.png")).levels[0]]
        assert image_size(check_picture(str(folder / "a.png"))) == task[0].image.size == PICTURE.size
    assert all(torch.equal(level, levels[0]) for level in levels)


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


def test_damaged_files_print_nothing(capfd, caplog):
    """libtiff writes to stderr, Pillow warns and logs; all of it is in the error already."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    for compression in ("tiff_lzw", "packbits"):
        content = bytearray(encoded(noise, "TIFF", compression=compression))
        for cut in (0.9, 0.3):
            with pytest.raises(ImageError):
                open_image(bytes(content[: int(len(content) * cut)]))
        third = len(content) // 3
        content[third : 2 * third] = bytes(third)
        with pytest.raises(ImageError, match="decoder error"):
            open_image(bytes(content))
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_silence_ends_with_the_last_thread():
    before, level = list(warnings.filters), logging.getLogger("PIL").level
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_image, [encoded(PICTURE)] * 40))
    assert warnings.filters == before and logging.getLogger("PIL").level == level


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (POSTSCRIPT, "it is a PostScript file"),
        (b"DDS |" + bytes(200), "it is a DDS texture"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "it is a HEIC photo"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "it is a JPEG 2000 file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
        (encoded(PICTURE, "TGA"), "not a picture that can be read"),
        (encoded(PICTURE, "TIFF")[:80], "it begins as TIFF files do but is cut short"),
    ],
)
def test_only_named_formats_are_tried(content, what, tmp_path, monkeypatch):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    path = _written(content, tmp_path)
    for source in (path, content):
        with pytest.raises(ImageError, match=what):
            open_image(source)
    if content == POSTSCRIPT:
        with pytest.raises(ImageError, match="Ghostscript would have to run"):
            open_image(Image.open(path))


def test_a_decompression_bomb_in_a_folder_is_refused(tmp_path, monkeypatch):
    task = folder_task(tmp_path, encoded(PICTURE, "PNG"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageError, match=r"a\.png.*limit of 1000 pixels"):
        task[0]


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
    [torch.randn(3, 8, 8), np.zeros((4, 4), complex), np.full((4, 4), 300), np.full((4, 4), 1.5)]
    + [
        np.zeros((2, 2, 2)),
        np.zeros((0, 4, 3)),
        np.zeros(5),
        np.full((4, 4), np.nan),
        np.full((4, 4), -1),
        7,
        object(),
    ],
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


@pytest.mark.parametrize("spelling", ["-dash.png", "./a b.png", "file", "data", "base64"])
def test_the_command_line_hands_on_what_was_typed(spelling, tmp_path, monkeypatch):
    def load(*_):
        raise ValueError("reached the model")

    monkeypatch.setattr("arr_coc.processor.loading.load_host", load)
    monkeypatch.chdir(tmp_path)
    content = encoded(PICTURE, "PNG")
    for name in ("-dash.png", "a b.png"):
        (tmp_path / name).write_bytes(content)
    text = base64.b64encode(content).decode()
    sources = {
        "file": (tmp_path / "a b.png").as_uri(),
        "data": f"data:image/png;base64,{text}",
        "base64": text,
    }
    result = CliRunner().invoke(app, ["ask", "--", sources.get(spelling, spelling), QUESTION])
    assert result.exit_code == 2 and "reached the model" in result.stderr, result.stderr
