"""Reading primer: small pictures of a few labelled lines, drawn in about a millisecond.

The first stages of training `nano` need nothing but print: lines of random characters, and lines
that pair a label with a value. The real generator (`arr_coc.data`) takes over once it can read.
"""

from __future__ import annotations

import functools
import random
import string
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from arr_coc.data.records import Glyphs, Picture, Question

FACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold",
    "DejaVuSans-Oblique", "STIXGeneral", "STIXGeneralBol",
)  # fmt: skip
LABELS = [
    "Name", "City", "Code", "Phone", "Age", "Date", "Total", "Price", "Tax", "Shop", "Item", "Tea", "Coffee",
    "Bread", "Milk", "Room", "Floor", "Bus", "Gate", "Street", "Number", "Weight", "Size", "Colour", "Height",
    "Order", "Table", "Invoice", "Customer", "Doctor", "Patient", "Sender", "Vehicle", "Storage", "Safety",
    "Monday", "Tuesday", "May", "June", "North", "South", "Apples", "Rice", "Soup", "Pizza", "Salad", "Juice",
    "Sugar", "Butter", "Cheese", "Lemon",
]  # fmt: skip
CAP_HEIGHT = 0.73


@functools.lru_cache(maxsize=512)
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{face}.ttf")), size)


@functools.lru_cache(maxsize=200_000)
def advance(face: str, size: int, text: str) -> float:
    return font(face, size).getlength(text)


def value(rng: random.Random) -> str:
    """Numbers, prices, dates, codes and words in the proportions of the real generator."""
    kind = rng.random()
    if kind < 0.25:
        return str(rng.randrange(10 ** rng.randint(1, 5)))
    if kind < 0.45:
        return f"{rng.randrange(100)}.{rng.randrange(100):02d}"
    if kind < 0.55:
        return f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/{rng.randint(1990, 2030)}"
    if kind < 0.75:
        return "".join(rng.choices(string.ascii_uppercase + string.digits, k=rng.randint(4, 6)))
    if kind < 0.85:
        return rng.choice(LABELS)
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))).capitalize()


def soup(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits + ".,:/-%&()#'!?", k=rng.randint(4, 20)))


def colours(rng: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(paper, ink) with clear contrast, sometimes inverted."""
    paper = tuple(rng.randint(190, 255) for _ in range(3))
    ink = tuple(rng.randint(0, 110) for _ in range(3))
    return (ink, paper) if rng.random() < 0.15 else (paper, ink)


def add_noise(image: Image.Image, rng: random.Random) -> Image.Image:
    strength = rng.choice((0, 0, 4, 10))
    if not strength:
        return image
    pixels = np.asarray(image, dtype=np.int16)
    noise = np.random.default_rng(rng.randrange(2**32)).integers(-strength, strength + 1, pixels.shape, dtype=np.int16)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


class Page:
    """A sheet that remembers where every character was put."""

    def __init__(self, width: int, height: int, rng: random.Random) -> None:
        self.paper, self.ink = colours(rng)
        self.image = Image.new("RGB", (width, height), self.paper)
        self.draw = ImageDraw.Draw(self.image)
        self.chars: list[str] = []
        self.spots: list[tuple[float, float, float]] = []
        self.starts: list[bool] = []

    def write(self, x: float, y: float, text: str, face: str, size: int) -> float:
        """Writes `text` with its cap centre at y; returns the x after it."""
        self.draw.text((x, y), text, fill=self.ink, font=font(face, size), anchor="lm")
        for index, char in enumerate(text):
            left = advance(face, size, text[:index]) if index < 24 else font(face, size).getlength(text[:index])
            if char != " ":
                self.chars.append(char)
                self.spots.append((x + left + advance(face, size, char) / 2, y, size * CAP_HEIGHT))
                self.starts.append(index == 0 or text[index - 1] == " ")
        return x + font(face, size).getlength(text)


def draw_primer(
    seed: int,
    num_lines: int | None = None,
    share_soup: float = 0.3,
    smallest: int = 12,
    faces: Sequence[str] = FACES,
) -> Picture:
    """1 to 8 lines of "label value", or of random characters; three questions a labelled line."""
    rng = random.Random(seed)
    num_lines = num_lines or rng.randint(1, 8)
    largest = rng.choice((smallest, 24, 28, 36, 48)) if num_lines > 1 else rng.choice((smallest, 24, 34, 48, 64))
    sizes = [rng.randint(smallest, max(smallest, largest)) for _ in range(num_lines)]
    chosen = [rng.choice(faces) for _ in range(num_lines)]
    width = 32 * rng.randint(8, 14)
    page = Page(width, 32 * max(2, -(-int(sum(size * 1.6 for size in sizes) + 24) // 32)), rng)
    labels, y = rng.sample(LABELS, num_lines), 10.0
    questions: list[Question] = []
    for label, size, face in zip(labels, sizes, chosen, strict=True):
        y += size * 0.8
        if rng.random() < share_soup:
            page.write(rng.uniform(2, 30), y, soup(rng), face, size)
        else:
            questions += write_pair(page, label, value(rng), y, face, size, rng)
        y += size * rng.uniform(0.8, 1.1)
    spots = np.array(page.spots, dtype=np.float32).reshape(-1, 3)
    glyphs = Glyphs("".join(page.chars), spots[:, :2], spots[:, 2], np.array(page.starts, dtype=bool))
    return Picture(add_noise(page.image, rng), "primer", tuple(questions), glyphs, seed)


def write_pair(page: Page, label: str, text: str, y: float, face: str, size: int, rng: random.Random) -> list[Question]:
    """Writes label and value on one line, and asks for either and for both; nothing where the value leaves the page."""
    mark = rng.choice((":", "", " :", " -"))
    start = rng.uniform(4, 16)
    end = page.write(start, y, label + mark, face, size) + size * rng.uniform(0.3, 1.5)
    needed = font(face, size).getlength(text)
    if rng.random() < 0.4:
        end = max(end, page.image.width - needed - rng.uniform(4, 12))
    page.write(end, y, text, face, size)
    if end + needed > page.image.width:
        return []
    wording = rng.choice(("What is the {}?", "What does it say after {}?", "Read the value of {}."))
    top, bottom, cap = y - size / 2, y + size / 2, size * CAP_HEIGHT
    printed, whole = (end, top, end + needed, bottom), (start, top, end + needed, bottom)
    asked = (
        (wording.format(label), text, printed),
        (f"Transcribe the line that starts with {label}.", f"{label} {text}", whole),
        (f"What stands before {text}?", label, whole),
    )
    return [Question(q, (a,), (box,), "read_field", "reading", 0.0, cap) for q, a, box in asked]
