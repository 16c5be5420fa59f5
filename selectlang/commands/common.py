"""Options that every command which reads a spec accepts, and what they give."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from selectlang.language.program import Program
from selectlang.plugins import Registry, load


def add_plugin_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--plugins", metavar="DIR", type=Path, action="append", default=[],
        help="a folder of plugins, one file each; may be given again",
    )  # fmt: skip


def add_spec_options(parser: ArgumentParser) -> None:
    add_plugin_option(parser)
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[],
        help="give a param its value; may be given again",
    )  # fmt: skip
    parser.add_argument("--params", metavar="FILE", type=Path, help="a YAML file with values of params")


def registry(args: Namespace) -> Registry:
    return load(args.plugins)


def given(args: Namespace) -> dict[str, Any]:
    from selectlang.params import given

    return given(args.set, args.params)


def program(args: Namespace, loaded: Registry) -> Program:
    from selectlang.language.check import check

    return check(args.spec, loaded, given(args))
