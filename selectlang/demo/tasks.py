"""The tasks of the demonstration pool: each makes one example with its right answer from a random source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from selectlang.demo.words import (
    COUNTRIES,
    DAYS,
    DICTIONARY,
    DISLIKED,
    EVENTS,
    GOODS,
    LANGUAGES,
    LIKED,
    NAMES,
    PLACES,
    PLANS,
    PRODUCTS,
    REASONS,
    UNITS,
)


class Example(NamedTuple):
    """What is asked, what it is asked about (may be empty), and a good answer."""

    instruction: str
    input: str
    output: str


def arithmetic(rng: Random) -> Example:
    """A word problem; the answer shows the working as equations and ends in the number."""
    name, other = rng.sample(NAMES, 2)
    goods = rng.choice(GOODS)
    a, b, c = rng.randint(24, 90), rng.randint(3, 23), rng.randint(2, 12)
    story, steps, total = rng.choice(
        [
            (
                f"{name} has {a} {goods}. {name} gives {b} of them to {other} and then buys {c} more. "
                f"How many {goods} does {name} have now?",
                [f"{a} - {b} = {a - b}", f"{a - b} + {c} = {a - b + c}"],
                a - b + c,
            ),
            (
                f"A shop sells {goods} in boxes of {b}. {name} buys {c} boxes, {other} buys {a} loose ones. "
                f"How many {goods} do they buy together?",
                [f"{c} * {b} = {c * b}", f"{c * b} + {a} = {c * b + a}"],
                c * b + a,
            ),
            (
                f"{name} packs {b * c} {goods} into {c} equal bags and keeps {a} {goods} aside. "
                f"How many {goods} go into each bag?",
                [f"{b * c} / {c} = {b}"],
                b,
            ),
            (
                f"Each ticket costs {b} dollars. {name} buys {c} tickets and pays with {a + b * c} dollars. "
                "How many dollars of change are returned?",
                [f"{c} * {b} = {c * b}", f"{a + b * c} - {c * b} = {a}"],
                a,
            ),
            (
                f"{name} reads {b} pages a day and {other} reads {c} pages a day. "
                f"How many pages do they read in {a} days together?",
                [f"{b} + {c} = {b + c}", f"{b + c} * {a} = {(b + c) * a}"],
                (b + c) * a,
            ),
        ]
    )
    working = ". Then ".join(steps)
    return Example(story, "", f"We work it out step by step: {working}. The answer is {total}.")


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def dates(rng: Random) -> Example:
    """A question about the calendar."""
    day = date(1950, 1, 1) + timedelta(days=rng.randrange(36_500))
    days = rng.randint(5, 400)
    later = day + timedelta(days=days)
    question, answer = rng.choice(
        [
            (f"What day of the week is {_day(day)}?", f"{_day(day)} is a {day:%A}."),
            (f"Which date is {days} days after {_day(day)}?", f"That date is {_day(later)}."),
            (
                f"How many days are there from {_day(day)} to {_day(later)}?",
                f"From {_day(day)} to {_day(later)} there are {days} days.",
            ),
            (
                f"A meeting was on {_day(later)}. It had been announced {days} days earlier. On which date?",
                f"{days} days before {_day(later)} the date is {_day(day)}.",
            ),
        ]
    )
    return Example(question, "", answer)


def python(rng: Random) -> Example:
    """A small Python function."""
    n, low = rng.randint(2, 60), rng.randint(-20, 20)
    letter, noun = rng.choice("abcdefghijklmnoprstuvw"), rng.choice(["values", "numbers", "items", "data"])
    name, what, parameter, body = rng.choice(
        [
            ("multiples", f"counts multiples of {n} in a list", noun, f"sum(x % {n} == 0 for x in {noun})"),
            ("scale", f"multiplies each number of a list by {n}", noun, f"[x * {n} for x in {noun}]"),
            ("above", f"keeps the numbers of a list above {low}", noun, f"[x for x in {noun} if x > {low}]"),
            ("clamp", f"limits a number to {low} to {low + n}", "x", f"max({low}, min(x, {low + n}))"),
            ("letters", f"counts the letter '{letter}' in a text", "text", f"text.lower().count('{letter}')"),
            ("first", f"returns the first {n} elements of a list", noun, f"{noun}[:{n}]"),
            ("starting", f"lists the words of a text that start with '{letter}'", "text",
             f"[word for word in text.split() if word.startswith('{letter}')]"),
            ("power_sum", f"adds {low} to the sum of the squares of a list", noun,
             f"sum(x ** 2 for x in {noun}) + ({low})"),
            ("chunks", f"splits a list into parts of {n} elements", noun,
             f"[{noun}[i : i + {n}] for i in range(0, len({noun}), {n})]"),
            ("pad", f"pads a text with '{letter}' on the left to {n} characters", "text",
             f"text.rjust({n}, '{letter}')"),
        ]
    )  # fmt: skip
    lead = rng.choice(
        [
            "Write a Python function that",
            "Implement in Python a function that",
            "Create a function in Python that",
        ]
    )
    code = f"def {name}({parameter}):\n    return {body}"
    return Example(f"{lead} {what}. Call it {name}.", "", f"```python\n{code}\n```")


def geography(rng: Random) -> Example:
    """A fact about countries."""
    country, capital, continent, language, currency = rng.choice(COUNTRIES)
    others = rng.sample([row for row in COUNTRIES if row[2] != continent], 3)
    mixed = rng.sample([country, *(row[0] for row in others)], 4)
    options = ", ".join(mixed[:-1]) + " and " + mixed[-1]
    question, answer = rng.choice(
        [
            (f"What is the capital of {country}?", f"The capital of {country} is {capital}."),
            (f"Which country has {capital} as its capital?", f"{capital} is the capital of {country}."),
            (f"In which language are the laws of {country}, and what is its currency?",
             f"The laws of {country} are written in {language}, and its currency is the {currency}."),
            (f"Which of these lies in {continent}: {options}?", f"{country} lies in {continent}."),
            (f"Of {options}, whose capital is {capital}?", f"{capital} is the capital of {country}."),
            (f"On which continent is {capital}?", f"{capital}, and so {country}, is in {continent}."),
        ]
    )  # fmt: skip
    return Example(question, "", answer)


def units(rng: Random) -> Example:
    """A conversion between units, up or down."""
    big, small, factor = rng.choice(UNITS)
    n = rng.randint(2, 150)
    given, wanted = (f"{n} {big}", f"{n * factor} {small}")
    if rng.random() < 0.5:
        given, wanted = wanted, given
    lead = rng.choice(["Convert {0} to {1}.", "Express {0} in {1}.", "How much is {0} in {1}?"])
    one = "foot" if big == "feet" else big.removesuffix("s")
    answer = f"One {one} is {factor} {small}, so {given} are {wanted}."
    return Example(lead.format(given, wanted.split()[1]), "", answer)


def translation(rng: Random) -> Example:
    """A list of words to translate."""
    language = rng.choice(LANGUAGES)
    english = rng.sample(sorted(DICTIONARY), rng.randint(3, 5))
    lead = rng.choice(
        ["Translate these words into {}.", "Give the {} words for this list.", "Say each word in {}."]
    )
    pairs = "\n".join(f"{word}: {DICTIONARY[word][language]}" for word in english)
    return Example(lead.format(language), ", ".join(english), pairs)


def sentiment(rng: Random) -> Example:
    """A review to classify as positive or negative."""
    liked = rng.random() < 0.5
    first, second = rng.sample(LIKED if liked else DISLIKED, 2)
    product, name = rng.choice(PRODUCTS), rng.choice(NAMES)
    lead = rng.choice(
        [
            "Classify the sentiment of this review as positive or negative.",
            "Is the following review positive or negative?",
        ]
    )
    review = f"{name} recommended this {product}. It {first}. In short, it {second}."
    word = "positive" if liked else "negative"
    return Example(lead, review, f"The review is {word}: its writer says that the {product} {first}.")


def rewriting(rng: Random) -> Example:
    """An informal note to make formal."""
    name, event, day = rng.choice(NAMES), rng.choice(EVENTS), rng.choice(DAYS)
    casual, formal = rng.choice(list(REASONS.items()))
    lead = rng.choice(["Rewrite this message in a formal tone.", "Make this note polite and professional."])
    note = f"hey {name}, can't make the {event} on {day}, {casual}. sorry!!"
    regret = f"I regret that I cannot attend the {event} on {day} owing to {formal}."
    return Example(lead, note, f"Dear {name}, {regret} Please accept my apologies.")


def summary(rng: Random) -> Example:
    """A short news item to summarise in a sentence."""
    place, name, day = rng.choice(PLACES), rng.choice(NAMES), rng.choice(DAYS)
    (plan, gist), year = rng.choice(list(PLANS.items())), rng.randint(1890, 2015)
    lead = rng.choice(
        ["Summarise the following text in one sentence.", "What is the point of this paragraph?"]
    )
    text = (
        f"The town {place}, founded in {year}, {plan}. This was announced on {day} by its director, {name}, "
        f"after a year of debate. Visitors of the {place} were asked, and most of them welcomed the change."
    )
    return Example(lead, text, f"The town {place} {gist}, as {name} announced, and most visitors welcome it.")


TASKS: dict[str, tuple[Callable[[Random], Example], int]] = {
    "arithmetic": (arithmetic, 10),
    "dates": (dates, 8),
    "python": (python, 10),
    "geography": (geography, 14),
    "units": (units, 10),
    "translation": (translation, 10),
    "sentiment": (sentiment, 14),
    "rewriting": (rewriting, 12),
    "summary": (summary, 12),
}
"""Each task by name, and its share of the good rows in percent."""
