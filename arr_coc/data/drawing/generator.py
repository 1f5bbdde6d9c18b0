"""From a seed to a picture with its questions."""

from __future__ import annotations

from math import atan, degrees, sqrt
from random import Random

from PIL import Image

from arr_coc.data.drawing.backgrounds import weathered
from arr_coc.data.drawing.canvas import Canvas
from arr_coc.data.drawing.kinds import every_kind, kinds
from arr_coc.data.records import Picture, Question
from arr_coc.quoting import quoted

GENERATOR_VERSION = "2"  # goes up when a seed draws another picture or asks another question
MAX_LAYOUT_AREA = 640 * 640
MIN_SIDE, BASE_ZOOM, MAX_ZOOM = 256, 1.6, 4.0
MAX_ANGLE = 3.0
NUM_QUESTIONS = 10


def generate(
    seed: int,
    *,
    kind: str | None = None,
    size: tuple[int, int] | None = None,
    max_side: int = 4096,
    plain: float = 0.25,
    num_questions: int | None = NUM_QUESTIONS,
) -> Picture:
    """Draws the picture of a seed; the same arguments give the same pixels and the same questions.

    Args:
        kind: one of `kinds`; chosen by the seed if None.
        size: native (width, height); chosen by the seed if None.
        max_side: longest native side where the seed chooses the size.
        plain: share of pictures on flat paper, unturned and without noise.
        num_questions: at most so many questions, spread over question kinds; None gives all of them.
    Raises:
        ValueError: an argument is out of range.
    """
    check_arguments(kind, size, max_side, plain, num_questions)
    rng = Random(f"arr-coc picture {seed}")
    drawn_kind = rng.choice(tuple(kinds()))
    kind = kind or drawn_kind
    is_plain = rng.random() < plain or every_kind()[kind].always_plain
    native, zoom = choose_size(rng, size, max_side)
    angle = choose_angle(rng, kind, native) if not is_plain else 0.0
    canvas = Canvas(Image.new("RGB", native, (255, 255, 255)), zoom, angle)
    asker = every_kind()[kind].draw(rng, canvas, is_plain)
    image = canvas.image if is_plain else weathered(rng, canvas.image)
    questions = asker.questions if num_questions is None else spread(rng, asker.questions, num_questions)
    return Picture(image, kind, tuple(questions), canvas.glyphs(), seed, tuple(canvas.figures))


def check_arguments(
    kind: str | None, size: tuple[int, int] | None, max_side: int, plain: float, num_questions: int | None
) -> None:
    """Raises ValueError for an argument that `generate` cannot use."""
    if kind is not None and kind not in every_kind():
        raise ValueError(f"kind must be one of {', '.join(every_kind())}, got {quoted(kind)}")
    if size is not None and (min(size) < MIN_SIDE or max(size) > 4096):
        raise ValueError(f"size must be {MIN_SIDE}..4096 pixels a side, got {size[0]}x{size[1]}")
    if not MIN_SIDE <= max_side <= 4096:
        raise ValueError(f"max_side must be {MIN_SIDE}..4096, got {max_side}")
    if not 0.0 <= plain <= 1.0:
        raise ValueError(f"plain must be 0..1, got {plain}")
    if num_questions is not None and num_questions < 1:
        raise ValueError(f"num_questions must be at least 1, got {num_questions}")


def choose_size(rng: Random, size: tuple[int, int] | None, max_side: int) -> tuple[tuple[int, int], float]:
    """Native (width, height) and zoom; the layout, native / zoom, holds at most `MAX_LAYOUT_AREA` pixels.

    Most pictures have `BASE_ZOOM`, at which the smallest print is 14 pixels high; small sizes force it down.
    """
    layout, wish = choose_layout(rng), BASE_ZOOM if rng.random() < 0.85 else rng.uniform(2.0, MAX_ZOOM)
    if size is not None:
        most = max(1.0, min(MAX_ZOOM, min(size) / MIN_SIDE))
        least = max(min(BASE_ZOOM, most), sqrt(size[0] * size[1] / MAX_LAYOUT_AREA))
        return size, least if rng.random() < 0.5 else rng.uniform(least, max(least, most))
    shrink = min(1.0, max_side / BASE_ZOOM / max(layout))
    layout = max(MIN_SIDE, layout[0] * shrink), max(MIN_SIDE, layout[1] * shrink)
    zoom = max(1.0, min(wish, max_side / max(layout)))
    return (round(layout[0] * zoom), round(layout[1] * zoom)), zoom


def choose_layout(rng: Random) -> tuple[float, float]:
    """Width and height of the layout: half of them middling, a quarter small, a quarter large; some long."""
    shape = rng.random()
    if shape < 0.03:
        long, short = rng.randint(1000, 1400), rng.randint(256, 290)
        return (long, short) if rng.random() < 0.5 else (short, long)
    low, high = ((352, 512), (352, 512), (256, 352), (512, 640))[rng.randrange(4)]
    if shape < 0.88:
        return rng.randint(low, high), rng.randint(low, high)
    side, aspect = rng.randint(low, high), rng.uniform(1.5, 3.0)
    width, height = max(256.0, side * sqrt(aspect)), max(256.0, side / sqrt(aspect))
    width = min(width, MAX_LAYOUT_AREA / height)
    return (width, height) if rng.random() < 0.5 else (height, width)


def choose_angle(rng: Random, kind: str, native: tuple[int, int]) -> float:
    """Quarter degrees for half of the pages, small enough that no corner of the content leaves the picture."""
    if not every_kind()[kind].may_turn or rng.random() < 0.5:
        return 0.0
    limit = min(MAX_ANGLE, degrees(atan(0.05 * min(native) / max(native))))
    return round(rng.uniform(-limit, limit) * 4) / 4


def rank(rng: Random, questions: list[Question]) -> list[Question]:
    """The questions in random order, but every question kind once, then twice, and so on."""
    rounds: dict[str, int] = {}
    ranked = []
    for question in rng.sample(questions, len(questions)):
        rounds[question.kind] = rounds.get(question.kind, 0) + 1
        ranked.append((rounds[question.kind], question))
    return [question for _, question in sorted(ranked, key=lambda pair: pair[0])]


def spread(rng: Random, questions: list[Question], num: int) -> list[Question]:
    """`num` of the questions, as many question kinds as possible, in mixed order."""
    chosen = rank(rng, questions)[:num]
    rng.shuffle(chosen)
    return chosen
