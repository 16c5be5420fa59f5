"""Files of chosen rows: their ids, and what is said of how each was chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selectlang.draws import id_hashes
from selectlang.errors import DataError
from selectlang.seeing.overlap import changes, overlap

GROUPS = ("cluster", "group")
"""The reasons of a choice that are groups, of which each choice has a share."""
SHOWN = 5


def compare(old: Path, new: Path) -> dict[str, Any]:
    """How the rows of two files overlap, by their ids, as JSON."""
    import numpy as np

    sides = [_read(path) for path in (old, new)]
    ids = [[row for row, _ in side] for side in sides]
    hashes = [id_hashes(each) if each else np.zeros(0, dtype=np.uint64) for each in ids]
    said, gained, lost = overlap(*hashes)
    groups = {}
    for name in GROUPS:
        columns = [[why.get(name) for _, why in side if why.get(name) is not None] for side in sides]
        if all(columns) and (found := changes(*columns)) is not None:
            groups[name] = found
    return {
        **said,
        "groups": groups,
        "gained_first": _first(ids[1], hashes[1], gained),
        "lost_first": _first(ids[0], hashes[0], lost),
    }


def _first(ids: list[str], hashes: Any, wanted: Any) -> list[dict[str, str]]:
    """The first rows of a choice that are among those wanted."""
    import numpy as np

    return [{"id": ids[at]} for at in np.flatnonzero(np.isin(hashes, wanted))[:SHOWN].tolist()]


def _read(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The id of each row of a file, and why it was chosen where that is said."""
    try:
        return [_row(path, number, row) for number, row in enumerate(_rows(path), 1)]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _row(path: Path, number: int, row: Any) -> tuple[str, dict[str, Any]]:
    said = row.get("selectlang") if isinstance(row, dict) else None
    of = said if isinstance(said, dict) else row
    found = of.get("id") if isinstance(of, dict) else None
    if not isinstance(found, str):
        raise DataError(
            f"{path}: row {number} has no id; expected rows that a run has written, with the field selectlang"
        )
    why = said.get("why") if isinstance(said, dict) else None
    return found.encode(errors="backslashreplace").decode(), why if isinstance(why, dict) else {}


def _rows(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                names = [name for name in ("selectlang", "id") if name in file.schema_arrow.names]
                for batch in file.iter_batches(columns=names[:1]):
                    yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise DataError(f"{path}: is no Parquet file: {error}") from None
        return
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}:{number}: is no JSON: {error}") from None
