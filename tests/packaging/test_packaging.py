"""What is packaged is what is in the folders."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import selectlang

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NAMES = PROJECT["tool"]["setuptools"]["package-dir"]
EXTRAS = PROJECT["project"]["optional-dependencies"]


def plain(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower().replace("_", "-")


def pinned():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.lower().replace("_", "-").split("==") for line in lines if not line.startswith("#"))


def test_every_folder_with_modules_is_packaged():
    found = {
        ".".join((name, *module.parent.relative_to(ROOT / folder).parts))
        for name, folder in NAMES.items()
        for module in (ROOT / folder).rglob("*.py")
    }
    assert sorted(found) == sorted(PROJECT["tool"]["setuptools"]["packages"])


def test_every_package_is_marked_as_typed():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    assert all(
        "py.typed" in data[name] and (ROOT / folder / "py.typed").exists() for name, folder in NAMES.items()
    )


def test_every_direct_dependency_is_pinned():
    wanted = [*PROJECT["project"]["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    names = {plain(line) for line in wanted} - {"selectlang"}
    assert names <= set(pinned())
    assert pinned()["torch"] == "2.13.0"


def test_pins_are_public_versions():
    assert not [version for version in pinned().values() if "+" in version]


def test_version_is_in_one_place():
    assert "version" in PROJECT["project"]["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", selectlang.__version__)


def test_every_file_that_is_read_at_work_is_packaged():
    """Specs and prompts, among the modules."""
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for name, folder in NAMES.items():
        files = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
        packaged = {path for pattern in data[name] for path in (ROOT / folder).glob(pattern)}
        others = {path for path in files - packaged if path.suffix not in (".py", ".pyc")}
        assert not others, name
    assert len(list((ROOT / "specs").glob("*.yaml"))) >= 22
