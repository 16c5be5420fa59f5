"""`selectlang new`: what it makes passes its own `make check` as it stands, installs, is found, and runs."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.commands import new

Make = Callable[..., Any]
ROOT = Path(__file__).parents[2]
POOL = [{"id": f"r{i}", "instruction": f"Say {i}.", "output": "word " * i} for i in range(1, 21)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which all that is installed here is there too; its folder of programs."""
    for needed in ("setuptools", "pip"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed, without which nothing is installed offline")
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = sysconfig.get_paths()["purelib"]
    (folder / "lib" / version / "site-packages" / "here.pth").write_text(
        f"import site; site.addsitedir({here!r})\n"
    )
    return folder / "bin"


def run(environment: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in that environment: pip takes nothing from the network."""
    own = {
        "PATH": f"{environment}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which says that there is none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "SELECTLANG_STORE": str(folder / "store"),
        "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "made"),  # of selectlang and numpy, for the next time
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTEST"))}
    return subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_new_plugin_passes_its_own_checks_and_is_found(project: Make, environment: Path) -> None:
    if shutil.which("make") is None or importlib.util.find_spec("ruff") is None:
        pytest.skip("make or ruff is not installed")
    p = project({"pool.jsonl": POOL})
    said = p.run("selectlang new plugin Word.Variety").ok().out
    assert said.splitlines()[:2] == [
        "made word-variety, a folder of 8 files; README.md says how to go on",
        "  cd word-variety",
    ]
    folder = p.folder / "word-variety"
    checked = run(environment, folder, "make", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for line in ("All checks passed!", "files already formatted", "Success: no issues found", " passed in "):
        assert line in checked.stdout
    python = str(environment / "python")
    listed = run(environment, p.folder, python, "-m", "selectlang", "plugins", "--json")
    found = json.loads(listed.stdout)
    method = {"kind": "score", "method": "word_variety", "distribution": "word-variety", "version": "0.1.0"}
    assert method in found["methods"]
    assert not [one for one in found["broken"] if one["distribution"] == "word-variety"]
    shown = run(environment, p.folder, python, "-m", "selectlang", "show", "score", "word_variety")
    assert "how many words that part must have" in shown.stdout
    command = said.splitlines()[3].split()[1:]
    done = run(environment, folder, python, "-m", "selectlang", *command)
    assert done.returncode == 0, done.stderr
    chosen = [json.loads(line) for line in (folder / "runs/example/chosen.jsonl").read_text().splitlines()]
    assert [row["id"] for row in chosen] == ["varied", "plain"]
    # What is installed under a name takes it: for a module, a method and a distribution.
    again = run(environment, p.folder, python, "-m", "selectlang", "new", "plugin", "word_variety")
    assert again.returncode == 2
    (folder).rename(p.folder / "elsewhere")
    again = run(environment, p.folder, python, "-m", "selectlang", "new", "pack", "word_variety")
    assert "a distribution word-variety 0.1.0 is installed; choose another name" in again.stderr


def test_a_new_pack_passes_its_own_checks_and_is_found(project: Make, environment: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    p = project({"pool.jsonl": POOL})
    p.run("selectlang new pack lab-recipes").ok()
    folder = p.folder / "lab-recipes"
    checked = run(environment, folder, "make", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " passed in " in checked.stdout
    python = str(environment / "python")
    listed = run(environment, p.folder, python, "-m", "selectlang", "plugins")
    assert "spec pack lab-recipes: example" in listed.stdout
    command = "run lab-recipes:example --set pool=pool.jsonl --set size=4 --out runs/example"
    done = run(environment, p.folder, python, "-m", "selectlang", *command.split())
    assert done.returncode == 0, done.stderr
    chosen = [json.loads(line) for line in (p.folder / "runs/example/chosen.jsonl").read_text().splitlines()]
    assert len(chosen) == 4
    assert all(len(row["output"]) > 10 * 5 for row in chosen)
    (folder / "lab_recipes" / "bad.yaml").write_text("selectlang: 1\nextends: selectlang:lenght\nname: bad\n")
    checked = run(environment, folder, "make", "check")
    assert checked.returncode != 0
    assert "did you mean 'length'?" in checked.stdout
    wheel = run(environment, folder, python, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "dist", ".")
    assert wheel.returncode == 0, wheel.stderr
    names = run(
        environment, folder, python, "-m", "zipfile", "-l", *map(str, folder.glob("dist/*.whl"))
    ).stdout
    assert "lab_recipes/example.yaml" in names


NAMES = ("x", "word-variety", "a1", "a-name-that-is-as-long-as-a-name-may-be")


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_of_any_name_is_in_shape_and_usable_before_it_is_installed(project: Make, name: str) -> None:
    p = project({"pool.jsonl": POOL})
    p.run(f"selectlang new plugin {name}").ok()
    folder = p.folder / name
    about = tomllib.loads((folder / "pyproject.toml").read_text())
    module = name.replace("-", "_")
    assert about["project"]["name"] == name
    assert about["project"]["entry-points"]["selectlang"] == {name: module}
    for path in folder.rglob("*"):
        text = path.read_text() if path.is_file() else ""
        assert "@name@" not in text
        assert "@module@" not in text
        if path.suffix == ".py":
            ast.parse(text)
    done = p.run(f"selectlang run {name}/example.yaml --plugins {name} --set pool=pool.jsonl --set size=3")
    assert done.code == 0, done.err
    p.run(f"selectlang check {name}/example.yaml --plugins {name}").ok()
    if importlib.util.find_spec("ruff") is not None:
        for command in (["check"], ["format", "--check"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
            found = subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False)
            assert found.returncode == 0, found.stdout


NO_NAMES = [
    "../x", "/tmp/x", "a/b", ".", "..", "x/..", "", " ", "a b", "3d", "_x", "x-", "x.", "é", "a\nb", "x;ls",
    "$(ls)", "a" * 41, "@name@", "\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("what", ["plugin", "pack"])
def test_what_is_no_name_is_refused(project: Make, what: str, name: str) -> None:
    p = project({})
    done = p.run(f"selectlang new {what} '{name}'")
    assert (done.code, done.out) == (2, "")
    assert "is no name; expected a letter, then letters, digits and '-'" in done.err
    assert done.err.isprintable() or done.err.count("\n") == 1
    assert list(p.folder.iterdir()) in ([], [p.store])


def test_an_option_is_no_name(project: Make) -> None:
    p = project({})
    assert p.run("selectlang new plugin -x").code == 2
    assert p.run("selectlang new plugin -- -x").code == 2
    assert p.run("selectlang new scorer x").code == 2
    assert list(p.folder.iterdir()) in ([], [p.store])


@pytest.mark.parametrize("what, name, said", [
    ("plugin", "class", "class has a meaning of its own in Python; choose another name"),
    ("plugin", "list", "list has a meaning of its own in Python; choose another name"),
    ("plugin", "match", "match has a meaning of its own in Python; choose another name"),
    ("plugin", "sl", "sl has a meaning of its own in the code that is made; choose another name"),
    *[
        ("plugin", name, f"{name} has a meaning of its own in the code that is made; choose another name")
        for name in ("found", "least", "register", "method_checks", "annotations")
    ],
    ("plugin", "setup", "setup has a meaning of its own in the code that is made; choose another name"),
    ("plugin", "conftest", "conftest has a meaning of its own in the code that is made; choose another name"),
    ("plugin", "test-x", "test_x has a meaning of its own in the code that is made; choose another name"),
    ("plugin", "Json", "there is a module json already; choose another name"),
    ("plugin", "NumPy", re.compile(r"a distribution numpy [\d.]+ is installed; choose another name")),
    ("plugin", "selectlang", re.compile(r"a distribution selectlang [\d.]+ is installed; .*")),
    ("plugin", "length", re.compile(r"selectlang [\d.]+ has a method score length; choose another name")),
    ("pack", "SelectLang", re.compile(r"there is a spec pack selectlang already, in .*")),
])  # fmt: skip
def test_a_name_that_is_taken_is_refused(project: Make, what: str, name: str, said: Any) -> None:
    done = project({}).run(f"selectlang new {what} {name}")
    assert done.code == 2
    line = done.err.removeprefix("selectlang: ").strip()
    assert said.fullmatch(line) if isinstance(said, re.Pattern) else said == line


def test_a_method_of_a_folder_of_plugins_is_seen(project: Make) -> None:
    p = project({})
    p.run("selectlang new plugin first").ok()
    done = p.run("selectlang new plugin First --plugins first")
    assert done.code == 2
    (p.folder / "first").rename(p.folder / "other")
    done = p.run("selectlang new plugin first --plugins other")
    assert re.search(r"other/first.py \w+ has a method score first; choose another name", done.err)


@pytest.mark.parametrize("there", ["file", "folder", "full", "link"])
def test_nothing_is_overwritten(project: Make, there: str) -> None:
    p = project({})
    path = p.folder / "mine"
    if there == "file":
        path.write_text("mine")
    elif there == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    if there == "full":
        (path / "README.md").write_text("mine")
    done = p.run("selectlang new pack Mine")
    assert (done.code, done.err) == (
        2, "selectlang: mine is there already, and is left as it is; choose another name or folder\n",
    )  # fmt: skip
    assert [child.name for child in p.folder.iterdir() if child != p.store] == ["mine"]
    assert there != "full" or (path / "README.md").read_text() == "mine"


def test_half_a_folder_is_never_left(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    p = project({})

    def full(path: Path, *_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(new.Path, "write_text", full)
        done = p.run("selectlang new pack mine")
    assert (done.code, done.err) == (2, "selectlang: cannot write mine: No space left on device\n")
    assert list(p.folder.iterdir()) in ([], [p.store])
    p.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.getuid():  # root may write anywhere
        assert p.run("selectlang new pack mine").code == 2
    p.folder.chmod(stat.S_IRWXU)
    p.run("selectlang new pack mine").ok()
    assert (p.folder / "mine").stat().st_mode & 0o777 == p.folder.joinpath(
        "mine/tests"
    ).stat().st_mode & 0o777
