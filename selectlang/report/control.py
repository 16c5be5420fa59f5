"""The random control: what was chosen, beside random draws of the same budget from the same pool.

It costs nothing: no model is asked or run. All draws follow from the seed of the spec and the ids of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectlang.amount import Amount
from selectlang.draws import derive
from selectlang.ports import Clusters
from selectlang.render import Turn, count_tokens, part
from selectlang.report.ground import Ground, first
from selectlang.report.measures import DRAWS, Measure, likeness, mean, spread
from selectlang.report.scene import Groups, Scene
from selectlang.report.space import BLOCK, Space, of_words
from selectlang.rows import Rows
from selectlang.seeing.budgets import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Floats = NDArray[np.floating[Any]]

READ = 250  # rows of each draw whose texts are read: more would take most of the time of a short run
COUNTED = 2_000  # chosen rows, and rows of the pool, whose tokens are counted
KNOWN = 0.5  # the share of the pool with a score, below which random rows tell too little of it


def control(
    scene: Scene, rows: Ground, groups: Groups, space: Space | None, seed: int
) -> dict[str, Any] | None:
    """The random control; None where there is no other choice: of no rows, or of all.

    Without a `space` of vectors, the words of rows stand for these.
    """
    import numpy as np

    if not len(rows.chosen) or scene.chosen.all():
        return None
    by_tokens = _in_tokens(scene)
    compared = arms(rows, seed, np.add(*_tokens(rows.rows)) if by_tokens else None)
    measures = []
    for name, (names, codes) in groups.items():
        measures += spread(name, codes, len(names))
    for each in scene.clusters:
        measures += spread(each.title, labels(each.value, rows.rows), each.value.k)
    if space is not None:
        measures += likeness(space, rows.rows, len(rows.chosen), seed)
    for each in scene.scores:
        place = standing(each.value.rows)[rows.rows.positions]
        known = np.where(place >= 0, each.value.best()[place], np.nan)
        if np.isfinite(known[rows.frame]).mean() >= KNOWN:
            measures += mean("score", each.title, known)
    measured = [*compare(compared, measures), *_of_texts(compared, rows, space, seed)]
    drawn = [len(index) for index in compared.random]
    return {
        "data": scene.data,
        "rows": len(scene.selection.rows),
        "compared": len(rows.chosen),
        "budget": "tokens" if by_tokens else "rows",
        "drawn": round(sum(drawn) / len(drawn)),
        "measures": measured,
    }


def _of_texts(arms: Arms, rows: Ground, space: Space | None, seed: int) -> list[dict[str, Any]]:
    """What is measured of the texts of rows: how long they are and, without vectors, how alike.

    What is alike is counted among as many rows of each. Lengths are not so: of chosen rows all count, so that
    their mean is the one that a score of lengths has.
    """
    import numpy as np

    some, more = narrowed(arms, rows, seed), narrowed(arms, rows, seed, COUNTED)
    lengths = Arms(more.chosen, some.random, more.pool)
    read = np.unique(np.concatenate([lengths.chosen, lengths.pool, *lengths.random]))
    asked, answered = np.zeros(len(rows.rows)), np.zeros(len(rows.rows))
    asked[read], answered[read] = _tokens(rows.rows.take(read))
    means = [*mean("tokens of the response", "", answered), *mean("tokens of the instruction", "", asked)]
    measured = compare(lengths, means)
    if space is None:
        alike = np.unique(np.concatenate([some.chosen, some.pool, *some.random]))
        words = of_words(rows.rows.take(alike))
        measured = [*compare(some, likeness(words, rows.rows, len(some.chosen), seed)), *measured]
    return measured


@dataclass(frozen=True)
class Arms:
    """What is compared, as index into the rows of a Ground."""

    chosen: Index
    random: list[Index]
    pool: Index


def arms(ground: Ground, seed: int, tokens: Floats | None = None) -> Arms:
    """The chosen rows and random draws of as many; of as many tokens where `tokens` has those of each row."""
    import numpy as np

    chosen, frame, random = ground.chosen, ground.frame, []
    rows = ground.rows.take(frame)
    for number in range(DRAWS):
        draws = rows.draws(derive(seed, "control", number))
        drawn = frame[first(draws, len(chosen) if tokens is None else len(frame))]
        if tokens is not None:
            fit = np.searchsorted(np.cumsum(tokens[drawn]), tokens[chosen].sum(), side="right")
            drawn = drawn[: max(1, int(fit))]
        random.append(drawn)
    return Arms(chosen, random, frame)


def narrowed(arms: Arms, ground: Ground, seed: int, most: int = READ) -> Arms:
    """A random sample of each, where it has more than `most` rows."""
    order = ground.rows.draws(derive(seed, "report", "read"))

    def some(index: Index) -> Index:
        return index[first(order[index], most)]

    return Arms(some(arms.chosen), [some(index) for index in arms.random], some(arms.pool))


def compare(arms: Arms, measures: list[Measure]) -> list[dict[str, Any]]:
    """Each measure of the chosen rows, of the random draws (mean, lowest, highest) and of the pool."""
    return [_compared(arms, measure) for measure in measures]


def _compared(arms: Arms, measure: Measure) -> dict[str, Any]:
    import numpy as np

    drawn = np.array([measure.of(rows) for rows in arms.random[: measure.draws]])
    known = drawn[~np.isnan(drawn)]
    return {
        "measure": measure.what,
        "about": measure.about,
        **({"most": measure.most} if measure.most is not None else {}),
        "chosen": _number(measure.of(arms.chosen)),
        "random": _number(known.mean()) if len(known) else None,
        "lowest": _number(known.min()) if len(known) else None,
        "highest": _number(known.max()) if len(known) else None,
        "draws": len(drawn),
        "pool": None if measure.alone else _number(measure.of(arms.pool)),
    }


def _number(value: float) -> float | None:
    """A number of six digits, which are the same on every machine; None for one that is missing."""
    return float(f"{value:.6g}") if value == value else None


def labels(clusters: Clusters[Any], rows: Rows[Any]) -> NDArray[np.integer[Any]]:
    """The cluster of each row, -1 for one that has none."""
    import numpy as np

    place = standing(clusters.rows)[rows.positions]
    return np.where(place >= 0, clusters.labels[place], -1)


def _tokens(rows: Rows[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tokens of the instruction and of the response of each row."""
    import numpy as np

    counts = np.zeros((2, len(rows)))
    for start in range(0, len(rows), BLOCK):
        turns = rows.data.turns(rows.positions[start : start + BLOCK])
        stop = start + len(turns)
        counts[0, start:stop] = [_count(part(each, "instruction")) for each in turns]
        counts[1, start:stop] = [_count(part(each, "response")) for each in turns]
    return counts[0], counts[1]


def _count(turns: Sequence[Turn]) -> int:
    return sum([count_tokens(content) for _, content in turns])


def _in_tokens(scene: Scene) -> bool:
    """Whether the budget that gave the selection, or the nearest one to it, counts tokens."""
    settings: dict[str, Any] = next(
        (stage["settings"] for stage in scene.stages if stage["kind"] == "budget"), {}
    )
    amounts = [
        str(value).partition(",")[0] for value in settings.values()
    ]  # "9 tokens, part 1 of 3" in a loop
    for amount in amounts:
        with suppress(ValueError):
            if Amount.parse(amount).unit == "tokens":
                return True
    return False
