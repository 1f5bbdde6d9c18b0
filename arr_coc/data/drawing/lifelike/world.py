"""The world beyond the till: places, people, brands, goods and amounts, in the formats in which they are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.lifelike.vocabulary import TRADES, Speaker
from arr_coc.data.drawing.words import listed

COUNTRIES = listed(
    "Argentina|Australia|Austria|Belgium|Brazil|Bulgaria|Canada|Chile|China|Colombia|Croatia|Cyprus|Czechia|Denmark|"
    "Egypt|"
    "Estonia|Finland|France|Germany|Ghana|Greece|Hungary|Iceland|India|Indonesia|Ireland|Israel|Italy|Japan|Kenya|"
    "Latvia|"
    "Lithuania|Malaysia|Malta|Mexico|Morocco|Netherlands|New Zealand|Nigeria|Norway|Pakistan|Peru|Philippines|Poland|"
    "Portugal|Romania|Serbia|Slovakia|Slovenia|South Africa|South Korea|Spain|Sweden|Switzerland|Thailand|Tunisia|"
    "Turkey|"
    "Ukraine|United Kingdom|United States|Uruguay|Vietnam|Zambia"
)
TOWNS = listed(
    "Aarhus|Alicante|Almería|Bad Homburg|Bergen|Besançon|Bordeaux|Brno|Bruges|Cádiz|Cologne|Como|Cork|Córdoba|Dijon|"
    "Düsseldorf|"
    "Espoo|Exeter|Galway|Gdańsk|Genoa|Girona|Göteborg|Graz|Halifax|Innsbruck|Izmir|Kassel|Kiel|Kingston|Köln|Leiden|"
    "Linz|"
    "Liège|Lübeck|Mainz|Málaga|Mons|Nantes|Nîmes|Nürnberg|Odense|Ostend|Padua|Parma|Penang|Perth|Pisa|Plymouth|"
    "Poznań|Ravenna|"
    "Reims|Rostock|Salem|Salzburg|San José|Santa Fe|Sheffield|Siena|Springfield|Tampere|Toulon|Trier|Uppsala|Utrecht|"
    "Verona|"
    "Vigo|Wells|Winchester|Würzburg|Zagreb|Århus|Ålesund|Évora|Örebro"
)
FIRST_NAMES = listed(
    "Aisha Akira Alejandro Amélie Anders Andrea Anil Beatriz Björn Camille Carlos Chen Chloé Dmitri Elena Elif Emeka "
    "Fatima "
    "Fernando Freya Giulia Hana Hassan Ingrid Isabel Jakub Joana João Jonas Kofi Lars Leila Lukas Magda Mateo Mei "
    "Milan Mohammed "
    "Nadia Nikos Noor Olga Pablo Priya Rafael Ravi René Rosa Sanne Sofie Søren Tariq Tomás Ulla Valentina Wei Yara "
    "Yusuf Zoë"
)
LAST_NAMES = listed(
    "Abbott Alvarez Andersen Bakker Becker Bianchi Blanc Bauer Cho Chowdhury Costa Da_Silva Dubois Eriksson "
    "Fernández Fischer "
    "Fontaine García Gonçalves Haddad Hansen Hofmann Ibrahim Ivanova Jansen Kaya Khan Kim Kowalski Krüger Laine "
    "Larsen Lefèvre "
    "Lindqvist López Mbeki Meyer Müller Nakamura Nguyen Novák O'Brien Okafor Papadakis Patel Pereira Petrov Rossi "
    "Ruiz Sato "
    "Schmidt Silva Singh Sørensen Suzuki Tan Tanaka Vargas Virtanen Vogel Wagner Weber Wójcik Wong Yamada Yilmaz Zhang"
)
JOBS = listed(
    "Accounting|Advice|Assembly|Boiler check|Catering|Cleaning|Consulting|Copywriting|Courier|Data entry|Delivery|"
    "Design|Disposal|"
    "Domain name|Editing|Electrical work|Freight|Gardening|Hosting|Inspection|Installation|Insurance|Labour|"
    "Legal fees|Licence|"
    "Maintenance|Materials|Membership|Mileage|Office rent|Painting|Paper A4|Photography|Plumbing|Postage|Printing|"
    "Project work|"
    "Proofreading|Rental|Repair|Setup fee|Site visit|Software|Spare parts|Storage|Support|Toner|Training|Translation|"
    "Transport|"
    "Travel expenses|Tuning|Video call|Web design|Workshop"
)
BRANDS = listed(
    "Alpina Aquila Arcadia Avanti Belmont Borealis Brava Calypso Capella Castello Corvus Delphi Dorado Elara "
    "Estrella Fidelio Fontana "
    "Galaxia Halcyon Helios Ibex Jupiter Kestrel Linden Lumina Meridian Mistral Monza Nimbus Nordica Octavia Olympia "
    "Orion Panorama "
    "Pegasus Phoenix Polaris Primavera Quanta Regal Rialto Rosetta Sapphire Solara Sterling Tempo Titan Trident "
    "Ultra Unica Vega Vista "
    "Vitalis Zenith Zephyr"
)
SHOWS = listed(
    "Winter Concert|Open Air|Jazz Night|Swan Lake|The Storm|Comedy Club|String Quartet|Film Festival|City Marathon|"
    "Science Slam|"
    "Rock the Lake|Summer Gala|Magic Flute|Book Fair|Poetry Evening|Light Show|Street Food Fair|Chamber Choir|"
    "Blues & Beyond|"
    "Night at the Museum|Farewell Tour|The Visitors|Second Spring|A Quiet House|Ocean Drive|Gospel Sunday|"
    "Tango Argentino"
)
HALLS = listed(
    "Town Hall|Royal Theatre|City Arena|Opera House|Main Stage|Old Barn|Kursaal|Concert Hall|Studio 2|Civic Centre|"
    "Grand Cinema|"
    "Lido|Odeon|Palace Gardens|Riverside Park|Stadium North|Salle Verte|Kulturhaus|Teatro Nuovo"
)
BANKS = listed(
    "Savings Bank|Union Bank|Credit Union|Volksbank|Banco Central|First National|Crédit Rural|Handelsbank|Post Bank|"
    "City Bank"
)
GROUP_WORDS = listed(
    "Adults Women Men Students Parents Workers Voters Farmers Retirees Teachers Drivers Renters Owners Readers "
    "Patients Tourists "
    "Employers Nurses Teenagers Graduates"
)
SIGNS_OF = {"$": "before", "€": "either", "£": "before", "CHF": "before", "kr": "after", "USD": "before",
    "EUR": "either", "RM": "before",
            "zł": "after", "R$": "before", "Rs.": "before", "": "before"}  # fmt: skip
SEPARATORS = (",.", ",.", ",.", ".,", " ,", "'.", " .", "..")


@dataclass(frozen=True)
class Money:
    """How amounts are printed in one document.

    Attributes:
        sign: of the currency; empty where none is printed.
        after: whether the sign follows.
        thousands, point: what parts thousands, what parts cents.
        gap: between sign and digits.
    """

    sign: str
    after: bool
    thousands: str
    point: str
    gap: str

    @classmethod
    def chosen(cls, rng: Random) -> Money:
        sign = rng.choice(list(SIGNS_OF))
        place = SIGNS_OF[sign]
        after = place == "after" or (place == "either" and rng.random() < 0.5)
        pair = rng.choice(SEPARATORS)
        thousands = "" if pair == ".." or rng.random() < 0.15 else pair[0]
        gap = " " if after or len(sign) > 1 or rng.random() < 0.15 else ""
        return cls(sign, after, thousands, pair[1], gap if sign else "")

    def bare(self, cents: int) -> str:
        """The number without the currency."""
        whole, rest = divmod(abs(cents), 100)
        digits = f"{whole:,}".replace(",", self.thousands)
        return f"{'-' if cents < 0 else ''}{digits}{self.point}{rest:02d}"

    def full(self, cents: int) -> str:
        """With the currency."""
        number = self.bare(cents)
        return f"{number}{self.gap}{self.sign}" if self.after else f"{self.sign}{self.gap}{number}"


def person(rng: Random, speaker: Speaker) -> str:
    """First and last name, often from another country, some with a title or an initial."""
    first = speaker.word(FIRST_NAMES + words.NAMES)
    last = speaker.word(LAST_NAMES + words.SURNAMES).replace("_", " ")
    form = rng.random()
    if form < 0.1:
        return f"{rng.choice(('Mr', 'Ms', 'Mrs', 'Dr.', 'Prof.', 'Herr', 'Frau', 'Mme'))} {last}"
    if form < 0.2:
        return f"{first[0]}. {last}"
    if form < 0.26:
        return f"{last}, {first}"
    return f"{first} {last}"


def town(rng: Random, speaker: Speaker) -> str:
    return speaker.word(TOWNS + words.CITIES)


def postal_address(rng: Random, speaker: Speaker) -> list[str]:
    """Street and town as written in one of several countries."""
    street, number = speaker.word(words.TOPICS + LAST_NAMES).replace("_", " "), rng.randint(1, 240)
    place, code = town(rng, speaker), f"{rng.randint(1000, 99999):05d}"
    letters = "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXY", k=4))
    return list(rng.choice((
        (f"{number} {street} {rng.choice(('Street', 'Road', 'Ave', 'Lane', 'St.'))}", f"{place} {code}"),
        (f"{street}straße {number}", f"{code} {place}"),
        (f"{number}, rue {street}", f"{code} {place.upper()}"),
        (f"{street}weg {number}", f"{code[:4]} {letters[:2]} {place}"),
        (f"Via {street}, {number}", f"{code} {place}"),
        (f"{number} {street} Close", f"{place} {letters[:2]}{rng.randint(1, 19)} {rng.randint(1, 9)}{letters[2:]}"),
        (f"Calle {street} {number}", f"{code} {place}"),
        (f"PO Box {rng.randint(10, 9999)}", f"{place}, {letters[:2]} {code}"),
    )))  # fmt: skip


def firm(rng: Random, speaker: Speaker) -> str:
    """A company's name, as till receipts have them or as a brand."""
    if rng.random() < 0.5:
        return speaker.company()
    core = speaker.word(BRANDS)
    tail = rng.choice(
        ("", speaker.word(TRADES), "Solutions", "Systems", "Logistics", "Energy", "Studio", "Partners", "Labs")
    )
    form = rng.choice(("", "", "GmbH", "Ltd", "Inc.", "AB", "S.p.A.", "B.V.", "AG", "SARL", "Oy", "A/S", "LLP"))
    return " ".join(f"{core} {tail} {form}".split())


def email(rng: Random, name: str) -> str:
    core = "".join(char for char in name.lower().split()[0] if char.isascii() and char.isalnum()) or "office"
    end = rng.choice(("com", "net", "org", "co.uk", "de", "fr", "eu", "io", "it"))
    return f"{rng.choice(('info', 'office', 'billing', 'hello', 'sales', 'contact', 'mail'))}@{core}.{end}"


def website(rng: Random, name: str) -> str:
    address = email(rng, name).split("@")[1]
    return rng.choice(("www.", "", "https://", "www.")) + address


def account(rng: Random) -> str:
    """An account number, most in groups of four."""
    digits = "".join(rng.choices("0123456789", k=18))
    country = rng.choice(("DE", "FR", "GB", "NL", "AT", "ES", "IT", "BE"))
    grouped = f"{country}{digits[:2]} " + " ".join(digits[k : k + 4] for k in range(2, 18, 4))
    return rng.choice(
        (
            grouped,
            grouped,
            f"{digits[:3]}-{digits[3:9]}",
            digits[:10],
            f"{digits[:2]}-{digits[2:4]}-{digits[4:6]} {digits[6:14]}",
        )
    )


def distinct(num: int, make: Callable[[], str]) -> list[str]:
    """`num` different texts of a maker."""
    found: list[str] = []
    while len(found) < num:
        wish = make()
        if wish not in found:
            found.append(wish)
    return found
