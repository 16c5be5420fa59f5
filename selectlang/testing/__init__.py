"""For tests of plugins: whether a method keeps to what the engine, and the specs that use it, rely on.

    from selectlang.testing import check_method

    def test_it_keeps_the_contract():
        check_method(code_share)

The checks run a method on a few made rows: ordinary ones, the same in another order, some of them, none,
one, rows that come twice, and rows of odd texts. Nothing is read from the network, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectlang.errors import DataError, MethodError, UsageError
from selectlang.faults import listing, nearest, quoted
from selectlang.llm.ask import Prompt
from selectlang.methods import Method
from selectlang.rows import Rows
from selectlang.testing import contract, imports, robust, same, static
from selectlang.testing.door import Door
from selectlang.testing.findings import PROMISED, Finding, report
from selectlang.testing.suite import Suite
from selectlang.testing.trial import Failed

__all__ = ["Check", "Door", "Finding", "check_method", "method_checks", "rows"]

RUN = ("signature", "runs")  # what can be run on ordinary rows,
SAME = (*RUN, "repeats")  # and says the same each time
_CHECKS: tuple[tuple[Callable[[Suite], Any], tuple[str, ...]], ...] = (
    (static.signature, ()),
    (static.settings, ("signature",)),
    (static.sharding, ("signature",)),
    (imports.imports, ("signature",)),
    (robust.runs, ("signature", "sharding")),
    (contract.together, RUN),
    (same.repeats, RUN),
    (imports.processes, SAME),
    (same.seed, SAME),
    (same.row_order, (*SAME, "processes")),
    (same.views, (*SAME, "processes", "row_order")),
    (same.batches, (*SAME, "processes", "row_order")),
    (robust.untouched, RUN),
    (contract.asks, RUN),
    (robust.edges, (*RUN, "asks")),
    (robust.texts, (*RUN, "asks")),
)
"""The checks, each with those that must have found nothing: what they found would be found again."""
NAMES = tuple(function.__name__ for function, _ in _CHECKS)


@dataclass(frozen=True)
class Check:
    """One check of one method: a call runs it, and raises a MethodError that lists what it found."""

    name: str
    suite: Suite
    function: Callable[[Suite], Any]
    after: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Run it."""
        if found := self.findings():
            raise MethodError(report(self.suite.name, found))

    def findings(self) -> list[Finding]:
        """What it finds; nothing where an earlier check has found why."""
        suite = self.suite
        if self.name not in suite.found:
            suite.found[self.name] = []
            earlier = [check for check in _chosen(suite) if check.name in self.after]
            if not any(check.findings() for check in earlier):
                suite.found[self.name] = self._run()
        return suite.found[self.name]

    def _run(self) -> list[Finding]:
        try:
            return list(self.function(self.suite))
        except (DataError, Failed) as error:
            what = f"raised DataError: {error}" if isinstance(error, DataError) else str(error)
            advice = "make it do with these rows what it does with ordinary ones"
            return [Finding(self.name, f"in a run of this check it {what}", PROMISED, advice)]


def check_method(
    method: Callable[..., Any] | Method,
    *,
    settings: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    fields: Mapping[str, Sequence[Any]] | None = None,
    answer: Callable[[Prompt], str] | None = None,
    tolerance: float = 1e-4,
    skip: Collection[str] = (),
) -> None:
    """Check that a method keeps to what the engine relies on; a MethodError lists all that it does not.

    A method of any kind can be checked. It is run without its optional inputs, and with all of them but
    models. A DataError is no fault on rows that are few or odd, but on ordinary rows it is.

    method: a marked function or class, or a Method of a registry
    settings: values as in a spec, `{"size": "20%"}`; needed for each that has no default
    inputs: a model; or a function that makes another value of an input from rows: `lambda rows: ...`
    fields: fields that the made rows get beside id, messages, task and value, each with the values that rows
        take in turn: `{"license": ["mit", "apache-2.0"]}`
    answer: for a method that takes llm, what a model answers to a prompt; by default as `fake/judge` does
    tolerance: by what share of the largest number of a kind two results may differ that should be the same
    skip: names of checks to leave out
    """
    suite = Suite(method, settings, inputs, fields, answer, tolerance, skip)
    found = [finding for check in _chosen(suite) for finding in check.findings()]
    if found:
        raise MethodError(report(suite.name, found))


def method_checks(method: Callable[..., Any] | Method, **options: Any) -> list[Check]:
    """The checks of a method one by one, each with a name, for a test of each.

    `@pytest.mark.parametrize("check", method_checks(code_share), ids=str)` gives a test the argument `check`,
    which it calls. The options are those of `check_method`.
    """
    return _chosen(Suite(method, **options))


def rows(records: Iterable[dict[str, Any]], **data: Any) -> Rows[Any]:
    """Rows for a test, as a data set has them that a spec reads from a file of these records.

    `data` are what a spec says of a data set, such as `id="name"` and `group="task"`.
    """
    from selectlang.data.dataset import Dataset

    return Rows(Dataset.from_records(records, **data))


def _chosen(suite: Suite) -> list[Check]:
    for name in suite.skip:
        if name not in NAMES:
            known = f"{nearest(name, NAMES)} (checks: {listing(NAMES)})"
            raise UsageError(f"there is no check {quoted(name)}{known}")
    pairs = zip(NAMES, _CHECKS, strict=True)
    return [Check(name, suite, *check) for name, check in pairs if name not in suite.skip]
