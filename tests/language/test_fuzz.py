"""Whatever a spec holds, `check` lists its faults: it never crashes, hangs, or steers a terminal."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selectlang.cli import main
from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, Source, render
from selectlang.language.check import check
from selectlang.methods import KINDS
from selectlang.plugins import Registry

HERE = Path(__file__).parent
OK = [path.read_text(encoding="utf-8") for path in sorted((HERE / "ok").glob("*.yaml"))]
OK += [path.read_text(encoding="utf-8") for path in sorted((HERE.parent.parent / "specs").glob("*.yaml"))]
FUZZ = settings(
    max_examples=100, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
WORDS = [
    *KINDS, "from", "doc", "loop", "until", "carry", "stages", "recipe", "params", "seed", "over", "next",
    "start", "selectlang", "name", "data", "outputs", "imports", "extends", "limits", "type", "default",
    "path", "pool", "$pool", "size", "10%", "top", "random", "union", "nearest", "per_cluster", "bert", "llm",
    "chosen", "chosen.hard", "a.b.c", "int", "model", "at_least", ".", "$", "$$", "..", "*x", "&x", "!x",
    "<<", "---", "? ", ": ", "- ", "{", "}", "[", "]", ",", "#", "|", ">", "'", '"', "\n", "\n  ", "\n    ",
    "\t", "\r", "\x85", "\u2028", "\ufeff", "\x1b[31m", "\u202e", "é", "中", "1e400", "-0", "9" * 50, "1_0",
    "null", "~", "\\u0000", "%YAML 1.2", "...", "x" * 200,
]  # fmt: skip
LEAVES = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(-3, 12), st.floats(), st.text(max_size=8)
)
TREES = st.recursive(
    LEAVES,
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), part, max_size=4)
    ),
    max_leaves=12,
)


def faults_of(raw: bytes, registry: Registry) -> list[Fault]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_bytes(raw)
        try:
            check(str(path), registry)
        except SpecError as error:
            return error.faults or [Fault("none", "an error without faults", Place(Source("")))]
    return []


def attack(raw: bytes, registry: Registry) -> None:
    faults = faults_of(raw, registry)
    for style in ("text", "json", "github"):
        said = render(faults, style)
        assert all(char.isprintable() or char == "\n" for char in said), repr(said)
    places = [fault.place.order for fault in faults]
    assert places == sorted(places)
    assert len({(fault.code, fault.message, fault.place.order) for fault in faults}) == len(faults)
    for fault in faults:
        assert re.fullmatch(r"SL\d{3}", fault.code)
        assert fault.place.column >= 1
        assert fault.place.line >= 1


@FUZZ
@given(parts=st.lists(st.sampled_from(WORDS) | st.sampled_from([" ", ": ", "\n", "a"]), max_size=40))
def test_words_in_any_order(parts: list[str], registry: Registry) -> None:
    attack("".join(parts).encode("utf-8", "surrogatepass"), registry)


@FUZZ
@given(raw=st.binary(max_size=60))
def test_any_bytes(raw: bytes, registry: Registry) -> None:
    attack(raw, registry)


@FUZZ
@given(data=st.data())
def test_a_good_spec_with_a_piece_of_its_text_changed(data: st.DataObject, registry: Registry) -> None:
    text = data.draw(st.sampled_from(OK))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.sampled_from(["", *WORDS]) | st.text(max_size=4)) + text[stop:]
    attack(text.encode("utf-8", "surrogatepass"), registry)


@FUZZ
@given(data=st.data())
def test_a_good_spec_with_a_part_of_another_type(data: st.DataObject, registry: Registry) -> None:
    tree = yaml.safe_load(data.draw(st.sampled_from(OK)))
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(tree, data)
    attack(
        yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass"), registry
    )


def mutate(tree: Any, data: st.DataObject) -> None:
    """Change one part, wherever it stands."""
    spots = [(tree, key) for key in tree]
    for holder, key in spots:
        part = holder[key]
        if isinstance(part, dict):
            spots += [(part, inner) for inner in part]
        elif isinstance(part, list):
            spots += [(part, index) for index in range(len(part))]
    if not spots:
        return
    holder, key = data.draw(st.sampled_from(spots))
    others = [holder[key] for holder, key in spots]
    kind = data.draw(st.sampled_from(["value", "swap", "drop", "rename", "add"]))
    if kind == "value" or isinstance(holder, list):
        holder[key] = data.draw(TREES)
    elif kind == "swap":
        holder[key] = yaml.safe_load(yaml.safe_dump(data.draw(st.sampled_from(others))))
    elif kind == "drop":
        del holder[key]
    elif kind == "rename":
        holder[data.draw(st.sampled_from(WORDS))] = holder.pop(key)
    else:
        holder[data.draw(st.sampled_from(WORDS))] = data.draw(TREES)


@FUZZ
@given(name=st.text(min_size=1, max_size=12), value=LEAVES)
def test_any_value_for_a_param(name: str, value: object, registry: Registry) -> None:
    from selectlang.errors import SelectlangError
    from selectlang.params import given as values_of

    for item in (f"{name}={value}", f"k={value}", f"size={value}", f"pool={value}"):
        with contextlib.suppress(SelectlangError):
            check("kmq", registry, values_of([item], None))


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n" * 30_000,
        "stages:\n" + "".join(f"  s{i}: {{score: lenght, from: x{i}, unti: w}}\n" for i in range(5_000)),
        "stages:\n"
        + "".join(f"  s{i}: {{merge: union, from: [s{i + 1}, s{i - 1}]}}\n" for i in range(5_000)),
        "stages: {s: {score: length, " + ", ".join(f"unit{i}: 1" for i in range(10_000)) + "}}",
        "params: {" + ", ".join(f"p{i}: {{type: x}}" for i in range(10_000)) + "}",
        "stages: {s: {merge: union, from: [" + "x, " * 50_000 + "]}}",
        "outputs: {" + ", ".join(f"p{i}: q" for i in range(20_000)) + "}",
        "stages:\n  l:\n    loop: 3\n    carry:\n"
        + "".join(f"      c{i}: {{next: s{i}}}\n" for i in range(200))
        + "    stages:\n"
        + "".join(f"      s{i}: {{merge: union, from: [c{i + 1}]}}\n" for i in range(199))
        + "      s199: {score: length, from: pool}\n",
    ],
    ids=["duplicates", "faults", "cycles", "settings", "params", "inputs", "outputs", "carries"],
)
def test_a_great_many_mistakes_has_an_end(text: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("selectlang: 1\nname: x\n" + text)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["check", str(path)]) == 1
    assert out.getvalue().endswith(" faults\n")
