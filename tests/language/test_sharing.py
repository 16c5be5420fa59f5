"""`extends`, `imports` and recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import SpecError
from selectlang.language.check import check
from selectlang.language.program import Nested, Rounds
from selectlang.origins.sources import Sources
from selectlang.plugins import Registry

PARENT = """\
selectlang: 1
name: parent
doc: what the parent says
params:
  pool: {type: path, doc: rows}
  size: {type: amount, default: 10}
data: {pool: {path: $pool, format: jsonl}}
stages:
  lengths: {score: length, from: pool, unit: words, text: full}
  rounds:
    loop: 3
    carry: {chosen: {next: grown}}
    stages:
      batch: {budget: top, from: {scores: lengths, skip: chosen}, size: $size}
      grown: {merge: union, from: [chosen, batch]}
outputs: {chosen: rounds}
"""


def child(text: str) -> str:
    return "extends: parent.yaml\nselectlang: 1\nname: child\n" + text


def codes(raised: pytest.ExceptionInfo[SpecError]) -> list[str]:
    return [fault.code for fault in raised.value.faults]


def test_a_child_that_says_nothing_is_its_parent(program: Callable[..., Any]) -> None:
    found = program(child(""), files={"parent.yaml": PARENT})
    assert (found.name, found.doc) == ("child", "what the parent says")
    assert [step.name for step in found.steps] == ["lengths", "rounds"]


def test_a_stage_without_a_kind_changes_settings_and_one_with_a_kind_replaces(
    program: Callable[..., Any],
) -> None:
    files = {"parent.yaml": PARENT}
    found = program(child("stages: {lengths: {unit: characters}}"), files=files)
    assert found.steps[0].settings["unit"] == "characters"
    assert found.steps[0].settings["text"] == "full"
    found = program(child("stages: {lengths: {score: length, from: pool}}"), files=files)
    assert found.steps[0].settings["unit"] != "words"
    with pytest.raises(SpecError) as raised:
        program(child("stages: {lengths: {score: length}}"), files=files)
    assert codes(raised) == ["SL301"]
    with pytest.raises(SpecError) as raised:
        program(child("stages: {lenghts: {unit: words}}"), files=files)
    assert codes(raised) == ["SL204"]


def test_a_child_reaches_into_a_loop(program: Callable[..., Any]) -> None:
    text = "stages: {rounds: {loop: 5, stages: {batch: {size: 3}, more: {score: length, from: batch}}}}"
    loop = program(child(text.replace("loop: 5, ", "")), files={"parent.yaml": PARENT}).steps[1]
    assert isinstance(loop, Rounds)
    assert (loop.rounds, loop.steps[0].settings["size"]) == (3, 3)
    with pytest.raises(SpecError) as raised:  # `loop` states the kind, so the whole loop is replaced
        program(child(text), files={"parent.yaml": PARENT})
    assert "SL202" in codes(raised)


def test_a_child_changes_params_data_and_outputs(program: Callable[..., Any]) -> None:
    text = (
        "params: {size: {default: 7}, more: {type: int, default: 1}, pool: {type: path, default: a.jsonl}}\n"
        "data: {pool: {format: csv}}\noutputs: {scores: lengths}\n"
    )
    found = program(child(text), files={"parent.yaml": PARENT})
    assert found.params["size"] == 7
    assert found.data["pool"]["format"] == "csv"
    assert found.data["pool"]["path"].endswith("a.jsonl")
    assert list(found.outputs) == ["chosen", "scores"]


def test_a_chain_of_parents(program: Callable[..., Any]) -> None:
    middle = "extends: ../parent.yaml\nselectlang: 1\nname: middle\nstages: {lengths: {unit: characters}}\n"
    text = "extends: deep/middle.yaml\nselectlang: 1\nname: child\nstages: {lengths: {text: response}}\n"
    found = program(text, files={"parent.yaml": PARENT, "deep/middle.yaml": middle})
    settings = found.steps[0].settings
    assert (settings["unit"], settings["text"]) == ("characters", "response")


def test_a_fault_of_the_parent_stands_in_the_parent(program: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as raised:
        program(
            child("stages: {lengths: {unti: words}}"), files={"parent.yaml": PARENT.replace("full", "ful")}
        )
    assert [(f.code, f.place.source.name.rsplit("/")[-1]) for f in raised.value.faults] == [
        ("SL210", "parent.yaml"),
        ("SL206", "spec.yaml"),
    ]


def test_a_chain_too_long_is_no_crash(program: Callable[..., Any]) -> None:
    files = {f"s{i}.yaml": f"extends: s{i + 1}.yaml\nselectlang: 1\nname: x\n" for i in range(60)}
    with pytest.raises(SpecError) as raised:
        program("extends: s0.yaml\nselectlang: 1\nname: x\n", files=files)
    assert codes(raised) == ["SL404"]


@pytest.mark.parametrize(
    "name, code",
    [
        ("gone.yaml", "SL402"), ("parent", "SL402"), ("selectlang:gone", "SL402"), ("gone:kmq", "SL402"),
        ("selectlang:../kmq", "SL402"), ("/etc/passwd", "SL403"), ("~/x.yaml", "SL403"), ("$x", "SL403"),
        ("''", "SL203"), ("[a]", "SL203"), ("7", "SL203"), ("null", "SL203"), ('"a\\0b"', "SL402"),
        ("x" * 5000, "SL402"), ("deep", "SL402"), (".", "SL402"),
    ],
)  # fmt: skip
def test_a_parent_that_is_not_there(name: str, code: str, program: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as raised:
        program(f"selectlang: 1\nname: x\nextends: {name}\n", files={"deep/a.yaml": PARENT})
    assert codes(raised) == [code]


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"root:x:0:{SECRET}", f"a: {SECRET}\na: {SECRET}\n", f"&a {SECRET}", f"[{SECRET}", f"'{SECRET}",
        SECRET, "", f"# {SECRET}", f"- {SECRET}\n---\n- {SECRET}", f"\t{SECRET}", f"a: b: {SECRET}",
        f"\x07{SECRET}",
        f"more: {{selectlang: 1, {SECRET}: [}}", f"xselectlang: {SECRET}: 1", "[" * 100 + SECRET,
        SECRET.encode() + b"\xff", f"{{selectlang: 1, a: {SECRET}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["extends: {}", "imports: {{inner: {}}}"])
def test_of_a_file_that_is_no_spec_nothing_is_shown(
    text: str | bytes, word: str, program: Callable[..., Any], tmp_path: Path
) -> None:
    """A shared spec may lead to any YAML file of the machine it is checked on."""
    (tmp_path / "work").mkdir()
    (tmp_path / "private.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    spec = word.format("../private.yaml") + "\nselectlang: 1\nname: x\n"
    if "imports" in word:
        spec += "stages: {it: {recipe: inner}}\noutputs: {it: it}\n"
    (tmp_path / "work/spec.yaml").write_text(spec)
    with pytest.raises(SpecError) as raised:
        program("selectlang: 1\nname: top\nextends: work/spec.yaml\n")
    assert codes(raised) == ["SL405"]
    assert raised.value.faults[0].place.source.name == str(tmp_path / "work/spec.yaml")
    assert SECRET not in str(raised.value)


def test_a_spec_is_known_by_its_key_however_it_is_written(program: Callable[..., Any]) -> None:
    escaped = PARENT.replace("selectlang: 1", '"select\\u006cang": 1')
    assert program(child(""), files={"parent.yaml": escaped}).name == "child"
    for key in ("selectlang", "'selectlang'", '"selectlang" '):
        with pytest.raises(SpecError) as raised:
            program(child(""), files={"parent.yaml": f"{key}: 1\nname: [\n"})
        assert codes(raised) == ["SL103"]


def test_a_stage_that_replaces_another_is_noted(
    program: Callable[..., Any], command: Callable[..., Any], tmp_path: Path
) -> None:
    files = {"parent.yaml": PARENT}
    found = program(child("stages: {lengths: {score: length, from: pool, unit: words}}"), files=files)
    assert len(found.notes) == 1
    assert found.notes[0].endswith(
        "spec.yaml:4:10: stage 'lengths' states its kind, so it replaces the parent's, 'text' included; "
        "to change settings only, leave 'score' out"
    )
    shown = command("show", tmp_path / "spec.yaml").out
    assert f"\n# note: {found.notes[0]}\nselectlang: 1\n" in shown
    inner = "stages: {rounds: {stages: {batch: {budget: bottom, from: lengths, size: 3}}}}"
    assert program(child(inner), files=files).notes == []  # `from` is there, so nothing was left out
    whole = "stages: {lengths: {score: length, from: pool, unit: words, text: response}}"
    for text in (
        whole,
        "stages: {lengths: {unit: words}}",
        "stages: {other: {score: length, from: pool}}",
        "",
    ):
        assert program(child(text), files=files).notes == []


@pytest.mark.parametrize(
    "given, meant",
    [
        ("length", "selectlang:length"), ("lenght", "selectlang:length"), ("parent", "parent.yaml"),
        ("./parnt", "parent.yaml"), ("paremt.yaml", "parent.yaml"), ("deep/midle.yml", "deep/middle.yaml"),
        ("deep/middle", "deep/middle.yaml"), ("kmq.yaml", "selectlang:kmq"),
    ],
)  # fmt: skip
def test_the_nearest_spec(given: str, meant: str, program: Callable[..., Any]) -> None:
    files = {"parent.yaml": PARENT, "deep/middle.yaml": PARENT}
    with pytest.raises(SpecError) as raised:
        program(f"selectlang: 1\nname: x\nextends: {given}\n", files=files)
    assert raised.value.faults[0].message == f"there is no spec '{given}', did you mean '{meant}'?"


def test_a_packaged_spec_can_be_extended_and_imported(program: Callable[..., Any]) -> None:
    found = program("selectlang: 1\nextends: selectlang:kmq\nname: mine\nstages: {topics: {k: 8}}\n")
    assert next(s for s in found.steps if s.name == "topics").settings["k"] == 8
    text = (
        "imports: {r: selectlang:random}\nstages: {it: {recipe: r, from: {pool: pool}}}\noutputs: {it: it}\n"
    )
    assert isinstance(program(text).steps[0], Nested)


USE = """\
selectlang: 1
name: use
imports: {inner: parent.yaml}
params: {pool: {type: path}, targets: {type: path}, size: {type: amount}}
data: {pool: {path: $pool}, targets: {path: $targets}}
stages:
"""


def test_params_go_into_a_recipe_and_outputs_come_out(program: Callable[..., Any]) -> None:
    text = USE + "  it: {recipe: inner, params: {size: 7}, from: pool}\noutputs: {a: it, b: it.chosen}\n"
    found = program(text, files={"parent.yaml": PARENT})
    nested = found.steps[0]
    assert nested.program.params["size"] == 7
    assert (nested.data["pool"].type.about, found.outputs["a"].type.about) == ("pool", "pool")
    text = text.replace("size: 7", "size: $size")
    assert program(text, files={"parent.yaml": PARENT}).missing == ["pool", "size", "targets"]
    assert program(text, {"size": "3%"}, {"parent.yaml": PARENT}).steps[0].program.params["size"] == "3%"


def test_rows_that_go_into_a_recipe_keep_their_data_set(program: Callable[..., Any]) -> None:
    text = (
        USE
        + """\
  some: {budget: random, from: targets, size: 10}
  a: {recipe: inner, from: {pool: pool}}
  b: {recipe: inner, from: {pool: some}}
  joined: {merge: union, from: [pool, a]}
  wrong: {merge: union, from: [a, b]}
outputs: {joined: joined, wrong: wrong}
"""
    )
    with pytest.raises(SpecError) as raised:
        program(text, files={"parent.yaml": PARENT})
    assert [(f.code, f.place.line) for f in raised.value.faults] == [("SL302", 11)]


def test_a_recipe_that_reads_its_own_rows_speaks_of_no_other(program: Callable[..., Any]) -> None:
    text = (
        USE
        + "  a: {recipe: inner, params: {pool: $pool}}\n  b: {merge: union, from: [a, pool]}\n"
        + "outputs: {b: b}\n"
    )
    with pytest.raises(SpecError) as raised:
        program(text, files={"parent.yaml": PARENT})
    assert codes(raised) == ["SL302"]
    assert "'a/pool'" in raised.value.faults[0].message


def test_an_import_of_a_parent_is_found_from_the_parents_folder(program: Callable[..., Any]) -> None:
    parent = "imports: {inner: ./inner.yaml}\nstages: {it: {recipe: inner, from: pool}}\noutputs: {it: it}\n"
    head = "selectlang: 1\nname: x\nparams: {pool: {type: path}}\ndata: {pool: {path: $pool}}\n"
    files = {"deep/parent.yaml": head + parent, "deep/inner.yaml": PARENT}
    found = program("extends: deep/parent.yaml\nselectlang: 1\nname: x\n", files=files)
    assert isinstance(found.steps[0], Nested)


def test_a_recipe_in_a_loop_joins_the_types_of_the_loop(program: Callable[..., Any]) -> None:
    text = (
        USE
        + """\
  rounds:
    loop: 2
    carry: {kept: {next: joined}}
    stages:
      left: {merge: subtract, from: [pool, kept]}
      it: {recipe: inner, from: {pool: left}}
      joined: {merge: union, from: [kept, it]}
outputs: {kept: rounds}
"""
    )
    found = program(text, files={"parent.yaml": PARENT})
    assert str(found.outputs["kept"].type) == "Selection[pool]"


def test_recipes_that_use_one_another_have_an_end(program: Callable[..., Any]) -> None:
    one = "selectlang: 1\nname: x\nimports: {o: ./b.yaml}\nstages: {it: {recipe: o}}\noutputs: {it: it}\n"
    with pytest.raises(SpecError) as raised:
        program(
            one,
            files={"b.yaml": one.replace("b.yaml", "c.yaml"), "c.yaml": one.replace("b.yaml", "spec.yaml")},
        )
    assert codes(raised) == ["SL401"]
    assert "spec.yaml -> b.yaml -> c.yaml -> spec.yaml" in raised.value.faults[0].message


def test_a_repository_that_is_not_there(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(SpecError) as raised:
        check(f"git+file://{tmp_path}/none@v1:a.yaml", registry, None, Sources(yes=True))
    assert codes(raised) == ["SL406"]
    assert "there is no such repository" in raised.value.faults[0].message


def test_recipes_in_recipes_do_not_blow_up(program: Callable[..., Any]) -> None:
    head = "selectlang: 1\nname: x\nparams: {pool: {type: path}}\ndata: {pool: {path: $pool}}\n"
    use = "".join(f"  s{i}: {{recipe: o, from: {{pool: pool}}}}\n" for i in range(9))
    files = {
        f"s{level}.yaml": f"{head}imports: {{o: s{level + 1}.yaml}}\nstages:\n{use}outputs: {{it: s0}}\n"
        for level in range(15)
    }
    files["s15.yaml"] = head + "stages: {it: {score: length, from: pool}}\noutputs: {it: it}\n"
    with pytest.raises(SpecError) as raised:
        program(files["s0.yaml"], files=files)
    assert codes(raised) == ["SL404"]


def test_more_files_than_a_spec_may_draw_in(program: Callable[..., Any]) -> None:
    files = {f"s{i}.yaml": PARENT for i in range(250)}
    imports = ", ".join(f"i{i}: s{i}.yaml" for i in range(250))
    stages = "".join(f"  u{i}: {{recipe: i{i}, from: {{pool: pool}}}}\n" for i in range(250))
    text = USE.replace("inner: parent.yaml", imports) + stages + "outputs: {it: u0}\n"
    with pytest.raises(SpecError) as raised:
        program(text, files=files)
    assert set(codes(raised)) == {"SL404"}
    again = text.replace("recipe: i", "recipe: j").replace(imports, "j0: s0.yaml")
    for i in range(250):
        again = again.replace(f"recipe: j{i},", "recipe: j0,")
    assert len(program(again, files=files).steps) == 1  # one file, used 250 times
