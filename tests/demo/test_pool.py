"""The demonstration pool: what it plants is what it says."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime

import pytest

from selectlang.demo.pool import SHARES, TARGET_TASKS, make_pool, make_targets, write
from selectlang.demo.tasks import TASKS, Example
from selectlang.demo.words import COUNTRIES, DICTIONARY, LANGUAGES

POOL = make_pool()
GOOD = [row for row in POOL if row["quality"] == "good"]


def of(task, rows=GOOD):
    return [row for row in rows if row["task"] == task]


def question(row):
    return row["instruction"], row["input"]


def test_same_seed_same_pool():
    assert make_pool(500, seed=7) == make_pool(500, seed=7)
    assert make_pool(500, seed=7) != make_pool(500, seed=8)
    assert make_targets(seed=7) == make_targets(seed=7)
    assert make_targets(seed=7) != make_targets(seed=8)


@pytest.mark.parametrize("rows", [0, 1, 99, 1000, 3000])
def test_planted_shares(rows):
    counts = Counter(row["quality"] for row in make_pool(rows))
    assert counts.total() == rows
    for quality, share in SHARES.items():
        assert abs(counts[quality] - rows * share / 100) < 1


def test_every_row_has_every_field_and_its_own_id():
    fields = {"id", "instruction", "input", "output", "task", "quality"}
    assert all(set(row) == fields for row in POOL)
    assert len({row["id"] for row in POOL}) == len(POOL)
    assert {row["task"] for row in POOL} == {*TASKS, "none"}


def test_the_order_tells_nothing():
    half = Counter(row["quality"] for row in POOL[: len(POOL) // 2])
    assert all(abs(half[quality] - 15 * share) < 100 for quality, share in SHARES.items())


def test_more_rows_than_can_be_made_is_an_error(monkeypatch):
    always = Example("What is 1 + 1?", "", "2")
    monkeypatch.setitem(TASKS, "dates", (lambda rng: always, 8))
    with pytest.raises(ValueError, match="ask for fewer"):
        make_pool(100)


def test_good_rows_are_distinct():
    assert len({(*question(row), row["output"]) for row in GOOD}) == len(GOOD)


def test_arithmetic_is_right():
    """Each equation holds, starts from numbers that are given or known by then, and the last one answers."""
    for row in of("arithmetic"):
        known = set(re.findall(r"\d+", row["instruction"]))
        for left, sign, right, result in re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", row["output"]):
            assert {left, right} <= known, row
            a, b = int(left), int(right)
            assert {"-": a - b, "+": a + b, "*": a * b, "/": a / b}[sign] == int(result), row
            known.add(result)
        assert row["output"].endswith(f"= {result}. The answer is {result}."), row


def test_arithmetic_answers_what_is_asked():
    """One kind of story worked out by itself, to tie the equations to the words."""
    found = 0
    for row in of("arithmetic"):
        if given := re.search(r"has (\d+) \w+\. \w+ gives (\d+) .* buys (\d+) more", row["instruction"]):
            had, gave, bought = map(int, given.groups())
            assert row["output"].endswith(f"The answer is {had - gave + bought}.")
            found += 1
    assert found > 10


def test_dates_are_right():
    def days(text):
        found = re.findall(r"\d{1,2} [A-Z][a-z]+ \d{4}", text)
        return [datetime.strptime(day, "%d %B %Y").date() for day in found]

    for row in of("dates"):
        asked, answered = row["instruction"], row["output"]
        number = re.search(r"(\d+) days", asked)
        if "day of the week" in asked:
            assert f"{days(asked)[0]:%A}" in answered
        elif "How many days" in asked:
            start, end = days(asked)
            assert f"there are {(end - start).days} days" in answered
        elif "days after" in asked:
            assert (days(answered)[0] - days(asked)[0]).days == int(number[1])
        else:
            assert (days(asked)[0] - days(answered)[-1]).days == int(number[1])


PYTHON = {
    "multiples": ([0, 7, 60, 61, 14], lambda x, n, _: len([i for i in x if not i % n[0]])),
    "scale": ([1, -2, 3], lambda x, n, _: [i * n[0] for i in x]),
    "above": ([-30, -5, 0, 5, 30], lambda x, n, _: list(filter(lambda i: i > n[0], x))),
    "clamp": (7, lambda x, n, _: sorted([n[0], x, n[1]])[1]),
    "letters": ("Banana eggs", lambda x, _, c: len([i for i in x.lower() if i == c])),
    "first": (list(range(80)), lambda x, n, _: [i for i in x if i < n[0]]),
    "starting": ("apple banana egg", lambda x, _, c: [i for i in x.split() if i[0] == c]),
    "power_sum": ([1, 2, 3], lambda x, n, _: 14 + n[0]),
    "chunks": (
        [1, 2, 3, 4, 5],
        lambda x, n, _: [list(part) for part in zip(*[iter(x)] * n[0], strict=False)],
    ),
    "pad": ("ab", lambda x, n, c: c * (n[0] - len(x)) + x),
}


def test_python_does_what_is_asked():
    seen = set()
    for row in of("python"):
        code = re.fullmatch(r"```python\n(.*)\n```", row["output"], re.DOTALL)[1]
        scope = {}
        exec(code, scope)
        name = re.search(r"Call it (\w+)\.", row["instruction"])[1]
        given, expected = PYTHON[name]
        numbers = [int(n) for n in re.findall(r"-?\d+", row["instruction"])]
        letter = re.search(r"'(\w)'", row["instruction"])
        answer = scope[name](given)
        wanted = expected(given, numbers, letter and letter[1])
        if name == "chunks":  # the last part may be shorter, which zip drops
            assert [item for part in answer for item in part] == given
            answer = [part for part in answer if len(part) == numbers[0]]
        assert answer == wanted, row
        seen.add(name)
    assert seen == set(PYTHON)


def test_units_are_right():
    sizes = {
        "kilometres": 100_000, "metres": 100, "centimetres": 1,
        "weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1,
        "kilograms": 1000, "grams": 1, "litres": 1000, "millilitres": 1,
        "yards": 36, "feet": 12, "inches": 1, "pounds": 16, "ounces": 1, "gallons": 4, "quarts": 1,
    }  # fmt: skip
    for row in of("units"):
        given, wanted = re.search(r"so (.+) are (.+)\.$", row["output"]).groups()
        (a, unit), (b, other) = given.split(), wanted.split()
        assert given in row["instruction"]
        assert int(a) * sizes[unit] == int(b) * sizes[other], row


def test_geography_names_the_right_country():
    facts = {
        country: {capital, continent, language, currency}
        for country, capital, continent, language, currency in COUNTRIES
    }
    for row in of("geography"):
        country = next(name for name in facts if name in row["output"])
        assert any(fact in row["output"] for fact in facts[country]), row


def test_translations_are_right():
    for row in of("translation"):
        language = next(name for name in LANGUAGES if name in row["instruction"])
        pairs = [line.split(": ") for line in row["output"].splitlines()]
        assert [word for word, _ in pairs] == row["input"].split(", ")
        assert all(DICTIONARY[word][language] == meaning for word, meaning in pairs)


def test_near_duplicates_keep_answer_and_question_of_a_good_row():
    answers = {}
    for row in GOOD:
        answers.setdefault((row["task"], row["input"], row["output"]), []).append(row["instruction"])
    for row in POOL:
        if row["quality"] == "near_duplicate":
            originals = answers[row["task"], row["input"], row["output"]]
            assert any(text in row["instruction"] and text != row["instruction"] for text in originals)


def test_mismatched_rows_have_the_answer_of_another_task():
    homes = {}
    for row in GOOD:
        homes.setdefault(row["output"], set()).add(row["task"])
    mismatched = [row for row in POOL if row["quality"] == "mismatched"]
    assert all(homes[row["output"]] - {row["task"]} for row in mismatched)


def test_short_answers_are_short_and_garbage_has_no_task():
    assert all(len(row["output"]) < 15 for row in POOL if row["quality"] == "short")
    assert {row["quality"] for row in of("none", POOL)} == {"garbage"}


def test_targets_are_new_rows_of_their_tasks():
    targets = make_targets()
    assert Counter(row["task"] for row in targets) == dict.fromkeys(TARGET_TASKS, 8)
    assert set(TARGET_TASKS) < set(TASKS)
    assert not {question(row) for row in targets} & {question(row) for row in POOL}
    assert len({row["id"] for row in targets}) == len(targets)


def test_written_files_hold_the_rows(tmp_path):
    pool, targets = write(tmp_path / "new", rows=50, seed=3)
    assert [json.loads(line) for line in pool.read_text("utf-8").splitlines()] == make_pool(50, seed=3)
    assert [json.loads(line) for line in targets.read_text("utf-8").splitlines()] == make_targets(seed=3)
