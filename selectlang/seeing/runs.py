"""How two runs differ: their specs, what they chose, and where the fates of rows part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectlang.engine.handles import rows_of
from selectlang.engine.opened import Opened
from selectlang.ports import Selection
from selectlang.rows import Rows
from selectlang.seeing.files import GROUPS, SHOWN
from selectlang.seeing.groups import field_name
from selectlang.seeing.overlap import changes, overlap
from selectlang.seeing.parting import Pair, parted
from selectlang.seeing.rows import named
from selectlang.seeing.specs import differences, parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIELDS = {"source": "source", "dataset": "dataset", "_file": "file"}
"""Fields that say where rows come from, by what people call them."""
VALUES = 200  # of such a field, which still make groups


def compare(old: Opened, new: Opened) -> dict[str, Any]:
    """What differs between two runs, as JSON. Of their outputs those are compared that both have."""
    outputs = {}
    for name in old.record["outputs"]:
        if name in new.record["outputs"]:
            found = _output(old, new, name)
            if found is not None:
                outputs[name] = found
    return {
        "outputs": outputs,
        "spec": differences(parts(old.record["spec"]), parts(new.record["spec"])),
        "data": _data(old, new),
        "versions": _versions(old, new),
    }


def _output(old: Opened, new: Opened, name: str) -> dict[str, Any] | None:
    """How an output differs; None when it holds no rows."""
    import numpy as np

    values = old.output(name), new.output(name)
    rows = [rows_of(value) for value in values]
    if rows[0] is None or rows[1] is None:
        return None
    said, gained, lost = overlap(*(each.data.hashes(each.positions) for each in rows if each is not None))
    pair = Pair(np.concatenate([gained, lost]), (rows[0].data, rows[1].data))
    places, names, notes = parted(old, new, pair)
    isgained = np.arange(len(places)) < len(gained)
    stages = [
        {
            "stage": names[number],
            "gained": int((isgained & (places == number)).sum()),
            "lost": int((~isgained & (places == number)).sum()),
            "gained_first": _first(rows[1], pair.hashes[isgained & (places == number)]),
            "lost_first": _first(rows[0], pair.hashes[~isgained & (places == number)]),
        }
        for number in np.unique(places).tolist()
    ]
    return {**said, "parted": stages, "groups": _groups(old, new, values), "notes": notes}


def _first(rows: Rows[Any], hashes: NDArray[np.uint64]) -> list[dict[str, Any]]:
    """The first rows of a choice that have these hashes."""
    import numpy as np

    at = np.flatnonzero(np.isin(rows.data.hashes(rows.positions), hashes))[:SHOWN]
    return named(rows.data, rows.positions[at])


def _groups(old: Opened, new: Opened, values: tuple[Any, Any]) -> dict[str, Any]:
    """What each cluster, group, source and file gave to two choices, where both speak of the same ones."""
    found: dict[str, Any] = {}
    for name in GROUPS:
        if name == "cluster" and not _same_clusters(old, new):
            continue
        columns = [value.why.get(name) for value in values if isinstance(value, Selection)]
        if len(columns) == 2 and all(column is not None for column in columns):
            found[name] = changes(*(column.tolist() for column in columns if column is not None))
    rows = [value if isinstance(value, Rows) else value.rows for value in values]
    if all(each.data.info.grouped for each in rows):
        names = {_grouped_by(run, each.data.key) for run, each in zip((old, new), rows, strict=True)}
        found[names.pop() if len(names) == 1 else "group"] = changes(*(each.groups() for each in rows))
    for field, name in FIELDS.items():
        if name not in found and all(_has(each, field) for each in rows):
            said = changes(*(list(map(field_name, each.field(field))) for each in rows))
            found[name] = said if said is not None and 1 < len(said) <= VALUES else None
    return {name: said for name, said in found.items() if said is not None}


def _grouped_by(run: Opened, key: str) -> str:
    """What the groups of a data set are called: by their field, where the spec of the record names one."""
    sets = run.record["spec"].get("data")
    said = sets.get(run.named(key)) if isinstance(sets, dict) else None
    field = said.get("group") if isinstance(said, dict) else None
    return FIELDS.get(field, field) if isinstance(field, str) and field[:1] != "$" else "group"


def _has(rows: Rows[Any], field: str) -> bool:
    info = rows.data.info
    return len(set(info.stems)) > 1 if field == "_file" else field in info.fields


def _same_clusters(old: Opened, new: Opened) -> bool:
    """Whether all clusters have the same results in both: numbers of other clusters mean nothing."""
    keys = [{stage["key"] for stage in run.stages if stage["kind"] == "cluster"} for run in (old, new)]
    return keys[0] == keys[1]


def _data(old: Opened, new: Opened) -> list[dict[str, Any]]:
    """The data sets that are not the same in both."""
    one, other = old.record["data"], new.record["data"]
    return [
        {"name": name, "old": one[name].get("rows") if name in one else None,
         "new": other[name].get("rows") if name in other else None}
        for name in dict.fromkeys([*one, *other])
        if name not in one or name not in other or one[name]["key"] != other[name]["key"]
    ]  # fmt: skip


def _versions(old: Opened, new: Opened) -> list[dict[str, Any]]:
    """What has another version in the second run, of selectlang, its plugins and the packages it names."""
    one, other = (_installed(run.record) for run in (old, new))
    return [
        {"name": name, "old": one.get(name), "new": other.get(name)}
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    ]


def _installed(record: dict[str, Any]) -> dict[str, str]:
    found = {"selectlang": str(record["selectlang"])}
    packages, plugins = record.get("packages"), record.get("plugins")
    found |= {str(k): str(v) for k, v in packages.items()} if isinstance(packages, dict) else {}
    for plugin in plugins if isinstance(plugins, list) else ():
        if isinstance(plugin, dict):
            found[f"plugin {plugin.get('distribution')}"] = str(plugin.get("version"))
    return found
