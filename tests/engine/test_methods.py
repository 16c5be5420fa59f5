"""Methods that go wrong, and classes in shards."""

# ruff: noqa: E501 - a table has a case a line

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selectlang as sl
from selectlang.data.dataset import Dataset
from selectlang.engine import execute
from selectlang.engine.joining import joined
from selectlang.plugins import load
from selectlang.store import codec

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  made: {KIND: odd, from: pool}
outputs: {made: made}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins --out out"
HEAD = """
import json, os, sys
import numpy as np
import selectlang as sl

@sl.hookimpl
def register_methods(register):
    register(odd)

LOG = os.environ.get("CALLS", "")

def log(rows):
    with open(LOG, "a") as file:
        file.write(json.dumps(rows.ids()) + "\\n")

"""


def plugin(kind: str, output: str, body: str) -> dict[str, str]:
    code = f'@sl.{kind}\ndef odd(rows: sl.Rows[sl.P]) -> sl.{output}:\n    "An odd one."\n    {body}\n'
    return {"s.yaml": SPEC.replace("KIND", kind), "plugins/odd.py": HEAD + code}


@pytest.mark.parametrize(
    "kind, output, body, message",
    [
        ("score", "Scores[sl.P]", "return [1.0] * 3", "returned no Scores: got 3 for 9 rows"),
        ("score", "Scores[sl.P]", "return None", "returned no Scores: "),
        ("score", "Scores[sl.P]", "return ['a'] * 9", "returned no Scores: got numbers of type <U1"),
        ("score", "Scores[sl.P]", "return np.ones((9, 2))", "got an array of shape (9, 2), expected one number a row"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(9, np.longdouble))", "values holds float128, expected numbers of at most 64 bits"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(4))", "returned no Scores: values has shape (4,), expected (9,)"),
        ("embed", "Vectors[sl.P]", "return [[1.0, float('nan')]] * 9", "returned no Vectors: the vector of row 'r0' is not finite"),
        ("embed", "Vectors[sl.P]", "return sl.Vectors(rows, np.array([[1.0]] * 8 + [[np.inf]]))", "the vector of row 'r8' is not finite"),
        ("embed", "Vectors[sl.P]", "return [1.0] * 9", "returned no Vectors: matrix has shape (9,), expected (9, any)"),
        ("embed", "Vectors[sl.P]", "return [[1.0]] * 8", "returned no Vectors: matrix has shape (8, 1), expected (9, any)"),
        ("embed", "Vectors[sl.P]", "return [[1.0], [1.0, 2.0]] * 4", "returned no Vectors: "),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.arange(9), 8)", "labels go from 0 to 8, expected 0 to 7"),
        ("cluster", "Clusters[sl.P]", "return [0] * 10", "returned no Clusters: got 10 for 9 rows"),
        ("classify", "Labels[sl.P]", "return ['a'] * 8", "returned no Labels: got 8 for 9 rows"),
        ("budget", "Selection[sl.P]", "return 7", "returned no Selection: got int"),
        ("embed", "Vectors[sl.P]", "return sl.Vectors(rows, np.ones((8, 2)))", "matrix has shape (8, 2), expected (9, any)"),
        ("embed", "Vectors[sl.P]", "return sl.Vectors(rows, [[1.0]] * 9)", "matrix is of type list, expected an array of numpy"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, [1.0] * 3)", "values is of type list, expected an array of numpy"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones((9, 2, 2)))", "values has shape (9, 2, 2), expected (9, any)"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones((9, 2)), ['a'])", "columns has 1 entries, expected 2"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(9), ['a'])", "columns has 1 entries, expected 0"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones((9, 1)), [7])", "columns must be a list of texts"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(9), None, np.full(9, 2), ['t', 'u'])", "nearest go from 2 to 2, expected -1 to 1"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(9), None, np.zeros(8, int), ['t'])", "nearest has shape (8,), expected (9,)"),
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.array(['a'] * 9))", "values holds <U1, expected numbers"),
        ("cluster", "Clusters[sl.P]", "return [-1, 0, 1] * 3", "returned no Clusters: got labels from -1 to 1, expected 0 to at most 2147483647"),
        ("cluster", "Clusters[sl.P]", "return [2**31] * 9", "got labels from 2147483648 to 2147483648, expected 0 to at most"),
        ("cluster", "Clusters[sl.P]", "return np.array([2**63 + 1] * 9, np.uint64)", "got labels from 9223372036854775809 to"),
        ("cluster", "Clusters[sl.P]", "return [[0]] * 9", "got an array of int64 of shape (9, 1), expected a whole number or a name for each row"),
        ("cluster", "Clusters[sl.P]", "return [0.5] * 9", "got an array of float64 of shape (9,), expected a whole number"),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.full(9, -1), 2)", "labels go from -1 to -1, expected 0 to 1"),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.zeros(9), 2)", "labels holds float64, expected whole numbers"),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.zeros(9, int), 2, np.zeros(8))", "distances has shape (8,), expected (9,)"),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.zeros(9, int), 2, None, np.zeros((3, 4)))", "centers has shape (3, 4), expected (2, any)"),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.zeros(9, int), 2, names=['a'])", "names has 1 entries, expected 2"),
        ("classify", "Labels[sl.P]", "return ['a', 1, 'b'] * 3", "returned no Labels: got int, expected a text for each row"),
        ("classify", "Labels[sl.P]", "return sl.Labels(rows, np.full(9, 2, np.int8), ['a', 'b'])", "codes go from 2 to 2, expected -1 to 1"),
        ("classify", "Labels[sl.P]", "return sl.Labels(rows, np.zeros(9, np.int8), ['a'], {'first': np.zeros(2)})", "why['first'] has shape (2,), expected (9,)"),
        ("generate", "Replies[sl.P]", "return ['a'] * 8 + [7]", "returned no Replies: got int, expected a text for each row"),
        ("generate", "Replies[sl.P]", "return sl.Replies(rows)", "its rows have no replies"),
        ("generate", "Replies[sl.P]", "return sl.Replies(sl.Rows(rows.data, None, ['a']))", "replies has 1 entries, expected 9"),
        ("budget", "Selection[sl.P]", "return sl.Rows(rows.data, np.array([0, -1]))", "returned no Selection: positions go from -1 to 0, expected 0 to 8"),
        ("budget", "Selection[sl.P]", "return sl.Rows(rows.data, np.array([0, 9]))", "positions go from 0 to 9, expected 0 to 8"),
        ("budget", "Selection[sl.P]", "return sl.Rows(rows.data, np.array([0.5]))", "positions holds float64, expected whole numbers"),
        ("budget", "Selection[sl.P]", "return sl.Rows(rows.data, [0, 1])", "positions is of type list, expected an array of numpy"),
        ("budget", "Selection[sl.P]", "return sl.Selection(rows, np.ones(8))", "scores has shape (8,), expected (9,)"),
        ("budget", "Selection[sl.P]", "return sl.Selection(rows, None, {'turn': np.arange(3)})", "why['turn'] has shape (3,), expected (9,)"),
        ("budget", "Selection[sl.P]", "return sl.Selection(rows, None, {'turn': list(range(9))})", "why['turn'] is of type list"),
        ("budget", "Selection[sl.P]", "return sl.Selection(rows, None, {'turn': np.array([{}] * 9)})", "why['turn'] holds object, expected numbers or texts"),
        ("budget", "Selection[sl.P]", "return sl.Selection(rows, notes='short')", "notes must be a list of texts"),
        ("budget", "Selection[sl.P]", "return sl.Selection(list(rows.ids()))", "rows is of type list, expected Rows"),
        ("merge", "Weights[sl.P]", "return [0.5, 0.6]", "returned no Weights: the least weight is 0.5, their sum is 1.1; expected at least 0, and 1"),
        ("merge", "Weights[sl.P]", "return [-0.5, 1.5]", "the least weight is -0.5"),
        ("train", "Model", "return 'nowhere'", "returned no Model: nowhere is no folder"),
        ("score", "Scores[sl.P]", "raise KeyError('no such thing')", "failed: KeyError: 'no such thing'"),
        ("score", "Scores[sl.P]", "sys.exit(0)", "failed: SystemExit: 0"),
        ("score", "Scores[sl.P]", "return 1 / 0", "failed: ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_a_fault_of_a_plugin(
    project: Make, pool: Make, kind: str, output: str, body: str, message: str
) -> None:
    """Exit 3: the stage, the method, the distribution, what was wrong, and a log with the traceback."""
    p = project({**plugin(kind, output, body), "pool.jsonl": pool(9)})
    done = p.run(RUN)
    assert (done.code, done.out) == (3, "")
    fault, log = done.err.splitlines()[-2:]
    assert fault.startswith(f"made: {kind} odd of plugins/odd.py ")
    assert message in fault
    assert "the traceback is in" in log
    traceback = next((p.store / "logs").iterdir()).read_text()
    assert message.split(": ")[-1] in traceback
    if "failed" in message:
        assert "plugins/odd.py:" in fault  # and the line
        assert 'odd.py", line' in traceback
    assert not (done.folder / "record.json").exists()
    assert list(p.store.glob("tmp/*")) == []
    assert len(list(p.store.glob("entries/*/*"))) == 1  # the rows: what is not valid is not kept


def test_a_data_error_of_a_method_is_the_fault_of_the_data(project: Make, pool: Make) -> None:
    files = plugin("score", "Scores[sl.P]", "raise sl.DataError(f'row {rows.ids()[2]} is no good; mend it')")
    done = project({**files, "pool.jsonl": pool(9)}).run(RUN)
    assert (done.code, done.err.splitlines()[-1]) == (1, "made: row r2 is no good; mend it")


@pytest.mark.parametrize("given, count", [("", 9), (", most: null", 9), (", most: 3", 3), (", most: 50%", 5)])
def test_an_amount_may_be_left_out(project: Make, pool: Make, given: str, count: int) -> None:
    code = HEAD + (
        "@sl.budget\n"
        "def odd(rows: sl.Rows[sl.P], *, most: sl.Amount | None = None) -> sl.Selection[sl.P]:\n"
        '    "As many of the first rows."\n'
        "    count = len(rows) if most is None else most.count(len(rows))\n"
        "    return sl.Selection(rows.take(np.arange(count)))\n"
    )
    spec = SPEC.replace("KIND: odd, from: pool", f"budget: odd, from: pool{given}")
    done = project({"s.yaml": spec, "plugins/odd.py": code, "pool.jsonl": pool(9)}).run(RUN)
    assert done.code == 0, done.err
    assert json.loads((done.folder / "record.json").read_text())["outputs"]["made"]["rows"] == count


def test_what_was_done_before_a_fault_is_kept(project: Make, pool: Make) -> None:
    files = plugin("score", "Scores[sl.P]", "return 1 / 0")
    spec = (
        files["s.yaml"]
        .replace("from: pool}", "from: first}")
        .replace("stages:", "stages:\n  first: {budget: random, from: pool, size: 5}")
    )
    p = project({**files, "s.yaml": spec, "pool.jsonl": pool(9)})
    assert p.run(RUN).code == 3
    p.write({"plugins/odd.py": files["plugins/odd.py"].replace("1 / 0", "[1.0] * 5")})
    assert p.run(RUN).ok().states == {"first": "cached", "made": "ran"}


def test_plain_values_are_aligned_with_the_rows(project: Make, pool: Make) -> None:
    for output, body, column, expected in (
        ("Scores[sl.P]", "return [None, 1, True] * 3", "score", [None, 1.0, 1.0] * 3),
        ("Scores[sl.P]", "return np.arange(9)", "score", [float(i) for i in range(9)]),
        ("Vectors[sl.P]", "return [[i, 0] for i in range(9)]", "vector", [[float(i), 0.0] for i in range(9)]),
        ("Clusters[sl.P]", "return list('aabbccdda')", "name", list("aabbccdda")),
        ("Clusters[sl.P]", "return [0, 2, 1] * 3", "cluster", [0, 2, 1] * 3),
        ("Labels[sl.P]", "return ['x', 'y', 'z'] * 3", "label", ["x", "y", "z"] * 3),
        ("Replies[sl.P]", "return [f'n{i}' for i in range(9)]", "response", [f"n{i}" for i in range(9)]),
    ):
        kind = {"S": "score", "V": "embed", "C": "cluster", "L": "judge", "R": "generate"}[output[0]]
        p = project({**plugin(kind, output, body), "pool.jsonl": pool(9)})
        found = [row[column] for row in p.run(RUN).ok().rows("made")]
        found = [None if isinstance(value, float) and value != value else value for value in found]
        assert found == expected


CLASS = '''
@sl.KIND
class odd:
    "An odd one."
    SIZES
    def __init__(self, WHOLE) -> None:
        self.times = TIMES
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.OUTPUT[sl.P]:
        log(rows)
        return RESULT
'''  # fmt: skip


def class_plugin(
    kind: str, output: str, result: str, sizes: str, times: str = "1", whole: str = ""
) -> dict[str, str]:
    words = {
        "KIND": kind,
        "OUTPUT": output,
        "RESULT": result,
        "SIZES": sizes,
        "TIMES": times,
        ", WHOLE": whole,
    }
    code = CLASS
    for word, text in words.items():
        code = code.replace(word, text)
    return {"s.yaml": SPEC.replace("KIND", kind), "plugins/odd.py": HEAD + code}


@pytest.mark.parametrize("sizes", ["", "shard_rows = 7", "shard_rows = 7; batch_rows = 3", "batch_rows = 4"])
@pytest.mark.parametrize(
    "kind, output, result, column",
    [
        ("score", "Scores", "[float(len(text)) for text in rows.texts()]", "score"),
        ("embed", "Vectors", "[[len(text), 1.0] for text in rows.texts()]", "vector"),
        ("judge", "Labels", "[str(len(text) % 3) for text in rows.texts()]", "label"),
        ("generate", "Replies", "[text.upper() for text in rows.texts()]", "response"),
    ],
)
def test_a_class_gives_what_a_function_gives(
    project: Make, pool: Make, kind: str, output: str, result: str, column: str, sizes: str
) -> None:
    """In shards, and batches by length: each row is seen once, and results stand in the order of the rows."""
    p = project({**class_plugin(kind, output, result, sizes), "pool.jsonl": pool(40)})
    p.environment["CALLS"] = str(p.folder / "calls")
    done = p.run(RUN).ok()
    whole = project({**plugin(kind, f"{output}[sl.P]", f"return {result}"), "pool.jsonl": pool(40)}, "whole")
    assert done.rows("made") == whole.run(RUN).ok().rows("made")
    assert column in done.rows("made")[0]
    calls = [json.loads(line) for line in (p.folder / "calls").read_text().splitlines()]
    most = 3 if "batch_rows = 3" in sizes else 4 if "batch" in sizes else 7 if sizes else 40
    assert max(map(len, calls)) == most
    assert sorted(name for call in calls for name in call) == sorted(row["id"] for row in pool(40))
    if "shard" in sizes:  # shards are of consecutive rows
        first = {name for call in calls[: -(-7 // most)] for name in call}
        assert first == {f"r{i}" for i in range(7)}
    if sizes == "batch_rows = 4":  # batches are of rows of like length
        lengths = {row["id"]: len(row["instruction"]) + len(row["output"]) for row in pool(40)}
        flat = [lengths[name] for call in calls for name in call]
        assert flat == sorted(flat)
    assert len(list(p.store.glob("entries/*/*"))) == 2  # the rows and the result: no shard is left


TURNED = "rows.take(np.random.default_rng(len(rows)).permutation(len(rows)))"


@pytest.mark.parametrize("sizes", ["", "shard_rows = 7", "shard_rows = 7; batch_rows = 3"])
@pytest.mark.parametrize(
    "kind, output, made, column",
    [
        ("score", "Scores", "sl.Scores(r, np.array([float(x.split('-')[-1]) for x in r.ids()]))", "score"),
        ("embed", "Vectors", "sl.Vectors(r, np.array([[float(x.split('-')[-1]), 1] for x in r.ids()], 'f4'))", "vector"),
        ("judge", "Labels", "sl.Labels(r, np.array([int(x.split('-')[-1]) for x in r.ids()], 'i1'), [str(i) for i in range(40)])", "label"),
        ("generate", "Replies", "sl.Replies(sl.Rows(r.data, r.positions, r.ids()))", "response"),
    ],
)  # fmt: skip
def test_what_a_class_says_of_re_ordered_rows_lands_on_those_rows(
    project: Make, pool: Make, kind: str, output: str, made: str, column: str, sizes: str
) -> None:
    """A batch is sorted or shuffled inside the class, and the value says so by its rows."""
    rows = [{**row, "id": f"r-{i}"} for i, row in enumerate(pool(40))]
    result = f"(lambda r: {made})({TURNED})"
    p = project({**class_plugin(kind, output, result, sizes), "pool.jsonl": rows})
    p.environment["CALLS"] = str(p.folder / "calls")
    found = p.run(RUN).ok().rows("made")
    expected = {
        "score": [float(i) for i in range(40)],
        "vector": [[float(i), 1.0] for i in range(40)],
        "label": [str(i) for i in range(40)],
        "response": [f"r-{i}" for i in range(40)],
    }
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [row[column] for row in found] == expected[column]


def test_a_value_about_another_data_set_is_refused(project: Make, pool: Make) -> None:
    code = """
@sl.score
def odd(rows: sl.Rows[sl.P], others: sl.Rows[sl.Q]) -> sl.Scores[sl.P]:
    "An odd one."
    return sl.Scores(others, np.ones(len(others)))
"""
    spec = SPEC.replace("{pool: {path: $pool, id: id}}", "{pool: {path: $pool, id: id}, more: {path: $more}}")
    spec = spec.replace("from: pool}", "from: {rows: pool, others: more}}")
    spec = spec.replace("params: {pool", "params: {more: {type: path}, pool").replace("KIND", "score")
    p = project({"s.yaml": spec, "plugins/odd.py": HEAD + code, "pool.jsonl": pool(9), "more.jsonl": pool(8)})
    done = p.run(RUN + " --set more=more.jsonl")
    assert done.code == 3
    assert "returned no Scores: its rows are of another data set than those of the input" in done.err


def test_a_method_of_any_type_gives_the_type_it_is_given(project: Make, pool: Make) -> None:
    code = """
@sl.merge
def odd(rows: list[sl.T]) -> sl.T:
    "An odd one."
    return RESULT
"""
    for result, message in (
        ("rows[0].rows", ""),
        ("[1.0] * 5", "returned no T: got list"),
        ("7", "returned no T: got int"),
    ):
        spec = SPEC.replace("{KIND: odd, from: pool}", "{merge: odd, from: [few]}")
        spec = spec.replace("stages:", "stages:\n  few: {budget: random, from: pool, size: 5}")
        p = project(
            {"s.yaml": spec, "plugins/odd.py": HEAD + code.replace("RESULT", result), "pool.jsonl": pool(9)}
        )
        done = p.run(RUN)
        assert done.code == (3 if message else 0), done.err
        assert message in done.err
        if not message:
            assert len(done.rows("made")) == 5


def test_a_class_takes_inputs_whole(project: Make, pool: Make) -> None:
    code = """
@sl.score
class odd:
    "How many of some rows have the same task as a row, times a number."
    shard_rows = 4
    def __init__(self, some: sl.Rows[sl.Q], *, times: int = 2) -> None:
        self.tasks, self.times = some.field("task"), times
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        return [self.tasks.count(task) * self.times for task in rows.field("task")]
"""
    spec = SPEC.replace("{KIND: odd, from: pool}", "{score: odd, from: {rows: pool, some: few}, times: 3}")
    spec = spec.replace("stages:", "stages:\n  few: {budget: random, from: pool, size: 5}")
    spec = spec.replace("{made: made}", "{made: made, few: few}")
    p = project({"s.yaml": spec, "plugins/odd.py": HEAD + code, "pool.jsonl": pool(10)})
    done = p.run(RUN).ok()
    few = [row["task"] for row in done.rows("few")]
    assert [row["score"] for row in done.rows("made")] == [3 * few.count(row["task"]) for row in pool(10)]


def test_a_class_may_map_scores_vectors_and_clusters(project: Make, pool: Make) -> None:
    code = """
@sl.merge
class odd:
    "Squares."
    shard_rows = 4
    def __call__(self, scores: sl.INPUT[sl.P]) -> sl.Scores[sl.P]:
        assert len(scores.rows) in (4, 2)
        return scores.ARRAY.reshape(len(scores.rows), -1).sum(axis=1) ** 2
"""
    sources = {
        "Scores": ("score: length", "values"),
        "Vectors": ("embed: tfidf", "matrix"),
        "Clusters": ("cluster: by_field, field: task", "labels"),
    }
    for name, (stage, array) in sources.items():
        spec = SPEC.replace("{KIND: odd, from: pool}", "{merge: odd, from: source}")
        spec = spec.replace("stages:", f"stages:\n  source: {{{stage}, from: pool}}")
        body = code.replace("INPUT", name).replace("ARRAY", array)
        p = project({"s.yaml": spec.replace("{made: made}", "{made: made, source: source}"),
                     "plugins/odd.py": HEAD + body, "pool.jsonl": pool(10)}, name)  # fmt: skip
        done = p.run(RUN).ok()
        column = {"Scores": "score", "Vectors": "vector", "Clusters": "cluster"}[name]
        sums = [sum(row[column]) if name == "Vectors" else row[column] for row in done.rows("source")]
        assert [row["score"] for row in done.rows("made")] == pytest.approx([total**2 for total in sums])


@pytest.mark.parametrize(
    "result, message",
    [
        ("[1.0]", "returned no Scores: got 1 for 4 rows"),
        ("sl.Scores(rows.take(np.arange(2)), np.ones(2))", "returned Scores about 2 rows for a batch of 4"),
        (
            "sl.Scores(rows.take(np.array([0, 1, 2, 2])), np.ones(4))",
            "returned Scores about other rows than those of its batch",
        ),
        (
            "sl.Scores(sl.Rows(rows.data, rows.positions + 1), np.ones(4))",
            "returned Scores about other rows than those of its batch",
        ),
        ("sl.Scores(rows, np.ones((4, 2)), ['a'])", "columns has 1 entries, expected 2"),
        (
            "sl.Scores(rows, np.ones((4, 1)), rows.ids()[:1])",
            "(4, 1) with columns ['r4'] after scores of shape (4, 1) with columns ['r0']",
        ),
        (
            "sl.Scores(rows, np.ones((4, 1 + ('r4' in rows.ids()))))",
            "(4, 2) with columns None after scores of shape (4, 1) with columns None",
        ),
        (
            "sl.Scores(rows, np.ones(4), None, np.zeros(4, int), rows.ids())",
            "nearest_ids differ from those of a batch before",
        ),
        ("sys.exit('bye')", "failed: SystemExit: bye"),
    ],
)
def test_a_fault_of_a_class(project: Make, pool: Make, result: str, message: str) -> None:
    p = project({**class_plugin("score", "Scores", result, "shard_rows = 4"), "pool.jsonl": pool(8)})
    p.environment["CALLS"] = str(p.folder / "calls")
    done = p.run(RUN)
    assert done.code == 3
    assert "made: score odd of plugins/odd.py" in done.err
    assert message in done.err


def test_shards_that_were_done_are_not_done_again(project: Make, pool: Make) -> None:
    """A class fails at its third shard: after it is mended without its source, it goes on from there."""
    result = "[1.0] * (len(rows) if not os.path.exists('stop') or 'r8' not in rows.ids() else 1 / 0)"
    p = project(
        {**class_plugin("score", "Scores", result, "shard_rows = 4"), "pool.jsonl": pool(18), "stop": ""}
    )
    p.environment["CALLS"] = str(p.folder / "calls")
    assert p.run(RUN).code == 3
    (p.folder / "stop").unlink()
    p.run(RUN).ok()
    calls = [json.loads(line)[0] for line in (p.folder / "calls").read_text().splitlines()]
    assert calls == ["r0", "r4", "r8", "r8", "r12", "r16"]


def test_a_run_in_shards_of_another_size_takes_none_of_the_others(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of selectlang, when a run that was killed goes on."""
    result = "[float(name[1:]) / (name != os.environ['BAD']) for name in rows.ids()]"
    p = project({**class_plugin("score", "Scores", result, ""), "pool.jsonl": pool(40)})
    p.environment.update(CALLS=str(p.folder / "calls"), BAD="r25")
    monkeypatch.setattr(execute, "SHARD_ROWS", 10)
    assert p.run(RUN).code == 3
    monkeypatch.setattr(execute, "SHARD_ROWS", 5)
    p.environment["BAD"] = ""
    assert [row["score"] for row in p.run(RUN).ok().rows("made")] == [float(i) for i in range(40)]


def test_a_class_is_loaded_once(project: Make, pool: Make) -> None:
    """However many its shards: it may have a model. A folder can be made once."""
    sizes, times = "shard_rows = 4; batch_rows = 2", "os.mkdir(LOG + '.loaded')"
    p = project(
        {**class_plugin("score", "Scores", "[1.0] * len(rows)", sizes, times), "pool.jsonl": pool(18)}
    )
    p.environment["CALLS"] = str(p.folder / "calls")
    p.run(RUN).ok()


def test_shards_are_joined_with_few_files_open(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one is mapped, and so holds a file open for as long as it is there."""
    monkeypatch.setattr(codec, "MAPPED", 0)
    vectors = class_plugin("embed", "Vectors", "[[len(text)] for text in rows.texts()]", "shard_rows = 1")
    p = project({**vectors, "pool.jsonl": pool(100)})
    p.environment["CALLS"] = str(p.folder / "calls")
    few, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.dup(0)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one + 40, hard))
    try:
        done = p.run(RUN)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    assert len(done.ok().rows("made")) == 100


def test_vectors_are_joined_in_a_file(tmp_path: Path, peak: Callable[..., int]) -> None:
    """Those of all rows may not fit into memory."""
    rows: sl.Rows[Any] = sl.Rows(Dataset.from_records([{"instruction": f"{i}"} for i in range(40)]))

    def parts() -> Iterator[sl.Vectors[Any]]:
        for start in range(0, 40, 2):
            matrix = np.full((2, 100_000), start, np.float32)
            yield sl.Vectors(rows.take(np.arange(start, start + 2)), matrix)

    made: list[Any] = []
    one, all_ = 2 * 100_000 * 4, 40 * 100_000 * 4
    assert peak(lambda: made.append(joined(sl.Vectors, rows, parts(), tmp_path))) < 4 * one < all_
    assert made[0].matrix.shape == (40, 100_000)
    assert made[0].matrix[:, 7].tolist() == [i - i % 2 for i in range(40)]
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.npy"]


def test_an_empty_input_of_a_class(project: Make, pool: Make) -> None:
    files = class_plugin("score", "Scores", "[1.0] * len(rows)", "shard_rows = 4; batch_rows = 2")
    spec = (
        files["s.yaml"]
        .replace("from: pool}", "from: none}")
        .replace("stages:", "stages:\n  none: {merge: subtract, from: [pool, pool]}")
    )
    p = project({**files, "s.yaml": spec, "pool.jsonl": pool(9)})
    p.environment["CALLS"] = str(p.folder / "calls")
    assert p.run(RUN).ok().rows("made") == []


def test_a_row_may_have_no_verdict(project: Make, pool: Make) -> None:
    p = project({**plugin("classify", "Labels[sl.P]", "return ['a', None, 'b'] * 3"), "pool.jsonl": pool(9)})
    assert [row["label"] for row in p.run(RUN).ok().rows("made")] == ["a", None, "b"] * 3


def test_one_shard_is_in_memory_at_a_time(project: Make, pool: Make) -> None:
    code = (
        HEAD
        + """
import weakref

@sl.score
class odd:
    "Whether what it gave for the shard before is gone."
    shard_rows = 4
    before = staticmethod(lambda: None)
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        values = np.full(len(rows), float(self.before() is None))
        self.before = weakref.ref(values)
        return sl.Scores(rows, values)
"""
    )
    p = project({"s.yaml": SPEC.replace("KIND", "score"), "plugins/odd.py": code, "pool.jsonl": pool(12)})
    assert [row["score"] for row in p.run(RUN).ok().rows("made")] == [1.0] * 12


def test_a_kill_costs_no_more_than_a_shard_of_65536_rows() -> None:
    """Shards of those that come with selectlang are that small: they are what is kept as it is done."""
    sizes = {
        key: getattr(method.call, "shard_rows", execute.SHARD_ROWS)
        for key, method in load().methods.items()
        if method.is_class
    }
    assert ("score", "nearest") in sizes
    assert {key: size for key, size in sizes.items() if size > 65_536} == {}
