"""`selectlang fmt`: one form, which says what the spec said, and keeps its comments."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlang.faults import Source
from selectlang.formatting.form import formatted
from selectlang.formatting.parts import comments
from selectlang.language import yaml
from selectlang.methods import KINDS
from tests.editor.conftest import library
from tests.editor.writing import Writer

NAMES = st.sampled_from(["pool", "a", "b_2", "no", "size", "x-y", "the_longest_of_all_names"])
WORDS = st.sampled_from([
    "a", "b c", "no", "010", "1e5", "x: y", "arXiv:2503.01807", "#", "a #b", "it's", '"', "$pool", "$$5",
    "20%",
    "~", "- a", "{", "a, b", "\\", "two\nlines\n", " \n x", "para one " * 12, "p\n\nq", "tail \n", "\n",
    "end\n\n\n", "é✓",
])  # fmt: skip
TEXTS = WORDS | st.text(st.sampled_from("ab \n:#,[]{}'\"\\-?&*!|>%@`~é✓\t0.$="), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3),
    max_leaves=5,
)


def mappings(*keys: str, of: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys) | NAMES, of, max_size=4)


STAGES = st.dictionaries(
    NAMES,
    mappings(*KINDS, "from", "seed", "doc", "over")
    | st.fixed_dictionaries(
        {"stages": mappings(*KINDS, of=mappings("from")), "loop": SCALARS, "carry": VALUES}
    ),
    max_size=4,
)
SPECS = st.fixed_dictionaries(
    {"selectlang": st.just(1)},
    optional={
        **dict.fromkeys(
            ("name", "doc", "cite", "seed", "limits", "outputs", "extends", "imports", "unknown"), VALUES
        ),
        "params": st.dictionaries(NAMES, mappings("type", "default", "doc"), max_size=4),
        "data": mappings("path", "doc", of=mappings("path", "doc")),
        "stages": STAGES,
    },
)


def said(text: str) -> str:
    return json.dumps(yaml.parse(text, Source("x", text)).plain(), sort_keys=True)


@settings(max_examples=300, deadline=None)
@given(SPECS, st.integers(0, 2**32))
def test_any_layout_comes_to_one_form(spec: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    items = list(spec.items())
    random.shuffle(items)
    writer = Writer(random)
    text = writer.spec(dict(items))
    assert said(text) == json.dumps(spec, sort_keys=True), text  # the writer of the test is right
    assert Counter(comments(text)) == Counter(writer.comments), text
    found = formatted(text.encode(), "x")
    assert formatted(found.encode(), "x") == found
    assert said(found) == said(text)
    assert Counter(comments(found)) == Counter(writer.comments)


@pytest.mark.parametrize("spec", library(), ids=lambda spec: spec.stem)
def test_the_library_is_in_form(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    assert formatted(text.encode(), spec.name) == text


CASES = {
    "words at the top, of a stage, a param, a data set and a carry stand in their order": (
        """\
outputs: {a: a}
stages:
  a: {doc: d, seed: 1, size: 10, from: pool, budget: random}
  b:
    stages: {c: {k: 1, cluster: kmeans}}
    carry: {x: {next: c, start: a}}
    doc: d
    loop: 3
data: {pool: {doc: d, id: i, path: $pool}}
limits: {max_calls: 1, max_cost: 2}
params: {pool: {doc: d, type: path}}
name: n
selectlang: 1
""",
        """\
selectlang: 1
name: n
params: {pool: {type: path, doc: d}}
limits: {max_cost: 2, max_calls: 1}
data: {pool: {path: $pool, id: i, doc: d}}
stages:
  a: {budget: random, from: pool, size: 10, seed: 1, doc: d}
  b:
    loop: 3
    doc: d
    carry: {x: {start: a, next: c}}
    stages: {c: {cluster: kmeans, k: 1}}
outputs: {a: a}
""",
    ),
    "values in one line stand below one another, until a blank line or a longer value": (
        """\
selectlang: 1
params:
  a: {type: int}
  long_name: {type: int}
  # a comment does not part them
  b: {type: int}

  c: {type: int}
  dd: {type: int}
  block:
    type: int
  e: {type: int}
""",
        """\
selectlang: 1
params:
  a:         {type: int}
  long_name: {type: int}
  # a comment does not part them
  b:         {type: int}

  c:  {type: int}
  dd: {type: int}
  block:
    type: int
  e: {type: int}
""",
    ),
    "brackets that do not fit stand below their key, filled": (
        "selectlang: 1\nstages:\n  a: {score: x, from: b, "
        + ", ".join(f"setting_{i}: {i}" for i in range(12))
        + "}\n",
        """\
selectlang: 1
stages:
  a:
    {score: x, from: b, setting_0: 0, setting_1: 1, setting_2: 2, setting_3: 3, setting_4: 4, setting_5: 5,
     setting_6: 6, setting_7: 7, setting_8: 8, setting_9: 9, setting_10: 10, setting_11: 11}
""",
    ),
    "brackets over several lines are put into one": (
        "selectlang: 1\nstages:\n  a:\n    {score: x,\n     from: b}\n",
        "selectlang: 1\nstages:\n  a: {score: x, from: b}\n",
    ),
    "a text has quotes only where some reader would take it for something else": (
        """\
selectlang: "1"
doc: 'plain'
cite: ["arXiv:2503.01807", 'a: b', "it's", '"x"', no, 010, 1_000, "1", ~, 2024-01-01, "$x", "20%", ""]
name: "two\\nlines"
""",
        """\
selectlang: "1"
name: "two\\nlines"
doc: plain
cite: [arXiv:2503.01807, "a: b", it's, '"x"', "no", "010", "1_000", "1", "~", "2024-01-01", $x, 20%, ""]
""",
    ),
    "numbers stay as they are written": (
        "selectlang: 1\nname: [1e-5, 1.50, -0, 10000000000000000000000, true, null]\n",
        "selectlang: 1\nname: [1e-5, 1.50, -0, 10000000000000000000000, true, null]\n",
    ),
    "comments stay with what they are about": (
        """\
#!/usr/bin/env selectlang
# about all

# about the name
name: n # beside


selectlang: 1

stages: # of the spec
   # about a
   a: # has two
      size: 3   # ten
      budget: top # why
      # last of a
   # last of the stages
# about outputs
outputs: {a: a,  # in brackets
  b: b}
# the end
""",
        """\
#!/usr/bin/env selectlang
# about all

# about the name
selectlang: 1
name: n  # beside

stages:  # of the spec
  # about a
  a:             # has two
    budget: top  # why
    size: 3      # ten
    # last of a
  # last of the stages
# about outputs
outputs:
  a: a  # in brackets
  b: b
# the end
""",
    ),
    "texts in blocks stay in blocks; one over several lines is put into one, if it fits": (
        """\
selectlang: 1
name: a
  b
doc: |
    one
      two

    three
limits: >-
   filled
   again
cite:
- |2
    leads
- x
""",
        """\
selectlang: 1
name: a b
doc: |
  one
    two

  three
cite:
  - |2
      leads
  - x
limits: >-
  filled again
""",
    ),
    "blank lines that belong to a text are no others": (
        "selectlang: 1\ndoc: |+\n  a\n\n\nname: n\n\nseed: 1\n",
        "selectlang: 1\nname: n\ndoc: |+\n  a\n\n\nseed: 1\n",
    ),
    "blank lines that belong to the last text stay": (
        "selectlang: 1\ndoc: |+\n    a\n\n\n",
        "selectlang: 1\ndoc: |+\n  a\n\n\n",
    ),
    "a file of another system": (
        "\ufeffselectlang: 1\r\nname: n\r\ndoc: |\r\n  a\r\n  b\r\n",
        "selectlang: 1\nname: n\ndoc: |\n  a\n  b\n",
    ),
    "comments before an entry keep their order": (
        "selectlang: 1\nstages:\n  a: {score: x}\n  # one\n# two\n  # three\noutputs: {a: a}\n",
        "selectlang: 1\nstages:\n  a: {score: x}\n  # one\n# two\n# three\noutputs: {a: a}\n",
    ),
    "numbers of another YAML": (
        "selectlang: 1\nname: 0o17\ndoc: '0o18'\n",
        'selectlang: 1\nname: "0o17"\ndoc: 0o18\n',
    ),
    "a source of git": (
        "selectlang: 1\nextends: {path: a.yaml, rev: v1, git: u}\nimports: {x: {rev: v1, path: p, git: u}}\n",
        "selectlang: 1\nextends: {git: u, rev: v1, path: a.yaml}\nimports: {x: {git: u, rev: v1, path: p}}\n",
    ),
}


@pytest.mark.parametrize("before, after", CASES.values(), ids=CASES)
def test_the_one_form(before: str, after: str) -> None:
    assert formatted(before.encode(), "x") == after
    assert formatted(after.encode(), "x") == after


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_bytes(text.encode())


ODD, GOOD = "name:   n\nselectlang: 1\n", "selectlang: 1\nname: n\n"


def test_files_are_put_into_form(command: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path, a=ODD, b=GOOD)
    os.chmod(tmp_path / "a.yaml", 0o640)
    os.symlink("a.yaml", tmp_path / "link.yaml")
    before = (tmp_path / "b.yaml").stat()
    done = command("fmt", "link.yaml", "b.yaml")
    assert (done.code, done.out) == (0, "link.yaml: changed\n")
    assert (tmp_path / "a.yaml").read_text() == GOOD
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "b.yaml").stat().st_mtime_ns == before.st_mtime_ns  # it is not written again
    done = command("fmt", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (0, "2 files, nothing to change\n")


def test_check_and_diff_write_nothing(command: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path, a=ODD, b=GOOD)
    done = command("fmt", "--check", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (1, "a.yaml: would change\n")
    done = command("fmt", "--diff", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (
        0, "--- a.yaml\n+++ a.yaml\n@@ -1,2 +1,2 @@\n-name:   n\n selectlang: 1\n+name: n\n",
    )  # fmt: skip
    done = command("fmt", "--diff", "--check", "a.yaml")
    assert (done.code, done.out.splitlines()[-1]) == (1, "a.yaml: would change")
    assert (tmp_path / "a.yaml").read_text() == ODD


def test_stdin(command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str, *options: str) -> Any:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return command("fmt", *options, "-")

    assert given(ODD).out == GOOD
    assert given("selectlang: 1\ndoc: |\n  a\tb é\n").out == "selectlang: 1\ndoc: |\n  a\tb é\n"
    done = given(ODD, "--check")
    assert (done.code, done.out) == (1, "stdin: would change\n")
    done = given("a: [")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("stdin:2:1: not YAML")
    assert command("fmt", "-", "a.yaml").err == "selectlang: - stands alone: one spec from stdin, or files\n"


def test_what_is_no_spec_is_told_and_left(command: Callable[..., Any], tmp_path: Path) -> None:
    texts = {
        "broken": "selectlang: 1\nname: [\n", "twice": "selectlang: 1\nname: a\nname: b\n", "list": "- a\n",
        "other": "services: {db: {image: x}}\n", "empty": "", "key": f"selectlang: 1\n? {'k' * 1100}\n: 1\n",
    }  # fmt: skip
    write(tmp_path, **texts, fine=ODD)
    done = command("fmt", *(f"{name}.yaml" for name in (*texts, "fine")), "none.yaml")
    assert (done.code, done.out) == (1, "fine.yaml: changed\n")
    assert re.findall(r"^(\w+)\.yaml:\d+:\d+: .*\[(SL\d+)\]$", done.err, re.MULTILINE) == [
        ("broken", "SL103"), ("twice", "SL107"), ("list", "SL109"), ("other", "SL405"), ("empty", "SL104"),
        ("none", "SL101"),
    ]  # fmt: skip
    assert "key.yaml is left as it is: in its one form it would say something else\n" in done.err
    assert all((tmp_path / f"{name}.yaml").read_text() == text for name, text in texts.items())


def test_a_spec_that_would_say_something_else_is_left(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a=ODD)
    for wrong in (
        "selectlang: 1\nname: other\n",
        "selectlang: 1\nname: n # new\n",
        "selectlang: 1.0\nname: n\n",
        "{",
    ):
        monkeypatch.setattr("selectlang.formatting.form.printed", lambda root, wrong=wrong: wrong)
        done = command("fmt", "a.yaml")
        assert (done.code, done.out) == (1, "")
        assert "a.yaml is left as it is: in its one form it would say something else" in done.err
        assert (tmp_path / "a.yaml").read_text() == ODD


def test_a_large_spec_takes_time_in_proportion() -> None:
    stages = "".join(f"  s{i}: {{score: length, from: pool}} # c{i}\n" for i in range(3000))
    text = f"selectlang: 1\nname: big\nstages:\n{stages}"
    found = formatted(text.encode(), "x")
    assert found.count("# c") == 3000
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    sizes = []
    for part in (500, 1000):
        calls = 0
        sys.setprofile(count)
        formatted("".join(text.splitlines(keepends=True)[: part + 3]).encode(), "x")
        sys.setprofile(None)
        sizes.append(calls)
    assert sizes[1] < 2.5 * sizes[0]
