"""How many rows go into and come out of a task, as far as that is known before it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from selectlang.amount import Amount
from selectlang.engine.handles import DataHandle, EmptyHandle, Handle
from selectlang.engine.inputs import ALIGNED, together
from selectlang.engine.results import Results
from selectlang.engine.task import Task
from selectlang.ports import Metric, Model, Weights

ROWLESS = (Weights, Model, Metric)
REPEATING = (("replace", True), ("duplicates", "repeat"))  # settings by which a budget may choose a row again
LOSING = (("shortage", "lose"), ("rounding", "floor"))  # and by which it may choose less than it is asked for


class Estimate(NamedTuple):
    """How many rows a value is about: None if only the run can tell, an upper bound where `most`.

    `of` names the rows: values of one name are about the same ones. `pool` counts those of the data set.
    """

    rows: int | None
    most: bool
    of: str
    pool: int


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
        return found if handle.verdict is None else found._replace(most=True, of=handle.identity)

    def rows_in(self, task: Task, about: str | None = None) -> Estimate:
        """The rows of the first input, or of the first about a data set variable; of a list, all of them."""
        for port in task.method.inputs:
            parts = [self.of(handle) for handle in task.inputs.get(port.name, ())]
            if parts and port.kind not in ROWLESS and about in (None, port.about):
                counts = [part.rows for part in parts if part.rows is not None]
                pool = max(part.pool for part in parts)
                total = together(counts, pool, port.kind in ALIGNED)
                of = parts[0].of if len({part.of for part in parts}) == 1 else task.key
                known = total if len(counts) == len(parts) else None
                return Estimate(known, any(part.most for part in parts), of, pool)
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
            found = found._replace(rows=next(iter(meta["rows"].values()), None), most=False)
        self.found[task.key] = found
        return found

    def merged(self, task: Task, came: Estimate) -> Estimate:
        """Scores are about every row that an input is about; of selections some may be left out."""
        ports = [port for port in task.method.inputs if port.kind not in ROWLESS]
        parts = [self.of(handle) for port in ports for handle in task.inputs.get(port.name, ())]
        aligned = task.method.outputs[0].kind in ALIGNED
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
        """The rows that a budget may choose from, each once."""
        within = task.inputs.get("within")
        found = self.of(within[0]) if within else self.rows_in(task)
        return found if found.rows is None else found._replace(rows=min(found.rows, found.pool))

    def chosen(self, task: Task) -> Estimate:
        """The rows that a budget chooses."""
        total, most, _, pool = self.eligible(task)
        name, size = _size(task)
        if total is None or size is None:
            return Estimate(total, True, task.key, pool)
        repeats = any(pair in REPEATING for pair in task.settings.items())
        if size.unit == "tokens":
            return Estimate(None if repeats else total, True, task.key, pool)
        # A size that may be left out is a ceiling: other settings decide how much is chosen.
        most |= not task.method.settings[name].required or bool(task.inputs.get("skip"))
        most |= any(pair in LOSING for pair in task.settings.items())
        count = size.count(total)
        return Estimate(count if repeats else min(count, total), most, task.key, pool)

    def notes(self, task: Task) -> list[str]:
        """What people should know of a task that is to run."""
        came, k = self.rows_in(task), task.settings.get("k")
        clusters = max(k) if isinstance(k, list) and k else k
        if came.rows is None:
            return []
        if task.method.kind == "cluster" and isinstance(clusters, int) and clusters > came.rows:
            known = f"{'at most ' if came.most else ''}{came.rows:,} rows"
            return [f"{task.path}: asks for {clusters:,} clusters of {known}; a run would end there"]
        total, size = self.eligible(task).rows, _size(task)[1]
        if task.method.kind != "budget" or not total or not size:
            return []
        whole = Amount(size.value, size.unit)  # a round of a loop may well get nothing
        return [] if whole.count(total) else [f"{task.path}: {whole} of {total:,} rows comes to 0 rows"]


def _size(task: Task) -> tuple[str, Amount | None]:
    """The setting of a budget that says how much, if it has one."""
    sizes = [(name, value) for name, value in task.settings.items() if isinstance(value, Amount)]
    return sizes[0] if sizes else ("", None)
