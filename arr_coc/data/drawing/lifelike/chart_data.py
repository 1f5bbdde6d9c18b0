"""What charts are about: headlines, categories, series, numbers, sources, as newspapers and surveys print them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from arr_coc.data.drawing import words
from arr_coc.data.drawing.lifelike.vocabulary import MONTH_NAMES, Speaker
from arr_coc.data.drawing.lifelike.world import BRANDS, COUNTRIES, GROUP_WORDS, distinct, firm, town
from arr_coc.data.drawing.words import listed

SCALES = (
    ("Agree", "Disagree"), ("Yes", "No", "Not sure"), ("Very good", "Good", "Fair", "Poor"),
    ("Support", "Oppose", "Don't know"),
    ("More", "About the same", "Less"), ("Often", "Sometimes", "Rarely", "Never"), ("Better", "Worse", "No change"),
    ("Urban", "Suburban", "Rural"),
    ("Very likely", "Fairly likely", "Not likely"), ("Trust", "Do not trust"), ("Approve", "Disapprove", "No answer"),
    ("A lot", "Some", "Not at all"),
    ("Satisfied", "Neutral", "Dissatisfied"), ("Online", "In store", "Both"), ("Positive", "Negative"),
    ("Full-time", "Part-time", "Not working"),
    ("Coal", "Gas", "Wind", "Solar", "Other"), ("Daily", "Weekly", "Monthly", "Less often"),
    ("Major problem", "Minor problem", "No problem"),
)  # fmt: skip
AGES = ("Ages 18-29", "30-49", "50-64", "65+")
PEOPLE_SPLITS = (
    AGES, ("Under 25", "25-34", "35-44", "45-54", "55-64", "65 and over"), ("Men", "Women"),
        ("Primary school", "Secondary school", "College", "Postgraduate"),
    ("Lower income", "Middle income", "Upper income"), ("North", "South", "East", "West"),
    ("Urban", "Suburban", "Rural"), ("Left", "Centre", "Right"),
    ("Owners", "Renters"), ("Employed", "Unemployed", "Retired", "Students"), ("Low", "Medium", "High"),
)  # fmt: skip
THINGS = listed(
    "Economy|Health care|Education|Immigration|Housing costs|Climate|Crime|Pensions|Taxes|Public transport|"
    "Food prices|Energy bills|Water supply|"
    "Data privacy|Child care|Air pollution|Unemployment|Road safety|Corruption|Internet access|Rural schools|"
    "Nursing homes|Plastic waste"
)
MEDIA = listed(
    "Television|Radio|Print newspapers|News websites|Social media|Podcasts|Email|Magazines|Messaging apps|"
    "Friends and family|Books|Video sites"
)
USES = listed(
    "use the internet every day|read a book last month|work from home|own a car|cycle to work|trust the news|"
    "save money each month|live alone|"
    "speak two languages|worry about bills|pay by card|shop online|exercise weekly|have a garden|eat breakfast|"
    "watch live sport|cook at home|"
    "volunteer in their town|back up their data|rent their home|follow local politics|take the bus|heat with gas|"
    "own a smartphone"
)
MEASURES = (
    ("Revenue", "in millions of dollars", 2, 980, 0), ("Visitors", "in thousands", 10, 950, 0),
    ("Average price", "in euros", 2, 400, 2),
    ("Rainfall", "mm per month", 4, 240, 0), ("Electricity use", "TWh", 5, 600, 0),
    ("New cars", "thousands registered", 3, 320, 0),
    ("Life expectancy", "years at birth", 55, 85, 1), ("CO2 emissions", "tonnes per person", 0.5, 19, 1),
    ("Downloads", "in millions", 1, 90, 1),
    ("Employees", "number of people", 20, 4800, 0), ("Births", "per 1,000 people", 6, 38, 1),
    ("Exports", "billion US$", 1, 700, 0),
    ("Harvest", "tonnes per hectare", 1, 12, 1), ("Waiting time", "days", 3, 120, 0),
    ("Temperature", "annual mean, degrees", 2, 29, 1),
    ("Rent", "per square metre", 5, 42, 2), ("Tickets sold", "per season", 100, 9800, 0),
    ("Broadband speed", "Mbit/s", 5, 480, 0),
)  # fmt: skip
RATES = (
    "Unemployment rate", "Inflation", "Share of renewable energy", "Voter turnout", "Literacy rate", "Market share",
    "Vaccination rate", "Growth of sales",
    "Share of women in parliament", "Household savings rate", "Internet users", "Forest area", "Home ownership",
    "Occupancy of hotels",
)  # fmt: skip
HEADLINES = (
    "Most {group} say they {use}", "Fewer {group} {use} than a decade ago", "{group} who {use}",
    "About half of {group} {use}", "Who {use}?",
    "Views of {thing} differ widely by {dimension}", "{thing} tops the list of concerns", "How {group} see {thing}",
    "Share of {group} who {use}",
    "{group} are divided over {thing}", "Concern about {thing} is rising", "Many {group} doubt progress on {thing}",
    "{thing}: what {group} think",
)  # fmt: skip
POLLSTERS = ("Survey", "Poll", "Panel", "Barometer", "Monitor", "Study", "Census", "Report", "Yearbook", "Index")
QUESTIONS = (
    "% who {use}",
    "% of {group} who {use}",
    "% saying {thing} is ...",
    "Share of {group}, in percent",
    "% of {group} saying they {use}",
    "In percent",
)


@dataclass(frozen=True)
class ChartData:
    """Everything a chart says.

    Attributes:
        names: categories.
        series: what is told apart by colour; one name, unprinted, where there is one series only.
        values: by series, then by category, as printed.
        unit: "%" or nothing.
        decimals: places behind the point.
        over_time: whether the categories are years or months.
    """

    title: str
    subtitle: str
    names: list[str]
    series: list[str]
    values: list[list[float]]
    unit: str
    decimals: int
    source: str
    note: str
    over_time: bool = False

    def printed(self, value: float, sign: bool) -> str:
        text = f"{value:,.{self.decimals}f}"
        return text + (self.unit if sign else "")


def source(rng: Random, speaker: Speaker) -> str:
    year = rng.randint(1999, 2026)
    body = rng.choice((
        f"{firm(rng, speaker)} {rng.choice(POLLSTERS)}, {year}",
            f"{rng.choice(COUNTRIES)} {rng.choice(POLLSTERS)} {year}", "National Statistics Office", "Eurostat",
        f"{rng.choice(BRANDS)} {rng.choice(POLLSTERS)} of {rng.randint(800, 12000):,} adults, {year}",
        "World Bank", "Ministry of Finance",
        f"{speaker.word(words.SURNAMES)} & {speaker.word(words.SURNAMES)} ({year})", "own calculations",
            f"Annual report {year}",
    ))  # fmt: skip
    return f"{rng.choice(('Source: ', 'Source: ', 'Sources: ', 'Data: ', 'SOURCE: ', ''))}{body}"


def note(rng: Random) -> str:
    return rng.choice((
        "Note: Figures may not add to 100% because of rounding.", "Note: Those who did not answer are not shown.",
        "* Estimate", "Note: Weighted results.",
        "Note: Preliminary figures.", "Multiple answers possible.", "Note: Base year 2015.",
        "Excludes overseas territories.",
    ))  # fmt: skip


PLACES, FIRMS, GROUPS = 0, 4, 5
"""Kinds of `categories`; the first two can have an amount of something."""


def categories(rng: Random, speaker: Speaker, num: int, kind: int | None = None) -> tuple[list[str], str]:
    """(names, what they are called)."""
    kind = rng.randrange(7) if kind is None else kind
    if kind == 0:
        return rng.sample(COUNTRIES, num), "country"
    if kind == 1:
        return rng.sample(THINGS, num), "topic"
    if kind == 2:
        return rng.sample(MEDIA, min(num, len(MEDIA))), "medium"
    if kind == 3:
        return distinct(num, lambda: town(rng, speaker)), "city"
    if kind == 4:
        return distinct(num, lambda: speaker.word(BRANDS)), "brand"
    if kind == 5:
        return rng.sample(GROUP_WORDS, num), "group"
    return list(rng.choice(PEOPLE_SPLITS))[: max(2, num)], "group"


def headline(rng: Random, dimension: str) -> tuple[str, str]:
    """(title, subtitle) of a survey."""
    slots = {
        "group": rng.choice(GROUP_WORDS).lower(),
        "use": rng.choice(USES),
        "thing": rng.choice(THINGS).lower(),
        "dimension": dimension,
    }
    title = rng.choice(HEADLINES).format(**slots)
    return title[0].upper() + title[1:], rng.choice(QUESTIONS).format(**slots)


def shares(rng: Random, num: int) -> list[float]:
    """`num` whole percentages that add up to 100, none under 3."""
    cuts = sorted(rng.sample(range(1, 100 - 2 * num), num - 1))
    edges = [0, *cuts, 100 - 2 * num]
    return [float(b - a + 2) for a, b in zip(edges, edges[1:], strict=False)]


def survey(rng: Random, speaker: Speaker) -> ChartData:
    """Answers on a scale, by group: rows that add up to 100."""
    scale = list(rng.choice(SCALES))
    names, dimension = categories(rng, speaker, rng.randint(2, 9))
    if rng.random() < 0.4:
        names = ["Total", *names]
    rows = [shares(rng, len(scale)) for _ in names]
    if rng.random() < 0.3:
        rows = [[value - rng.choice((0, 0, 1)) if value > 5 else value for value in row] for row in rows]
    title, subtitle = headline(rng, dimension)
    return ChartData(
        title,
        subtitle,
        names,
        scale,
        [list(column) for column in zip(*rows, strict=True)],
        "%",
        0,
        source(rng, speaker),
        note(rng),
    )


def percentages(rng: Random, speaker: Speaker, num_series: int, num: int) -> ChartData:
    """Shares that need not add up."""
    names, dimension = categories(rng, speaker, num)
    series = (
        [str(rng.randint(1990, 2025))]
        if num_series == 1
        else distinct(num_series, lambda: str(rng.randint(1995, 2025)))
    )
    if num_series > 1 and rng.random() < 0.5:
        split = list(rng.choice(PEOPLE_SPLITS))
        series = split[:num_series] if len(split) >= num_series else sorted(series)
    decimals = rng.choice((0, 0, 0, 1))
    values = [[round(rng.uniform(3, 96), decimals) for _ in names] for _ in series]
    if len(series) == 1 and rng.random() < 0.6:
        values[0].sort(reverse=True)
    title, subtitle = headline(rng, dimension)
    return ChartData(
        title,
        subtitle,
        names,
        sorted(series) if series[0].isdigit() else series,
        values,
        "%",
        decimals,
        source(rng, speaker),
        note(rng),
    )


def amounts(rng: Random, speaker: Speaker, num_series: int, num: int) -> ChartData:
    """Numbers with a unit in the subtitle."""
    measure, unit, low, high, decimals = rng.choice(MEASURES)
    names, dimension = categories(rng, speaker, num, rng.choice((PLACES, PLACES, 3, FIRMS)))
    series = distinct(num_series, lambda: str(rng.randint(1995, 2025)))
    values = [[round(rng.uniform(low, high), decimals) for _ in names] for _ in series]
    if len(series) == 1 and rng.random() < 0.6:
        values[0].sort(reverse=True)
    title = rng.choice(
        (
            f"{measure} by {dimension}",
            f"{measure}, {rng.randint(2000, 2026)}",
            f"Where {measure.lower()} is highest",
            f"{measure}: {names[0]} compared",
        )
    )
    return ChartData(
        title, f"{measure}, {unit}", names, sorted(series), values, "", decimals, source(rng, speaker), note(rng)
    )


def over_time(rng: Random, speaker: Speaker, num_series: int) -> ChartData:
    """Values that move along years or months."""
    is_rate = rng.random() < 0.55
    measure, unit, low, high, decimals = (
        (rng.choice(RATES), "in percent", 2, 95, rng.choice((0, 0, 1))) if is_rate else rng.choice(MEASURES)
    )
    num = rng.randint(4, 12)
    start, step = rng.randint(1950, 2012), rng.choice((1, 1, 1, 2, 5))
    ticks = [str(start + step * k) for k in range(num)]
    if rng.random() < 0.2:
        ticks = [name[:3] for name in MONTH_NAMES][:num]
    kind = rng.choice((PLACES, FIRMS, GROUPS))
    series = categories(rng, speaker, num_series, kind)[0] if num_series > 1 else [measure]
    values = [walk(rng, num, low, high, decimals) for _ in series]
    place = rng.choice((*COUNTRIES, "Europe", "the region", "the city"))
    title = rng.choice(
        (
            f"{measure} in {place}",
            f"{measure}, {ticks[0]}-{ticks[-1]}",
            f"{measure} has changed since {ticks[0]}",
            f"{measure} over time",
        )
    )
    return ChartData(
        title,
        f"{measure}, {unit}",
        ticks,
        list(series),
        values,
        "%" if is_rate else "",
        decimals,
        source(rng, speaker),
        note(rng),
        True,
    )


def walk(rng: Random, num: int, low: float, high: float, decimals: int) -> list[float]:
    level, drift = rng.uniform(low, high), rng.gauss(0, 0.05) * (high - low)
    found = []
    for _ in range(num):
        step = drift + rng.gauss(0, 0.06) * (high - low)
        level += step if low < level + step < high else -step
        level = min(high, max(low, level))
        found.append(round(level, decimals))
    return found
