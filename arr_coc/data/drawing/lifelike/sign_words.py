"""What stands on shops, streets and walls."""

from __future__ import annotations

from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.lifelike.vocabulary import TRADES, Speaker
from arr_coc.data.drawing.lifelike.world import BRANDS, FIRST_NAMES, LAST_NAMES, town
from arr_coc.data.drawing.words import listed

TRADES_ABROAD = listed(
    "Boulangerie|Bäckerei|Apotheke|Farmacia|Ristorante|Trattoria|Gasthaus|Panadería|Coiffeur|Tabac|Kiosk|Blumen|Café|"
    "Brasserie|Librería|Gelateria|"
    "Metzgerei|Buchhandlung|Pharmacie|Osteria|Friseur|Fleuriste|Ferretería|Conditorei|Bijouterie|Optik|Taverna|Bodega"
)
ADJECTIVES = listed(
    "Old Golden Blue Little Royal Lucky Red Green Happy Silver White Black Hidden Corner Sunny Quiet Grand Wild Copper"
)
NOUNS = listed(
    "Lion Crown Anchor Bell Oak Rose Swan Kettle Fork Spoon Bakery Garden Mill Barrel Table Lantern Pigeon Fox Whale "
    "Bridge Door Cup Stove Olive"
)
NOTICES = (
    ("NO PARKING", "at any time"), ("PRIVATE PROPERTY",), ("ENTRANCE", "round the corner"), ("FOR SALE",),
    ("TO LET",), ("CAUTION", "wet floor"), ("EXIT",),
    ("NO SMOKING",), ("STAFF ONLY",), ("PLEASE RING", "the bell"), ("BEWARE", "of the dog"), ("TICKETS",), ("PUSH",),
    ("CLOSED", "on Mondays"), ("RECEPTION",),
    ("DELIVERIES", "at the rear"), ("FIRE EXIT", "keep clear"), ("CCTV", "in operation"), ("NO ENTRY",),
    ("CAR PARK", "customers only"), ("TAXI",), ("Einfahrt", "freihalten"),
    ("Défense", "de stationner"), ("DANGER", "high voltage"), ("SLOW", "children"), ("ROOMS", "vacancies"),
    ("STOP", "pay here"), ("Platform 3",), ("TOILETS",), ("WC",),
    ("Bus stop", "line 14"), ("MIND THE STEP",), ("Reserved",), ("No ball games",), ("Ausgang",), ("Salida",),
    ("Uscita",), ("SOLD",), ("OPEN HOUSE",),
)  # fmt: skip
OFFERS = listed(
    "OPEN|SALE|50% OFF|Free Wi-Fi|Fresh coffee|Hot food|Take away|Since 1962|New collection|Breakfast all day|"
    "Cash only|Keys cut|Repairs|Flowers|Eat in or take out|"
    "Est. 1898|We are hiring|Lunch 11-3|Ice cream|Home made|Walk-ins welcome|No cash|Wine & Cheese|"
    "Pizza by the slice|Last days|2 for 1|Rooms|Parking behind"
)
STREET_ENDS = (
    "Street",
    "Road",
    "Lane",
    "Avenue",
    "St",
    "Rd",
    "Square",
    "Terrace",
    "Hill",
    "Way",
    "Row",
    "Place",
    "Gardens",
    "Court",
    "Mews",
    "Close",
)
DAYS = ("Mon-Fri", "Saturday", "Sunday", "Mon-Thu", "Friday", "Mon-Sat", "Weekends")


def shop_name(rng: Random, speaker: Speaker) -> str:
    last, brand = speaker.word(LAST_NAMES + words.SURNAMES).replace("_", " "), speaker.word(BRANDS)
    trade = rng.choice(TRADES) if rng.random() < 0.7 else rng.choice(TRADES_ABROAD)
    return rng.choice((
        f"{brand} {trade}", f"{last}'s {trade}", f"{trade} {last}",
            f"The {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}", f"{last} & Sons", brand,
        f"{speaker.word(FIRST_NAMES)}'s", f"{trade} {town(rng, speaker)}", f"{rng.choice(ADJECTIVES)} {trade}",
            f"{brand} & {last}", f"{trade} {brand}",
    ))  # fmt: skip


def street_name(rng: Random, speaker: Speaker) -> str:
    core = speaker.word(words.TOPICS + LAST_NAMES + words.SURNAMES).replace("_", " ")
    return rng.choice((
        f"{core} {rng.choice(STREET_ENDS)}", f"{core} {rng.choice(STREET_ENDS)}", f"{core}straße", f"Rue {core}",
            f"Via {core}", f"Calle {core}", f"{core}gata", f"Place {core}", f"{core}weg",
    ))  # fmt: skip


def number_plate(rng: Random) -> str:
    letters = rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=8)
    return rng.choice((
        f"{letters[0]}{letters[1]}{rng.randint(10, 75)} {letters[2]}{letters[3]}{letters[4]}",
            f"{letters[0]}-{letters[1]}{letters[2]} {rng.randint(1, 9999)}",
        f"{letters[0]}{letters[1]}-{rng.randint(100, 999)}-{letters[2]}{letters[3]}",
            f"{rng.randint(1, 9)}{letters[0]}{letters[1]}{letters[2]}{rng.randint(100, 999)}",
        f"{letters[0]}{letters[1]}{letters[2]} {rng.randint(100, 9999)}",
            f"{rng.randint(1000, 9999)} {letters[0]}{letters[1]}{letters[2]}",
    ))  # fmt: skip


def opening_hours(rng: Random) -> str:
    start, end = rng.randint(6, 11), rng.randint(3, 10)
    return rng.choice(
        (
            f"{start}am - {end}pm",
            f"{start}:00 - {end + 12}:00",
            f"{start}.30 - {end + 12}.30",
            f"{start}-{end + 12} h",
            f"{start:02d}:30-{end + 12}:00",
            "closed",
        )
    )
