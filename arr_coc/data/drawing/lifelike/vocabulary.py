"""Words for lifelike pictures: lists and, for half of them, a model of characters; a fifth of them is held out."""

from __future__ import annotations

import zlib
from calendar import monthrange
from functools import lru_cache
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.words import listed

ORDER, UNSEEN_SHARE = 3, 5
GOODS = listed(
    "Almond Anchor Apron Basil Battery Biscuit Blanket Blender Bolt Bottle Bracket Broccoli Brownie Bucket Bulb "
    "Burger Cable Canvas Cappuccino Caramel Cement Cereal Chicken Chocolate Cinnamon Cleaner Cloth Coconut Cotton "
    "Crab Cracker Croissant Cucumber Curry Detergent Dough Drill Dumpling Espresso Eraser Fabric Fan Filter "
    "Folder Fork Fried Ginger Glass Gloves Glue Grill Hammer Hanger Hinge Hose Ink Iron Jacket Ladder Lamb Latte "
    "Lettuce Lid Lunch Marker Mirror Mocha Mop Mushroom Nail Napkin Needle Noodle Oil Omelette Oyster Paint "
    "Pancake Paper Parsley Peanut Pencil Pillow Pipe Plate Plug Pork Powder Prawn Pudding Pump Radish Refill "
    "Ribbon Roll Rope Rubber Sandwich Sausage Screw Sesame Shampoo Shelf Shrimp Sponge Steak Stapler Sticker "
    "Straw Switch Syrup Tape Thread Tile Timber Tissue Tofu Toner Tray Tube Valve Vanilla Varnish Vest Wafer "
    "Washer Wire Wrap Yeast Zipper Set Large Small Regular Fresh Mixed Spicy Iced Hot Green Special Classic "
    "Double Extra Mini Jumbo Organic Frozen Dried Sliced Smoked Baked"
)
TRADES = listed(
    "Bakery Books Bistro Cafe Centre Clinic Corner Deli Diner Electric Enterprise Express Fashion Florist Foods "
    "Garage Garden Gifts Grocer Hardware House Kitchen Laundry Market Mart Motors Optical Outlet Paint Pharmacy "
    "Photo Pizza Printing Restaurant Services Shop Sports Station Stationery Store Supermarket Supply Tailor "
    "Tools Toys Trading Village"
)
FORMS = (
    "", "", "", "Ltd", "Ltd.", "LTD", "Inc.", "LLC", "Co.", "& Co", "GmbH", "S.A.", "SDN BHD", "SDN. BHD.", "PTE LTD",
    "Pty Ltd", "B.V.", "S.r.l.", "AG", "(M) SDN BHD", "Enterprise", "Holdings", "Group", "& Sons",
)  # fmt: skip
STREETS = listed(
    "Street St. Road Rd Avenue Ave Lane Drive Way Square Court Jalan Rue Platz Plaza Park Terrace Boulevard"
)
SENTENCES = listed(
    "Thank you for your visit|Please come again|Goods sold are not returnable|Thank you|Have a nice day|Keep this slip|"
    "Exchange within 7 days with receipt|Prices include tax|We hope to see you soon|Customer copy|No refund without "
    "receipt|Follow us online|Visit our website|Thank you for shopping with us|Please check your change|Welcome|"
    "Your opinion matters|Tell us how we did|Opening hours 9 to 6|This is a computer printed receipt"
)


def is_unseen(word: str) -> bool:
    """Whether a word is held out of training; a fixed share of all strings, whoever makes them."""
    return zlib.crc32(word.lower().encode()) % UNSEEN_SHARE == 0


@lru_cache(maxsize=1)
def lexicon() -> tuple[str, ...]:
    """Every listed word."""
    lists = (words.ITEMS, words.NAMES, words.SURNAMES, words.CITIES, words.TOPICS, words.CATEGORIES, words.FILLER)
    return tuple(sorted({w.lower() for source in (*lists, GOODS, TRADES) for w in source if w.isalpha()}))


@lru_cache(maxsize=1)
def transitions() -> dict[str, str]:
    """What follows each run of up to `ORDER` characters in the lexicon, as often as it does; a blank ends a word."""
    table: dict[str, list[str]] = {}
    for word in lexicon():
        padded = " " * ORDER + word + " "
        for end in range(ORDER, len(padded)):
            table.setdefault(padded[end - ORDER : end], []).append(padded[end])
    return {key: "".join(value) for key, value in table.items()}


def invented(rng: Random) -> str:
    """A word of 3 to 11 letters that looks like one of the lexicon's."""
    while True:
        text = " " * ORDER
        while (char := rng.choice(transitions()[text[-ORDER:]])) != " ":
            text += char
        if 3 <= len(text) - ORDER <= 11:
            return text[ORDER:]


class Speaker:
    """Words of one side of the split."""

    def __init__(self, rng: Random, unseen: bool) -> None:
        self.rng, self.unseen = rng, unseen

    def word(self, source: list[str]) -> str:
        """A word of the list, or an invented one, of the right side."""
        while True:
            text = self.rng.choice(source) if self.rng.random() < 0.5 else invented(self.rng).capitalize()
            if is_unseen(text) == self.unseen:
                return text

    def goods(self) -> str:
        """One to four words of something that can be bought."""
        rng = self.rng
        text = " ".join(self.word(GOODS + words.ITEMS) for _ in range(rng.choices((1, 2, 3, 4), (3, 5, 3, 1))[0]))
        if rng.random() < 0.2:
            text += rng.choice((" {}G", " {}ML", " {}KG", " {}L", " {}PCS", " {}CM", " X{}", " {}MM", " #{}")).format(
                rng.choice((1, 2, 3, 5, 6, 8, 10, 12, 20, 25, 50, 100, 250, 330, 500))
            )
        return text

    def company(self) -> str:
        """A firm's name of two to five words."""
        rng = self.rng
        core = [self.word(words.SURNAMES + words.TOPICS) for _ in range(rng.choices((1, 2, 3), (4, 4, 1))[0])]
        if rng.random() < 0.75:
            core.append(self.word(TRADES))
        return " ".join([*core, rng.choice(FORMS)]).strip()

    def person(self) -> str:
        return (
            f"{self.word(words.NAMES)} {self.word(words.SURNAMES)}"
            if self.rng.random() < 0.5
            else self.word(words.NAMES)
        )

    def address(self) -> list[str]:
        """One to three lines."""
        rng = self.rng
        number = rng.choice(("{}", "No. {}", "NO {}", "Lot {}", "{}A", "{}-{}")).format(*[rng.randint(1, 299)] * 2)
        street = f"{self.word(words.TOPICS)} {rng.choice(STREETS)}"
        town = f"{rng.randint(1000, 99999):05d} {self.word(words.CITIES)}"
        lines = [f"{number}, {street}" if rng.random() < 0.6 else f"{number} {street}", town]
        if rng.random() < 0.4:
            lines.insert(1, f"{self.word(words.TOPICS)} {self.word(TRADES)}")
        if rng.random() < 0.3:
            lines.append(self.word(words.CITIES))
        if rng.random() < 0.5:
            lines = [line + "," for line in lines[:-1]] + lines[-1:]
        return lines

    def sentence(self) -> str:
        return (
            self.rng.choice(SENTENCES)
            if self.rng.random() < 0.6
            else " ".join(self.word(words.FILLER) for _ in range(self.rng.randint(3, 6)))
        )


def serial(rng: Random) -> str:
    """A number as documents bear: digits, letters in front, dashes or slashes."""
    digits = "".join(rng.choices("0123456789", k=rng.randint(3, 10)))
    form = rng.random()
    if form < 0.4:
        return digits
    head = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=rng.randint(1, 3)))
    if form < 0.7:
        return head + rng.choice(("", "-", "/", " ")) + digits
    tail = "".join(rng.choices("0123456789", k=rng.randint(2, 5)))
    return f"{digits}{rng.choice('-/.')}{tail}" if form < 0.85 else f"{head}{digits}-{tail}"


def phone(rng: Random) -> str:
    parts = [
        "".join(rng.choices("0123456789", k=size))
        for size in rng.choice(((2, 8), (3, 4, 4), (3, 3, 4), (2, 4, 4), (4, 3, 3)))
    ]
    if rng.random() < 0.2:
        return f"+{parts[0]} {' '.join(parts[1:])}"
    if rng.random() < 0.2:
        return f"({parts[0]}) {'-'.join(parts[1:])}"
    return rng.choice(("-", " ", "")).join(parts)


MONTH_NAMES = listed("January February March April May June July August September October November December")


def date(rng: Random) -> str:
    """A day in one of some twenty printed forms."""
    wish, month, year = rng.randint(1, 31), rng.randint(1, 12), rng.randint(1996, 2029)
    day = min(wish, monthrange(year, month)[1])
    name = MONTH_NAMES[month - 1]
    short = name[:3]
    return rng.choice((
        f"{day:02d}/{month:02d}/{year}", f"{day:02d}/{month:02d}/{year}", f"{day:02d}-{month:02d}-{year}",
        f"{day:02d}.{month:02d}.{year}", f"{day}/{month}/{year}", f"{month:02d}/{day:02d}/{year}",
        f"{day:02d}/{month:02d}/{year % 100:02d}", f"{day:02d}-{month:02d}-{year % 100:02d}",
        f"{day:02d}.{month:02d}.{year % 100:02d}", f"{year}-{month:02d}-{day:02d}", f"{year}/{month:02d}/{day:02d}",
        f"{day} {short} {year}", f"{day:02d} {short.upper()} {year}", f"{day:02d}-{short}-{year}",
        f"{day:02d}-{short.upper()}-{year % 100:02d}", f"{short} {day}, {year}", f"{name} {day}, {year}",
        f"{day} {name} {year}", f"{day:02d}{short.upper()}{year}",
    ))  # fmt: skip


def clock(rng: Random) -> str:
    """A time of day, with seconds or without, of 12 or 24 hours."""
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    twelve = f"{(hour + 11) % 12 + 1}"
    half = "AM" if hour < 12 else "PM"
    return rng.choice((
        f"{hour:02d}:{minute:02d}", f"{hour:02d}:{minute:02d}:{second:02d}", f"{twelve}:{minute:02d} {half}",
        f"{twelve:0>2}:{minute:02d}{half}", f"{twelve}:{minute:02d}:{second:02d} {half}", f"{hour}:{minute:02d}",
    ))  # fmt: skip
