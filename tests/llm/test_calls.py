"""The call store: what is kept, when it is there, and what a damaged file says."""

from __future__ import annotations

import queue
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.llm.calls import Answer, Calls
from selectlang.llm.request import Asked, Request

KEYS = [f"{i:064x}" for i in range(1000)]
ANSWER = Answer("a text\x00 with ünïcode", 10, 3, 0.25, "stop")


def keep(calls: Calls, *keys: str, answer: Answer = ANSWER) -> list[sl.DataError | None]:
    told: queue.SimpleQueue[sl.DataError | None] = queue.SimpleQueue()
    for key in keys:
        calls.keep(key, "openai/a-model", answer, told.put)
    return [told.get(timeout=20) for _ in keys]


def test_what_is_told_is_on_disk(tmp_path: Path) -> None:
    with Calls(tmp_path) as calls:
        assert calls.find(KEYS[:3]) == {}
        assert list(tmp_path.iterdir()) == []  # looking makes no file
        assert keep(calls, *KEYS[:2]) == [None, None]
        with closing(sqlite3.connect(tmp_path / "calls.db")) as other:  # as another process sees it
            assert other.execute("SELECT count(*) FROM calls").fetchone() == (2,)
        found = calls.find(KEYS[:3])
    assert list(found) == KEYS[:2]
    assert found[KEYS[0]] == Answer("a text\x00 with ünïcode", 10, 3, 0.25, "stop", stored=True)


def test_a_crash_cannot_take_back_what_is_on_disk(tmp_path: Path) -> None:
    """A copy of the files as they are at any moment after the telling holds the answer."""
    with Calls(tmp_path / "store") as calls:
        keep(calls, *KEYS[:100])
        shutil.copytree(tmp_path / "store", tmp_path / "copy")
    with Calls(tmp_path / "copy") as copied:
        assert len(copied.find(KEYS)) == 100


def test_a_loss_of_power_cannot_take_it_back_either(tmp_path: Path) -> None:
    """In write-ahead logging, SQLite waits for the disk at each commit only if it is told to."""
    with Calls(tmp_path) as calls, closing(calls._open()) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_first_answer_to_a_call_stays(tmp_path: Path) -> None:
    with Calls(tmp_path) as calls:
        keep(calls, KEYS[0])
        keep(calls, KEYS[0], answer=Answer("another", 1, 1, None, "stop"))
        assert calls.find(KEYS[:1])[KEYS[0]].text == ANSWER.text


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    told: list[object] = []
    with Calls(tmp_path) as calls:
        for key in KEYS:
            calls.keep(key, "m", ANSWER, told.append)
    assert told == [None] * len(KEYS)
    with Calls(tmp_path) as calls:
        assert len(calls.find(KEYS)) == len(KEYS)


@pytest.mark.parametrize("damage", [b"not a database at all, " * 100, None])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, damage: bytes | None) -> None:
    with Calls(tmp_path) as calls:
        keep(calls, *KEYS)
    path = tmp_path / "calls.db"
    whole = path.read_bytes()
    path.write_bytes(damage if damage else whole[:4096] + b"\x55" * (len(whole) - 4096))
    with Calls(tmp_path) as calls:
        with pytest.raises(sl.DataError, match=r"calls\.db is damaged.*Move it out of the way"):
            calls.find(KEYS)
        (error,) = keep(calls, KEYS[0])
    assert error is not None
    assert "is damaged" in str(error)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls.db").mkdir()
    with Calls(tmp_path) as calls:
        (error,) = keep(calls, KEYS[0])
    assert error is not None
    assert f"{tmp_path / 'calls.db'} cannot be used" in str(error)


def test_another_process_may_begin_the_file_at_the_same_time(tmp_path: Path) -> None:
    """SQLite does not wait by itself to turn write-ahead logging on, and a paid answer would be lost."""
    keep_on = {"isolation_level": None, "check_same_thread": False}
    with closing(sqlite3.connect(tmp_path / "calls.db", **keep_on)) as other, Calls(tmp_path) as calls:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, other.execute, ["COMMIT"]).start()
        assert keep(calls, *KEYS[:2]) == [None, None]


def test_a_claim_that_was_given_back_is_free_for_another_process(tmp_path: Path) -> None:
    """Such as after a failure: else that process would wait for the end of this one."""
    path, held, free = tmp_path / "calls.lock", "1" * 64, "2" * 64
    code = (
        "from pathlib import Path; from selectlang.llm.claims import Claims; "
        f"print(*map(Claims(Path({str(path)!r})).take, {[held, free]}))"
    )
    with Calls(tmp_path) as calls:
        assert calls.claims.take(held)
        assert calls.claims.take(free)
        calls.claims.give_back(free)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


def test_a_claim_is_held_by_one(tmp_path: Path) -> None:
    """Between processes it is tested with those of the door."""
    with Calls(tmp_path) as calls:
        assert calls.claims.take(KEYS[1])
        assert not calls.claims.take(KEYS[1])
        assert calls.claims.take(KEYS[2])
        calls.claims.give_back(KEYS[1])
        assert calls.claims.take(KEYS[1])
        keep(calls, KEYS[1])  # ends the claim
        assert calls.claims.take(KEYS[1])


TEXT = st.text(st.characters(codec=None), max_size=8)
PROMPTS = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXT), max_size=3)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.just("m"), "identity": st.sampled_from(["m", "n"]), "max_tokens": st.integers(1, 3),
    "temperature": st.sampled_from([0, 0.0, 0.5]), "top_p": st.sampled_from([1, 1.0, 0.5]),
    "seed": st.sampled_from([None, 0, 1]),
    "form": st.sampled_from([None, {"a": 1, "b": 2}, {"b": 2, "a": 1}]),
}  # fmt: skip


@given(st.fixed_dictionaries(FIELDS), PROMPTS, st.integers(0, 2), st.data())
@settings(max_examples=300, deadline=None)
def test_keys_are_equal_when_all_that_decides_an_answer_is(
    fields: dict[str, Any], prompt: list[tuple[str, str]], first: int, data: st.DataObject
) -> None:
    """Two requests of which a few fields differ."""
    changed = data.draw(st.sets(st.sampled_from([*FIELDS, "prompt", "attempt"]), max_size=2))
    one, second = Asked(**fields), data.draw(st.integers(0, 2)) if "attempt" in changed else first
    other = Asked(**{name: data.draw(FIELDS[name]) if name in changed else fields[name] for name in fields})
    another = data.draw(PROMPTS) if "prompt" in changed else prompt

    def decides(asked: Asked, prompt: list[tuple[str, str]], attempt: int) -> tuple[object, ...]:
        seed = asked.seed if asked.temperature else None
        return (
            asked.identity, prompt, attempt, asked.max_tokens, asked.temperature, asked.top_p, seed,
            asked.form,
        )  # fmt: skip

    same = decides(one, prompt, first) == decides(other, another, second)
    assert (Request.of(one, 0, prompt, first).key == Request.of(other, 9, another, second).key) == same
    assert Request.of(one, 0, prompt, 0).again().key == Request.of(one, 5, prompt, 1).key


def altered(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "calls.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


ODD = {"text": "X'fffe'", "finish": "X'00'", "tokens_in": "'many'", "tokens_out": "-1", "cost": "'free'"}


@pytest.mark.parametrize("column, value", ODD.items())
def test_what_is_no_answer_is_no_answer(tmp_path: Path, column: str, value: str) -> None:
    """It is named, with what takes it out; the others are safe."""
    with Calls(tmp_path) as calls:
        keep(calls, *KEYS[:2])
    altered(tmp_path, f"UPDATE calls SET {column} = {value} WHERE key = '{KEYS[0]}'")
    with Calls(tmp_path) as calls:
        assert calls.find(KEYS[1:2]).keys() == {KEYS[1]}
        with pytest.raises(
            sl.DataError, match=f"what it has under {KEYS[0]} is no answer.*DELETE FROM"
        ) as error:
            calls.find(KEYS[:2])
        assert "1 of its answers are none" in (calls.damage() or "")
    altered(tmp_path, str(error.value).split('"')[1])
    with Calls(tmp_path) as calls:
        assert calls.find(KEYS[:2]).keys() == {KEYS[1]}


def test_a_text_that_is_none(tmp_path: Path) -> None:
    with Calls(tmp_path) as calls:
        keep(calls, KEYS[0])
    altered(tmp_path, "UPDATE calls SET text = CAST(X'fffe' AS TEXT)")
    with Calls(tmp_path) as calls, pytest.raises(sl.DataError, match="calls.db is damaged: Could not decode"):
        calls.find(KEYS[:1])


OTHERS = {
    "none": "CREATE TABLE calls (a, b)",
    "fewer": "ALTER TABLE calls DROP COLUMN at",
    "more": "ALTER TABLE calls ADD COLUMN more TEXT",
    "renamed": "ALTER TABLE calls RENAME COLUMN cost TO price",
}


@pytest.mark.parametrize("change", OTHERS)
def test_other_columns_are_found_before_anything_is_paid(tmp_path: Path, change: str) -> None:
    if change != "none":
        with Calls(tmp_path) as calls:
            keep(calls, KEYS[0])
    altered(tmp_path, OTHERS[change])
    for use in ("begin", "damage", "totals"):
        with Calls(tmp_path) as calls:
            if use == "damage":
                assert "has not the columns key, model, text" in (calls.damage() or "")
                continue
            with pytest.raises(sl.DataError, match="calls.db is damaged: .* has not the columns key, model"):
                getattr(calls, use)()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "calls.db").mkdir()
    with Calls(tmp_path) as calls:
        for use in (calls.begin, calls.totals):
            with pytest.raises(sl.DataError, match="calls.db cannot be used: it is a folder"):
                use()


def test_it_is_made_before_anything_is_paid(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with Calls(folder) as calls:
        calls.begin()
        assert (folder / "calls.db").exists()
        keep(calls, KEYS[0])
        calls.begin()
        assert calls.find(KEYS[:1]) != {}


def test_a_key_is_the_same_on_every_machine_and_in_every_release() -> None:
    """Were anything more in it, all answers that are stored would be paid again."""
    asked = Asked("openai/a-model", "openai/a-model", 20, 0.5, 1.0, 3, {"type": "object"})
    found = Request.of(asked, 4, [("system", "Be brief."), ("user", "Why?")], attempt=1).key
    assert found == "1d5171c66af50b7c3fdcf298cc6e214bcb3386b7f4185889dd4737e7aacc4922"
