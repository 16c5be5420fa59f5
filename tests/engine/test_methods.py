"""Methods that go wrong, and classes in shards."""

# ruff: noqa: E501 - a table has a case a line

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

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
        ("score", "Scores[sl.P]", "return sl.Scores(rows, np.ones(4))", "returned no Scores: values has 4 entries for 9 rows"),
        ("embed", "Vectors[sl.P]", "return [[1.0, float('nan')]] * 9", "returned no Vectors: the vector of row 'r0' is not finite"),
        ("embed", "Vectors[sl.P]", "return sl.Vectors(rows, np.array([[1.0]] * 8 + [[np.inf]]))", "the vector of row 'r8' is not finite"),
        ("embed", "Vectors[sl.P]", "return [1.0] * 9", "got an array of shape (9,), expected one vector a row"),
        ("embed", "Vectors[sl.P]", "return [[1.0]] * 8", "returned no Vectors: matrix has 8 entries for 9 rows"),
        ("embed", "Vectors[sl.P]", "return [[1.0], [1.0, 2.0]] * 4", "returned no Vectors: "),
        ("cluster", "Clusters[sl.P]", "return sl.Clusters(rows, np.arange(9), 8)", "labels go from 0 to 8, expected 0 to 7"),
        ("cluster", "Clusters[sl.P]", "return [0] * 10", "returned no Clusters: got 10 for 9 rows"),
        ("classify", "Labels[sl.P]", "return ['a'] * 8", "returned no Labels: got 8 for 9 rows"),
        ("budget", "Selection[sl.P]", "return 7", "returned no Selection: got int"),
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


def test_a_data_error_of_a_method_is_the_fault_of_the_data(project: Make, pool: Make) -> None:
    files = plugin("score", "Scores[sl.P]", "raise sl.DataError(f'row {rows.ids()[2]} is no good; mend it')")
    done = project({**files, "pool.jsonl": pool(9)}).run(RUN)
    assert (done.code, done.err.splitlines()[-1]) == (1, "made: row r2 is no good; mend it")


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
        ("sys.exit('bye')", "failed: SystemExit: bye"),
    ],
)
def test_a_fault_of_a_class(project: Make, pool: Make, result: str, message: str) -> None:
    p = project({**class_plugin("score", "Scores", result, "shard_rows = 4"), "pool.jsonl": pool(9)})
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
