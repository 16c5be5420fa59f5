"""cluster: by_field"""

from __future__ import annotations

import json
from typing import Any

import selectlang as sl


@sl.cluster
def by_field(rows: sl.Rows[sl.P], *, field: str) -> sl.Clusters[sl.P]:
    """One cluster for each value of a field of the input, such as its source; clusters are sorted by name.

    A text is its own name. Any other value is named by its JSON: `3`, `true`, `["a", "b"]` (a list is one
    value, in its order), and `null` for a row that has no value. So the text "3" and the number 3 are one
    cluster.

    Settings:
        field: a field of the input; `_file` is the name of the file a row came from, without its ending,
            where there are several files
    """
    import numpy as np

    values = [_name(value) for value in rows.field(field)]
    names = sorted(set(values))
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[value] for value in values], np.int32)
    return sl.Clusters(rows, labels, len(names), names=names)


def _name(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
