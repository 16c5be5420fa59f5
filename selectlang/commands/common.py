"""Options that every command which reads a spec accepts, and what they give."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlang.errors import UsageError
from selectlang.language.program import Program
from selectlang.plugins import Registry, load
from selectlang.sharing import LOCK

if TYPE_CHECKING:
    from selectlang.llm.options import Options
    from selectlang.origins.sources import Sources
    from selectlang.sharing.lock import Lock

SPEC = "a path, package:name, the name of a packaged spec, or git+URL@REV:PATH"


def add_plugin_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--plugins", metavar="DIR", type=Path, action="append", default=[],
        help="a folder of plugins, one file each; may be given again",
    )  # fmt: skip


def add_spec_options(parser: ArgumentParser) -> None:
    add_plugin_option(parser)
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[],
        help="give a param its value; again for another param, and for each further file or part of a list",
    )  # fmt: skip
    parser.add_argument("--params", metavar="FILE", type=Path, help="a YAML file with values of params")
    parser.add_argument(
        "--yes", action="store_true",
        help="agree to git repositories that specs come from, where they are used for the first time",
    )  # fmt: skip


def add_lock_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--locked", action="store_true",
        help="go by the lock: refuse, before anything is run, what is not as it pins",
    )  # fmt: skip
    parser.add_argument(
        "--lock", metavar="FILE", type=Path,
        help="the lock to go by (selectlang.lock, here or beside the spec)",
    )  # fmt: skip


def add_model_options(parser: ArgumentParser) -> None:
    """How models are asked, for commands that ask them or say what that would cost."""
    group = parser.add_argument_group("language models", "which hold for each model that the spec asks")
    group.add_argument(
        "--api-base", metavar="[MODEL=]URL", action="append", default=[],
        help="a server that speaks the protocol of OpenAI, for all models or for one; may be given again",
    )  # fmt: skip
    for name, kind, text in _MODEL_OPTIONS:
        group.add_argument(f"--{name}", metavar="N", type=kind, help=text)


_MODEL_OPTIONS: tuple[tuple[str, type[int | float], str], ...] = (
    ("max-calls", int, "stop before the answers take more calls; the spec's limit holds too"),
    ("max-cost", float, "stop before the answers cost more dollars; the spec's limit holds too"),
    ("concurrency", int, "calls on their way at once (16)"),
    ("requests-per-minute", float, "no more calls than this"),
    ("tokens-per-minute", float, "no more tokens than this, in and out"),
    ("timeout", float, "seconds after which a call is given up (120)"),
    ("retries", int, "how often a call is tried again after an error that may pass (6)"),
)


def options(args: Namespace) -> Options:
    """The model options as they were given."""
    from selectlang.llm.options import Options

    names = [name.replace("-", "_") for name, _, _ in _MODEL_OPTIONS]
    found = {name: value for name in names if (value := getattr(args, name)) is not None}
    return Options(api_base=dict(map(_address, args.api_base)), **found)


def _address(text: str) -> tuple[str, str]:
    """A model, empty for all, and its address, from `[MODEL=]URL`."""
    before, sep, after = text.partition("://")  # an address may hold a = of its own
    model, _, scheme = before.rpartition("=")
    if not sep or scheme not in ("http", "https"):
        raise UsageError(f"--api-base {text!r} is no address; expected one such as http://localhost:8000/v1")
    return model, f"{scheme}{sep}{after}"


def whole(text: str) -> int:
    """A number of things, for argparse."""
    if not (text.isdecimal() and text.isascii() and len(text) < 10):
        raise ArgumentTypeError(f"{text!r} is no number of things, such as 10")
    return int(text)


def registry(args: Namespace) -> Registry:
    return load(args.plugins)


def given(args: Namespace) -> dict[str, Any]:
    from selectlang.params import given

    return given(args.set, args.params)


def sources(args: Namespace) -> Sources:
    """Where specs of git repositories come from: a person who gives a command can be asked."""
    from selectlang.origins.sources import Sources

    pins = lock(args).commits() if getattr(args, "locked", False) else {}
    return Sources(yes=args.yes, interactive=True, pins=pins)


def lock(args: Namespace) -> Lock:
    """The lock that `--locked` goes by."""
    from selectlang.sharing.lock import load

    return load(lock_path(args))


def lock_path(args: Namespace) -> Path:
    """The lock to go by: the one named, else that of the working folder, else that beside the spec."""
    if args.lock is not None:
        return Path(args.lock)
    if os.path.lexists(LOCK):
        return LOCK
    from selectlang.origins import address

    if not args.spec.startswith(address.PREFIX):
        beside = Path(args.spec).parent / LOCK
        return beside if os.path.lexists(beside) else LOCK
    return _lock_of_git(args) if args.locked else LOCK


def _lock_of_git(args: Namespace) -> Path:
    """The lock beside a spec of a git repository, of the same commit, as a file of this machine."""
    from selectlang.faults import Place, Source, unsaid
    from selectlang.language.git_parts import at
    from selectlang.origins import address
    from selectlang.origins.origin import Unavailable
    from selectlang.origins.sources import Sources

    with at(Place(Source(unsaid(args.spec)))):
        file = Sources(yes=args.yes, interactive=True).file(*address.word(args.spec))
        try:
            return Path(file.data(str(LOCK)))
        except Unavailable as error:
            if error.code != "SL215":
                raise
            return LOCK  # which is not there, as who reads it will say


def program(args: Namespace, loaded: Registry) -> Program:
    from selectlang.language.check import check

    return check(args.spec, loaded, given(args), sources(args))
