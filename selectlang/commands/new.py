"""selectlang new: a folder to start a plugin or a spec pack from, which passes its own `make check`."""

from __future__ import annotations

import builtins
import importlib.metadata
import importlib.util
import keyword
import os
import re
import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path

from selectlang.commands.common import add_plugin_option, registry
from selectlang.errors import UsageError
from selectlang.faults import quoted
from selectlang.files import umask
from selectlang.plugins import Registry
from selectlang.tables import say

TEMPLATES = Path(__file__).parents[1] / "templates"
WHAT = {"plugin": "a scorer with its test and docs", "pack": "specs that others use by name"}
LONGEST = 40  # characters of a name, so that lines of the code stay short
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_USED = frozenset(
    """annotations conftest expected found least math method_checks naive pool pytest register
    register_methods rows setup sl tests varied""".split()
)
"""Names that the code of a new plugin, or what builds and tests it, has for something else."""


def add(parser: ArgumentParser) -> None:
    kinds = "; ".join(f"{name}: {text}" for name, text in WHAT.items())
    parser.add_argument("what", choices=list(WHAT), help=kinds)
    parser.add_argument("name", help="the name of the distribution, and of the folder that is made")
    add_plugin_option(parser)


def run(args: Namespace) -> int:
    name = _distribution(args.name)
    module = name.replace("-", "_")
    folder = Path(name)
    if os.path.lexists(folder):
        raise UsageError(f"{name} is there already, and is left as it is; choose another name or folder")
    _free(args.what, name, module, registry(args))
    files = _files(args.what, {"@name@": name, "@module@": module})
    _write(folder, files)
    python = "" if shutil.which("python") == sys.executable else f" PYTHON={sys.executable}"
    say(f"made {name}, a folder of {len(files)} files; README.md says how to go on")
    example = "example.yaml --set pool=example.jsonl --set size=2"
    example = example if args.what == "plugin" else f"{name}:example --set pool=POOL"
    say(f"  cd {name}\n  make check{python}\n  selectlang run {example} --out runs/example")
    return 0


def _distribution(given: str) -> str:
    """The normalised name of a distribution (PEP 503); a UsageError for what cannot be one, or no module."""
    if not _NAME.match(given) or len(given) > LONGEST:
        raise UsageError(
            f"{quoted(given)} is no name; expected a letter, then letters, digits and '-', "
            f"{LONGEST} characters at most, as in word-variety"
        )
    name = re.sub(r"[-_.]+", "-", given).lower()
    module = name.replace("-", "_")
    taken = keyword.iskeyword(module) or keyword.issoftkeyword(module) or hasattr(builtins, module)
    used = module in _USED or module.startswith("test_")  # of which pytest takes each for a test
    if taken or used:
        where = "in the code that is made" if used else "in Python"
        raise UsageError(f"{module} has a meaning of its own {where}; choose another name")
    return name


def _free(what: str, name: str, module: str, loaded: Registry) -> None:
    """A UsageError where the name is taken: by a distribution, a module, a method or a spec pack."""
    taken = ""
    with suppress(importlib.metadata.PackageNotFoundError):
        taken = f"a distribution {name} {importlib.metadata.version(name)} is installed"
    with suppress(ValueError):  # a module that was made in this process
        if not taken and importlib.util.find_spec(module) is not None:
            taken = f"there is a module {module} already"
    method = loaded.methods.get(("score", module))
    if what == "plugin" and method is not None:
        taken = f"{method.distribution} {method.version} has a method score {module}"
    if what == "pack" and name in loaded.packs:
        taken = f"there is a spec pack {name} already, in {loaded.packs[name]}"
    if taken:
        raise UsageError(f"{taken}; choose another name")


def _files(what: str, words: dict[str, str]) -> dict[str, str]:
    """The text of each file by its path, with words put in."""
    files = {}
    for path in sorted((TEMPLATES / what).rglob("*.in")):
        name, text = path.relative_to(TEMPLATES / what).as_posix(), path.read_text(encoding="utf-8")
        for word, value in words.items():
            name, text = name.replace(word, value), text.replace(word, value)
        files[name.removesuffix(".in").removeprefix("dot")] = text
    return files


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write a new folder, whole or not at all."""
    half = None
    try:
        half = Path(tempfile.mkdtemp(dir=".", prefix=f".{folder}."))
        for name, text in files.items():
            (half / name).parent.mkdir(exist_ok=True)
            (half / name).write_text(text, encoding="utf-8")
        half.chmod(0o777 & ~umask())
        half.rename(folder)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        if half is not None:
            shutil.rmtree(half, ignore_errors=True)
