"""The JSON Schema of specs, from the methods that are installed: what an editor completes, shows and marks.

It is in draft 7, which the YAML language server knows best. What stands in other files, and which names and
types go together, `selectlang check` alone can say.
"""

from __future__ import annotations

from selectlang.editor import methods, words
from selectlang.editor.methods import REF, REFERENCE
from selectlang.editor.sections import data, params
from selectlang.editor.values import Schema, mapping, named, with_params
from selectlang.language.loops import ROUNDS
from selectlang.language.sections import LIMITS, SEED
from selectlang.language.spec import STRUCTURAL, VERSION
from selectlang.language.until import COMPARISONS, WITHIN
from selectlang.methods import KINDS, Method
from selectlang.plugins import Registry

_DOC: Schema = {"type": "string", "description": words.STAGE["doc"]}
STATED: list[Schema] = [
    {"required": [word], "errorMessage": f"A stage states its kind: {', '.join((*KINDS, *STRUCTURAL))}."}
    for word in (*KINDS, *STRUCTURAL)
]
NEEDED = ("selectlang", "name", "stages", "outputs")


def schema(registry: Registry) -> Schema:
    """The schema of a spec. One that extends another may leave out what its parent says."""
    whole = {"params": params(True), "data": data(True), "stages": named(_ref("stage"))}
    parts = {"params": params(False), "data": data(False), "stages": named(_ref("part_of_stage"))}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "description": f"A spec of selectlang, version {VERSION} of the language.",
        "type": "object",
        "properties": _top(),
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"properties": parts},
        "else": {"properties": whole, "required": list(NEEDED)},
        "definitions": {
            "stage": _stage(registry),
            "part_of_stage": _part_of_stage(),
            "loop": _loop(),
            "recipe": _recipe(),
            **{f"{kind}.{name}": methods.stage(found) for (kind, name), found in _methods(registry).items()},
        },
    }


def _methods(registry: Registry) -> dict[tuple[str, str], Method]:
    """The methods that a spec can use: not those that two distributions register."""
    order = sorted(registry.methods, key=lambda key: (KINDS.index(key[0]), key[1]))
    return {key: registry.methods[key] for key in order if key not in registry.collisions}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _top() -> Schema:
    """The words at the top. Those that differ in a spec that extends another have their docs alone."""
    source = mapping({word: {"type": "string"} for word in words.SOURCE}, words.SOURCE)
    source |= {"type": ["string", "object"], "required": list(words.SOURCE)}
    found: dict[str, Schema] = {
        "selectlang": {"const": VERSION},
        "name": {"type": "string"},
        "doc": {"type": "string"},
        "cite": {"type": ["string", "array"], "items": {"type": "string"}},
        "extends": source,
        "imports": named(source),
        "limits": mapping(with_params(LIMITS)["properties"], words.LIMITS),
        "seed": with_params(SEED),
        "outputs": named(REF, 1),
    }
    return {word: {**found.get(word, {}), "description": text} for word, text in words.TOP.items()}


def _stage(registry: Registry) -> Schema:
    """A stage: which words it may hold follows from its kind and its method."""
    found = _methods(registry)
    kinds = {
        kind: methods.kind(kind, [method for (of, _), method in found.items() if of == kind])
        for kind in KINDS
    }
    others = {"loop": words.LOOP["loop"], "recipe": words.RECIPE["recipe"], **words.STAGE}
    start = {**kinds, **{word: {"description": text} for word, text in others.items()}}
    rules = [
        *(_where({kind: {"const": name}}, [kind], _ref(f"{kind}.{name}")) for kind, name in found),
        *(_where({}, [kind], {"properties": {kind: schema}}) for kind, schema in kinds.items()),
        *(_where({}, [word], _ref(word)) for word in STRUCTURAL),
        {
            "if": {"not": {"anyOf": STATED}},
            "then": {"properties": start, "additionalProperties": False, "anyOf": STATED},
        },
    ]
    return {"type": "object", "allOf": rules}


def _where(properties: Schema, required: list[str], then: Schema) -> Schema:
    return {"if": {"properties": properties, "required": required}, "then": then}


def _part_of_stage() -> Schema:
    """A stage of a spec that extends another: without a kind, it changes what it names of the parent's."""
    inner = {"stages": named(_ref("part_of_stage")), "from": {"description": words.STAGE["from"]}}
    return {
        "type": "object",
        "if": {"anyOf": STATED},
        "then": _ref("stage"),
        "else": {"properties": {**inner, "doc": _DOC}},
    }


def _loop() -> Schema:
    comparisons = mapping(
        {**{word: with_params(found) for word, found in COMPARISONS.items()}, "within": with_params(WITHIN)},
        words.UNTIL,
    )
    until = {
        "type": "object",
        "propertyNames": {"pattern": REFERENCE},
        "additionalProperties": {**comparisons, "minProperties": 1, "dependencies": {"within": ["plateau"]}},
    }
    carry = {**mapping({"next": REF, "start": REF}, words.CARRY), "required": ["next"]}
    found = {
        "loop": with_params(ROUNDS),
        "until": until,
        "carry": named(carry, 1),
        "stages": named(_ref("stage"), 1),
        "doc": {"type": "string"},
    }
    return {"title": "loop", **mapping(found, words.LOOP), "required": ["loop", "carry", "stages"]}


def _recipe() -> Schema:
    """A recipe: the name of an import, or a spec that is written out."""
    ref = {key: value for key, value in REF.items() if key != "type"}
    inputs = {"type": ["string", "array", "object"], **ref, "items": REF, "additionalProperties": REF}
    found = {
        "recipe": {"type": ["string", "object"], "if": {"type": "object"}, "then": {"$ref": "#"}},
        "from": inputs,
        "params": {"type": "object"},
        "doc": {"type": "string"},
    }
    return {"title": "recipe", **mapping(found, words.RECIPE)}
