"""How many rows go into and come out of a task, as far as that is known before it runs.

Rows that a failed call to a model may leave out are counted as if none failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

from selectlang.amount import Amount
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle
from selectlang.engine.inputs import ALIGNED, together
from selectlang.engine.results import Results
from selectlang.engine.task import Task
from selectlang.ports import Metric, Model, Weights
from selectlang.tables import counted

ROWLESS = (Weights, Model, Metric)
REPEATING = (("replace", True), ("duplicates", "repeat"))  # settings by which a budget may choose a row again
LOSING = (("shortage", "lose"), ("rounding", "floor"))  # and by which it may choose less than it is asked for
UNION = "union"  # the merge that leaves no row out


class Estimate(NamedTuple):
    """How many rows a value is about: None if only the run can tell, an upper bound where `most`.

    `of` names the rows: values of one name are about the same ones. `pool` counts those of the data set.
    `within` names rows that they are a part of, and how many these are at most; `apart` names rows that none
    of them is among. With `repeats` a row may be there more than once.
    """

    rows: int | None
    most: bool
    of: str
    pool: int
    within: Mapping[str, int] = MappingProxyType({})
    apart: frozenset[str] = frozenset()
    repeats: bool = False

    @property
    def names(self) -> dict[str, int]:
        """The rows that these are a part of, themselves among them."""
        return {**self.within, self.of: self.pool if self.rows is None else self.rows}

    def part(self, rows: int | None, most: bool, of: str) -> Estimate:
        """Some of these rows."""
        return Estimate(rows, most, of, self.pool, self.names, self.apart)

    def part_of(self, other: Estimate) -> bool:
        """Whether all of these rows are surely among the others."""
        return other.of in self.names or self.rows == 0 or (other.rows == other.pool and not other.most)

    def apart_from(self, other: Estimate) -> bool:
        """Whether none of these rows is among the others."""
        apart = self.apart & other.names.keys() or other.apart & self.names.keys()
        return bool(apart) or 0 in (self.rows, other.rows)


@dataclass
class Estimates:
    """The estimates of the tasks of a walk, in their order; `found` are those so far, by their keys."""

    results: Results
    found: dict[str, Estimate] = field(default_factory=dict)

    def of(self, handle: Handle) -> Estimate:
        """The rows that a handle stands for."""
        if isinstance(handle, DataHandle):
            count = len(self.results.sets.dataset(handle.key))
            return Estimate(count, False, handle.identity, count)
        if isinstance(handle, EmptyHandle):
            pool = len(self.results.sets.dataset(handle.data)) if handle.data else 0
            return Estimate(0, False, handle.identity, pool)
        found = self.found[handle.key]
        return found if handle.verdict is None else found.part(found.rows, True, handle.identity)

    def rows_in(self, task: Task, about: str | None = None) -> Estimate:
        """The rows of the first input, or of the first about a data set variable; of a list, all of them."""
        for port in task.method.inputs:
            parts = [self.of(handle) for handle in task.inputs.get(port.name, ())]
            if parts and port.kind not in ROWLESS and about in (None, port.about):
                counts = [part.rows for part in parts if part.rows is not None]
                total = together(counts, max(part.pool for part in parts), port.kind in ALIGNED)
                return _joined(parts, total if len(counts) == len(parts) else None, task.key)
        return Estimate(None, False, task.key, 0)

    def rows_out(self, task: Task) -> Estimate:
        """The rows of the result; exact where the store has it."""
        port, meta = task.method.outputs[0], self.results.store.meta(task.key) if task.cached else None
        found = self.rows_in(task, None if port.kind is None else port.about)
        if port.kind in ROWLESS:
            found = Estimate(None, False, task.key, 0)
        elif task.method.kind == "budget":
            found = self.chosen(task)
        elif task.method.kind == "merge":
            found = self.merged(task, found)
        if meta is not None:
            rows = next(iter(meta["rows"].values()), None)
            same = found.most or found.rows == rows  # it gave each row that came in, as was expected
            found = found._replace(rows=rows, most=False) if same else found.part(rows, False, task.key)
        self.found[task.key] = found
        return found

    def merged(self, task: Task, came: Estimate) -> Estimate:
        """Scores are about every row that an input is about; of selections some may be left out."""
        ports = [port for port in task.method.inputs if port.kind not in ROWLESS]
        parts = [self.of(handle) for port in ports for handle in task.inputs.get(port.name, ())]
        aligned = task.method.outputs[0].kind in ALIGNED
        if task.method.name == UNION:
            return _union(parts, task.key)
        if len(parts) == 1 or (aligned and len({part.of for part in parts}) == 1):
            return came
        whole = [part for part in parts if part.rows == part.pool and not part.most]
        if aligned and whole:
            return whole[0]
        counts = [part.rows for part in parts if part.rows is not None]
        bound = sum(counts) if aligned else came.rows
        if bound is None or len(counts) < len(parts):
            return Estimate(None, False, task.key, came.pool)
        return Estimate(min(bound, came.pool), True, task.key, came.pool)

    def eligible(self, task: Task) -> Estimate:
        """The rows that a budget may choose from, each once, before those that it skips."""
        found, within = self.rows_in(task), task.inputs.get("within")
        if within:
            only = self.of(within[0])  # those that the first input knows nothing of may be left out
            found = only._replace(most=only.most or not only.part_of(found))
        if found.rows is None or not found.repeats:
            return found
        return found.part(min(found.rows, found.pool), True, task.key)

    def left(self, task: Task) -> Estimate:
        """Those less the rows that it skips."""
        found, skip = self.eligible(task), task.inputs.get("skip")
        if not skip or found.rows is None:
            return found
        gone = self.of(skip[0])
        sure = not (gone.rows is None or gone.most or gone.repeats) and gone.part_of(found)
        rows = max(0, found.rows - (gone.rows or 0)) if sure else found.rows
        left = found.part(rows, found.most or not sure, task.key)
        return left._replace(apart=found.apart | {gone.of})

    def chosen(self, task: Task) -> Estimate:
        """The rows that a budget chooses."""
        total, left = self.eligible(task).rows, self.left(task)
        name, size = _size(task)
        found = left.part(left.rows, True, task.key)
        if total is None or left.rows is None or size is None:
            return found
        repeats = any(pair in REPEATING for pair in task.settings.items())
        if size.unit == "tokens":
            return found._replace(rows=None if repeats else left.rows, repeats=repeats)
        # A size that may be left out is a ceiling: other settings decide how much is chosen.
        most = left.most or not task.method.settings[name].required
        most |= any(pair in LOSING for pair in task.settings.items())
        count = size.count(total)
        rows = count if repeats and left.rows else min(count, left.rows)
        return found._replace(rows=rows, most=most, repeats=repeats)

    def ends(self, task: Task) -> list[str]:
        """Why a run is sure to end at a task; nothing if it is not."""
        came, k = self.rows_in(task), task.settings.get("k")
        clusters = max(k) if isinstance(k, list) and k else k
        if task.method.kind != "cluster" or not isinstance(clusters, int):
            return []
        if came.rows is None or clusters <= came.rows:
            return []
        known = f"{'at most ' if came.most else ''}{came.rows:,} rows"
        return [f"{task.path}: asks for {clusters:,} clusters of {known}"]

    def notes(self, task: Task) -> list[str]:
        """What people should know of a task that is to run."""
        total, size = self.eligible(task).rows if task.method.kind == "budget" else None, _size(task)[1]
        if not total or not size:
            return []
        whole = Amount(size.value, size.unit)  # a round of a loop may well get nothing
        if not whole.count(total):
            return [f"{task.path}: {whole} of {total:,} rows comes to 0 rows"]
        there, chosen = self.left(task), self.chosen(task)
        if size.unit != "rows" or chosen.most or chosen.repeats or there.rows is None:
            return []
        if any(task.rounds) or size.count(total) <= there.rows:  # a loop may end before a later round
            return []
        return [f"{task.path}: asks for {counted(size.count(total), 'row')} of {there.rows:,}"]


def _joined(parts: Sequence[Estimate], rows: int | None, key: str) -> Estimate:
    """Several values as one, of as many rows: what holds for each of them holds for all."""
    if len({part.of for part in parts}) == 1:
        return parts[0]._replace(rows=rows, most=any(part.most for part in parts))
    names = set.intersection(*(set(part.names) for part in parts))
    within = {name: parts[0].names[name] for name in names}
    apart = frozenset.intersection(*(part.apart for part in parts))
    most, repeats = any(part.most for part in parts), any(part.repeats for part in parts)
    return Estimate(rows, most, key, max(part.pool for part in parts), within, apart, repeats)


def _union(parts: Sequence[Estimate], key: str) -> Estimate:
    """Every row of all parts once: exact where no row is in two of them."""
    parts = [*{part.of: part for part in parts if part.rows != 0}.values()] or parts[:1]
    counts = [part.rows for part in parts if part.rows is not None]
    found = _joined(parts, sum(counts) if len(counts) == len(parts) else None, key)
    sure = not found.repeats and all(one.apart_from(other) for one, other in combinations(parts, 2))
    rows = None if found.rows is None else min([found.rows, found.pool, *found.within.values()])
    return found._replace(rows=rows, most=found.most or not sure, repeats=False)


def _size(task: Task) -> tuple[str, Amount | None]:
    """The setting of a budget that says how much, if it has one."""
    sizes = [(name, value) for name, value in task.settings.items() if isinstance(value, Amount)]
    return sizes[0] if sizes else ("", None)
