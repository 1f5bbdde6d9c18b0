"""Vocabulary of the pictures: short lists of common words, names and codes."""

from __future__ import annotations

from random import Random


def listed(text: str) -> list[str]:
    """The words of a text; entries of several words are parted by bars."""
    return text.split("|") if "|" in text else text.split()


ITEMS = listed(
    "Apple Bacon Bagel Banana Beans Beef Berry Bread Brush Butter Cake Candle Candy Carrot Cheese Cherry "
    "Chips Cocoa Coffee Cookie Corn Cream Eggs Fish Flour Garlic Grapes Ham Honey Jam Juice Ketchup Lamp "
    "Lemon Lime Mango Melon Milk Muffin Mustard Nuts Oats Olives Onion Orange Pasta Peach Pear Pepper Pizza "
    "Plum Potato Rice Salad Salmon Salt Sauce Soap Soda Soup Spoon Sugar Tea Toast Tomato Towel Tuna Vinegar "
    "Waffle Water Yogurt"
)
NAMES = listed(
    "Adam Alice Amy Anna Ben Carl Carol Clara Daniel David Diana Emma Eric Eva Felix Frank Grace Hannah Helen "
    "Henry Ida Ivan Jack James Jane Julia Karen Kevin Laura Leo Linda Lucy Maria Mark Martin Max Mia Nina Nora "
    "Oliver Oscar Paul Peter Rita Robert Rosa Ruth Sam Sarah Simon Sofia Susan Thomas Tina Tom Vera Victor Wendy"
)
SURNAMES = listed(
    "Adams Baker Bell Brown Carter Clark Cole Cook Davis Evans Fisher Ford Fox Gray Green Hall Hill Hunt Jones "
    "King Lane Lewis Long Mason Miller Moore Morgan Nash Owen Palmer Parker Price Quinn Reed Rose Ryan Scott "
    "Shaw Smith Stone Taylor Turner Wade Walker Ward Webb West White Wood Young"
)
CITIES = listed(
    "Athens Austin Basel Berlin Bern Boston Bristol Cairo Chicago Dallas Delhi Denver Dublin Dubai Geneva Ghent "
    "Hanoi Houston Kyoto Lagos Leeds Lima Lisbon London Lyon Madrid Malmo Miami Milan Munich Nairobi Naples Oslo "
    "Oxford Paris Perth Porto Prague Quebec Riga Rome Seattle Seoul Sofia Sydney Tokyo Toronto Turin Vienna "
    "Warsaw York Zurich"
)
SECTIONS = listed(
    "PATIENT DOCTOR SENDER VEHICLE OWNER DRIVER STUDENT TEACHER BUYER SELLER CLIENT AGENT GUEST HOTEL FLIGHT "
    "SCHOOL OFFICE STORE FACTORY PARENT TENANT LANDLORD PILOT NURSE JUDGE WITNESS INSURER BANK CARRIER MANAGER"
)
TOPICS = listed(
    "Storage Safety Budget Travel Garden Kitchen Energy Repair Music History Weather Sports Health Library "
    "Market Harbour Traffic Museum Theatre Science Lighting Heating Parking Training Planning Delivery Cleaning "
    "Painting Security Research Schedule Housing Forest River Bridge Airport Station Island Village Castle"
)
TITLES = listed(
    "Annual Report|Monthly News|Staff Handbook|Project Plan|City Guide|Field Notes|House Rules|Test Results|"
    "Travel Diary|Meeting Minutes|User Manual|Sales Summary|Winter Update|Summer Camp|Quality Check|Team Review|"
    "Open Letter|Safety Notice|Work Order|Club Bulletin|Press Release|Price List|Data Sheet|Market Study"
)
CATEGORIES = listed(
    "Bikes Boats Books Boots Buses Cars Cats Chairs Clocks Coats Cows Cups Desks Dogs Doors Ducks Films Games "
    "Goats Hats Horses Keys Kites Lamps Maps Pens Phones Pigs Plants Radios Rings Roads Rugs Sheep Ships Shirts "
    "Shoes Socks Songs Spoons Tables Taxis Tents Toys Trains Trees Vans Walls"
)
MONTHS = listed("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
SHOPS = listed(
    "Sunny Mart|Blue Cafe|Corner Shop|Green Market|City Foods|Happy Deli|Star Bakery|Lucky Store|Ocean Grill|"
    "Garden Shop|Royal Bistro|Fresh Farm|Golden Spoon|River Cafe|Mountain Inn|Village Shop|Silver Fork|Red Barn|"
    "Moon Diner|Palm Market|Old Mill|Super Saver|Quick Stop|Tasty Corner|Forest Inn|Harbour Bar|Station Kiosk|"
    "Royal Bakery|Sweet House|Pixel Shop"
)
FILLER = listed(
    "about above after again along among around because before below between both could during each every few "
    "first from given great group have into know large later light little long make many more most much near "
    "never next often only open order other over part place point same several small some soon still such take "
    "than that their them then there these they thing this three through time under until upon very water well "
    "were when where which while will with work would year"
)
SIGNS = listed(
    "STOP EXIT SLOW YIELD PARK BEACH ZOO STATION AIRPORT HARBOUR SCHOOL MUSEUM HOSPITAL CAMPING LIBRARY FERRY "
    "CASTLE STADIUM CENTRE NORTH SOUTH EAST WEST LEFT RIGHT PARKING METRO TRAM BRIDGE TUNNEL FOREST LAKE RIVER "
    "MARKET CHURCH TOWER PORT FARM DETOUR CAUTION"
)
BOARDS = listed(
    "BAKERY HOTEL BANK CAFE BOOKS MUSIC FLOWERS PIZZA POST CINEMA GARAGE OPTICS SHOES TOYS BIKES BARBER SALON "
    "GRILL FRUIT TEA WINE CHEESE FISH MEAT HATS LAMPS PAPER PAINT TOOLS PHARMACY SUSHI PASTA TAILOR DENTIST GYM "
    "YOGA PETS RADIO CLOCKS RINGS"
)
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def code(rng: Random, *, length: int = 0) -> str:
    """Random letters and digits, 4 to 6 of them, at least one digit; no letter O, no letter I."""
    length = length or rng.randint(4, 6)
    if rng.random() < 0.35:
        return number(rng, length)
    head = rng.randint(1, length - 1)
    pools = [CODE_LETTERS] * head + ["0123456789"] * (length - head)
    if rng.random() < 0.4:
        rng.shuffle(pools)
    return "".join(rng.choice(pool) for pool in pools)


def number(rng: Random, length: int) -> str:
    """A digit string that does not start with zero."""
    return str(rng.randint(10 ** (length - 1), 10**length - 1))


def date(rng: Random) -> str:
    """A date in one of three printed forms."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2001, 2029)
    form = rng.randrange(3)
    if form == 0:
        return f"{day:02d}/{month:02d}/{year}"
    if form == 1:
        return f"{day:02d}.{month:02d}.{year}"
    return f"{day} {MONTHS[month - 1]} {year}"


def time(rng: Random) -> str:
    """A time of day, hours and minutes."""
    return f"{rng.randint(6, 22):02d}:{rng.randint(0, 59):02d}"


def phone(rng: Random) -> str:
    """Seven digits, grouped three and four."""
    return f"{number(rng, 3)}-{number(rng, 4)}"


def distinct(rng: Random, words: list[str], num: int, longest: int = 99) -> list[str]:
    """`num` different words of at most `longest` letters."""
    return rng.sample([word for word in words if len(word) <= longest], num)
