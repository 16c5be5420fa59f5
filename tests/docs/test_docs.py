"""What the pages say is so: their tables have what the code has, and their claims hold."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

import selectlang as sl
from selectlang import hookspecs, plugins, settings, signature
from selectlang.amount import Amount
from selectlang.cli import COMMANDS
from selectlang.commands import common
from selectlang.data import shapes, source, turns
from selectlang.data.dataset import Dataset
from selectlang.demo import quickstart as demo
from selectlang.demo.pool import make_pool
from selectlang.engine import execute
from selectlang.language import check, load, loops, program, sections, spec, until, yaml
from selectlang.language.types import NOTHING_AT_START
from selectlang.llm import asking, failure, fake
from selectlang.llm.options import Options
from selectlang.methods import KINDS
from selectlang.ports import PORTS
from selectlang_plugins.merge.cluster_weights import cluster_weights
from tests.docs._pages import DOCS, FILE, PAGES, README, ROOT, blocks, first, tables, text_of

Make = Callable[..., Any]

LANGUAGE, DATA, MODELS, PAPERS, PLUGINS, RAY = [
    DOCS / f"{name}.md" for name in ("language", "data", "models", "papers", "plugins", "ray")
]
CONQUER, JUDGE = DOCS / "papers" / "diversify-and-conquer.md", DOCS / "writing-a-judge.md"
PYTHON = DOCS / "python.md"


def test_the_tables_of_the_language_are_whole() -> None:
    def listed(title: str, number: int = 0) -> list[str]:
        return first(tables(LANGUAGE, title)[number])

    assert listed("The file") == list(spec.TOP)
    assert listed("Params") == [*spec.PARAM_TYPES, "[int]"]
    assert sorted(listed("Data")) == sorted(sections.DATA["properties"])
    assert listed("Stages") == list(KINDS)
    assert {*listed("Stages", 1), *listed("Loops"), *listed("Recipes")} >= settings.RESERVED - {*KINDS}
    assert listed("Types") == [port.__name__ for port in PORTS]
    said = text_of(LANGUAGE)
    for word in (
        *sections.LIMITS["properties"],
        *sections.DATA["properties"]["format"]["enum"],
    ):
        assert f"`{word}`" in said, word
    assert f"is {sections.DEFAULT_SEED} unless" in said


def test_the_types_say_which_are_empty_in_a_first_round() -> None:
    found = {row[0].strip("`"): row[2] for row in tables(LANGUAGE, "Types")[0]}
    assert {name for name, empty in found.items() if empty == "nothing"} == NOTHING_AT_START
    assert set(found.values()) == {"nothing", "no rows"}


def test_the_bounds_are_those_of_the_code() -> None:
    numbers = [int(row[1].replace(",", "")) for row in tables(LANGUAGE, "Bounds")[0]]
    assert numbers == [
        yaml.MAX_BYTES, yaml.MAX_DEPTH, load.MAX_SPECS - 1, load.MAX_CHAIN, check.MAX_STAGES,
        check.MAX_CALLS, loops.MAX_DEPTH, loops.ROUNDS["maximum"], 64,
    ]  # fmt: skip
    assert spec.NAME.match("a" * 64)
    assert not spec.NAME.match("a" * 65)


def test_the_comparisons_of_until_are_those_there_are() -> None:
    said = {word for row in tables(LANGUAGE, "Loops")[1] for word in re.findall(r"`(\w+)`", row[0])}
    assert said == {*until.COMPARISONS, "within"}


@pytest.mark.parametrize("until, rounds", [
    ("{judged.rate: {at_least: 0.5}}", 4),  # the rates are 0, 0, 0.2, 0.6 and 0.4
    ("{judged.rate: {total_at_least: 0.8}}", 4),
    ("{judged.calls: {total_at_least: 11}}", 3),
    ("{judged.rate: {plateau: 1}}", 2),
    ("{judged.rate: {plateau: 2}}", None),
    ("{judged.rate: {plateau: 2, within: 0.2}}", 3),
    ("{judged.rate: {plateau: 1, within: 0.9}, judged.calls: {total_at_least: 5}}", 1),
])  # fmt: skip
def test_what_is_said_of_until_holds(until: str, rounds: int | None, project: Make) -> None:
    good = "It is as they said at the time, and now you know what to make of it as we do, I would say. " * 2
    rows = [
        {"instruction": f"Say {n}{i}.", "output": good if i < rate else "x", "id": f"{n}-{i}", "n": -n}
        for n, rate in enumerate([0, 0, 1, 3, 2])  # of five rows a round, those with a good answer
        for i in range(5)
    ]
    spec = f"""
selectlang: 1
name: until
params: {{pool: {{type: path}}}}
data: {{pool: {{path: $pool, id: id}}}}
stages:
  first: {{score: from_field, from: pool, field: n}}
  asking:
    loop: 5
    until: {until}
    carry: {{seen: {{next: asked}}}}
    stages:
      batch:  {{budget: top, from: {{scores: first, skip: seen}}, size: 5}}
      judged: {{judge: binary, from: batch, model: fake/judge, question: Is it right?}}
      asked:  {{merge: union, from: [seen, judged.labels]}}
outputs: {{chosen: asking.seen}}
"""
    p = project({"pool.jsonl": rows, "s.yaml": spec})
    done = p.run("selectlang run s.yaml --set pool=pool.jsonl --out out")
    assert [path for path in done.ok().states if path.startswith("asking/judged")] == [
        f"asking/judged#{number}" for number in range(1, (rounds or 5) + 1)
    ]
    assert [(bool(loop["ended"]), loop["rounds"]) for loop in done.record["loops"]] == [
        (bool(rounds), rounds or 5)
    ]


def test_what_is_said_of_limits_holds(quickstart: Any) -> None:
    """The smaller of two caps ends a run, nothing is asked twice, and a higher cap goes on."""

    def run(limit: int, options: str) -> Any:
        spec = f"""
selectlang: 1
name: capped
params: {{pool: {{type: path}}}}
data: {{pool: {{path: $pool}}}}
limits: {{max_calls: {limit}}}
stages:
  some:   {{budget: random, from: pool, size: 12}}
  grades: {{judge: rubric, from: some, model: fake/judge}}
  chosen: {{budget: top, from: grades.scores, size: 3}}
outputs: {{chosen: chosen}}
"""
        quickstart.write({"capped.yaml": spec})
        given = "--set pool=quickstart/pool.jsonl"
        return quickstart.run(f"selectlang run capped.yaml {given} --out out {options}")

    for limit, options, cap in ((5, "--max-calls 9", 5), (9, "--max-calls 5", 5), (9, "", 9)):
        done = run(limit, options)
        assert done.code == 1
        assert f"stopped before max_calls {cap} was passed" in done.err
    (asked,) = run(20, "--max-calls 12").ok().stage("grades")["asked"]
    assert (asked["calls"], asked["stored"], asked["paid"]) == (12, 9, 3)


def test_a_verdict_that_cannot_be_is_refused_or_named_in_the_run(quickstart: Any) -> None:
    hard = next(text for _, text in blocks(MODELS) if text.startswith("# hard.yaml"))
    quickstart.write({"s.yaml": hard.replace("judged.hard,", "judged.labels.heard,")})
    assert "no verdict 'heard', did you mean 'hard'?" in quickstart.run("selectlang check s.yaml").out
    joined = "  joined: {merge: union, from: judged.labels}\noutputs: {chosen: joined.heard, "
    quickstart.write({"s.yaml": hard.replace("outputs: {chosen: judged.hard, ", joined)})
    quickstart.run("selectlang check s.yaml").ok()
    given = "--set pool=quickstart/pool.jsonl --set model=fake/echo --set judge=fake/judge"
    done = quickstart.run(f"selectlang run s.yaml {given} --out out")
    assert done.code == 1
    assert "easy, hard" in done.err


def test_what_the_engine_gives_a_method_is_said() -> None:
    for page in (LANGUAGE, PLUGINS):
        for name in signature.GIVEN:
            assert re.search(rf"`{name}[`:]", text_of(page)), f"{page.name}: {name}"


def test_the_options_of_models_and_their_defaults_are_said() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    common.add_model_options(parser)
    rows = tables(MODELS, "Pace and patience")[0]
    said = {option: row[2] for row in rows for option in re.findall(r"`--([\w-]+)`", row[0])}
    assert said.keys() == {action.option_strings[0][2:] for action in parser._actions}
    for name, text in said.items():
        default = getattr(Options(), name.replace("-", "_"))
        assert (text == f"{default:g}") if default else text in ("none", "no limit", "the service's own")


def test_the_kinds_of_failed_calls_are_said() -> None:
    code = "".join(Path(module.__file__ or "").read_text() for module in (failure, asking))
    kinds = {*re.findall(r'Failure\(\s*"(\w+)"', code), *re.findall(r'"(unparsed|bad_answer)" if', code)}
    assert {*first(tables(MODELS, "Calls that fail")[0])} == kinds
    for method in plugins.load().methods.values():
        if "llm" in method.given:
            assert method.settings["max_failed"].default == 0.05


def test_the_stand_in_is_as_bad_a_judge_as_is_said() -> None:
    """It grades garbage above good rows, by words alone."""
    grades: dict[str, list[float]] = {}
    for row in make_pool(3000):
        grades.setdefault(row["quality"], []).append(fake.grade(row["output"]))
    means = {quality: sum(found) / len(found) for quality, found in grades.items()}
    assert max(means, key=lambda quality: means[quality]) == "garbage"
    assert f"up to {fake.ENOUGH} words" in text_of(MODELS)
    assert set(re.findall(r"fake/\w+", text_of(MODELS))) == {"fake/judge", "fake/echo"}


def test_every_spec_of_the_library_stands_with_its_paper() -> None:
    specs = {path.stem for path in plugins.load().packs["selectlang"].glob("*.yaml")}
    for page in (PAPERS, README):
        titles = re.findall(r"^## (.*)$", text_of(page), re.MULTILINE)
        rows = [row for title in titles for table in tables(page, title) for row in table]
        named = {name for row in rows for cell in row for name in re.findall(r"`([a-z-]+)`", cell)}
        assert named >= specs, page.name


def test_the_words_of_specs_in_the_table_of_papers_are_theirs() -> None:
    """`word: value` in a column of a spec stands in that spec, or is a default of a method it calls."""
    columns = {3: "dnc-iterative", 4: "dnc-released-code"}
    registry, checked = plugins.load(), 0
    for number, name in columns.items():
        calls = list(every(check.check(name, registry, {}).steps))
        for row in tables(CONQUER, "Where paper and code disagree")[0]:
            for word, value in re.findall(r"`(\w+): ([\w.$]+)`", row[number]):
                if f"`{word}: {value}` is the paper" in row[number] or value.startswith("$"):
                    continue
                found = {str(call.settings.get(word)).lower() for call in calls}
                assert found & {value, f"{value}.0"}, f"{name}: {word}: {value}"
                checked += 1
    assert checked >= 12


def every(steps: list[program.Step]) -> Iterator[program.Call]:
    for step in steps:
        if isinstance(step, program.Call):
            yield step
        elif isinstance(step, program.Rounds):
            yield from every(step.steps)


def test_the_forms_of_the_weights_do_as_their_table_says() -> None:
    rows: sl.Rows[Any] = sl.Rows(
        Dataset.from_records([{"instruction": str(i), "output": "x"} for i in range(20)])
    )
    clusters = sl.Clusters(rows, np.arange(20, dtype=np.int32), 20)
    gaps = sl.Scores(rows, np.where(np.arange(20) < 4, -0.15, 0.4))
    for form, *said in tables(CONQUER, "Where paper and code disagree")[1]:
        weights, found = None, []
        for _ in said:
            weights = cluster_weights(clusters, gaps, weights, form=form.strip("`"))
            found.append(f"{weights.values[:4].sum():.3f}")
        assert found == said, form


def test_the_judge_that_is_shown_is_tested_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    code = {FILE.match(text)[1]: text for language, text in blocks(JUDGE) if language == "python"}  # type: ignore[index]
    module = ModuleType("judges.polite")
    exec(code["judges/polite.py"], module.__dict__)
    monkeypatch.setitem(sys.modules, "judges", ModuleType("judges"))
    monkeypatch.setitem(sys.modules, "judges.polite", module)
    told: dict[str, Any] = {}
    exec(code["test_polite.py"], told)
    told["test_a_polite_answer"]()
    for answer, value in ((" Yes.\n", 1), ("no", 0)):
        assert module.verdict(answer) == value
    with pytest.raises(ValueError, match="not in tuple"):
        module.verdict("It is hard to say.")


def example(name: str) -> ModuleType:
    """A plugin of the page about plugins, as a module."""
    module = ModuleType(name)
    code = next(text for _, text in blocks(PLUGINS) if text.startswith(f"# own/{name}.py"))
    exec(code, module.__dict__)
    return module


def test_the_page_of_plugins_names_all_that_is_public() -> None:
    said = text_of(PLUGINS)
    for name in {*sl.__all__} - {"P", "Q", "T", "Prompt", *KINDS}:
        assert f"sl.{name}" in said + text_of(PYTHON), name
    for name in [
        name for name, value in vars(sl.Rows).items() if callable(value) or isinstance(value, property)
    ]:
        assert name.startswith("_") or f"**`.{name}" in said, name
    for name in [name for name, value in vars(hookspecs).items() if hasattr(value, "selectlang_spec")]:
        assert f"**`{name}(" in said, name
    classes = tables(PLUGINS, "Functions and classes")[0]
    assert {row[0].strip("`"): row[2] for row in classes} == {
        "shard_rows": str(execute.SHARD_ROWS), "window_rows": "a part", "batch_rows": "all of a part",
        "gpus": "0",
    }  # fmt: skip
    for kind in (*signature.MAPPED, *signature.SHARDED):
        assert f"`{kind.__name__}`" in said.split("A **function** is")[1].split("|")[0], kind
    returned = first(tables(PLUGINS, "What a method returns")[0])
    assert {*returned, "Rows"} == {port.__name__ for port in PORTS}
    given = first(tables(PLUGINS, "What the engine gives")[0])
    assert {name.split(":")[0] for name in given} == signature.GIVEN


def test_the_budget_of_the_page_of_plugins_does_as_it_says(quickstart: Any) -> None:
    capped, rows = example("capped").capped, make_pool(200)
    pool: sl.Rows[Any] = sl.Rows(Dataset.from_records(rows, id="id"))
    chosen, left = capped(pool, field="task", most=5, size=Amount.parse(40), seed=1)
    tasks = chosen.rows.field("task")
    assert (len(tasks), left) == (40, 160)
    assert max(map(tasks.count, tasks)) == 5
    assert chosen.why["task"].tolist() == tasks
    few, _ = capped(pool, field="task", most=1, size=Amount.parse("50%"), seed=1)
    assert sorted(few.rows.field("task")) == sorted({row["task"] for row in rows})
    assert few.notes == [f"chose {len(few.rows)} of 100 rows: no more fit"]
    again = sl.Rows[Any](Dataset.from_records(rows[::-1], id="id"))
    assert (
        capped(again, field="task", most=5, size=Amount.parse(40), seed=1)[0].rows.ids() == chosen.rows.ids()
    )
    half = Dataset.from_records([{"prompt": "a", "task": "t"}, {"prompt": "b"}], id="prompt")
    with pytest.raises(sl.DataError, match="row 'b' has no field 'task'"):
        capped(sl.Rows(half), field="task", size=Amount.parse(1), seed=1)
    files = {FILE.match(text)[1]: text for _, text in blocks(PLUGINS) if FILE.match(text)}  # type: ignore[index]
    quickstart.write(files | {"capped.yaml": files["capped.yaml"].replace("size: 40", "size: 40 tokens")})
    refused = quickstart.run("selectlang check capped.yaml --plugins own")
    assert "expected size in rows or a share, found tokens  [SL218]" in refused.out


def test_rows_are_no_list_and_the_observer_tells(quickstart: Any) -> None:
    pool: Any = sl.Rows(Dataset.from_records(make_pool(3)))
    with pytest.raises(TypeError, match="'Rows' object is not iterable"):
        iter(pool)
    loop = next(text for _, text in blocks(PLUGINS) if text.startswith("for name, said, task in"))
    exec(loop, {"rows": pool})
    files = {FILE.match(text)[1]: text for _, text in blocks(PLUGINS) if FILE.match(text)}  # type: ignore[index]
    command = "selectlang run capped.yaml --plugins own --set pool=quickstart/pool.jsonl --out out"
    assert "most time went into chosen\n" in quickstart.write(files).run(command).ok().err


@pytest.mark.parametrize(
    "name, text, section",
    [
        ("a.jsonl", '{"prompt": "a"}\n{"x": "b"}\n', "{pool: {bad_rows: skip}}"),
        ("a.jsonl", '{"ask": "a", "said": "b"}\n', "{pool: {columns: {instruction: ask, response: said}}}"),
        ("a.csv", "a,b\nc,d\n", "{pool: {header: [prompt, completion]}}"),
        ("a.jsonl", '{"prompt": "a", "topic": "t"}\n', "{targets: {group: topic}}"),
    ],
)
def test_what_a_message_advises_can_be_said_of_a_spec_of_the_library(
    name: str, text: str, section: str, project: Make
) -> None:
    parent = "rds-plus" if "targets" in section else "random"
    given = f"--set pool={name}" + (f" --set targets={name}" if parent == "rds-plus" else "")
    p = project({name: text, "mine.yaml": f"extends: selectlang:{parent}\ndata: {section}\n"})
    refused = p.run(f"selectlang plan {parent} {given}")
    assert refused.code == 1
    assert f"{source.SECTION}\n" in refused.err
    assert re.findall(r"\w+", section)[1] in refused.err
    p.run(f"selectlang plan mine.yaml {given}").ok()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_model_has_one_name(page: Path) -> None:
    """Under another, what is in the store would be computed again."""
    assert not re.search(r"[=:] *all-MiniLM", text_of(page))


@pytest.mark.parametrize(
    "written, value, unit",
    [
        ("300", 300, "rows"), ("300 rows", 300, "rows"), ("10k", 10_000, "rows"), ("1.5M", 1_500_000, "rows"),
        ("2B", 2 * 10**9, "rows"), ("20%", 0.2, "share"), ("0.5%", 0.005, "share"),
        ("5M tokens", 5_000_000, "tokens"),
    ],
)  # fmt: skip
def test_an_amount_means_what_its_table_says(written: str, value: float, unit: str) -> None:
    assert f"`{written}`" in "".join(row[0] for row in tables(LANGUAGE, "Amounts")[0])
    found = Amount.parse(written)
    assert (float(found.value), found.unit) == (value, unit)


def test_the_formats_have_the_endings_that_are_said() -> None:
    rows = tables(DATA, "Files")[0]
    assert first(rows) == ["jsonl", "json", "csv", "tsv", "parquet"]
    said = {ending: row[0].strip("`") for row in rows for ending in re.findall(r"`(\.\w+)`", row[1])}
    assert said == source.ENDINGS


def test_the_shapes_are_those_that_are_found() -> None:
    rows = tables(DATA, "Shapes")[0]
    for label, _, example in rows:
        found = Dataset.from_records([json.loads(example.strip("`"))])
        assert found.info.shape.startswith(f"{label} ("), label
        assert found.turns()[0][0][0] == "user"
    fields = {label: set(re.findall(r"`(\w+)`", names)) for label, names, _ in rows}
    for label, request, responses in shapes.PAIRS:
        assert fields[label] - {"input", "context"} == {request, *responses} - {"input", "context"}
    assert fields["requests without responses"] == set(shapes.ALONE)
    assert set(re.findall(r"`(\w+)`", text_of(DATA).split("Roles are")[1].split("\n\n")[0])) == set(
        turns.ROLES
    )


def test_the_parts_and_templates_of_a_row_are_said() -> None:
    parts, templates = tables(DATA, "Text")
    assert sorted(first(parts)) == sorted(get_args(sl.Text))
    assert sorted(first(templates)) == sorted([*get_args(sl.Template), "chat"])


def test_the_commands_of_the_readme_are_those_there_are() -> None:
    said = text_of(README)
    for name in COMMANDS:
        assert re.search(rf"`(selectlang )?{name}\b", said), f"README.md says nothing of `selectlang {name}`"


def test_the_extras_that_are_named_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(
        r"pip install \"(?:\.|selectlang)\[(\w+)\]\"", text_of(README) + text_of(DATA) + text_of(RAY)
    )
    assert set(named) == {"models", "train", "demo", "hf", "ray"}
    assert set(named) <= set(extras)


def test_the_readme_shows_what_the_quickstart_prints(quickstart: Any) -> None:
    """Of the arms that need no model; of the others, the rows of the table."""
    pool, targets = (quickstart.folder / "quickstart" / name for name in ("pool.jsonl", "targets.jsonl"))
    command = next(
        words for words in demo.commands(pool, targets) if words[:3] == ["selectlang", "run", "random"]
    )
    quickstart.run(shlex.join([*command[:-1], "out"])).ok()
    arms = {
        name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for name, path in (("pool", pool), ("random", quickstart.folder / "out" / "chosen.jsonl"))
    }
    printed = demo.comparison(arms)
    columns = [
        [re.sub(r"\[.*?\]|\s+", " ", str(cell)).strip() for cell in column.cells]
        for column in printed.columns
    ]
    rows = {cells[0]: list(cells[1:]) for cells in zip(*columns, strict=True)}
    said = tables(README, "Two commands")[0]
    assert len(said) >= 5
    assert {row[0]: row[1:3] for row in said} == {row[0]: rows[row[0]] for row in said}


def test_a_class_of_the_readme_runs(quickstart: Any) -> None:
    code = next(text for _, text in blocks(README) if text.startswith("# scorers/familiar.py"))
    shown = """
selectlang: 1
name: familiar
params: {pool: {type: path}, targets: {type: path}}
data: {pool: {path: $pool, id: id}, targets: {path: $targets}}
stages:
  known:  {score: familiar, from: {rows: pool, targets: targets}, text: response}
  chosen: {budget: top, from: known, size: 10}
outputs: {chosen: chosen}
"""
    quickstart.write({"scorers/familiar.py": code, "s.yaml": shown})
    given = "--set pool=quickstart/pool.jsonl --set targets=quickstart/targets.jsonl"
    done = quickstart.run(f"selectlang run s.yaml --plugins scorers {given} --out out").ok()
    targets, pool = (
        [json.loads(line)["output"].split() for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (quickstart.folder / "quickstart" / name for name in ("targets.jsonl", "pool.jsonl"))
    )
    known = {word for answer in targets for word in answer}
    shares = [sum(word in known for word in answer) / len(answer) for answer in pool]
    assert [row["score"] for row in done.why()] == sorted(shares, reverse=True)[:10]
    help_ = quickstart.run("selectlang show score familiar --plugins scorers").ok().out
    assert "the part of a row whose words count" in help_
