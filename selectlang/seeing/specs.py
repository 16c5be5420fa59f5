"""How two specs differ after resolving: stage by stage, setting by setting."""

from __future__ import annotations

from typing import Any

from selectlang.language.program import Program
from selectlang.language.resolved import resolved
from selectlang.methods import KINDS

NOTHING = "(not there)"
Parts = dict[tuple[str, str], dict[str, Any]]
"""The settings of each part of a spec, by its sort (param, data, stage, output) and its name."""


def compare(old: Program, new: Program) -> dict[str, Any]:
    """What differs between two specs, as JSON."""
    return differences(_parts_of(old), _parts_of(new))


def differences(old: Parts, new: Parts) -> dict[str, Any]:
    """Parts that one spec alone has, those with another name, and settings that differ."""
    removed = [part for part in old if part not in new]
    added = [part for part in new if part not in old]
    renamed = []
    for part in list(removed):
        same = next((each for each in added if each[0] == part[0] and new[each] == old[part]), None)
        if same is not None:
            removed.remove(part)
            added.remove(same)
            renamed.append({"what": part[0], "old": part[1], "new": same[1]})
    changed = []
    for part in old:
        if part in new and old[part] != new[part]:
            names = dict.fromkeys([*old[part], *new[part]])
            told = [
                {"setting": name, "old": old[part].get(name, NOTHING), "new": new[part].get(name, NOTHING)}
                for name in names
                if old[part].get(name, NOTHING) != new[part].get(name, NOTHING)
            ]
            changed.append({"what": part[0], "name": part[1], "method": _method(new[part]), "changes": told})
    return {
        "same": not (removed or added or renamed or changed),
        "changed": changed,
        "renamed": renamed,
        "removed": [
            {"what": what, "name": name, "method": _method(old[what, name])} for what, name in removed
        ],
        "added": [{"what": what, "name": name, "method": _method(new[what, name])} for what, name in added],
    }


def _method(settings: dict[str, Any]) -> str:
    return str(settings.get("method", ""))


def _parts_of(program: Program) -> Parts:
    """The parts of a checked spec, with its params as they are declared."""
    params = {
        ("param", name): {
            "type": str(param),
            "value": program.params.get(name, "(no value)"),
            **({"doc": param.doc} if param.doc else {}),
        }
        for name, param in program.declared.items()
    }
    return {**parts(resolved(program)), **params}


def parts(spec: dict[str, Any], prefix: str = "") -> Parts:
    """The parts of a resolved spec, those of loops and recipes under their paths; params are left out.

    A spec of a record may hold anything; what has no form of a spec is compared as it stands.
    """
    top = ("name", "doc", "cite", "seed", "limits")
    found: Parts = {("spec", prefix.rstrip("/")): {word: spec[word] for word in top if word in spec}}
    for section, what in (("data", "data"), ("outputs", "output")):
        for name, said in _pairs(spec.get(section)):
            found[what, f"{prefix}{name}"] = _flat(said) if isinstance(said, dict) else {"from": said}
    return {**found, **_stages(spec.get("stages"), prefix)}


def _stages(stages: Any, prefix: str) -> Parts:
    found: Parts = {}
    for name, said in _pairs(stages):
        if not isinstance(said, dict):
            continue
        inner = said.get("recipe")
        flat = {key: value for key, value in said.items() if key not in ("stages", "recipe")}
        kind = next((word for word in KINDS if word in flat), None)
        method = {"method": f"{kind} {flat.pop(kind)}"} if kind else {}
        what = {"recipe": inner.get("name", "")} if isinstance(inner, dict) else {}
        found["stage", f"{prefix}{name}"] = {**method, **what, **_flat(flat)}
        found |= _stages(said.get("stages"), f"{prefix}{name}/")
        if isinstance(inner, dict):
            found |= parts(inner, f"{prefix}{name}/")
    return found


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), said) for name, said in value.items()] if isinstance(value, dict) else []


def _flat(value: dict[str, Any], before: str = "") -> dict[str, Any]:
    """A mapping in one level: `from.pool`, `carry.chosen.next`."""
    found: dict[str, Any] = {}
    for name, said in value.items():
        if isinstance(said, dict):
            found |= _flat(said, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = said
    return found
