"""Every kind of picture opens as upright 8-bit RGB; everything else is one clear line."""

from __future__ import annotations

import base64
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import draw
from PIL import Image, JpegImagePlugin

from arr_coc.pictures.opening import image_size, open_image


def ramp(width: int = 64, height: int = 32) -> np.ndarray:
    """8-bit grey that rises from left to right."""
    return np.tile(np.linspace(0, 255, width).round().astype(np.uint8), (height, 1))


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def pixels(path: object) -> np.ndarray:
    image = open_image(path)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


def test_rgb_is_untouched(tmp_path: Path) -> None:
    image = draw(50, 30)
    assert (pixels(save(image, tmp_path / "a.png")) == np.asarray(image)).all()
    assert open_image(image) is image


@pytest.mark.parametrize("name", ["grey.png", "grey.jpg"])
def test_grey(tmp_path: Path, name: str) -> None:
    opened = pixels(save(Image.fromarray(ramp()), tmp_path / name))
    assert (opened[..., 0] == opened[..., 2]).all()
    assert abs(opened[..., 1] - ramp()).max() <= 3


def test_black_and_white(tmp_path: Path) -> None:
    image = Image.fromarray(ramp()).convert("1", dither=Image.Dither.NONE)
    assert set(np.unique(pixels(save(image, tmp_path / "a.png")))) == {0, 255}


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), dtype=np.uint8)
    rgba[:, 4:] = (200, 0, 0, 255)
    rgba[0, 4:, 3] = 128
    opened = pixels(save(Image.fromarray(rgba), tmp_path / "a.png"))
    assert (opened[:, :4] == 255).all()
    assert (opened[1:, 4:] == (200, 0, 0)).all()
    assert abs(opened[0, 4] - (227, 127, 127)).max() <= 1


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (6, 4), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 0)
    plain = pixels(save(image, tmp_path / "a.png"))
    assert tuple(plain[0, 0]) == (10, 20, 30) and tuple(plain[1, 1]) == (40, 50, 60)
    clear = pixels(save(image, tmp_path / "b.png", transparency=0))
    assert tuple(clear[0, 0]) == (255, 255, 255) and tuple(clear[1, 1]) == (40, 50, 60)


def test_cmyk(tmp_path: Path) -> None:
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    opened = pixels(save(image, tmp_path / "a.jpg", quality=100))
    assert abs(opened - (0, 255, 255)).max() <= 3


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits_are_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    wide = ramp().astype(np.uint16) * 257
    opened = pixels(save(Image.fromarray(wide), tmp_path / f"a.{suffix}"))
    assert (opened[..., 0] == ramp()).all()


@pytest.mark.parametrize(("kind", "factor"), [(np.int32, 1), (np.int32, 257), (np.float32, 1 / 255), (np.float32, 1)])
def test_integers_and_floats_are_scaled(kind: type, factor: float) -> None:
    opened = np.asarray(open_image(Image.fromarray((ramp().astype(np.float64) * factor).astype(kind))))
    assert (opened[..., 0] == ramp()).all()


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.repeat(ramp()[..., None], 3, axis=2))
    path = save(image, tmp_path / "a.jpg", exif=exif, quality=100)
    opened = pixels(path)
    assert opened.shape == (64, 32, 3)
    assert opened[0].mean() < 10 and opened[-1].mean() > 245
    assert image_size(path) == (32, 64)


def test_animated_gif_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    path = save(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (pixels(path) == (255, 0, 0)).all()


def test_bytes_file_and_data_addresses(tmp_path: Path) -> None:
    image = draw(20, 10)
    path = save(image, tmp_path / "a b.png")
    raw = path.read_bytes()
    address = f"data:image/png;base64,{base64.b64encode(raw).decode()}"
    for source in (raw, str(path), path.as_uri(), address):
        assert (pixels(source) == np.asarray(image)).all()


def test_large_jpeg_is_decoded_near_the_needed_size(tmp_path: Path) -> None:
    path = save(draw(2048, 1024), tmp_path / "a.jpg", quality=95)
    whole = open_image(path)
    small = open_image(path, lambda width, height: (width // 4 - 20, height // 4))
    assert whole.size == (2048, 1024) and small.size == (512, 256)
    assert image_size(path) == (2048, 1024)
    expected = np.asarray(whole.resize((512, 256), Image.Resampling.BOX)).astype(int)
    assert abs(np.asarray(small).astype(int) - expected).mean() < 3
    assert open_image(path, lambda width, height: (width // 2 + 1, 8)).size == (2048, 1024)


def test_needed_size_of_a_turned_jpeg_is_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    path = save(draw(800, 400), tmp_path / "a.jpg", exif=exif)
    asked = []
    opened = open_image(path, lambda width, height: asked.append((width, height)) or (100, 200))
    assert asked == [(400, 800)] and opened.size == (100, 200)


def test_of_4096_pixels_a_side_only_a_quarter_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(Image.new("RGB", (4096, 4096), "navy"), tmp_path / "a.jpg")
    decoded, load = [], JpegImagePlugin.JpegImageFile.load
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", lambda image: decoded.append(image.size) or load(image))
    assert open_image(path, lambda width, height: (800, 800)).size == (1024, 1024)
    assert set(decoded) == {(1024, 1024)}


def half_a_file(kind: str) -> bytes:
    stream = BytesIO()
    draw(200, 200).save(stream, kind)
    return stream.getvalue()[: len(stream.getvalue()) // 2]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"total,12\nvat,3\n", "not a picture that can be read"),
        (half_a_file("JPEG"), "cut short or damaged"),
        (half_a_file("PNG"), "cut short or damaged"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "receipt.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=what) as caught:
        open_image(path)
    message = str(caught.value)
    assert path.name in message and "; " in message and "\n" not in message


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.png.*no such file; check the path"):
        open_image(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="it is a directory; give the path of a picture file"):
        open_image(tmp_path)


@pytest.mark.parametrize("limit", [90, 60, 30])
def test_decompression_bomb_is_refused_before_decoding(tmp_path: Path, monkeypatch: object, limit: int) -> None:
    path = save(Image.new("RGB", (10, 10)), tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=rf"bomb\.png.*limit of {limit} pixels.*scale it down first"):
            open_image(path)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("https://example.org/a.png", "pictures are not downloaded here; save it to a file"),
        ("data:image/png;base64,%%%", "not valid base64"),
        (Image.new("RGB", (0, 4)), "0x4 has no pixels"),
        (3.5, "a float is no picture"),
        ("a\0b.png", "holds a NUL character"),
    ],
)
def test_sources_that_are_no_picture(source: object, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        open_image(source)
