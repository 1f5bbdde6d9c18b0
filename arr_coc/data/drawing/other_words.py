"""Words that training never has, each in the place of one that it has: another vocabulary for the same pictures.

Running text, months, colours and the labels that a question's wording names (total, tax) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from arr_coc.data.drawing import words
from arr_coc.data.drawing.words import listed

ITEMS = listed(
    "Anise Arugula Bamboo Barley Beet Borage Brisket Bulgur Capers Cashew Celery Chai Chard Chives Cider Clams "
    "Clover Cress Currant Dates Dill Eel Endive Fennel Figs Fudge Gelato Ghee Gouda Granola Grits Guava Haddock "
    "Halibut Hominy Hummus Kale Kefir Kelp Kiwi Leek Lentil Lychee Malt Maple Millet Mint Miso Nougat Nutmeg "
    "Okra Papaya Pecan Pesto Quiche Quinoa Relish Rhubarb Rye Saffron Sage Scone Sorbet Spelt Squash Tahini Taro "
    "Thyme Trout Truffle Turnip Veal Walnut Wasabi Yam Zest"
)
NAMES = listed(
    "Abel Agnes Aidan Alma Anton Astrid Axel Beth Boris Bruno Bryn Cedric Celia Clive Cora Cyrus Dana Dexter "
    "Dora Edgar Edith Elias Elmer Enid Esther Ezra Fay Felicity Fergus Fiona Flora Fritz Gail Gavin Gerda Gina "
    "Gustav Gwen Harold Hazel Hugo Igor Inga Iris Jasper Jill Joel Kurt Lars Lena Lois Lydia Magnus Mavis Milo "
    "Monty Myra Nadia Neil Olga Otto Petra Phil Quentin Ralph Rhys Roy Saul Sven Tess Ulric Una Violet Zoe"
)
SURNAMES = listed(
    "Abbott Ames Archer Barlow Barr Bishop Boyd Briggs Burke Byrne Chase Conway Crane Cruz Dalton Dixon Doyle Drake "
    "Dunn Eaton Ellis Farrow Finch Flynn Frost Gibbs Goff Grant Hardy Hayes Hobbs Holt Hyde Ingram Jarvis Keane "
    "Kemp Knox Lloyd Lowe Lyons Marsh Mead Moss Norris Nolan Ogden Parrish Payne Pike Pratt Rhodes Rowe "
    "Savage Sharp Sloan Swift Tate Thorne Todd Vance Voss Ware Watts Wolfe Yates"
)
CITIES = listed(
    "Accra Adelaide Albany Algiers Amman Ankara Antwerp Bergen Bogota Bonn Bremen Brno Bruges Calgary Cardiff Cork "
    "Dakar Darwin Derby Dresden Durban Essen Exeter Genoa Graz Hague Halifax Havana Helsinki Hobart Izmir Jakarta "
    "Kabul Kiel Kigali Krakow Leiden Lille Linz Lodz Luanda Lusaka Malaga Manila Medina Minsk Mumbai Nice Odessa "
    "Osaka Ottawa Pisa Plymouth Pune Quito Rabat Reno Salem Split Tallinn Tampa Tunis Tulsa Vilnius Yerevan Zagreb"
)
SECTIONS = listed(
    "ADVISOR ANALYST ARTIST ATHLETE AUDITOR AUTHOR BARON BROKER CADET CAPTAIN CLERK COACH COURIER CURATOR DEALER "
    "DEPUTY DONOR EDITOR ENVOY FARMER GUARDIAN HEIR LENDER MARSHAL MAYOR MEMBER MENTOR MINER NOTARY ORPHAN PAINTER "
    "PORTER PRINCE REGENT SAILOR SCHOLAR SOLDIER SPONSOR STEWARD TRADER TRUSTEE TUTOR UMPIRE VENDOR WARDEN"
)
TOPICS = listed(
    "Acoustics Algebra Anatomy Archery Banking Botany Bravery Ceramics Chess Climate Dancing Desert Diving "
    "Drainage Ecology Fencing Finance Folklore Forestry Geology Glacier Grammar Hiking Hygiene Judo Juggling Law "
    "Lagoon Logic Masonry Meadow Mining Nutrition Opera Orchard Poetry Pottery Prairie Quarry Rowing Sewing Skiing "
    "Sociology Summit Swamp Theology Tundra Vaults Virology Volcano Weaving Welding Zoology"
)
TITLES = listed(
    "Absence Agenda Appeal Archive Audit Ballot Banquet Barrier Bond Briefing Bureau Catalog Census Charter Chronicle "
    "Committee Compass Council Debate Decree Digest Dossier Essay Excerpt Fiscal Forecast Gazette Glossary Hearing "
    "Index Inquiry Insight Interim Inventory Itinerary Journal Junior Leaflet Ledger Legal Lesson Liaison Memoir "
    "Mission Motion Odyssey Overview Panel Parish Patent Petition Primer Proposal Protocol Ratio Recipe Registry "
    "Remedy Ruling Rural Senior Sequel Statute Survey Syllabus Synopsis Tender Thesis Treaty Triennial Urban Verdict"
)
CATEGORIES = listed(
    "Axes Badges Bats Beds Bells Bees Bows Bulls Canoes Carts Coins Combs Crabs Crows Cubes Deer Dolls Drums Eagles "
    "Fans Fences Flags Flutes Forts Foxes Frogs Gears Gowns Harps Hens Hives Jars Jets Jugs Kegs Kilns Knots "
    "Ladles Lions Locks Masks Mice Mills Moths Mugs Nests Oars Owls Pails Pans Pots Quilts Rakes Rams Robes Sacks "
    "Saws Seals Skis Sleds Sofas Stamps Swans Ties Tigers Tubs Urns Vases Vests Wasps Wigs Wolves Yachts Zebras"
)
SHOPS = listed(
    "Amber Anvil Arctic Atlas Beacon Bramble Breezy Canyon Cellar Comet Copper Coral Cosmic Cottage Crimson Crystal "
    "Dainty Dynasty Eager Ember Emerald Falcon Galaxy Gentle Glade Grotto Gusto Hermit Heron Hollow Indigo Ivory "
    "Jolly Jungle Lantern Lively Lodge Lunar Magpie Marble Mellow Merry Nimble Noble Nomad Nutshell Oasis Olympic Onyx "
    "Orbit Pantry Parlour Phoenix Pinnacle Polar Quaint Raven Rustic Sapphire Scarlet Shack Snug Solar "
    "Sparrow Tavern Tidy Topaz Trusty Tulip Twilight Valley Velvet Vintage Vivid Zephyr"
)
SIGNS = listed(
    "ACCESS AIM ALLEY ARENA BAY BEWARE BYPASS CANAL CAPITAL CHAPEL CLIFF CRAWL DAM DEAD DEPOT DUNES ENTER "
    "FOUNTAIN GORGE GULF HALT HAMLET HARVEST HEATH HUNTING INLET JETTY JUNCTION LEVEE MANOR MERGE MOUNT "
    "OBELISK PALACE PASS PEAK PIER PLATFORM PUBLIC QUAY RANCH REEF SCENIC SHRINE SHUTTLE SILENCE "
    "STABLES SUBWAY TEMPLE TERMINAL TOLL VIADUCT VISTA WAIT WARNING WHARF YARD"
)
BOARDS = listed(
    "ANTIQUES ARCADE ATELIER BAZAAR BREWERY BUTCHER CARPETS CASINO COBBLER CONSUL CRAFTS CREPES "
    "CURTAINS CYCLES DRAPER DYES EMBASSY FABRICS FALAFEL FRAMES FURS GALLERY GEMS GLAZIER GUITARS HERBS HOSTEL "
    "INKS JEANS KEBAB LACE LOANS MAGIC NAILS NOODLES ORGANS OUTFITS PERFUME PIANOS PUB PUZZLES QUILL RAMEN SADDLER "
    "SAUNA SILKS SKATES SPA STUDIO TATTOO TACOS THREADS VIOLINS WOOL ZINC"
)
LABELS = {
    **{"Name": "Alias", "Surname": "Kinship", "City": "Locale", "Code": "Token", "Phone": "Fax", "Age": "Span"},
    **{"Date": "Term", "Room": "Cabin", "Time": "Hour", "Points": "Grades", "Stock": "Units", "Score": "Marks"},
    **{"Weight": "Volume", "Speed": "Depth", "Orders": "Claims", "Visits": "Logins", "Sales": "Rents"},
    **{"Goals": "Kicks", "Wins": "Feats", "Pets": "Kids", "Cups": "Bowls", "Trips": "Rides", "Tests": "Exams"},
    **{"Friend": "Cousin", "Item": "Gift", "Ref": "Lot", "Slip": "Stub", "Sheet": "Folio", "File": "Deed"},
    **{"Note": "Memo"},
}
PAIRS = (
    *((words.ITEMS, ITEMS), (words.NAMES, NAMES), (words.SURNAMES, SURNAMES), (words.CITIES, CITIES)),
    *((words.SECTIONS, SECTIONS), (words.TOPICS, TOPICS), (words.CATEGORIES, CATEGORIES), (words.SIGNS, SIGNS)),
    *((words.BOARDS, BOARDS), (words.SHOPS, SHOPS), (words.TITLES, TITLES)),
)
LETTERS = re.compile(r"\b[A-Za-z]+\b")


@cache
def in_their_place() -> Mapping[str, str]:
    """Each word of the pictures and the one that stands for it, no longer where there is a choice."""
    pairs = dict(LABELS)
    for old, new in PAIRS:
        parts = {part.capitalize() for entry in old for part in entry.split() if part.isalpha()}
        free = sorted(parts - set(pairs), key=lambda word: (len(word), word))
        assert len(free) <= len(new), new[:3]
        pairs |= dict(zip(free, sorted((word.capitalize() for word in new), key=len), strict=False))
    return pairs


_written_as: ContextVar[Mapping[str, str] | None] = ContextVar("written_as", default=None)


@contextmanager
def other_words() -> Iterator[None]:
    """Pictures drawn in the block, and what is asked about them, have the other vocabulary; all else stays."""
    before = _written_as.set(in_their_place())
    try:
        yield
    finally:
        _written_as.reset(before)


def written(text: str) -> str:
    """A text as it is written here: word by word, capitals as they were; words in lower case stay."""
    pairs = _written_as.get()
    return text if pairs is None else LETTERS.sub(lambda found: in_place_of(found[0], pairs), text)


def in_place_of(word: str, pairs: Mapping[str, str]) -> str:
    if word.isupper() and len(word) > 1:
        return pairs.get(word.capitalize(), word).upper()
    return pairs.get(word, word)
