"""selectlang show: a method, a spec with every default written out, or an error code."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from selectlang.commands.common import add_spec_options, program, registry
from selectlang.errors import UsageError
from selectlang.faults import nearest, printable, quoted
from selectlang.language.program import Program
from selectlang.methods import KINDS, Method
from selectlang.plugins import Registry
from selectlang.tables import say


def add(parser: ArgumentParser) -> None:
    parser.add_argument("what", help="a kind and a method, a spec, or an error code such as SL302")
    parser.add_argument("method", nargs="?", help="the method, after its kind")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    add_spec_options(parser)


def run(args: Namespace) -> int:
    if args.what in KINDS:
        return _kind(args)
    if args.method is not None:
        raise UsageError(
            f"{quoted(args.what)} is no kind{nearest(args.what, KINDS)} (kinds: {', '.join(KINDS)})"
        )
    if args.what.startswith("SL") and args.what[2:].isdigit():
        return _code(args.what)
    args.spec = args.what
    checked = program(args, registry(args))
    from selectlang.language.resolved import resolved

    found = resolved(checked)
    if args.json:
        say(json.dumps(found, indent=2))
        return 0
    say("\n".join([*_comments(checked), _yaml(found)]))
    return 0


def _yaml(found: dict[str, Any]) -> str:
    """A spec as text: in the letters of its author, or escaped where they would steer a terminal."""
    import yaml

    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100).rstrip()
    if all(printable(line) == line for line in text.split("\n")):
        return text
    return yaml.safe_dump(found, sort_keys=False, width=100).rstrip()


def _comments(checked: Program) -> list[str]:
    """The params of a spec as comments: the type, value and meaning of each; then notes on the spec."""
    several = any(param.many or param.type == "path" for param in checked.declared.values())
    again = "; a list and several paths by naming it again" if several else ""
    lines = [f"# params, each given with --set name=value{again}"] if checked.declared else []
    for name, param in checked.declared.items():
        value = json.dumps(checked.params[name]) if name in checked.params else "no value yet"
        lines.append(f"#   {name}: {param}, {value}{f' ({printable(param.doc)})' if param.doc else ''}")
    return lines + [f"# note: {printable(note)}" for note in checked.notes]


def _kind(args: Namespace) -> int:
    loaded = registry(args)
    if args.method is None:
        for name in loaded.names(args.what):
            say(f"{name}: {loaded.methods[args.what, name].doc.splitlines()[0]}")
        return 0
    method = _method(args.what, args.method, loaded)
    say(json.dumps(schema(method), indent=2) if args.json else describe(method, loaded))
    return 0


def _method(kind: str, name: str, loaded: Registry) -> Method:
    known = loaded.names(kind)
    for broken in loaded.broken:
        if broken.method == (kind, name) and name not in known:
            raise UsageError(f"{broken.plugin.distribution}: {broken.reason}")
    if (kind, name) in loaded.collisions:
        both = " and ".join(loaded.collisions[kind, name])
        raise UsageError(f"{kind} {quoted(name)} is registered twice, by {both}; uninstall one of them")
    if name not in known:
        message = f"there is no {kind} method {quoted(name)}{nearest(name, known)}"
        raise UsageError(f"{message} (methods: {', '.join(known) or 'none is installed'})")
    return loaded.methods[kind, name]


def schema(method: Method) -> dict[str, object]:
    """The settings of a method as a JSON Schema."""
    properties = {
        name: {**s.schema, "description": s.doc, **({} if s.required else {"default": s.default})}
        for name, s in method.settings.items()
    }
    required = [name for name, s in method.settings.items() if s.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def describe(method: Method, loaded: Registry) -> str:
    """A method for people: what it does, its ports, its settings, where it comes from."""
    from selectlang.language.schemas import expected

    about, _, _ = method.doc.partition("Settings:")
    lines = [f"{method.kind}: {method.name}", "", about.strip(), "", "inputs:"]
    lines += [f"  {port.name} ({port}{', optional' if port.optional else ''})" for port in method.inputs]
    lines += ["", "outputs:"]
    lines += [f"  {port.name or '(the stage itself)'} ({port})" for port in method.outputs]
    lines += ["", "settings:"]
    for name, setting in method.settings.items():
        default = "required" if setting.required else f"default {json.dumps(setting.default)}"
        lines.append(f"  {name} ({expected(setting.schema)}; {default})")
        lines += [f"      {setting.doc}"] if setting.doc else []
    lines += [] if method.settings else ["  none"]
    return "\n".join([*lines, "", f"from {method.distribution} {method.version}"])


def _code(code: str) -> int:
    from selectlang.codes import CODES

    if code not in CODES:
        raise UsageError(
            f"there is no error code {code}; they go from {min(CODES)} to {max(CODES)}: docs/errors.md"
        )
    title, text = CODES[code]
    say(f"{code}: {title}\n\n{text}")
    return 0
