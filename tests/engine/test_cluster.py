"""Shards on a Ray cluster: what travels, what workers check, and runs on a cluster that loses a node."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import re
import signal
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectlang as sl
from selectlang import progress
from selectlang.data.dataset import Dataset
from selectlang.data.ingest import ingest
from selectlang.data.part import Part
from selectlang.data.source import DataSpec
from selectlang.digests import folder_digest
from selectlang.engine import cluster
from selectlang.engine.mapper import Mapper, Shard
from selectlang.engine.parcel import bare, dressed, packed, unpacked
from selectlang.engine.shards import sliced
from selectlang.engine.source import source_digest
from selectlang.engine.worker import Job, Worker, models
from selectlang.errors import DataError, MethodError
from selectlang.plugins import load
from selectlang.signature import describe

DATA = Dataset.from_records(
    [
        {
            "id": f"r{i}",
            "instruction": f"q {i} " * (1 + i % 3),
            "output": f"a {i}",
            "task": "abc"[i % 3],
            "n": i,
        }
        for i in range(23)
    ],
    id="id",
    group="task",
)
ROWS: sl.Rows[Any] = sl.Rows(DATA)
places = st.lists(st.integers(0, len(DATA) - 1), max_size=30)


def sent(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, protocol=5))


# What travels


@given(places, st.booleans())
def test_rows_read_the_same_at_the_other_end(positions: list[int], answered: bool) -> None:
    replies = [f"reply {i}" for i in range(len(positions))] if answered else None
    here: sl.Rows[Any] = sl.Rows(DATA, np.array(positions, np.int64), replies)
    there = sent(packed(here))
    assert not hasattr(there.data, "folder")
    assert there.positions.tolist() == positions
    assert (there.data.key, len(there.data)) == (DATA.key, len(DATA))
    for read in (
        lambda rows: rows.ids(),
        lambda rows: rows.turns(),
        lambda rows: rows.groups(),
        lambda rows: rows.texts("full", "tulu"),
        lambda rows: rows.field("n"),
        lambda rows: rows.field("_file"),
        lambda rows: rows.draws(7).tolist(),
        lambda rows: rows.lengths().tolist(),
        lambda rows: rows.take(np.arange(len(rows))[::-1]).ids(),
        lambda rows: list(rows.data.lines(rows.positions)),
    ):
        assert read(there) == read(here)


def test_all_rows_stay_all_rows() -> None:
    there = sent(packed(ROWS))
    assert there.whole
    assert there.ids() == ROWS.ids()
    assert there.draws(3).tolist() == ROWS.draws(3).tolist()


def test_a_part_gives_no_row_that_it_lacks() -> None:
    part = Part.of(DATA, np.array([4, 2, 4]))
    assert part.ids(np.array([2, 4, 2])) == ["r2", "r4", "r2"]
    for positions in ([3], [0], [22], [2, 5]):
        with pytest.raises(DataError, match="was not given"):
            part.ids(np.array(positions))
    with pytest.raises(DataError, match="2 of the 23 rows"):
        part.hashes()


def test_a_part_answers_all_that_a_data_set_answers_about_positions() -> None:
    asked = {
        name
        for name, method in vars(Dataset).items()
        if inspect.isfunction(method) and "positions" in inspect.signature(method).parameters
    }
    assert {"ids", "turns", "field"} <= asked <= vars(Part).keys()


def test_a_table_travels_as_a_table(tmp_path: Path) -> None:
    table = pa.table({"instruction": ["a", "b", "c"], "output": ["x", "y", "z"], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "d").mkdir()
    ingest(DataSpec((str(tmp_path / "t.parquet"),)), tmp_path / "d", lambda rows: None)
    here: sl.Rows[Any] = sl.Rows(Dataset.open(tmp_path / "d", "k"), np.array([2, 0]))
    there = sent(packed(here))
    assert there.field("n") == here.field("n") == [3, 1]
    assert [part.to_pylist() for part in there.data.source(there.positions)] == [
        part.to_pylist() for part in here.data.source(here.positions)
    ]


def test_a_shard_is_sent_without_the_rest() -> None:
    long = Dataset.from_records([{"instruction": "q", "output": f"{i} " * 1000} for i in range(200)])
    one = len(pickle.dumps(packed(sl.Rows(long, np.array([7]))), protocol=5))
    assert one < 20_000
    assert len(pickle.dumps(packed(sl.Rows(long)), protocol=5)) > 50 * one / 4


def values(rows: sl.Rows[Any]) -> list[Any]:
    count, rng = len(rows), np.random.default_rng(0)
    return [
        sl.Scores(rows, rng.random(count)),
        sl.Scores(rows, rng.random((count, 2)), ["a", "b"], np.zeros((count, 2), np.int32), ["t0"]),
        sl.Vectors(rows, rng.random((count, 4), np.float32)),
        sl.Labels(rows, np.zeros(count, np.int8), ["easy"], {"first": np.array(["x"] * count)}, False),
        sl.Replies(sl.Rows(rows.data, rows.positions, [f"reply {i}" for i in range(count)])),
    ]


def same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, sl.Rows):
        assert one.positions.tolist() == other.positions.tolist()
        assert one.replies == other.replies
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tolist()) == (other.dtype, other.shape, other.tolist())
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name, item in one.items():
            same(item, other[name])
    elif hasattr(one, "rows"):
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


@pytest.mark.parametrize("number", range(5))
def test_results_come_back_about_the_rows_of_the_driver(number: int) -> None:
    rows = ROWS.take(np.array([3, 1, 20]))
    value = values(rows)[number]
    travelling = sent(bare(value))
    assert b"instruction" not in pickle.dumps(bare(value))
    same(dressed(travelling, rows), value)
    same(sent(packed(value)), value)


def test_mapped_vectors_travel_as_numbers(tmp_path: Path) -> None:
    matrix = np.memmap(tmp_path / "m", np.float32, "w+", shape=(23, 3))
    matrix[:] = np.arange(69).reshape(23, 3)
    there = packed(sliced(sl.Vectors(ROWS, matrix), 5, 9))
    assert type(there.matrix) is np.ndarray
    assert sent(there).matrix.tolist() == matrix[5:9].tolist()


def test_a_trained_model_travels_with_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, folder = tmp_path / "model", tmp_path / "there"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    (home / "deep").mkdir(parents=True)
    (home / "config.json").write_text("{}")
    (home / "deep" / "w").write_bytes(bytes(range(256)))
    folder.mkdir()
    first, second = unpacked(sent(packed([sl.Model(home), sl.Model(home)])))
    assert first.path != second.path
    for model in (first, second):
        assert (model.path / "deep" / "w").read_bytes() == bytes(range(256))
        assert (model.path / "config.json").read_text() == "{}"
        assert model.path.parent == folder
    there = worker(job({"times": 1, "model": "m"}))
    there.inputs = {"model": first, "models": [second]}
    there.close()
    assert list(folder.iterdir()) == []


# Workers


@sl.score
class counted:
    """Words of each row that the targets have too, times a number.

    Settings:
        times: the number
        model: not used
    """

    batch_rows = 4

    def __init__(self, targets: sl.Rows[sl.Q], *, times: float = 1, model: sl.ModelName = "m") -> None:
        self.words = {word for text in targets.texts() for word in text.split()}
        self.times = times

    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        """One shard."""
        return [sum(word in self.words for word in text.split()) * self.times for text in rows.texts()]


METHOD = describe(counted)


def job(settings: dict[str, Any], **changed: Any) -> Job:
    told = {
        "name": "score counted", "origin": "here 1.0", "method": pickle.dumps(METHOD), "settings": settings,
        "source": source_digest(counted), "models": models(METHOD, settings),
    }  # fmt: skip
    return Job(**{**told, **changed})


def worker(told: Job) -> Worker:
    return Worker(sent(told), sent(packed({"targets": ROWS.take(np.arange(5))})))


def test_a_worker_maps_as_this_process_does(tmp_path: Path) -> None:
    settings = {"times": 2.5, "model": "m"}
    here = Mapper(METHOD, lambda: {"targets": ROWS.take(np.arange(5)), **settings}, tmp_path)
    there = worker(job(settings))
    for start in (0, 10, 20):
        shard = sliced(ROWS, start, min(start + 10, 23))
        found, seconds = sent(there.map(sent(packed(shard))))
        same(dressed(found, shard), here.map(shard))
        assert 0 <= seconds < 10


@pytest.mark.parametrize(
    "raised, kind, text",
    [
        (sl.DataError("row r3: no number"), DataError, "row r3: no number"),
        (sl.MethodError("returned nothing"), MethodError, "returned nothing"),
        (
            KeyError("no such thing"),
            MethodError,
            r"failed: KeyError: 'no such thing' \(.*test_cluster.py:\d+\)",
        ),
        (SystemExit(2), MethodError, r"failed: SystemExit: 2 \(.*test_cluster.py:\d+\)"),
    ],
)
def test_what_a_method_raises_comes_back_as_its_text(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, kind: type[Exception], text: str
) -> None:
    def fail(self: Any, rows: Any) -> Any:
        raise raised

    monkeypatch.setattr(counted, "__call__", fail)
    error, _ = sent(worker(job({"times": 1, "model": "m"})).map(packed(ROWS)))
    assert type(error) is kind
    assert re.fullmatch(text, str(error))
    assert "in fail" in error.__notes__[0]


def test_a_worker_that_is_not_as_the_driver_is_says_so(tmp_path: Path) -> None:
    def told(**changed: Any) -> str:
        error, _ = worker(job({"times": 1, "model": "m"}, **changed)).map(packed(ROWS))
        assert isinstance(error, DataError)
        return str(error)

    assert "has selectlang 0.1.0, the run 9.9; install that one there" in told(version="9.9")
    assert "score counted is another on node" in told(source="0" * 64)
    lacking = pickle.dumps(METHOD).replace(b"test_cluster", b"test_clustex")
    assert "cannot import score counted (ModuleNotFoundError" in told(method=lacking)
    here = tmp_path / "model"
    here.mkdir()
    (here / "w").write_text("1")
    named = models(METHOD, {"times": 1, "model": str(here)})
    assert list(named) == [str(here)]
    assert models(METHOD, {"times": 1, "model": "a/b"}) == {}
    (here / "w").write_text("2")
    folder_digest.cache_clear()  # a worker is another process
    assert f"model {here} holds another model on node" in told(models=named)
    (here / "w").unlink()
    here.rmdir()
    folder_digest.cache_clear()
    assert f"model {here} is not there on node" in told(models=named)


# The cluster


def ray_of(*nodes: tuple[float, float]) -> Any:
    found = [
        {"Alive": cpu >= 0, "NodeID": f"{i:056x}", "Resources": {"CPU": abs(cpu), "GPU": gpu}}
        for i, (cpu, gpu) in enumerate(nodes)
    ]
    return SimpleNamespace(nodes=lambda: found)


def test_workers_take_cores_gpus_or_whole_nodes() -> None:
    pytest.importorskip("ray")
    mixed = ray_of((4, 0), (2, 2), (0, 0), (-8, 8))
    by_core = cluster._places(mixed, 0)
    assert [place["num_cpus"] for place in by_core] == [1] * 6
    assert not any("num_gpus" in place for place in by_core)
    assert cluster._places(mixed, 1) == [{"num_cpus": 1, "num_gpus": 1}] * 2
    assert cluster._places(mixed, 2) == [{"num_cpus": 1, "num_gpus": 2}]
    assert cluster._places(mixed, 0.5) == [{"num_cpus": 1, "num_gpus": 0.5}] * 4
    whole = cluster._places(ray_of((4, 0), (2, 0)), 1)
    assert [place["num_cpus"] for place in whole] == [4, 2]
    with pytest.raises(DataError, match="no node"):
        cluster._places(ray_of((0, 0), (-4, 0)), 0)


class Actor:
    """A worker of the stand-in."""

    def __init__(self, ray: Ray, worker: Worker) -> None:
        self.map = SimpleNamespace(
            remote=lambda value: ray.begin(self, lambda: sent(worker.map(sent(value))))
        )
        self.close = SimpleNamespace(remote=lambda: ray.begin(self, lambda: ray.closed.append(self)))


class Ray:
    """As much of Ray as `Cluster.map` uses, in this process: a shard is mapped when its result is fetched.

    `lost` are the numbers of the fetches before which their workers die.
    """

    class exceptions:
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    put = staticmethod(sent)

    def __init__(self, *nodes: tuple[float, float], lost: Collection[int] = ()) -> None:
        from ray import cloudpickle

        self.nodes, self.cloudpickle, self.lost = ray_of(*nodes).nodes, cloudpickle, lost
        self.places: list[dict[str, Any]] = []
        self.actors: list[Actor] = []
        self.closed: list[Actor] = []
        self.killed: list[Actor] = []
        self.dead: list[Actor] = []
        self.flying: dict[object, tuple[Actor, Callable[[], Any]]] = {}
        self.most = self.fetched = 0

    def remote(self, made: type[Worker]) -> Any:
        def make(place: dict[str, Any], told: tuple[Any, ...]) -> Actor:
            self.places.append(place)
            self.actors.append(Actor(self, made(*told)))
            return self.actors[-1]

        return SimpleNamespace(
            options=lambda **place: SimpleNamespace(remote=lambda *told: make(place, told))
        )

    def begin(self, actor: Actor, call: Callable[[], Any]) -> object:
        ref = object()
        self.flying[ref] = actor, call
        self.most = max(self.most, len(self.flying))
        return ref

    def wait(self, refs: list[object], timeout: float) -> tuple[list[object], list[object]]:
        return refs[:1], refs[1:]

    def get(self, found: Any, timeout: float = 0) -> Any:
        if isinstance(found, list):
            return [self.get(ref) for ref in found]
        actor, call = self.flying.pop(found)
        self.fetched += 1
        if self.fetched in self.lost:
            self.dead.append(actor)
        if actor in self.dead:
            raise self.exceptions.RayError("the worker died")
        assert actor not in self.killed
        return call()

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ray]:
    """Ray as `Cluster` finds it, on nodes of so many cores and GPUs."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "selectlang[ray]"')

    def make(*nodes: tuple[float, float], **lost: Any) -> Ray:
        ray = Ray(*nodes, **lost)
        monkeypatch.setattr(cluster.Cluster, "_start", lambda self: ray)
        return ray

    return make


def mapped(count: int) -> Iterator[tuple[int, Any]]:
    """Rows as `Cluster` maps them, each a shard, in the order they are done."""
    shards = [Shard(str(i), sliced(ROWS, i, i + 1)) for i in range(count)]
    targets = {"targets": ROWS.take(np.arange(5))}
    for key, found, _ in cluster.Cluster(None).map(METHOD, targets, {"times": 1, "model": "m"}, shards):
        yield int(key), found


def test_shards_leave_as_there_is_room_and_come_back_as_they_are_done(
    stand_in: Callable[..., Ray], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, load_it = [], counted.__init__
    monkeypatch.setattr(
        counted, "__init__", lambda self, *args, **more: loaded.append(load_it(self, *args, **more))
    )
    ray = stand_in((2, 0))
    for done, (_, found) in enumerate(mapped(20), 1):
        assert len(found.rows) == 1
        assert ray.fetched == done, "nothing waits for other shards"
    assert ray.most == 4, "two for each worker, however many there are"
    assert len(loaded) == 2, "a worker loads the class once"
    assert ray.places == [{"num_cpus": 1, "scheduling_strategy": "SPREAD"}] * 2
    assert sorted(map(id, ray.closed)) == sorted(map(id, ray.killed)) == sorted(map(id, ray.actors))


def test_workers_end_when_the_run_does(stand_in: Callable[..., Ray]) -> None:
    ray = stand_in((3, 0))
    given = mapped(20)
    next(given)
    given.close()
    assert set(ray.killed) == set(ray.actors)
    assert len(ray.actors) == 3


def test_a_method_that_wants_a_gpu_gets_one(
    stand_in: Callable[..., Ray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "gpus", 1, raising=False)
    ray = stand_in((4, 2))
    assert sorted(key for key, _ in mapped(5)) == list(range(5))
    assert ray.places == [{"num_cpus": 1, "num_gpus": 1}] * 2


def test_every_method_that_runs_a_network_wants_a_gpu() -> None:
    methods = {key: method for key, method in load().methods.items() if cluster.Cluster.takes(method)}
    wants = {key for key, method in methods.items() if getattr(method.call, "gpus", 0) == 1}
    named = {
        key for key, method in methods.items() if any(each.names_model for each in method.settings.values())
    }
    assert wants == named - {("score", "length")}  # which has a tokenizer alone
    assert len(wants) >= 5


def test_a_lost_worker_costs_its_shards(stand_in: Callable[..., Ray]) -> None:
    """First one of two, then the other: a new crew goes on."""
    alone = Mapper(METHOD, lambda: {"targets": ROWS.take(np.arange(5)), "times": 1, "model": "m"}, Path())
    ray = stand_in((2, 0), lost={3, 9})
    found = dict(mapped(20))
    assert sorted(found) == list(range(20))
    for key, scores in found.items():
        same(scores, alone.map(sliced(ROWS, key, key + 1)))
    assert len(ray.dead) == 2
    assert ray.fetched == 20 + 2 * 2 + len(ray.closed)
    assert len(ray.closed) == 2
    assert len(ray.actors) == 4


def test_a_cluster_says_how_many_workers_and_gpus_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    sentence = load().methods["embed", "sentence"]
    found = cluster.Cluster(None)
    for nodes, said in (([(4, 0), (2, 2)], (2, 1)), ([(4, 0), (2, 0), (1, 0)], (3, 0))):
        monkeypatch.setattr(found, "_start", lambda nodes=nodes: ray_of(*nodes))
        assert found.workers(sentence) == said


def test_a_shard_gives_up_after_some_workers() -> None:
    shard = Shard("k", ROWS)
    for _ in range(cluster.LOSSES - 1):
        shard = cluster._again(shard, RuntimeError("gone"))
    with pytest.raises(MethodError, match="lost 4 workers one after another over the same rows.*gone"):
        cluster._again(shard, RuntimeError("gone"))


def test_who_asks_models_or_keeps_files_stays_in_the_driver() -> None:
    methods = load().methods
    takes = {key for key, method in methods.items() if cluster.Cluster.takes(method)}
    assert {("embed", "sentence"), ("score", "nearest"), ("score", "perplexity")} <= takes
    assert not takes & {("judge", "rubric"), ("generate", "llm"), ("train", "sft"), ("budget", "top")}


def test_without_ray_a_run_says_what_to_install(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    done = project({"s.yaml": SPEC, "pool.jsonl": []}).run("selectlang run random --set pool=x --engine ray")
    assert done.code == 1
    assert 'pip install "selectlang[ray]"' in done.err


def test_an_address_is_for_ray(project: Any) -> None:
    done = project({}).run("selectlang run random --set pool=x --address head:6379")
    assert (done.code, done.err) == (
        2, "selectlang: --address names a Ray cluster; give --engine ray too\n"
    )  # fmt: skip


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "127.0.0.1:none"])
def test_an_address_where_nobody_is_ends_at_once(project: Any, pool: Any, address: str) -> None:
    pytest.importorskip("ray")
    p = project({"s.yaml": SPEC, "plugins/slow.py": PLUGIN, "pool.jsonl": pool(20)})
    done = p.run(RUN + f"--engine ray --address {address} --out out")
    assert done.code == 1
    assert f"slow: --address {address}: no Ray cluster can be joined there: " in done.err


SPEC = """
selectlang: 1
name: t
params: {pool: {type: path}, bad: {type: str, default: none}}
data:
  pool:    {path: $pool, id: id}
  targets: {path: $pool, id: id, group: task}
stages:
  slow:   {score: slow, from: {rows: pool, targets: targets}, bad: $bad}
  noise:  {score: random, from: pool}
  both:   {merge: rank_mean, from: [slow, noise]}
  chosen: {budget: top, from: both, size: 20}
outputs: {chosen: chosen, slow: slow}
"""
PLUGIN = """
import json, os, time
import selectlang as sl

def length(text):
    return float(len(text))

@sl.score
class slow:
    "Lengths and groups, slowly; where it is is written down."
    shard_rows = 10
    batch_rows = 5
    @staticmethod
    def window_rows(rows, gpus):
        return 25
    def __init__(self, targets: sl.Rows[sl.Q], *, bad: str = "none") -> None:
        self.groups, self.bad = sorted(set(targets.groups())), bad
    def __call__(self, rows: sl.Rows[sl.P]) -> sl.Scores[sl.P]:
        node = ""
        if "PAUSE" in os.environ:
            import ray
            node = ray.get_runtime_context().get_node_id()
        with open(os.environ["CALLS"], "a") as file:
            file.write(json.dumps([node, rows.ids()]) + "\\n")
        if self.bad in rows.ids():
            return [1 / 0]
        time.sleep(float(os.environ.get("PAUSE", "0")))
        numbers = [self.groups.index(task) for task in rows.field("task")]
        return [length(text) + number for text, number in zip(rows.texts(), numbers)]

@sl.hookimpl
def register_methods(register):
    register(slow)
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --plugins plugins "
SHARDS, WINDOW = 16, 2  # 160 rows among two workers in four turns: two shards at once


def test_a_run_on_a_cluster_tells_and_keeps_what_a_run_here_does(
    project: Callable[..., Any],
    pool: Callable[..., Any],
    stand_in: Callable[..., Ray],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(progress, "EVERY", 0)
    stand_in((2, 0))
    plugin = PLUGIN.replace("self.bad in", 'os.environ["BAD"] in')
    p = project({"s.yaml": SPEC, "plugins/slow.py": plugin, "pool.jsonl": pool(10 * SHARDS)})

    def run(engine: str, bad: str) -> tuple[Any, list[str]]:
        p.environment.update(SELECTLANG_STORE=str(p.folder / f"store {engine}"), BAD=bad)
        done = p.run(f"{RUN} --engine {engine} --out {engine}")
        told = [line.split(", about")[0] for line in done.err.splitlines() if line.startswith("slow: ")]
        return done, [re.sub("done in .*", "done", line) for line in told]

    here, there = run("local", "r85"), run("ray", "r85")  # in the first shard of a window
    assert here[0].code == there[0].code == 3
    assert there[1] == here[1]
    assert here[1][-2] == "slow: 80 of 160 rows"
    again, away = run("local", "none"), run("ray", "none")
    assert away[0].ok().bytes("slow") == again[0].ok().bytes("slow")
    assert away[0].keys == again[0].keys
    assert away[1] == again[1]
    assert again[1][0] == "slow: going on, 80 of 160 rows are kept"
    assert "slow: 90 of 160 rows" in again[1]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A Ray cluster of two nodes on this machine, and the second of them."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "selectlang[ray]"')
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PAUSE", "0.1")  # workers get what their node has
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield found, found.add_node(num_cpus=1)
    finally:
        found.shutdown()


def calls(p: Any) -> list[tuple[str, list[str]]]:
    path = p.folder / "calls"
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_cluster_that_loses_a_node_gives_the_same_bytes(
    project: Callable[..., Any], pool: Callable[..., Any], nodes: tuple[Any, Any], monkeypatch: Any
) -> None:
    p = project({"s.yaml": SPEC, "plugins/slow.py": PLUGIN, "pool.jsonl": pool(10 * SHARDS)})
    engine = f"--engine ray --address {nodes[0].address} "

    with monkeypatch.context() as patch:
        patch.delenv("PAUSE")
        p.environment["SELECTLANG_STORE"] = str(p.folder / "alone")
        alone = p.run(RUN + "--out alone").ok()
        broken = p.run(RUN + "--out broken --set bad=r31")
        assert broken.code == 3
    (p.folder / "calls").unlink()

    # A node is killed in mid-run: its shards are asked again of the other.
    p.environment["SELECTLANG_STORE"] = str(p.store)
    process = p.start(RUN + engine + "--out out")
    limit = time.monotonic() + 60
    while len({node for node, _ in calls(p)}) < 2 or len(calls(p)) < 6:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)
    nodes[0].remove_node(nodes[1], allow_graceful=False)
    done = p.finish(process).ok()
    assert [done.bytes(name) for name in ("chosen", "slow")] == [alone.bytes(n) for n in ("chosen", "slow")]
    assert done.keys == alone.keys
    assert any(len({int(name[1:]) // 10 for name in names}) == WINDOW for _, names in calls(p))
    # At most two windows were on their way there.
    assert 2 * SHARDS <= len(calls(p)) <= 2 * SHARDS + 4 * 2 * WINDOW
    assert len({node for node, _ in calls(p)[-6:]}) == 1

    # An error of the method is the error it is in this process; the shards that are done are kept.
    (p.folder / "calls").unlink()
    failed = p.finish(p.start(RUN + engine + "--out broken --set bad=r31"))
    assert failed.code == 3
    assert [line for line in failed.err.splitlines() if line.startswith("slow: score slow of")] == [
        line for line in broken.err.splitlines() if line.startswith("slow: score slow of")
    ]

    # A run that is killed goes on in another engine.
    p.environment["SELECTLANG_STORE"] = str(p.folder / "third")
    (p.folder / "calls").unlink()
    process = p.start(RUN + engine + "--out third")
    while not list((p.folder / "third").glob("entries/*/*/value.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = len(list((p.folder / "third").glob("entries/*/*/value.json")))
    assert 1 <= kept < SHARDS
    monkeypatch.delenv("PAUSE")
    time.sleep(0.3)  # a worker may write down a call after its driver is gone
    (p.folder / "calls").unlink()
    assert p.run(RUN + "--out third").ok().bytes("slow") == alone.bytes("slow")
    assert len(calls(p)) == 2 * WINDOW * -(-(SHARDS - kept) // WINDOW)
