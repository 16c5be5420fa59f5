"""The JSON Schema: as a schema, and in the language server of an editor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from selectlang.editor import words
from selectlang.editor.schema import schema
from selectlang.editor.values import AMOUNT, with_params
from selectlang.errors import SpecError
from selectlang.faults import Source
from selectlang.language import check, sections, spec, until, yaml
from selectlang.language.resolved import resolved
from selectlang.methods import KINDS
from selectlang.plugins import Registry
from tests.editor.conftest import BAD, HEAD, OK, library
from tests.editor.lsp import Client

GOOD = [*library(), *OK]
by_good = pytest.mark.parametrize("path", GOOD, ids=[f"{path.parent.name}/{path.stem}" for path in GOOD])


@pytest.fixture(scope="module")
def validator(registry: Registry) -> Draft7Validator:
    return Draft7Validator(schema(registry))


def read(path: Path) -> Any:
    return yaml.parse(path.read_text(encoding="utf-8"), Source(path.name)).plain()


def test_it_is_a_schema(registry: Registry) -> None:
    Draft7Validator.check_schema(schema(registry))


@by_good
def test_a_good_spec_fits(path: Path, validator: Draft7Validator) -> None:
    assert [error.message for error in validator.iter_errors(read(path))] == []


@by_good
def test_a_resolved_spec_fits(path: Path, validator: Draft7Validator, registry: Registry) -> None:
    found = resolved(check.check(str(path), registry))
    assert [error.message for error in validator.iter_errors(found)] == []


FOUND = """
SL109-list SL109-text SL201-data SL201-limits SL201-param SL201-recipe SL201-top SL201-until
SL202-columns SL202-data-path SL202-git-rev SL202-loop SL202-no-output SL202-param-type SL202-top
SL203-default SL203-list SL203-meant SL203-method SL203-sections SL203-setting SL203-until SL203-words
SL204-misspelt SL204-none SL204-two SL205-missing-plugin SL205-misspelt SL205-other-kind SL206-input
SL206-misspelt SL206-several SL209-input SL210-data SL210-settings SL210-unions SL211-form SL212-missing
SL212-newer SL213-misspelt SL214-default SL214-inside-a-text SL214-method SL215-data SL216-over
SL216-seed SL217-required SL301-missing SL301-replaced SL304-cycle SL308-several SL501-broken SL502-twice
a-name-behind-a-fault-once several-codes-at-once unicode
""".split()
"""The bad specs in which the schema finds something: it knows no names, no types, and no other files."""


def test_what_it_finds_of_bad_specs(validator: Draft7Validator) -> None:
    found = []
    for path in BAD:
        try:
            fits = validator.is_valid(read(path))
        except SpecError:
            continue  # an editor marks what is no YAML by itself
        if not fits:
            found.append(path.stem)
    assert found == FOUND


LOOP = "a: {loop: 3, until: {b.left: UNTIL}, carry: {c: {next: b}}, stages: {b: {score: length, from: pool}}}"


@pytest.mark.parametrize("stage, fits", [
    ("a: {score: nearest, from: [b, c]}", True), ("a: {score: nearest, from: [b]}", False),
    ("a: {score: nearest, from: [b, c, d]}", True), ("a: {score: nearest, from: [b, c, d, e]}", False),
    ("a: {score: nearest, from: {pool: b, targets: c}}", True),
    ("a: {score: nearest, from: {pool: b}}", False),
    ("a: {score: nearest, from: {pool: [b], targets: c, among: []}}", True),
    ("a: {score: nearest, from: {pool: [b, c], targets: d}}", False),
    ("a: {merge: union, from: b}", True), ("a: {merge: union, from: [b, c.d, e.f.g, h]}", True),
    ("a: {merge: union, from: []}", False), ("a: {merge: union, from: a.b.c.d}", False),
    ("a: {merge: union, from: $b}", False), ("a: {score: length, from: {}}", False),
    ("a: {budget: random, from: b, size: 1, seed: 2}", True),
    ("a: {budget: top, from: b, size: 1, over: 2}", True),
    ("a: {score: length, from: b, seed: 2}", False), ("a: {score: length, from: b, over: 2}", False),
    (LOOP.replace("UNTIL", "{below: $k}"), True), (LOOP.replace("UNTIL", "{plateau: 3, within: 0.1}"), True),
    (LOOP.replace("UNTIL", "{within: 0.1}"), False), (LOOP.replace("UNTIL", "{}"), False),
    (LOOP.replace("UNTIL", "{below: x}"), False),
    ("a: {recipe: r, from: b, params: {k: 3}}", True), ("a: {recipe: r, k: 3}", False),
    ("a: {recipe: 3}", False),
])  # fmt: skip
def test_stages(stage: str, fits: bool, validator: Draft7Validator) -> None:
    text = f"selectlang: 1\nname: x\nstages:\n  {stage}\noutputs: {{a: a}}\n"
    assert validator.is_valid(yaml.parse(text, Source("x", text)).plain()) == fits


def test_every_word_is_described(registry: Registry) -> None:
    found = schema(registry)
    assert list(words.TOP) != list(spec.TOP)
    assert words.TOP.keys() == {*spec.TOP}
    assert tuple(words.KINDS) == KINDS
    assert tuple(words.TYPES) == spec.PARAM_TYPES
    assert words.DATA.keys() == sections.DATA["properties"].keys()
    assert words.LIMITS.keys() == sections.LIMITS["properties"].keys()
    assert words.UNTIL.keys() == {*until.COMPARISONS, "within"}
    for (kind, name), method in registry.methods.items():
        stage = found["definitions"][f"{kind}.{name}"]
        assert method.settings.keys() <= stage["properties"].keys()
        for setting in method.settings.values():
            shown = stage["properties"][setting.name]
            assert shown.get("description", "") == setting.doc
            assert shown.get("default") == (None if setting.required else setting.default)


@pytest.mark.parametrize("schema, good, bad", [
    ({"type": "integer", "minimum": 1}, [1, "$k"], [0, "k", "$k b", 1.5, None, ["$k"]]),
    ({"type": "string"}, ["a", "$k", "$$5 off", ""], ["$5 off", 1, None]),
    ({"type": "string", "pattern": "^x"}, ["xy", "$k"], ["y"]),
    ({"enum": ["a", 1]}, ["a", 1, "$k"], ["b", "$k x"]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [[1, "$k"], "$k"], [[], ["a"], 1]),
    (
        {"type": "object", "additionalProperties": {"type": "number"}},
        [{"a": "$k", "b": 1}, "$k"], [{"a": "x"}, "x"],
    ),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, [1, None, "$k"], ["a", 1.5]),
    ({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}]}, [1, "auto", "$k"], ["autos", None]),
    (
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        ["a", ["b", "$k"], "$k"], [1, [1], "$a b"],
    ),
    ({"anyOf": [{"type": "string", "minLength": 2}, {"type": "string", "maxLength": 1}]}, ["a", "bc"], [1]),
    (
        {"type": ["integer", "string"], "format": "amount"},
        [5, "10%", "5M tokens", "1.5k", "$k"], ["5 apples", 0, 1.5],
    ),
    ({}, [1, "a", None, {}], []),
])  # fmt: skip
def test_a_param_may_stand_for_any_value(schema: Any, good: list[Any], bad: list[Any]) -> None:
    validator = Draft7Validator(with_params(schema))
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []


@pytest.mark.parametrize("text", ["1", "300 rows", "10k", "1.5M", "2B", "20%", "0.5%", "5M tokens", "12.5 %"])
def test_amounts_have_the_form_that_is_said(text: str) -> None:
    assert Draft7Validator(AMOUNT).is_valid(text)


@pytest.mark.parametrize("text", ["", "k", "5 apples", "-1", "1e5", "5kk", "%", "a 5", "5 %%"])
def test_other_texts_are_no_amounts(text: str) -> None:
    assert not Draft7Validator(AMOUNT).is_valid(text)


def test_the_command(command: Callable[..., Any], tmp_path: Path) -> None:
    printed = command("schema")
    assert (printed.code, printed.err) == (0, "")
    assert "score.length" in json.loads(printed.out)["definitions"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.py").write_text(
        "from __future__ import annotations\nimport selectlang as sl\n\n"
        "@sl.score\ndef own(rows: sl.Rows, *, often: int = 3) -> sl.Scores:\n    'Mine.'\n    return []\n\n"
        "@sl.hookimpl\ndef register_methods(register): register(own)\n"
    )
    done = command("schema", "--plugins", "mine", "--out", "specs.json")
    assert (done.code, done.out) == (0, "")
    found = json.loads((tmp_path / "specs.json").read_text("utf-8"))
    assert found["definitions"]["score.own"]["properties"]["often"]["default"] == 3
    assert command("schema", "--plugins", "mine", "--out", "specs.json").code == 0  # it is made anew


# In the language server

STAGES = f"{HEAD}outputs: {{chosen: a}}\nstages:\n"


@by_good
def test_a_good_spec_has_no_marks(path: Path, editor: Client) -> None:
    assert editor.problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("stages, line, said", [
    ("  a: {score: lenght, from: pool}", 1, "Value is not accepted. Valid values:"),
    ("  a:\n    score: length\n    from: pool\n    unite: words", 4, "Property unite is not allowed."),
    ("  a:\n    cluster: kmeans\n    from: pool\n    k: many", 4, "Expected a whole number of at least 1"),
    ("  a:\n    score: length\n    from: pool\n    unit: wordz", 4, "Value is not accepted."),
    ("  b: {score: length, from: pool}\n  a: {budget: top, from: b}", 2, 'Missing property "size".'),
    ("  a:\n    scoer: length\n    from: pool", 2, "Property scoer is not allowed."),
    ("  a: {from: pool}", 1, "A stage states its kind: embed, cluster, score"),
    ("  a: {budget: top, from: pool, size: 10 apples}", 1, "Expected an amount"),
    ("  a: {score: length}", 1, 'Missing property "from".'),
    ("  a: {score: nearest, from: pool}", 1, "Incorrect type."),
    ("  a:\n    score: nearest\n    from: {pool: b,\n      target: c}", 4, "Property target is not allowed."),
    ("  a:\n    loop: 3\n    stages: {b: {score: length, from: pool}}", 1, 'Missing property "carry".'),
    ("  a: {score: length, from: pool, text: $a b}", 1, "Value is not accepted."),
    ("  2a: {score: length, from: pool}", 1, "A name starts with a letter"),
    ("  a: {score: length, from: pool}\nlimit: {max_cost: 1}", 2, "Property limit is not allowed."),
])  # fmt: skip
def test_a_mistake_is_marked_in_its_line(stages: str, line: int, said: str, editor: Client) -> None:
    found = editor.problems(f"{STAGES}{stages}\n")
    assert [text for at, text in found if at == line + STAGES.count("\n") and said in text], found


def test_a_param_or_data_set_is_marked(editor: Client) -> None:
    text = (
        "selectlang: 1\nname: x\nparams:\n  a: {type: integer}\n  b: {default: 1}\n"
        "  c: {type: int, default: x}\ndata:\n  d: {path: rows.jsonl}\n  e: {format: json}\n"
        "stages: {}\noutputs: {}\nlimits: {max_calls: -1}\n"
    )
    assert {line for line, _ in editor.problems(text)} == {4, 5, 6, 8, 9, 11, 12}


def test_a_spec_that_extends_another_may_leave_things_out(editor: Client) -> None:
    text = (
        "extends: ./x.yaml\nparams: {k: {default: 3}}\nstages: {a: {unit: words}, b: {stages: {c: {k: 1}}}}\n"
    )
    assert editor.problems(text) == []
    assert [line for line, _ in editor.problems(f"{text}output: {{}}\n")] == [4]


def test_methods_are_completed(editor: Client, registry: Registry) -> None:
    for text in ("  a: {score: |}\n", "  a:\n    score: |\n"):
        found = editor.completions(STAGES + text)
        assert found.keys() == {*registry.names("score")}
        assert "Cosine similarity of each row" in found["nearest"]["documentation"]["value"]


def test_settings_are_completed(editor: Client, registry: Registry) -> None:
    found = editor.completions(f"{STAGES}  a:\n    cluster: kmeans\n    |\n")
    method = registry.methods["cluster", "kmeans"]
    assert {"from", "seed", "doc", *method.settings} == found.keys() - {"cluster: kmeans"}
    assert found["k"]["documentation"] == method.settings["k"].doc
    found = editor.completions(f"{STAGES}  a:\n    score: length\n    unit: |\n")
    assert found.keys() == {"tokens", "words", "characters"}


def test_inputs_words_and_types_are_completed(editor: Client) -> None:
    found = editor.completions(f"{STAGES}  a:\n    score: nearest\n    from:\n      |\n")
    assert {"pool", "targets", "among"} <= found.keys()
    assert {*KINDS, "loop", "recipe"} <= editor.completions(f"{STAGES}  a:\n    |\n").keys()
    assert editor.completions("params:\n  a: {type: |}").keys() == {*spec.PARAM_TYPES}
    assert {*spec.TOP} <= editor.completions("|").keys()


@pytest.mark.parametrize("stage, said", [
    ("  a: {cluster: |kmeans, from: pool}", "Clusters of similar vectors"),
    ("  a: {cluster: kmeans, from: pool, |k: 3}", "how many clusters"),
    ("  a: {score: nearest, |from: {pool: a, targets: b}}", "Here: pool (Vectors), targets (Vectors), among"),
    ("  a:\n    |loop: 3\n    carry: {}\n    stages: {}", "rounds, at most"),
    ("  a: {score: length, from: pool}\nse|ed: 3", "by default 42"),
])  # fmt: skip
def test_words_methods_and_settings_are_explained(stage: str, said: str, editor: Client) -> None:
    assert said in editor.hover(f"{STAGES}{stage}\n")
