"""The end of docs/commands.md: each command with its arguments and options, from its parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

from selectlang import cli
from selectlang.docs.methods import table

_WRITTEN = {"?": "[{}]", "+": "{}...", "*": "[{}...]"}  # an argument, by how often it may stand


def parts() -> list[str]:
    """What stands below the part that people write."""
    return ["## Exit codes\n", _exit_codes(), *_commands()]


def _exit_codes() -> str:
    said = (cli.__doc__ or "").partition("Exit codes: ")[2].replace("\n", " ").rstrip(". \n")
    return table(("code", "means"), [part.split(" ", 1) for part in said.split(", ")])


def _commands() -> Iterator[str]:
    for name, text in cli.COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"selectlang {name}", description=text)
        import_module(f"selectlang.commands.{name}").add(parser)
        yield from _command(parser, "##")


def _command(parser: argparse.ArgumentParser, level: str) -> Iterator[str]:
    """The section of a command, and those of its own commands below it."""
    yield f"{level} {parser.prog.removeprefix('selectlang ')}\n\n{_sentence(parser.description)}\n"
    groups = [group for group in parser._action_groups if group._group_actions]
    shown = [action for group in groups for action in group._group_actions if _is_shown(action)]
    words = [_argument(action) for action in shown if not action.option_strings]
    subcommands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    words += ["COMMAND"] * bool(subcommands)
    words += ["[OPTION...]"] * any(action.option_strings for action in shown)
    yield f"```text\n{' '.join([parser.prog, *words])}\n```\n"
    rows = [(_name(action), _help(parser, action)) for action in shown]
    if rows:
        yield table(("argument or option", "what it says"), rows)
    for action in subcommands:
        texts = {choice.dest: choice.help for choice in action._choices_actions}
        for name, sub in action.choices.items():
            sub.prog, sub.description = f"{parser.prog} {name}", sub.description or texts.get(name)
            yield from _command(sub, level + "#")


def _is_shown(action: argparse.Action) -> bool:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return not isinstance(action, hidden) and action.help != argparse.SUPPRESS


def _argument(action: argparse.Action) -> str:
    return _WRITTEN.get(str(action.nargs), "{}").format(_value(action))


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return f"{{{','.join(map(str, action.choices))}}}"
    return str(action.metavar or action.dest.upper())


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_argument(action)}`"
    value = "" if action.nargs == 0 else f" {_argument(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    return text.replace("<", "&lt;")


def _sentence(text: str | None) -> str:
    text = (text or "").strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
