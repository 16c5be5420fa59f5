"""An entry that is not as it was written is never used, whatever happened to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selectlang.store.store import Store

KEY, OTHER = "ab" * 32, "ac" + "0" * 62
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # for a busy machine
FILES = ("value.json", "matrix.npy", "empty", "path/weights.bin", "meta.json")


def write(store: Store, key: str = KEY) -> None:
    with store.writing(key, {"stage": "vectors", "key": key}) as folder:
        (folder / "value.json").write_text('{"type": "Vectors"}')
        (folder / "matrix.npy").write_bytes(bytes(range(256)))
        (folder / "empty").touch()
        (folder / "path").mkdir()
        (folder / "path" / "weights.bin").write_bytes(b"\0" * 64)
        (folder / "hollow").mkdir()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    write(store)
    write(store, OTHER)
    return store


def entry(store: Store, key: str = KEY) -> Path:
    return store.folder / "entries" / key[:2] / key


def assert_found_and_made_again(store: Store) -> None:
    reports: list[tuple[str, str]] = []
    again = Store(store.folder)
    assert [key for key, _ in again.verify()] == [KEY]
    again.on_corrupt = lambda key, reason: reports.append((key, reason))
    assert again.path(KEY) is None
    assert [key for key, _ in reports] == [KEY]
    assert not os.path.lexists(entry(store))
    assert not again.has(KEY)
    assert os.listdir(store.folder / "tmp") == []
    assert again.path(OTHER) is not None
    write(again)
    assert again.path(KEY) is not None
    assert Store(store.folder).verify() == []


def test_a_whole_entry_is_not_damaged(store: Store) -> None:
    reports: list[str] = []
    again = Store(store.folder)
    again.on_corrupt = lambda key, reason: reports.append(key)
    assert again.path(KEY) == entry(store)
    assert not reports
    assert not again.verify()


def delete(file: Path, outside: Path) -> None:
    file.unlink()


def empty(file: Path, outside: Path) -> None:
    file.write_bytes(b"" if file.stat().st_size else b"\0")


def shorten(file: Path, outside: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] if content else b"\n")


def make_folder(file: Path, outside: Path) -> None:
    file.unlink()
    file.mkdir()


def link(file: Path, outside: Path) -> None:
    """The same content by a link, which could change later."""
    file.rename(outside)
    file.symlink_to(outside)


def make_pipe(file: Path, outside: Path) -> None:
    file.unlink()
    os.mkfifo(file)


HARMS = (delete, empty, shorten, make_folder, link, make_pipe)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_harm_to_any_file_is_found(
    name: str, harm: Callable[[Path, Path], None], store: Store, tmp_path: Path
) -> None:
    content = (entry(store) / name).read_bytes()
    harm(entry(store) / name, tmp_path / "outside")
    assert_found_and_made_again(store)
    if harm is link:
        assert (tmp_path / "outside").read_bytes() == content


@pytest.mark.parametrize("name", [name for name in FILES if name != "empty"])
def test_any_flipped_byte_is_found(name: str, store: Store) -> None:
    file = entry(store) / name
    content = file.read_bytes()
    again = Store(store.folder)
    for at in range(len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert [key for key, _ in again.verify()] == [KEY], at
    assert_found_and_made_again(store)


@unhurried
@given(data=st.data())
def test_any_other_content_is_found_or_means_the_same(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    write(store)
    file = entry(store) / data.draw(st.sampled_from(FILES))
    content = file.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    other = content[:start] + data.draw(st.binary(max_size=4)) + content[end:]
    file.write_bytes(other)
    same = other == content
    if file.name == "meta.json" and not same:
        try:
            same = json.loads(other) == json.loads(content)
        except ValueError:
            same = False
    assert (Store(store.folder).path(KEY) is not None) == same


@pytest.mark.parametrize("name", ["extra", "path/extra", ".hidden", "hollow/extra", "value.json~"])
@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_what_does_not_belong_is_found(name: str, what: str, store: Store, tmp_path: Path) -> None:
    extra = entry(store) / name
    if what == "file":
        extra.touch()
    elif what == "folder":
        extra.mkdir()
    else:
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").touch()
        extra.symlink_to(tmp_path / "precious")
    assert_found_and_made_again(store)
    if what == "link":
        assert (tmp_path / "precious" / "file").exists()


@pytest.mark.parametrize("name", ["hollow", "path"])
def test_a_missing_folder_is_found(name: str, store: Store) -> None:
    shutil.rmtree(entry(store) / name)
    assert_found_and_made_again(store)


def test_an_entry_under_the_key_of_another_is_found(store: Store) -> None:
    shutil.rmtree(entry(store))
    shutil.copytree(entry(store, OTHER), entry(store))
    assert_found_and_made_again(store)


def test_a_link_in_place_of_an_entry_is_found(store: Store, tmp_path: Path) -> None:
    entry(store).rename(tmp_path / "moved")
    entry(store).symlink_to(tmp_path / "moved")
    assert_found_and_made_again(store)
    assert (tmp_path / "moved" / "value.json").exists()


def test_a_file_in_place_of_an_entry_is_found(store: Store) -> None:
    shutil.rmtree(entry(store))
    entry(store).write_text("x")
    assert_found_and_made_again(store)


DEEP = "[" * 100_000
UNSIGNED = json.dumps({"key": KEY, "created": "2024-01-01", "files": {}, "folders": [], "meta": {}})
SIGNED = json.dumps({"sha256": hashlib.sha256(b"null").hexdigest(), "entry": None})


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '"x"', "1e999", "\0" * 99, DEEP, UNSIGNED, SIGNED, '{"sha256": 1, "entry": []}'],
    ids=range(11),
)
def test_a_garbage_meta_is_found(text: str, store: Store) -> None:
    (entry(store) / "meta.json").write_text(text)
    assert store.meta(KEY) is None
    assert [found.key for found in store.entries()] == [OTHER]
    assert_found_and_made_again(store)


def test_verify_repairs(store: Store) -> None:
    (entry(store) / "matrix.npy").write_bytes(b"short")
    reason = "matrix.npy has 5 bytes, expected 256"
    assert store.verify() == [(KEY, reason)]
    assert entry(store).exists()
    assert store.verify(repair=True) == [(KEY, reason)]
    assert not entry(store).exists()
    assert store.verify() == []
    assert store.path(KEY) is None  # though this process had written it
    assert store.path(OTHER) is not None


def test_an_entry_is_checked_once_in_a_process(store: Store) -> None:
    """Checking costs as much as reading; a run opens the same vectors many times."""
    again = Store(store.folder)
    assert again.path(KEY)
    (entry(store) / "matrix.npy").write_bytes(b"changed")
    assert again.path(KEY)
    assert store.path(KEY), "and what it has written itself not at all"
    assert Store(store.folder).path(KEY) is None
    assert again.path(KEY) is None  # it is gone now


def test_what_another_process_repaired_meanwhile_is_not_deleted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry(store) / "matrix.npy").write_bytes(b"damaged")
    other, late = Store(store.folder), Store(store.folder)
    take_out = late._take_out

    def take_out_late(key: str) -> bool:
        assert other.path(key) is None
        write(other)
        return take_out(key)

    monkeypatch.setattr(late, "_take_out", take_out_late)
    assert late.path(KEY) is None
    assert other.path(KEY) is not None
    assert late.path(KEY) is not None
