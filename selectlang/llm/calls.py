"""The call store: every answer that a model gave, in one SQLite file of the store, `calls.db`.

An answer is on disk before it is used, so none is paid for twice, whatever happens to the run. Several
processes may use the file at once. It holds no prompt, no key of a service and no address.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from selectlang.errors import DataError
from selectlang.llm.claims import Claims

PATIENCE = 60.0  # seconds to wait for other processes that use the file
_TABLE = """CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, text TEXT NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cost REAL, finish TEXT NOT NULL, at REAL NOT NULL)"""
_COLUMNS = ("key", "model", "text", "tokens_in", "tokens_out", "cost", "finish", "at")
_ODD = """typeof(text) != 'text' OR typeof(finish) != 'text' OR typeof(model) != 'text'
    OR typeof(tokens_in) != 'integer' OR tokens_in < 0 OR typeof(tokens_out) != 'integer' OR tokens_out < 0
    OR typeof(cost) NOT IN ('real', 'null') OR cost < 0 OR cost > 1e9"""
_FIND = f"SELECT key, text, tokens_in, tokens_out, cost, finish, {_ODD} FROM calls WHERE key IN ({{}})"
_TOTALS = "SELECT model, count(*), sum(cost) FROM calls GROUP BY model ORDER BY model"
_KEEP = "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. `cost` is in dollars, None when the price is not known; `finish` why it ended."""

    text: str
    tokens_in: int
    tokens_out: int
    cost: float | None
    finish: str
    stored: bool = False


Told = Callable[[DataError | None], None]


class Calls:
    """The answers in `folder`. The file is made when the first is kept.

    It is used in a `with`, at whose end all that was given to `keep` is on disk. Errors are DataErrors that
    name the file.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calls.db"
        self.claims = Claims(self.path.with_suffix(".lock"))
        self._guard = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._waiting: queue.SimpleQueue[tuple[tuple[Any, ...], Told] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, keys: Collection[str]) -> dict[str, Answer]:
        """The answers that are there, by key."""
        rows = self._read(_FIND.format(",".join("?" * len(keys))), tuple(keys))
        found = {}
        for key, text, tokens_in, tokens_out, cost, finish, odd in rows:
            if odd:
                raise DataError(
                    f"the call store {self.path} is damaged: what it has under {key} is no answer. Take that "
                    "out, and it alone is paid again: "
                    f"""sqlite3 {self.path.name} "DELETE FROM calls WHERE key = '{key}'"."""
                )
            found[key] = Answer(text, tokens_in, tokens_out, cost, finish, stored=True)
        return found

    def begin(self) -> None:
        """Make the file, unless it is there, and see that it can be written: before anything is paid."""
        with self._guard, self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._reader = self._reader or self._open()
            with self._reader:
                self._reader.execute("BEGIN IMMEDIATE")

    def _read(self, query: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; none where there is no file."""
        with self._guard, self._explained():
            if self._reader is None:
                if not self.path.exists():
                    return []
                self._reader = self._open()
            return self._reader.execute(query, values).fetchall()

    def totals(self) -> dict[str, tuple[int, float | None]]:
        """How many answers of each model there are, and the dollars that those with a known price took."""
        return {str(model): (count, cost) for model, count, cost in self._read(_TOTALS)}

    def damage(self) -> str | None:
        """What SQLite finds wrong with the file; None when nothing is, or when there is none."""
        try:
            found = [str(line) for (line,) in self._read("PRAGMA integrity_check(1)")]
            odd = self._read(f"SELECT count(*) FROM calls WHERE {_ODD}")
        except DataError as error:
            return str(error)
        if found in ([], ["ok"]):
            return f"{self.path}: {odd[0][0]:,} of its answers are none" if odd and odd[0][0] else None
        return f"{self.path}: {found[0]}"

    def keep(self, key: str, model: str, answer: Answer, told: Told) -> None:
        """Keep an answer. `told(None)` is called by another thread once it is on disk, else with the error.

        What comes while the disk is written is written together. It also ends the claim on the key.
        """
        row = (key, model, answer.text, answer.tokens_in, answer.tokens_out, answer.cost, answer.finish)
        with self._guard:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="calls", daemon=True)
                self._writer.start()
        self._waiting.put(((*row, time.time()), told))

    def close(self) -> None:
        """Write what waits, and close the file."""
        if self._writer is not None:
            self._waiting.put(None)
            self._writer.join()
            self._writer = None
        with self._guard:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
        self.claims.close()

    def _open(self) -> sqlite3.Connection:
        if self.path.is_dir():
            raise IsADirectoryError("it is a folder")
        connection = sqlite3.connect(self.path, timeout=PATIENCE, check_same_thread=False)
        try:
            _log_ahead(connection)
            connection.execute("PRAGMA synchronous=FULL")  # in WAL the default may lose the last answers
            with connection:
                connection.execute(_TABLE)
            if tuple(name for _, name, *_ in connection.execute("PRAGMA table_info(calls)")) != _COLUMNS:
                raise sqlite3.DatabaseError(f"its table `calls` has not the columns {', '.join(_COLUMNS)}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self) -> None:
        """The thread that writes: all that waits, in one transaction."""
        connection: sqlite3.Connection | None = None
        going = True
        while going:
            batch = [self._waiting.get()]
            with suppress(queue.Empty):
                while True:
                    batch.append(self._waiting.get_nowait())
            going = None not in batch
            kept = [item for item in batch if item is not None]
            error: DataError | None = None
            try:
                with self._explained():
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    connection = connection or self._open()
                    with connection:
                        connection.executemany(_KEEP, [row for row, _ in kept])
            except DataError as found:
                error = found
            except Exception as found:  # those who wait must be told, whatever it is
                error = DataError(f"an answer cannot be kept in {self.path}: {type(found).__name__}: {found}")
            for row, told in kept:
                self.claims.give_back(row[0])
                told(error)
        if connection is not None:
            connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise DataError(_reason(self.path, error)) from error


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn on write-ahead logging. SQLite itself does not wait for another process that does so just now."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _reason(path: Path, error: Exception) -> str:
    text = str(error)
    if isinstance(error, sqlite3.OperationalError | OSError) and "decode" not in text:
        return (
            f"the call store {path} cannot be used: {text}. Check that the disk has room and that the file "
            "may be written; answers that were kept are safe, and the same command goes on from there."
        )
    return (
        f"the call store {path} is damaged: {text}. Move it out of the way to go on, which pays again for "
        f"the answers in it; or get back what can be read: sqlite3 {path.name} .recover | sqlite3 new.db, "
        "and put new.db in its place."
    )
