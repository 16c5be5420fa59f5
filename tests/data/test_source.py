"""Sources: which files a path means, and what makes two data sets the same."""

import os
import socket
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

import selectlang as sl
from selectlang.data import fingerprint as fingerprints
from selectlang.data.fingerprint import fingerprint
from selectlang.data.source import DataSpec, files, format_of, stems


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("part_10.jsonl", "part_2.jsonl", "part_1.jsonl", "other.csv", "deep/er/part_3.jsonl"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"prompt": "{name}"}}\n')
        os.utime(path, (1e9, 1e9))
    return tmp_path


def names(*paths):
    return [str(path) for path in files(DataSpec(paths))]


def test_globs_are_in_natural_order_and_no_file_comes_twice(folder):
    assert names("part_*.jsonl") == ["part_1.jsonl", "part_2.jsonl", "part_10.jsonl"]
    assert names("**/part_*.jsonl")[0] == "deep/er/part_3.jsonl"
    assert names("part_2.jsonl", "part_*.jsonl") == ["part_2.jsonl", "part_1.jsonl", "part_10.jsonl"]
    Path("odd[1].jsonl").write_text("{}")
    assert names("odd[1].jsonl") == ["odd[1].jsonl"]


@pytest.mark.parametrize(
    "path, message",
    [
        ("part_3.jsonl", "there is no file 'part_3.jsonl'; the nearest is 'part_"),
        ("zzz", "there is no file 'zzz'; '.' holds 'other.csv', 'part_1.jsonl', 'part_10.jsonl'"),
        ("*.parquet", "no file matches '*.parquet'; '.' holds 'other.csv'"),
        ("no/such.jsonl", "there is no folder 'no' either"),
        ("deep", "'deep' is a folder; name its files, as in 'deep/*.jsonl'"),
    ],
)
def test_paths_without_files(path, message, folder):
    with pytest.raises(sl.DataError) as error:
        names(path)
    assert message in str(error.value)


def test_formats_and_stems():
    spec = DataSpec(("x",))
    assert [format_of(Path(name), spec) for name in ("a.JSONL", "a.ndjson.gz", "a.b.csv", "a.parquet")] == [
        "jsonl", "jsonl", "csv", "parquet",
    ]  # fmt: skip
    assert format_of(Path("a.txt"), replace(spec, format="tsv")) == "tsv"
    with pytest.raises(sl.DataError, match=r"format of 'a\.txt' cannot be told .* format: json \| jsonl"):
        format_of(Path("a.txt"), spec)
    with pytest.raises(sl.DataError, match="there is no format 'xml'"):
        format_of(Path("a.txt"), replace(spec, format="xml"))
    paths = [Path(name) for name in ("d/a.jsonl.gz", "a.v1.json", "a.v1", "a.csv.csv")]
    assert stems(spec, paths) == ["a", "a.v1", "a.v1", "a.csv"]
    assert stems(spec, paths[:1]) == [""]
    assert stems(replace(spec, group="_file"), paths[:1]) == ["a"]


def test_a_fingerprint_is_of_content_stems_and_settings(folder):
    cache = folder / "cache"
    spec = DataSpec(("part_*.jsonl",))
    print_ = fingerprint(spec, cache)
    assert fingerprint(spec, cache) == print_
    assert fingerprint(replace(spec, path=(str(folder / "part_*.jsonl"),)), folder / "other") == print_
    (folder / "moved").mkdir()
    for path in files(spec):
        (folder / "moved" / path.name).write_bytes(path.read_bytes())
    assert fingerprint(DataSpec(("moved/part_*.jsonl",)), cache) == print_
    changes = [
        {"id": "x"}, {"group": "x"}, {"columns": {"instruction": "x"}}, {"header": ("x",)},
        {"bad_rows": "skip"}, {"split": "x"}, {"format": "csv"}, {"path": ("part_1.jsonl",)},
        {"path": ("part_2.jsonl", "part_1.jsonl", "part_10.jsonl")},
    ]  # fmt: skip
    assert len({fingerprint(replace(spec, **change), cache) for change in changes} | {print_}) == 10
    Path("part_2.jsonl").rename("part_3.jsonl")
    assert fingerprint(spec, cache) != print_


def test_the_name_of_a_single_file_counts_only_where_rows_are_grouped_by_it(folder):
    cache, whole = folder / "cache", Path("part_1.jsonl")
    specs = [DataSpec((name,)) for name in ("part_1.jsonl", "renamed.jsonl")]
    grouped = [replace(spec, group="_file") for spec in specs]
    before = [fingerprint(specs[0], cache), fingerprint(grouped[0], cache)]
    whole.rename("renamed.jsonl")
    assert fingerprint(specs[1], cache) == before[0]
    assert fingerprint(grouped[1], cache) != before[1]


def test_the_hash_of_a_file_is_kept_until_it_changes(folder, monkeypatch):
    cache, spec, hashed = folder / "cache", DataSpec(("part_1.jsonl",)), []
    whole = fingerprints.file_digest
    monkeypatch.setattr(fingerprints, "file_digest", lambda path: hashed.append(path.name) or whole(path))
    monkeypatch.setattr(fingerprints, "RECENT", -1)
    first = fingerprint(spec, cache)
    assert fingerprint(spec, cache) == first
    assert hashed == ["part_1.jsonl"]
    path = Path("part_1.jsonl")
    path.write_text(path.read_text().upper())  # as long, but later
    os.utime(path, (1e9, 1e9 + 1))
    assert fingerprint(spec, cache) != first
    assert len(hashed) == 2


def test_a_file_whose_size_and_time_were_restored_is_hashed_again(folder, monkeypatch):
    monkeypatch.setattr(fingerprints, "RECENT", -1)
    cache, spec, path = folder / "cache", DataSpec(("part_1.jsonl",)), Path("part_1.jsonl")
    first, facts = fingerprint(spec, cache), path.stat()
    path.write_text(path.read_text().upper())
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    second = fingerprint(spec, cache)
    assert second != first
    other = Path("new.jsonl")  # and one that takes its place
    other.write_text(path.read_text().lower())
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)
    assert fingerprint(spec, cache) == first


def test_a_file_that_changed_just_now_is_hashed_each_time(folder):
    cache, spec, path = folder / "cache", DataSpec(("part_1.jsonl",)), Path("part_1.jsonl")
    path.write_text("a")
    facts = path.stat()
    first = fingerprint(spec, cache)
    path.write_text("b")
    os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))  # within one tick of a coarse clock
    assert fingerprint(spec, cache) != first


def test_a_broken_cache_costs_time_only(folder):
    spec, good = DataSpec(("part_*.jsonl",)), folder / "good"
    print_ = fingerprint(spec, good)
    (good / "files.sqlite").write_bytes(b"no database" * 1000)
    assert fingerprint(spec, good) == print_


def settled_fingerprint(spec, cache):
    fingerprints.RECENT = -1  # in a process of its own
    return fingerprint(spec, cache)


def test_several_processes_share_a_cache(folder):
    spec, cache = DataSpec((str(folder / "part_*.jsonl"),)), folder / "cache"
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        prints = list(pool.map(settled_fingerprint, [spec] * 12, [cache] * 12))
    assert len(set(prints)) == 1
    with sqlite3.connect(cache / "files.sqlite") as known:
        assert known.execute("SELECT count(*) FROM hashes").fetchone() == (3,)
    known.close()


def test_a_cache_that_cannot_be_made_costs_time_only(folder):
    Path("cache").write_text("a file")
    spec = DataSpec(("part_*.jsonl",))
    assert fingerprint(spec, Path("cache")) == fingerprint(spec, folder / "good")


def test_a_name_that_is_not_utf8(folder, monkeypatch):
    monkeypatch.setattr(fingerprints, "RECENT", -1)
    path = Path(os.fsdecode(b"\xff.jsonl"))
    path.write_text('{"prompt": "a"}\n')
    spec = DataSpec((str(path),))
    assert fingerprint(spec, folder / "cache") == fingerprint(spec, folder / "cache")


def bind(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)


@pytest.mark.parametrize("make", [os.mkfifo, bind])
def test_what_is_no_regular_file_is_refused(make, folder):
    make("odd.jsonl")
    with pytest.raises(sl.DataError, match=r"'odd\.jsonl' is not a regular file; write its rows to a file"):
        names("odd.jsonl")
    with pytest.raises(sl.DataError, match="'/dev/zero' is not a regular file"):
        names("/dev/zero")
    assert "odd.jsonl" not in names("*.jsonl")


def test_a_file_that_may_not_be_read(folder, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(fingerprints, "file_digest", refuse)
    with pytest.raises(sl.DataError, match=r"'other\.csv' cannot be read: Permission denied"):
        fingerprint(DataSpec(("other.csv",)), folder / "cache")
