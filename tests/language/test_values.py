"""Scalars of YAML, amounts, and params."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import SpecError, UsageError
from selectlang.faults import Source
from selectlang.language import yaml
from selectlang.language.values import Unknown

STAGE = "stages: {{it: {{score: options, from: pool, {}}}}}\noutputs: {{it: it}}\n"


@pytest.mark.parametrize(
    "text, value",
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("True", "True"), ("NULL", "NULL"), ("~", "~"),
        ("true", True), ("false", False), ("null", None), ("", None),
        ("1e-5", 1e-5), ("1E5", 1e5), ("-0.5", -0.5), ("12", 12), ("-3", -3), ("1.0", 1.0),
        ("010", "010"), ("0x10", "0x10"), ("0o7", "0o7"), ("1_000", "1_000"), ("+1", "+1"), (".5", ".5"),
        ("1.", "1."), (".inf", ".inf"), (".nan", ".nan"), ("1e999", "1e999"), ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"), ("'12'", "12"), ('"true"', "true"), ("1e-5 # small", 1e-5),
        ("９", "９"), ("[1, no, {a: 1.5}]", [1, "no", {"a": 1.5}]), ("|\n  a\n  b\n", "a\nb\n"),
    ],
)  # fmt: skip
def test_a_scalar_is_read_as_json_reads_it(text: str, value: object) -> None:
    found = yaml.parse(f"key: {text}", Source("spec")).plain()["key"]
    assert (type(found), found) == (type(value), value)


def test_places_count_from_one_and_know_every_line_end() -> None:
    text = "a: 1\r\nb: 'x\u2028y'\nc: [é中, \U0001f600x]\n"
    root = yaml.parse(text, Source("spec", text))
    items = root.value["c"].value
    assert [(item.place.line, item.place.column, item.place.end) for item in items] == [(4, 5, 7), (4, 9, 11)]
    assert items[0].place.snippet() == ["    4 | c: [é中, \U0001f600x]", "      |     ^^^"]


def test_a_byte_order_mark_is_no_part_of_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\n")
    root = yaml.read(path)
    assert root.plain() == {"name": "x"}
    assert next(root.items())[1].column == 1


@pytest.mark.parametrize(
    "written, value",
    [
        ("text: 'no'", "no"), ("text: no", "no"), ("text: $$x", "$x"), ("text: $$$", "$$"),
        ("number: 1e-5", 1e-5), ("number: 2", 2.0), ("whole: 0", 0), ("whole: 10", 10), ("flag: true", True),
        ("one: blue", "blue"), ("many: [1, 2]", [1, 2]), ("many: []", []), ("many: null", None),
        ("names: a", "a"), ("names: [a, b]", ["a", "b"]), ("table: {a: 1}", {"a": 1.0}),
        ("either: auto", "auto"), ("either: 3", 3), ("model: org/name", "org/name"), ("lambda: 2", 2.0),
    ],
)  # fmt: skip
def test_a_setting_has_the_type_of_its_hint(written: str, value: object, program: Callable[..., Any]) -> None:
    found = program(STAGE.format(written)).steps[0].settings[written.split(":")[0]]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "written, code",
    [
        ("flag: True", "SL203"), ("flag: 1", "SL203"), ("flag: no", "SL203"), ("text: 1", "SL203"),
        ("text: true", "SL203"), ("text: null", "SL203"), ("whole: 1.0", "SL203"), ("whole: true", "SL203"),
        ("whole: '1'", "SL203"), ("whole: 010", "SL203"), ("whole: 1_0", "SL203"), ("whole: 11", "SL210"),
        ("number: false", "SL203"), ("number: 1e999", "SL203"), ("number: 0", "SL210"), ("one: Red", "SL210"),
        ("many: 1", "SL203"), ("many: [a]", "SL203"), ("many: [[1]]", "SL203"), ("names: 7", "SL203"),
        ("table: [1]", "SL203"), ("table: {a: b}", "SL203"), ("either: atuo", "SL210"),
        ("either: 1.5", "SL203"),
        ("model: ./here", "SL210"), ("model: https://example.org/m", "SL210"), ("models: [~/m]", "SL210"),
        ("text: $x", "SL207"), ("text: $ x", "SL214"), ("text: '${x}'", "SL214"), ("many: [$x]", "SL207"),
        ("table: {a: $x}", "SL207"),
    ],
)  # fmt: skip
def test_a_setting_of_another_type_is_a_fault(written: str, code: str, program: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as raised:
        program(STAGE.format(written))
    assert [fault.code for fault in raised.value.faults] == [code]


@pytest.mark.parametrize(
    "size", ["10000", "'10000'", "20%", "0.5%", "5M tokens", "10k", "1 row", "100 tokens"]
)
def test_an_amount_that_can_be(size: str, program: Callable[..., Any]) -> None:
    found = program(f"stages: {{it: {{budget: random, from: pool, size: {size}}}}}\noutputs: {{it: it}}\n")
    assert str(found.steps[0].settings["size"]) == size.strip("'")


@pytest.mark.parametrize(
    "size", ["0", "-1", "1.5", "0%", "101%", "5 apples", "1e4", "''", "true", "null", "[1]", "５", "9" * 5000]
)
def test_an_amount_that_cannot_be(size: str, program: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as raised:
        program(f"stages: {{it: {{budget: random, from: pool, size: {size}}}}}\noutputs: {{it: it}}\n")
    assert [fault.code for fault in raised.value.faults] in (["SL203"], ["SL210"])
    assert re.search("an amount|a share", raised.value.faults[0].message)
    assert len(raised.value.faults[0].message) < 200


PARAMS = """\
selectlang: 1
name: example
params:
  pool: {type: path}
  text: {type: str, default: ""}
  whole: {type: int, default: 1}
  number: {type: float, default: 1}
  flag: {type: bool, default: false}
  model: {type: model, default: a/b}
  size: {type: amount, default: 10}
  many: {type: [int], default: [1]}
  names: {type: [str], default: [a]}
data: {pool: {path: $pool}}
stages:
  it:
    {score: options, from: pool, text: $text, whole: $whole, number: $number, flag: $flag, model: $model,
     many: $many, names: $names}
  chosen: {budget: top, from: it, size: $size}
outputs: {chosen: chosen}
"""


@pytest.mark.parametrize(
    "flags, name, value",
    [
        (["text=no"], "text", "no"), (["text=12"], "text", "12"), (["text="], "text", ""),
        (["text=a=b"], "text", "a=b"),
        (["text=$pool"], "text", "$pool"), (["whole=7"], "whole", 7), (["number=1e-5"], "number", 1e-5),
        (["number=3"], "number", 3.0), (["flag=true"], "flag", True),
        (["model=/"], "model", "/"),
        (["size=20%"], "size", "20%"), (["size=12"], "size", "12"), (["many=3"], "many", [3]),
        (["many=3", "many=4"], "many", [3, 4]), (["many=[3, 4]"], "many", [3, 4]),
        (["names=[a"], "names", ["[a"]),
        (['names=["x", "y"]'], "names", ["x", "y"]), (["names=1"], "names", ["1"]),
        (["pool=/data/a.jsonl"], "pool", "/data/a.jsonl"), (["pool=a", "pool=b"], "pool", ["a", "b"]),
    ],
)  # fmt: skip
def test_set_gives_a_param_its_value(
    flags: list[str], name: str, value: object, program: Callable[..., Any]
) -> None:
    from selectlang.params import given

    found = program(PARAMS, given(flags, None)).params[name]
    assert (type(found), found) == (type(value), value)


def test_a_model_of_the_machine_is_given_by_the_person_alone(
    program: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder becomes an absolute path where it is given; no default and no literal can be one."""
    from selectlang.params import given

    (tmp_path / "org" / "name").mkdir(parents=True)
    (tmp_path / "home" / "m").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for text, value in (
        ("org/name", str(tmp_path / "org/name")), ("./org/../org/name", str(tmp_path / "org/name")),
        ("~/m", str(tmp_path / "home/m")), ("org/other", "org/other"),
    ):  # fmt: skip
        found = program(PARAMS, given([f"model={text}"], None))
        assert found.params["model"] == found.steps[0].settings["model"] == value
    for text, value in (
        ("local/org/name", f"local/{tmp_path}/org/name"), ("local/~/m", f"local/{tmp_path}/home/m"),
        ("local/org/other", "local/org/other"),
    ):  # fmt: skip
        with pytest.raises(SpecError) as refused:  # for its method asks no language model
            program(PARAMS, given([f"model={text}"], None))
        assert f"found '{value}'  [SL210]" in str(refused.value)
        assert f"give '{value.removeprefix('local/')}'" in str(refused.value)
    (tmp_path / "p.yaml").write_text("model: org/name\n")
    assert program(PARAMS, given([], Path("p.yaml"))).params["model"] == str(tmp_path / "org/name")
    assert program(PARAMS.replace("a/b", "org/name")).params["model"] == "org/name"  # a name of the hub
    for default in ("./org/name", "/etc", "~/m", "org/../org", "'org\\name'", "local//etc", "local/./m"):
        with pytest.raises(SpecError, match="expected the name of a model"):
            program(PARAMS.replace("a/b", default))


def test_a_folder_that_is_not_there_is_told_at_once(
    program: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the nearest name beside it. A name of a hub or a service may look like the path of a folder."""
    from selectlang.params import given

    (tmp_path / "runs" / "taught" / "classifier").mkdir(parents=True)
    (tmp_path / "runs" / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    near = "; the nearest is 'runs/taught/classifier'"
    for text, said in (
        ("./gone", "'./gone'"), ("runs/taught/classifer", f"'runs/taught/classifer'{near}"),
        ("local/runs/taught/classifer", f"'runs/taught/classifer'{near}"),
        ("./runs/file", "'./runs/file'; it is a file, name the folder that holds it"),
        ("/no/where", "'/no/where'; there is no folder '/no' either"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="param 'model': there is no folder") as refused:
            program(PARAMS, given([f"model={text}"], None))
        assert str(refused.value).endswith(said)
    for text in ("runs/taught", "runs/other", "service/of/three"):
        program(PARAMS, given([f"model={text}"], None))


@pytest.mark.parametrize("kind", ["str", "path"])
def test_only_a_param_of_type_model_takes_the_folder_of_one(
    kind: str, program: Callable[..., Any], tmp_path: Path
) -> None:
    text = PARAMS.replace("{type: model, default: a/b}", f"{{type: {kind}}}")
    with pytest.raises(SpecError, match="a folder is given to a param of type model"):
        program(text, {"model": str(tmp_path)})
    with pytest.raises(SpecError, match="a folder is given to a param of type model"):
        program(text.replace(f"{{type: {kind}}}", f"{{type: {kind}, default: {tmp_path}}}"))


def test_a_recipe_is_given_a_folder_by_a_param_of_type_model_alone(program: Callable[..., Any]) -> None:
    use = (
        "selectlang: 1\nname: x\nimports: {r: ./r.yaml}\nparams: {pool: {type: path}, m: {type: KIND}}\n"
        "data: {pool: {path: $pool}}\n"
        "stages: {it: {recipe: r, params: {model: VALUE}, from: {pool: pool}}}\noutputs: {it: it}\n"
    )
    good = use.replace("KIND", "model").replace("VALUE", "$m")
    found = program(good, {"m": "/"}, {"r.yaml": PARAMS})
    assert found.steps[0].program.params["model"] == "/"
    for kind, value in (("str", "$m"), ("model", "/")):
        with pytest.raises(SpecError, match="expected the name of a model"):
            program(use.replace("KIND", kind).replace("VALUE", value), {"m": "/"}, {"r.yaml": PARAMS})


def test_several_files_in_one_value(checked: Callable[..., Any]) -> None:
    for value in ("a.jsonl,b.jsonl", "a.jsonl b.jsonl", "a.jsonl, b.jsonl"):
        outcome = checked(PARAMS, "--set", f"pool={value}", files={"a.jsonl": "", "b.jsonl": ""})
        assert outcome.code == 2
        assert outcome.err.endswith("give --set pool=a.jsonl --set pool=b.jsonl\n")
    assert checked(PARAMS, "--set", "pool=a,b", files={"a,b": "", "a": "", "b": ""}).code == 0


@pytest.mark.parametrize(
    "flags, words",
    [
        (["wole=7"], "no param 'wole', did you mean 'whole'?"),
        (["whole=7.0"], "expects a whole number, found 7.0"),
        (["whole=x"], "expects a whole number, found 'x'"), (["whole="], "expects a whole number, found ''"),
        (["number=NaN"], "expects a number, found 'NaN'"),
        (["number=1e999"], "expects a number, found '1e999'"),
        (["number=" + "9" * 400], "expects a number"), (["flag=yes"], "expects true or false, found 'yes'"),
        (["flag=1"], "expects true or false, found 1"), (["size=120%"], "a share is above 0%"),
        (["whole=1", "whole=2"], "'whole' is given 2 times"), (["many=[]"], "a list of 1 or more"),
        (["many=a"], "expects a whole number"), (["pool="], "not empty"), (["whole"], "expected name=value"),
        (["=3"], "expected name=value"), (["text=\x1b[31m", "wole=1"], "no param 'wole'"),
    ],
)  # fmt: skip
def test_set_that_is_wrong_is_a_fault_of_usage(
    flags: list[str], words: str, checked: Callable[..., Any]
) -> None:
    outcome = checked(PARAMS, *(part for flag in flags for part in ("--set", flag)))
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_several_wrong_params_are_told_together(checked: Callable[..., Any]) -> None:
    outcome = checked(PARAMS, "--set", "whole=x", "--set", "flag=x", "--set", "nothing=1")
    assert outcome.err.count("\n") == 3


def test_params_of_a_file_give_way_to_set(program: Callable[..., Any], tmp_path: Path) -> None:
    from selectlang.params import given

    file = tmp_path / "params.yaml"
    file.write_text("whole: 3\nnumber: 2\nnames: [x, 'no']\npool: [a, b]\nflag: true\n")
    found = program(PARAMS, given(["whole=4"], file)).params
    assert (found["whole"], found["number"], found["names"]) == (4, 2.0, ["x", "no"])
    assert (found["pool"], found["flag"], found["size"]) == (["a", "b"], True, 10)


def test_a_file_of_params_has_places_too(checked: Callable[..., Any]) -> None:
    outcome = checked(PARAMS, "--params", "p.yaml", files={"p.yaml": "whole: 1\nwhole: 2\n"})
    assert outcome.code == 1
    assert "p.yaml:2:1: key 'whole' stands twice  [SL107]" in outcome.out + outcome.err
    outcome = checked(PARAMS, "--params", "list.yaml", files={"list.yaml": "[1]"})
    assert (outcome.code, outcome.out) == (2, "")
    outcome = checked(PARAMS, "--params", "gone.yaml")
    assert outcome.code == 1
    assert "[SL101]" in outcome.out + outcome.err


def test_a_spec_can_be_checked_before_its_params_have_values(program: Callable[..., Any]) -> None:
    text = PARAMS.replace("{type: int, default: 1}", "{type: int}").replace(
        "many: $many", "many: [1, $whole]"
    )
    found = program(text)
    assert found.missing == ["pool", "whole"]
    assert isinstance(found.steps[0].settings["whole"], Unknown)
    assert program(text, {"whole": 7, "pool": "x"}).steps[0].settings["many"] == [1, 7]


def test_what_stands_beside_a_param_without_a_value_is_checked_too(program: Callable[..., Any]) -> None:
    with pytest.raises(SpecError) as raised:
        program(
            "selectlang: 1\nname: x\nparams: {pool: {type: path}}\n"
            "data: {pool: {path: $pool, formt: csv, id: 7}}\n"
            "stages: {it: {score: options, from: pool, many: [$pool, x]}}\noutputs: {it: it}\n"
        )
    assert [fault.code for fault in raised.value.faults] == ["SL201", "SL203", "SL203", "SL203"]


def test_the_default_of_a_path_lies_in_the_folder_of_its_spec(
    program: Callable[..., Any], tmp_path: Path
) -> None:
    text = PARAMS.replace("pool: {type: path}", "pool: {type: path, default: rows/a.jsonl}")
    assert program(text).params["pool"] == str(tmp_path / "rows/a.jsonl")
    parent = text.replace("name: example", "name: parent")
    child = program("extends: deep/parent.yaml\nselectlang: 1\nname: x\n", files={"deep/parent.yaml": parent})
    assert child.params["pool"] == str(tmp_path / "deep/rows/a.jsonl")
    assert program(PARAMS, {"pool": "/elsewhere"}).params["pool"] == "/elsewhere"
