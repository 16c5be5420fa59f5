"""`check_method` itself: what it is given, what it tells, and what it leaves alone."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selectlang as sl
from selectlang.plugins import load
from selectlang.testing import NAMES, Door, check_method, method_checks, rows
from selectlang.testing.made import ODD
from selectlang.testing.said import Said, difference

FAST = ("imports", "processes")


@sl.score
def many_things(rows: sl.Rows, *, least: int = "1", most: int = 9) -> sl.Scores:  # type: ignore[assignment]
    """Wrong in several ways.

    Settings:
        least: a number
        wide: no setting
    """
    return [len(text) / len(text.split()) + random.random() for text in rows.responses()]


def test_all_findings_are_told_at_once() -> None:
    with pytest.raises(sl.MethodError) as raised:
        check_method(many_things, skip=FAST)
    parts = str(raised.value).split("\n\n")
    assert parts[0] == "score many_things: 5 findings"
    assert [part.split(":")[0] for part in parts[1:]] == ["settings"] * 3 + ["repeats", "texts"]
    for part in parts[1:]:
        assert "\n  expected " in part
        assert "\n  to do    " in part


def test_one_check_raises_what_it_finds_alone() -> None:
    checks = {str(check): check for check in method_checks(many_things, skip=FAST)}
    assert tuple(checks) == tuple(name for name in NAMES if name not in FAST)
    with pytest.raises(
        sl.MethodError, match="^score many_things: 1 finding\n\nrepeats: the same inputs give"
    ):
        checks["repeats"]()
    checks["row_order"]()  # for it would say what `repeats` says
    checks["untouched"]()


@sl.score
def by_license(rows: sl.Rows, *, wanted: str) -> sl.Scores:
    """Whether a row has a license.

    Settings:
        wanted: its name
    """
    return [float(value == wanted) for value in rows.field("license")]


def test_fields_and_settings_are_given() -> None:
    check_method(by_license, settings={"wanted": "mit"}, fields={"license": ["mit", None, "gpl"]}, skip=FAST)
    with pytest.raises(
        sl.MethodError, match=r"it raised DataError: no row has a field 'license'(.|\n)*fields"
    ):
        check_method(by_license, settings={"wanted": "mit"}, skip=FAST)


@sl.score
def first_number(vectors: sl.Vectors, *, model_: sl.ModelName | None = None) -> sl.Scores:
    """The first number of a vector, which must be above 2.

    Settings:
        model: not used
    """
    if (vectors.matrix[:, 0] <= 2).any():
        raise sl.DataError("a number is too small")
    return vectors.matrix[:, 0]


def test_an_input_can_be_made_from_rows() -> None:
    def vectors(pool: sl.Rows[Any]) -> sl.Vectors[Any]:
        return sl.Vectors(pool, (3 + pool.draws(1))[:, None].astype(np.float32))

    check_method(first_number, inputs={"vectors": vectors}, skip=FAST)
    with pytest.raises(sl.MethodError, match="a number is too small"):
        check_method(first_number, skip=FAST)
    pool = rows([{"prompt": "a"}])
    with pytest.raises(sl.UsageError, match="give a function that makes it from rows"):
        check_method(first_number, inputs={"vectors": vectors(pool)})


@sl.train
def goes_on(rows: sl.Rows, previous: sl.Model, *, scratch: Path) -> sl.Model:
    """A model that holds how many rows there were, beside what the one before held."""
    (scratch / "about").write_text((previous.path / "about").read_text() + str(len(rows)))
    return sl.Model(scratch)


def test_a_model_is_given(tmp_path: Path) -> None:
    (tmp_path / "about").write_text("3")
    check_method(goes_on, inputs={"previous": sl.Model(tmp_path)}, skip=FAST)
    with pytest.raises(sl.UsageError, match="needs a model as input 'previous'"):
        check_method(goes_on)


@sl.judge
def says_fine(rows: sl.Rows, *, llm: sl.LLM) -> sl.Labels:
    """Whether a model calls an answer fine."""
    prompts = ([("user", text)] for text in rows.responses())
    words = ("fine", "bad")
    return llm.ask(
        "any", prompts, lambda text: words[words.index(text)], total=len(rows), max_tokens=2, max_failed=0.5
    )


def test_answers_are_given() -> None:
    check_method(says_fine, answer=lambda prompt: "fine" if len(prompt[-1][1]) % 2 else "bad", skip=FAST)
    with pytest.raises(sl.MethodError, match="30 of 30 calls failed, more than\n  max_failed 0.5 allows"):
        check_method(says_fine, skip=FAST)


@sl.judge
def asks_in_either_order(rows: sl.Rows, *, llm: sl.LLM, seed: int) -> sl.Scores:
    """A grade that is asked for in an order which follows from the seed, and does not hang on it."""
    parts = zip(rows.draws(seed) < 0.5, rows.instructions(), rows.responses(), strict=True)
    prompts = [[("user", f"{b} {a}" if turned else f"{a} {b}")] for turned, a, b in parts]
    grades = llm.ask("any", prompts, lambda text: float(text), total=len(rows), max_failed=0.5)
    return [math.nan if grade is None else grade for grade in grades]


def test_a_seed_may_decide_what_is_asked_alone() -> None:
    check_method(asks_in_either_order, answer=lambda prompt: "7", skip=FAST)


@sl.score
def needs_the_second(rows: sl.Rows, scores: sl.Scores | None = None) -> sl.Scores:
    """An optional input that is not optional with these settings."""
    if scores is None:
        raise sl.DataError("scores are missing")
    return scores.values * 2


def test_another_process_is_asked_the_same_question() -> None:
    check_method(needs_the_second, skip=["imports"])


@pytest.mark.parametrize("options, said", [
    ({"settings": {"wide": 1}}, "score near has no setting 'wide', did you mean 'width'?"),
    ({}, "setting 'width' of score near has no default; give it a value to be tried with"),
    ({"settings": {"width": 0}}, "setting 'width' of score near expects a whole number of at least 1"),
    ({"settings": {"width": 2}, "inputs": {"row": 1}}, "score near has no input 'row', did you mean 'rows'?"),
    ({"settings": {"width": 2}, "skip": ["roworder"]}, "no check 'roworder', did you mean 'row_order'?"),
])  # fmt: skip
def test_what_is_given_wrongly_is_told(options: dict[str, Any], said: str) -> None:
    @sl.score
    def near(rows: sl.Rows, *, width: Annotated[int, sl.schema(minimum=1)]) -> sl.Scores:
        """Near.

        Settings:
            width: a number
        """
        return [float(width)] * len(rows)

    with pytest.raises(sl.UsageError) as raised:
        check_method(near, **options)
    assert said in str(raised.value)


def test_a_built_in_setting_that_goes_by_the_file_is_found() -> None:
    """Ties in the order of the file are meant there; the check sees them."""
    with pytest.raises(sl.MethodError, match="row_order: the same rows in another order give"):
        check_method(load().methods["budget", "top"], settings={"size": 6, "ties": "order"}, skip=FAST)


@pytest.mark.parametrize("odd", [5, None, "score length", object(), print])
def test_what_is_no_method_is_a_finding(odd: Any) -> None:
    with pytest.raises(sl.MethodError, match="is not marked: write @sl.score"):
        check_method(odd)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["instruction", "response", "full"]), st.integers(1, 97), st.integers(0, 3), st.booleans()
)
def test_what_follows_from_the_text_of_a_row_passes(part: str, base: int, missing: int, whole: bool) -> None:
    def number(text: str) -> float | None:
        value = sum(map(ord, text[:200])) % base
        return None if missing and value % 4 < missing else float(value)

    if whole:

        @sl.score
        def pure(rows: sl.Rows) -> sl.Scores:
            """A number for each text."""
            return [number(text) for text in rows.texts(part)]  # type: ignore[arg-type]

    else:

        @sl.score  # type: ignore[no-redef]
        class pure:
            """A number for each text."""

            def __call__(self, rows: sl.Rows) -> sl.Scores:
                return [number(text) for text in rows.texts(part)]  # type: ignore[arg-type]

    check_method(pure, skip=("imports",))


def test_a_door_answers_counts_and_fails() -> None:
    door = Door(lambda prompt: prompt[-1][1].upper(), fails={1})
    prompts = [[("user", text)] for text in ("a", "b", "1")]
    assert door.ask("any", iter(prompts), lambda text: text, total=3, max_failed=0.5, max_tokens=1) == [
        "A",
        None,
        "1",
    ]
    assert (door.calls, door.prompts, door.faults) == (2, prompts, [])
    assert door.options == [{"max_tokens": 1}]
    with pytest.raises(sl.DataError, match=r"2 of 3 calls failed, more than max_failed 0.5 allows"):
        Door(lambda prompt: prompt[-1][1]).ask("any", prompts, int, total=3, max_failed=0.5)
    tried = Door(lambda prompt: "x")
    assert tried.ask("any", prompts[:1], int, total=1, again=2, max_failed=1) == [None]
    assert tried.calls == 3


def test_rows_are_read_as_a_file_of_them_is() -> None:
    pool = rows([{"name": "a", "prompt": "Ask", "completion": "Say", "task": "t"}], id="name", group="task")
    assert (pool.ids(), pool.instructions(), pool.responses(), pool.groups()) == (
        ["a"],
        ["Ask"],
        ["Say"],
        ["t"],
    )


def test_the_odd_rows_are_odd() -> None:
    texts = [text for pair in ODD.values() for text in pair if text is not None]
    assert any("\x00" in text for text in texts)
    assert any("\ud800" <= char <= "\udfff" for text in texts for char in text)
    assert any("\u202e" in text for text in texts)
    assert max(map(len, texts)) >= 100_000
    assert "" in texts
    assert [pair for pair in ODD.values() if pair[1] is None]


def said(values: list[float], ids: str = "abc") -> dict[str, Said]:
    return {"": Said(list(ids), {"score": values})}


@pytest.mark.parametrize("one, other, tolerance, found", [
    ([1, 2, 3], [1, 2, 3], 0, ""),
    ([1, 2, 3], [1, 2, 3.001], 1e-2, ""),
    ([1, 2, 3], [1, 2, 3.1], 1e-2, "score 3 and 3.1 for row 'c'"),
    ([1e-9, 2e-9, 3e-9], [1e-9, 2e-9, 4e-9], 1e-2, "score 3e-09 and 4e-09 for row 'c'"),
    ([1, float("nan"), 3], [1, float("nan"), 3], 0, ""),
    ([1, float("nan"), 3], [1, 2, 3], 1, "score nan and 2 for row 'b'"),
])  # fmt: skip
def test_numbers_are_compared_by_their_scale(one: Any, other: Any, tolerance: float, found: str) -> None:
    assert difference(said(one), said(other), tolerance) == found


def test_rows_are_compared_by_their_ids() -> None:
    assert difference(said([1, 2, 3], "abc"), said([3, 1, 2], "cab"), 0) == ""
    assert difference(said([1, 2, 2], "abb"), said([1, 2, 2], "aab"), 0) == "row 'a' once and twice"
    assert difference(said([1, 2], "ab"), said([1], "a"), 0) == "row 'b' once and not at all"


def test_nothing_of_it_is_imported_by_check(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("selectlang: 1\nextends: selectlang:random\nname: s\n")
    script = (
        "import sys; from selectlang.cli import main; main(['check', 's.yaml']); "
        "print([name for name in sys.modules if name.startswith(('selectlang.testing', 'numpy'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "s.yaml: fine, 1 stage\n[]\n"


def test_a_script_is_imported_and_not_run(tmp_path: Path) -> None:
    """Where the method stands in the script that runs; and where it stands in no file at all."""
    code = (
        "import selectlang as sl\n@sl.score\ndef mine(rows: sl.Rows, *, size: sl.Amount) -> sl.Scores:\n"
        "    'Mine.\\n\\nSettings:\\n    size: a size'\n    return [float(size.count(9))] * len(rows)\n"
        "if __name__ == '__main__':\n    print('run')\n    from selectlang.testing import check_method\n"
        "    check_method(mine, settings={'size': sl.Amount.parse('20%')})\n    print('fine')\n"
    )
    (tmp_path / "script.py").write_text(code)
    for command, code_in in ((["script.py"], None), (["-"], code)):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            input=code_in,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("run\nfine\n", "")
