"""What a method is made of, as far as its key goes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import selectlang as sl
from selectlang.amount import Amount
from selectlang.digests import folder_digest
from selectlang.engine.keys import canonical, key
from selectlang.engine.source import source_digest
from selectlang.signature import describe

METHOD = """
import selectlang as sl
from . import _tools
from ._more import half

@sl.score
def halves(rows: sl.Rows) -> sl.Scores:
    "Half of a constant."
    from team_scorers import _late
    from ._names import WORDS
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
        "_names.py": "WORDS = ('a',)",
        "_late.py": "from .deeper import _last",
        "deeper/__init__.py": "raise ImportError",
        "deeper/_last.py": "from ....beyond import x",
        "_deep.py": "DIVISOR = 2\n\n\ndef divide(x, y):\n    return x / y\n",
        "unrelated.py": "X = 1",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    call = importlib.import_module("team_scorers.halves").halves
    importlib.import_module("team_scorers.unrelated")
    digest = source_digest.__wrapped__
    before = digest(call)
    (package / "unrelated.py").write_text("X = 2")
    assert digest(call) == before
    for name in files.keys() - {"__init__.py", "unrelated.py", "deeper/__init__.py"}:
        (package / name).write_text(files[name] + "\n# edited\n")
        after = digest(call)
        assert after != before, name
        before = after


def test_a_folder_is_what_it_holds_and_a_name_is_a_name(tmp_path: Path) -> None:
    """Also where it is asked in this process, and in a list."""

    @sl.score
    def own(
        rows: sl.Rows, *, model: sl.ModelName, others: list[sl.ModelName], text: str, size: sl.Amount
    ) -> sl.Scores:
        "One."
        return [1.0] * len(rows)

    folder = str(tmp_path / "model")
    Path(folder).mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    held = {"folder": folder_digest(folder)}
    settings = {"model": f"local/{folder}", "others": [folder, "org/name"], "text": folder}
    assert canonical(describe(own), {**settings, "size": Amount.parse("10k")}) == {
        "model": held, "others": [held, "org/name"], "text": folder, "size": "10000",
    }  # fmt: skip
    names = {"model": "local/org/name", "others": ["/no/such/folder"]}
    assert canonical(describe(own), names) == names


def test_a_key_is_the_same_on_every_machine_and_in_every_release() -> None:
    """Were anything more in it, all results that are stored would be made again."""
    called = ["score", "length", "selectlang", "1.0", "0" * 64]
    found = key(called, {"unit": "words"}, {"rows": ["1" * 64]}, 7)
    assert found == "b24fe54b8d499132cc67b57fa91cbc9804230d4de2fdc4fe8b4cf2947cd55b44"
