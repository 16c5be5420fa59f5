"""A run in Python: its rows, as what one works with, and the values of its stages."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.engine.guard import ENDINGS
from selectlang.engine.opened import Opened
from selectlang.errors import DataError
from selectlang.faults import brief, printable, quoted
from selectlang.lazy import LazyRows, as_table
from selectlang.ports import Scores, Selection
from selectlang.progress import clock
from selectlang.tables import counted

if TYPE_CHECKING:
    import pyarrow as pa

INSTALL = 'install it with: pip install "{}"'


class Result:
    """What a run gave. Outputs are read from the run folder, values of stages from the store.

    `notes` are the sentences that people should read; of a run that was opened again there are none. Where
    `name` names an output, the default is the first that holds rows.
    """

    def __init__(self, opened: Opened, notes: list[str]) -> None:
        self.opened = opened
        self.notes = notes

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.opened.folder

    @property
    def record(self) -> dict[str, Any]:
        """The record of the run, as record.json has it."""
        return self.opened.record

    def rows(self, name: str | None = None) -> LazyRows:
        """The rows of an output in the shape of the input, read as they are asked for.

        Each has its id, rank, score and why in the field `selectlang`.
        """
        return LazyRows(*self._file(name))

    def table(self, name: str | None = None) -> pa.Table:
        """An output as an Arrow table; a DataError names the field whose values are of several types."""
        path, _ = self._file(name)
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            return pq.read_table(path)
        return as_table(list(self.rows(name)))

    def pandas(self, name: str | None = None) -> Any:
        """An output as a pandas DataFrame."""
        try:
            return self.table(name).to_pandas()
        except ImportError:
            raise DataError(f"pandas is not installed; {INSTALL.format('pandas')}") from None

    def dataset(self, name: str | None = None) -> Any:
        """An output as a `datasets.Dataset`."""
        try:
            import datasets
        except ImportError:
            raise DataError(f"datasets is not installed; {INSTALL.format('selectlang[hf]')}") from None
        return datasets.Dataset(self.table(name))

    def scores(self, stage: str) -> pa.Table:
        """The scores of a stage, as a table of id and score, or of id and a score for each column."""
        import pyarrow as pa

        from selectlang.engine.outputs import columns

        value = self.value(stage)
        if isinstance(value, Selection) and value.scores is not None:
            value = Scores(value.rows, value.scores)
        if not isinstance(value, Scores):
            kinds = f"stage {quoted(stage)} gives {type(value).__name__}, and no scores"
            raise DataError(f"{kinds}; value({stage!r}) has what it gives")
        ids = pa.array(value.rows.ids(), pa.string())
        return pa.table({"id": ids, **columns(value, value.rows, slice(None))})

    def value(self, stage: str, port: str = "") -> Any:
        """What a stage gave, as methods see it, by default its first output; of a round `stage#2`."""
        return self.opened.value(stage, port)

    def why(self, id: str, data: str | None = None, neighbours: int = 5) -> dict[str, Any]:
        """What every stage made of a row, as `selectlang why --json` prints it."""
        from selectlang.seeing.why import why

        return why(self.opened, id, data, neighbours)

    def dropped(self, name: str | None = None) -> pa.Table:
        """The rows that an output, by default the first selection, does not hold, and why.

        Columns are id, stage, reason, group, score, rank and line.
        """
        from selectlang.seeing.dropped import dropped
        from selectlang.seeing.left import arrow

        return arrow(dropped(self.opened, name))

    def __repr__(self) -> str:
        lines = [f"run of {brief(self._name)} in {printable(str(self.folder))}"]
        lines += [f"  {brief(name)}: {_said(said)}" for name, said in self.record["outputs"].items()]
        return "\n".join([*lines, f"  {states(self.record)}"])

    def _repr_html_(self) -> str:
        from selectlang.notebook import drawn

        return drawn(self)

    @property
    def _name(self) -> str:
        return str(self.record["spec"].get("name", "spec"))

    def _file(self, name: str | None) -> tuple[Path, int]:
        """The file of an output that holds rows, and their number. What a record says leads nowhere else."""
        outputs = self.record["outputs"]
        if name is None:
            name = next((each for each, said in outputs.items() if "rows" in said), None)
            if name is None:
                raise DataError(f"{self.folder}: no output of this run holds rows")
        if name not in outputs:
            known = ", ".join(map(quoted, outputs))
            raise DataError(f"{self.folder}: this run has no output {quoted(name)} (it has: {known})")
        file = outputs[name].get("file")
        if file is None:
            raise DataError(f"output {quoted(name)} is no table, but {_said(outputs[name])}")
        if Path(name).name != name or file not in [name + ending for ending in ENDINGS]:
            raise DataError(
                f"{self.folder}: its record is damaged: output {quoted(name)} is in {quoted(file)}"
            )
        if not (self.folder / file).is_file():
            raise DataError(f"{self.folder / file} is not there; run the spec again")
        return self.folder / file, outputs[name].get("rows", 0)


def states(record: dict[str, Any]) -> str:
    """How many stages of a run were run, and how long it took, in a line."""
    found = Counter(stage["state"] for stage in record["stages"])
    said = f"{counted(found['ran'], 'stage')} run, {found['cached']} from the store"
    idle = f"{found['not needed']} not needed" if found["not needed"] else ""
    return ", ".join(filter(None, (said, idle, took(record.get("seconds")))))


def took(seconds: Any) -> str:
    """Seconds of a record as people say them; nothing where it holds no such number."""
    known = isinstance(seconds, int | float) and 0 <= seconds < 1e9
    return clock(seconds) if known else ""


def _said(said: dict[str, Any]) -> str:
    """What an output is, in a few words."""
    if "rows" in said:
        return f"{counted(said['rows'], 'row')} in {brief(said.get('file'))}"
    return f"{said['value']:g}" if "value" in said else brief(said.get("folder", "nothing"))
