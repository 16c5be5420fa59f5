"""Checks that run a method twice, where it should say the same both times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from selectlang.errors import DataError
from selectlang.testing import made
from selectlang.testing.findings import Finding
from selectlang.testing.said import Outcome, difference, stayed
from selectlang.testing.trial import SEED, Failed, Sets, Trial

if TYPE_CHECKING:
    from selectlang.testing.suite import Suite

Records = dict[str, list[made.Record]]  # of each data set

ORDERS: tuple[Callable[[int, int], int], ...] = (lambda i, n: n - 1 - i, lambda i, n: i * 11 % n)
"""Orders of n rows: which comes as the i-th."""


def _cases(suite: Suite) -> Iterator[tuple[Trial, Records, Outcome, str]]:
    """Each trial with records, what came of them, and words for these: ordinary ones, then odd ones.

    That a trial fails on odd ones is for `robust.texts` to say. Very long ones are left out: beside their
    numbers the others would be small, and what is small is taken for rounding.
    """
    odd = [one for one in made.odd_records(suite.fields) if not one["id"].startswith("long")]
    for trial, base in suite.base:
        yield trial, trial.records(), base, ""
    for trial, _ in suite.base:
        records = dict.fromkeys(trial.variables, odd)
        try:
            base = trial.run(_sets(records))
        except (DataError, Failed):
            continue
        yield trial, records, base, " of odd texts"


def _sets(records: Records) -> Sets:
    return {about: made.rows_of(found) for about, found in records.items()}


def repeats(suite: Suite) -> Iterator[Finding]:
    """Another result from the same inputs, settings and seed: random numbers that no seed rules."""
    for trial, records, base, odd in _cases(suite):
        for _ in range(2):
            found = difference(base, trial.run(_sets(records)), suite.tolerance, ordered=True, files=True)
            if found:
                seeded = "by it" if "seed" in suite.method.given else "from `*, seed: int`"
                yield Finding(
                    "repeats",
                    f"the same inputs{odd} give {found}",
                    "the same result from the same inputs, settings and seed",
                    f"draw {seeded}, as rows.draws(seed) does; read no clock and no global random state",
                )
                return


def seed(suite: Suite) -> Iterator[Finding]:
    """A seed that changes nothing: every other seed of a spec would compute the same again."""
    if "seed" not in suite.method.given:
        return
    for trial, base in suite.base:
        first = suite.door()
        trial.run(trial.sets(), door=first)
        for other in range(SEED + 1, SEED + 9):
            door = suite.door()
            found = trial.run(trial.sets(), seed=other, door=door)
            if door.prompts != first.prompts or any(call.get("seed") == other for call in door.options):
                return
            if difference(base, found, 0, ordered=True, files=True):
                return
    if suite.base:
        yield Finding(
            "seed",
            "it takes a seed, and nine seeds give the same",
            "a result, or what a model is asked, that follows from the seed",
            "use it, or take it away; where a setting has it used, give that: settings={...}",
        )


def row_order(suite: Suite) -> Iterator[Finding]:
    """What is said of a row depends on the order of the rows, or on the place where it stands."""
    for trial, records, base, odd in _cases(suite):
        for order in ORDERS:
            shuffled = {
                about: [found[order(i, len(found))] for i in range(len(found))]
                for about, found in records.items()
            }
            other = trial.run(_sets(shuffled))
            found = difference(base, other, suite.tolerance)
            if found and stayed(base, other, suite.tolerance):
                yield Finding(
                    "row_order",
                    f"what it returns is not bound to its rows{odd}: they were put in another order, and "
                    f"every entry stayed in its place, so that there are {found}",
                    "entry i about row i, whatever the order of the rows",
                    "keep ids and entries together; draw by rows.draws(seed), never by the place of a row",
                )
                return
            if found:
                yield Finding(
                    "row_order",
                    f"the same rows{odd} in another order give {found}",
                    "the same about each row, whatever the order of the rows",
                    "sort by rows.ids() where an order is needed, and break ties by rows.draws(seed)",
                )
                return


def views(suite: Suite) -> Iterator[Finding]:
    """What is said of some rows of a data set differs from what is said of a data set of these rows."""
    for trial, _ in suite.base:
        records = trial.records()
        alone = {about: made.rows_of(found[::-2]) for about, found in records.items()}
        among = {about: rows.take(_every(len(rows))) for about, rows in trial.sets().items()}
        one, other = _either(trial, alone), _either(trial, among)
        if isinstance(one, str) or isinstance(other, str):
            told = [found if isinstance(found, str) else "a result" for found in (one, other)]
            found = "" if one == other else " and ".join(told)
        else:
            found = difference(one, other, suite.tolerance)
        if found:
            yield Finding(
                "views",
                f"every second row gives, as a data set and as a part of one, {found}",
                "the same of the same rows: a view holds some rows of a data set, in any order",
                "take len(rows), rows.ids() and the like of the view; rows.positions lead into the data set",
            )
            return


def _every(count: int) -> Any:
    import numpy as np

    return np.arange(count - 1, -1, -2)


def _either(trial: Trial, sets: Sets) -> Outcome | str:
    """What a trial says, or a sentence on what it raised."""
    try:
        return trial.run(sets)
    except DataError as error:
        return f"DataError: {error}"
    except Failed as error:
        return f"what it {error}"


def batches(suite: Suite) -> Iterator[Finding]:
    """What a class says of a row depends on which others come with it, or came before."""
    for trial, base in suite.base if suite.method.is_class else ():
        count = len(next(iter(trial.sets().values())))
        sevens = [list(range(start, min(start + 7, count))) for start in range(0, count, 7)]
        tried: list[tuple[str, Sequence[Sequence[int]]]] = [
            ("alone", [[i] for i in range(count)]),
            ("in parts of 7 rows", sevens),
            ("in parts of 7 rows, the last part first", sevens[::-1]),
        ]
        for how, parts in tried:
            try:
                found = difference(base, trial.run(trial.sets(), parts=parts), suite.tolerance)
            except (DataError, Failed) as error:
                found = f"a result, and {error}"
            if found:
                yield Finding(
                    "batches",
                    f"rows all at once, and {how}, give {found}",
                    "the same of a row whichever rows come with it, and came before: the engine chooses",
                    "take what all rows must decide as an input of __init__, or make the method a function",
                )
                return
