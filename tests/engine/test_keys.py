"""What a method is made of, as far as its key goes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from selectlang.engine.keys import source_digest

METHOD = """
import selectlang as sl
from . import _tools
from ._more import half

@sl.score
def halves(rows: sl.Rows) -> sl.Scores:
    "Half of a constant."
    return [half(_tools.ONE) for _ in rows.ids()]
"""


def test_an_edit_of_a_helper_changes_the_key_of_the_methods_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "team_scorers"
    package.mkdir()
    files = {
        "__init__.py": "",
        "halves.py": METHOD,
        "_tools.py": "ONE = 1",
        "_more.py": "from ._deep import DIVISOR, divide\n\n\ndef half(x):\n    return divide(x, DIVISOR)\n",
        "_deep.py": "DIVISOR = 2\n\n\ndef divide(x, y):\n    return x / y\n",
        "unrelated.py": "X = 1",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    call = importlib.import_module("team_scorers.halves").halves
    importlib.import_module("team_scorers.unrelated")
    digest = source_digest.__wrapped__
    before = digest(call)
    (package / "unrelated.py").write_text("X = 2")
    assert digest(call) == before
    for name in ("_tools.py", "_more.py", "_deep.py", "halves.py"):
        (package / name).write_text(files[name] + "\n# edited\n")
        after = digest(call)
        assert after != before, name
        before = after
