"""Damaged entries of the store: found before they are used, reported, and made again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.store.store import Store

Make = Callable[..., Any]

SPEC = """
selectlang: 1
name: kmq
params:
  pool: {type: path}
  size: {type: amount, default: 20}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: tfidf, from: pool, dimension: 8}
  topics:  {cluster: kmeans, from: vectors, k: 5}
  quality: {score: length, from: pool, text: response}
  chosen:  {budget: per_cluster, from: {clusters: topics, scores: quality}, size: $size, draw: weighted}
outputs: {chosen: chosen}
"""
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out --set size="
ANSWERED = """
selectlang: 1
name: answered
params: {pool: {type: path, default: pool.jsonl}}
data: {pool: {path: $pool, id: id}}
stages:
  replies:  {generate: llm, from: pool, model: fake/echo}
  verdicts: {judge: pairwise, from: {rows: pool, against: replies}, model: fake/judge, max_failed: 0.5}
outputs: {verdicts: verdicts}
"""
VERIFY = "selectlang store verify"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_any_damaged_file_is_found_and_made_again(
    project: Make, pool: Make, damage: Callable[[Path], None]
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(80)})
    first = p.run(RUN + "20").ok()
    expected = {20: first.bytes()}
    keys, data = first.keys, first.record["data"]["pool"]["key"]
    report = next(entry.key for entry in Store(p.store).entries() if entry.meta["path"] == "report")
    pristine = p.folder / "pristine"
    shutil.copytree(p.store, pristine)
    expected[21] = p.run(RUN + "21").ok().bytes()
    shutil.rmtree(p.store)

    files = sorted(path.relative_to(pristine) for path in pristine.glob("entries/*/*/**/*") if path.is_file())
    assert len(files) >= 6 * 3
    for file in files:
        key = file.parts[2]
        shutil.copytree(pristine, p.store)
        damage(p.store / file)
        assert p.run(VERIFY).code == 1
        # With 21 the budget runs, and reads what leads to it.
        size = 20 if key in (keys["chosen"], report) else 21
        again = p.run(f"{RUN}{size}").ok()
        assert again.bytes() == expected[size], file
        if key == keys["vectors"]:  # nothing needs them: the clusters are there, and a report goes without
            assert "damaged" not in again.err
            seen = file.name != "meta.json"  # without which nothing says that they were there
            assert ("vectors: damaged in the store" in (again.folder / "report.html").read_text()) is seen
            assert p.run(VERIFY).code == (0 if seen else 1)
        else:
            assert again.err.count("is damaged") == 1, file
            assert f"store: {key[:12]} is damaged" in again.err
            assert p.run(VERIFY).ok().out == "0 damaged\n"
            made = {path for path, state in again.states.items() if state == "ran"}
            needed = set() if key == report else {path for path in keys if keys[path] == key} | {"chosen"}
            assert made == needed, (file, data)
        shutil.rmtree(p.store)


def test_a_damaged_entry_that_cannot_be_taken_out_is_an_error(
    project: Make, pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(80)})
    key = p.run(RUN + "20").ok().keys["topics"]
    flip(next(p.store.glob(f"entries/*/{key}/port_*/*.npy")))

    def fail(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Store, "_delete", fail)
    done = p.run(RUN + "21")
    assert done.code == 1
    assert "topics: cannot replace the damaged entry" in done.err


def test_a_plan_makes_nothing_of_what_is_damaged(project: Make, pool: Make) -> None:
    p = project({"s.yaml": ANSWERED, "pool.jsonl": pool(10)})
    key = p.run("selectlang run s.yaml --out out").ok().keys["replies"]
    flip(next(p.store.glob(f"entries/*/{key}/port_/*.jsonl")))
    p.write({"s.yaml": ANSWERED.replace("max_failed: 0.5", "max_failed: 0.6")})
    p.run("selectlang plan s.yaml").ok()
    assert not Store(p.store).has(key)
    again = p.run("selectlang run s.yaml --out out").ok()
    assert again.states == {"replies": "ran", "verdicts": "ran"}


def test_a_damaged_entry_whose_inputs_are_damaged_too(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(80)})
    whole = p.run(RUN + "20").ok().bytes()
    for meta in p.store.glob("entries/*/*/meta.json"):
        flip(meta)
    again = p.run(RUN + "20").ok()
    assert again.bytes() == whole
    assert set(again.states.values()) == {"ran"}
    assert p.run(VERIFY).code == 0


def test_damage_without_the_data_is_an_error_that_says_so(project: Make, pool: Make) -> None:
    """What cannot be made again is not used."""
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(80)})
    whole = p.run(RUN + "20").ok().bytes()
    for meta in p.store.glob("entries/*/*/meta.json"):
        cut(meta)
    (p.folder / "pool.jsonl").unlink()
    done = p.run(RUN + "20")
    assert done.code == 1
    assert "data 'pool': there is no file 'pool.jsonl'" in done.err
    assert (done.folder / "chosen.jsonl").read_bytes() == whole  # the run before is left as it was


def test_a_pruned_store_makes_everything_again(project: Make, pool: Make) -> None:
    p = project({"s.yaml": SPEC, "pool.jsonl": pool(80)})
    whole = p.run(RUN + "20").ok().bytes()
    assert "deleted 6 entries" in p.run("selectlang store prune --older-than 0d").ok().out
    again = p.run(RUN + "20").ok()
    assert (again.bytes(), set(again.states.values())) == (whole, {"ran"})
