"""`selectlang init`: a spec of one's own that checks as it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.formatting.form import formatted
from selectlang.language.check import check
from selectlang.language.resolved import resolved
from selectlang.plugins import load
from tests.editor.conftest import library

PACK = """
import selectlang as sl
from pathlib import Path

@sl.hookimpl
def register_specs(register): register("team", Path(__file__).parent / "specs")
"""
BASE = "selectlang: 1\nname: base\nparams: {pool: {type: path}}\ndata: {pool: {path: $pool}}\n"
ONE = "stages: {a: {score: length, from: pool}}\noutputs: {a: a}\n"


@pytest.mark.parametrize("spec", library(), ids=lambda spec: spec.stem)
@pytest.mark.parametrize("option", ["", "--extends"])
def test_what_is_written_checks_and_is_in_form(
    spec: Path, option: str, command: Callable[..., Any], tmp_path: Path
) -> None:
    done = command("init", "mine", "--from", spec.stem, *filter(None, [option]))
    assert (done.code, done.err) == (0, "")
    what = "extends" if option else "a copy of"
    assert done.out.startswith(f"mine.yaml: {what} selectlang:{spec.stem}; now change it\n")
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    assert formatted(text.encode(), "mine.yaml") == text
    registry = load()
    found, origin = check("mine.yaml", registry), check(spec.stem, registry)
    assert found.name == "mine"
    assert {**resolved(found), "name": ""} == {**resolved(origin), "name": ""}
    assert origin.missing == found.missing
    assert all(f"--set {name}=..." in done.out for name in found.missing)


def test_a_copy_keeps_the_comments_and_says_where_it_is_from(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    command("init")
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    assert text.startswith("# Copied from selectlang:kmq.\n# Follows kMQ of arXiv:2409.11378")
    assert "\nselectlang: 1\nname: mine\n" in text


def test_the_example_of_a_short_one_can_be_used(command: Callable[..., Any], tmp_path: Path) -> None:
    command("init", "--extends")
    path = tmp_path / "mine.yaml"
    text = path.read_text("utf-8")
    assert (
        "# params:\n#   model: {default: sentence-transformers/all-MiniLM-L6-v2}\n#   k: {default: 512}\n"
        in text
    )
    head, _, example = text.partition("# params:\n")
    path.write_text(f"{head}params:\n{example.replace('#   ', '  ').replace('512', '7')}")
    assert check("mine.yaml", load()).params["k"] == 7


def test_nothing_is_overwritten(command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    for name in ("mine", "link"):
        done = command("init", name)
        assert (done.code, done.out) == (2, "")
        assert (
            f"{name}.yaml is there already, and is left as it is; choose another name with --out" in done.err
        )
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "mine.yaml"]


def test_names(command: Callable[..., Any], tmp_path: Path) -> None:
    assert command("init", "other.yaml").out.startswith("other.yaml: ")
    assert command("init", "other", "--out", "a b.yaml").out.endswith("run 'a b.yaml' --set pool=...\n")
    assert check("a b.yaml", load()).name == "other"
    for name in ("../x", "a/b", "x y", "", "2", "a" * 65, "\x1b[2J"):
        done = command("init", "--", name)
        assert done.code == 2
        assert "is no name of a spec" in done.err
        assert "\x1b" not in done.err
    done = command("init", "x", "--from", "kqm")
    assert done.code == 1
    assert "there is no spec 'kqm', did you mean 'kmq'?" in done.err
    done = command("init", "x", "--from", "./other.yaml")
    assert (done.code, done.err) == (
        2,
        "selectlang: './other.yaml' is in no pack; copy the file, or extend it\n",
    )
    assert not (tmp_path / "x.yaml").exists()


def test_a_spec_of_a_pack_that_names_others_beside_it(command: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "specs"
    (folder / "parts").mkdir(parents=True)
    (folder.parent / "team.py").write_text(PACK)
    texts = {
        "base": BASE + ONE, "parts/deep": BASE + ONE,
        "child": "selectlang: 1\nname: child\nextends: ./base.yaml\n"
        "imports: {b: base.yaml, r: 'selectlang:random'}\n",
        "deep": "selectlang: 1\nname: deep\nextends: parts/deep.yaml\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    options = ("--plugins", "plugins", "--from")
    assert command("init", "mine", *options, "team:child").code == 0
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    assert "extends: team:base\nimports: {b: team:base, r: selectlang:random}\n" in text
    assert command("check", "mine.yaml", "--plugins", "plugins").code == 0
    done = command("init", "other", *options, "team:deep")
    assert done.code == 2
    assert (
        "team:deep uses 'parts/deep.yaml', which has no name outside its pack; start from it with --extends"
        in done.err
    )
    assert command("init", "other", *options, "team:deep", "--extends").code == 0
    assert command("check", "other.yaml", "--plugins", "plugins").code == 0
