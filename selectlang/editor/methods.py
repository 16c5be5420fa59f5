"""The JSON Schema of a stage that calls a method: its inputs and its settings."""

from __future__ import annotations

from typing import Any

from selectlang.editor import words
from selectlang.editor.values import NAME, Schema, with_params
from selectlang.language.calls import OVER
from selectlang.language.sections import SEED
from selectlang.methods import Method, Port, Setting

REFERENCE = rf"^{NAME}(\.{NAME}){{0,2}}$"
REF: Schema = {
    "type": "string",
    "pattern": REFERENCE,
    "patternErrorMessage": "Expected the name of a data set or stage, or of an output: topics.silhouette.",
}


def stage(method: Method) -> Schema:
    """A stage of this method, whose settings stand flat in it."""
    title = f"{method.kind}: {method.name}"
    properties: Schema = {method.kind: {"const": method.name, "title": title, **about(method)}}
    properties["from"] = {**inputs(method), "description": _from(method)}
    properties |= {name: _setting(setting) for name, setting in method.settings.items()}
    for word, schema, has in (("over", OVER, method.amounts), ("seed", SEED, method.seeded)):
        if has:
            properties[word] = {**with_params(schema), "description": words.STAGE[word]}
    properties["doc"] = {"type": "string", "description": words.STAGE["doc"]}
    needed = ["from"] if any(not port.optional for port in method.inputs) else []
    needed += [name for name, setting in method.settings.items() if setting.required]
    return {"title": title, "properties": properties, "required": needed, "additionalProperties": False}


def about(method: Method) -> Schema:
    """What a method does: its docstring without the settings, and where it comes from."""
    text = method.doc.partition("Settings:")[0].strip()
    outputs = ", ".join(f"`{port.name}` ({port})" if port.name else str(port) for port in method.outputs)
    text += f"\n\nGives {outputs}. From {method.distribution} {method.version}."
    return {"description": text, "markdownDescription": text}


def _from(method: Method) -> str:
    ports = [f"{port.name} ({port}{', optional' if port.optional else ''})" for port in method.inputs]
    return f"{words.STAGE['from']} Here: {', '.join(ports) or 'none'}."


def inputs(method: Method) -> Schema:
    """What may stand under `from`: one name, a list, or a mapping of input to name."""
    ports = method.inputs
    needed = [port.name for port in ports if not port.optional]
    last = max((i for i, port in enumerate(ports) if not port.optional), default=0)
    several = bool(ports) and ports[0].many
    types = ["object"]
    types += ["array"] if not (several and last) else []
    types += ["string"] if not last else []
    parts = {
        "items": REF,
        "minItems": 1 if several else last + bool(needed),
        **({} if several else {"maxItems": len(ports)}),
        "properties": {port.name: _port(port) for port in ports},
        "required": needed,
        "additionalProperties": False,
    }
    # An editor that completes `from` writes a mapping where it sees `properties`, else one name.
    return {**REF, "type": types[::-1], **({"allOf": [parts]} if not last else parts)}


def _port(port: Port) -> Schema:
    least = {} if port.optional else {"minItems": 1}
    most = {} if port.many else {"maxItems": 1}
    text = f"{port}{', optional' if port.optional else ''}"
    listed = {"items": REF, **least, **most}
    return {**REF, "type": ["string", "array"], "allOf": [listed], "description": text}


def _setting(setting: Setting) -> Schema:
    found = with_params(setting.schema)
    if not setting.required and setting.default is not None:
        found |= {"default": setting.default}
    return {**found, "description": setting.doc} if setting.doc else found


def kind(name: str, methods: list[Method]) -> Schema:
    """The word of a kind, with what each of its methods does."""
    text = f"A stage that {words.KINDS[name]}."
    firsts = [method.doc.splitlines()[0] for method in methods]
    found: dict[str, Any] = {"type": "string", "description": text}
    if methods:
        found |= {"enum": [method.name for method in methods], "markdownEnumDescriptions": firsts}
        found |= {"enumDescriptions": firsts}
    return found
