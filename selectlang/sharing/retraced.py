"""Retracing a record: its keys from what they are made of, and its stages from its spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selectlang.amount import Amount
from selectlang.engine.keys import key
from selectlang.engine.opened import Opened
from selectlang.engine.request import every_call, request
from selectlang.engine.reread import split
from selectlang.engine.source import source_digest
from selectlang.engine.task import seed_of, setting
from selectlang.errors import DataError, UsageError
from selectlang.faults import quoted
from selectlang.language.program import Call, Program
from selectlang.language.schemas import LOCAL
from selectlang.plugins import Registry
from selectlang.store.store import Store
from selectlang.tables import counted

Said = tuple[bool | None, str]


def follows(record: dict[str, Any]) -> Said:
    """Whether each key follows from what the record says of its stage, and each input is there."""
    data = {f"data:{entry['key']}" for entry in record["data"].values()}
    keys = {stage["key"] for stage in record["stages"]}
    for stage in record["stages"]:
        name = f"stage {quoted(stage['path'])}"
        settings = {**stage["settings"], **_mapping(stage.get("in_key"))}
        origin = Path(str(stage.get("distribution"))).name
        called = [stage["kind"], stage["method"], origin, stage.get("version"), stage.get("source")]
        if key(called, settings, stage["inputs"], stage.get("seed")) != stage["key"]:
            return False, f"the key of {name} does not follow from its settings and inputs"
        for identity in (one for found in stage["inputs"].values() for one in found):
            if not (identity in data or identity.startswith("empty:") or split(identity)[0] in keys):
                return False, f"{name} rests on a result that is none of the record"
    for name, output in record["outputs"].items():
        if not _is_result(output, data, {stage["key"]: stage for stage in record["stages"]}):
            return False, f"output {quoted(name)} is the result of none of them"
    return True, f"{counted(len(record['stages']), 'key')}, each from settings, inputs and source"


def asked_for(record: dict[str, Any], folder: Path, registry: Registry, store: Store) -> Said:
    """Whether the spec in a record asks for what was run; None where other plugins are here."""
    for stage in record["stages"]:
        method = registry.methods.get((stage["kind"], stage["method"]))
        if method is None or source_digest(method.call) != stage.get("source"):
            name = f"{stage['kind']}: {stage['method']}"
            there = "is not installed" if method is None else "is another version"
            return None, f"not retraced, for {quoted(name)} {there} here"
    if _leads_out(record["spec"]):
        return False, "it leads to other specs; that of a run is whole"
    folders = _folders(record)
    known = {**record, "spec_params": _put(record["spec_params"], folders)}
    try:
        program = Opened(folder, known, store).program(registry)
    except (DataError, UsageError) as error:
        return False, str(error)
    if program.missing:
        return False, f"it has no value for param {quoted(program.missing[0])}"
    digests = {name: name.rpartition("/")[2] for name in folders.values()}
    if request(program, digests.get) != record.get("request"):
        return False, "it asks for something else than the run was asked for"
    return _stages(program, record, folders)


def _is_result(output: dict[str, Any], data: set[str], stages: dict[str, dict[str, Any]]) -> bool:
    """Whether an output is a data set, or what a stage gave; a number is the metric of the stage."""
    result = output["result"]
    name, port, _ = split(result)
    if "value" not in output or name not in stages:
        return result in data or result.startswith("empty:") or name in stages
    value, metric = output["value"], _mapping(stages[name].get("metrics")).get(port)
    return bool(value == metric or (value != value and metric is None))


def _stages(program: Program, record: dict[str, Any], folders: dict[str, str]) -> Said:
    """Whether the stages of a record are the calls of its program, with the same settings and seeds."""
    calls = {call.path: call for call in every_call(program.steps)}
    seen = set()
    for stage in record["stages"]:
        for path in (stage["path"], *stage.get("also", ())):
            base, *rounds = path.split("#")
            call = calls.get(base)
            if call is None or not all(part.isdecimal() and len(part) < 7 for part in rounds):
                return False, f"it has no stage {quoted(path)}"
            seen.add(base)
        base, *rounds = stage["path"].split("#")
        if not _alike(calls[base], stage, program.seed, tuple(int(part) - 1 for part in rounds), folders):
            return False, f"its stage {quoted(base)} has another method, settings or seed than were run"
    if missing := sorted(calls.keys() - seen):
        return False, f"its stage {quoted(missing[0])} was not run"
    return True, "it checks here, and asks for what was run"


def _alike(
    call: Call, stage: dict[str, Any], seed: int, rounds: tuple[int, ...], folders: dict[str, str]
) -> bool:
    settings = {name: setting(call, name, value, rounds) for name, value in call.settings.items()}
    plain = {name: str(value) if isinstance(value, Amount) else value for name, value in settings.items()}
    drawn = seed_of(call, seed, rounds) if call.method.seeded else None
    found = (stage["kind"], stage["method"], _put(stage["settings"], folders), stage.get("seed"))
    return found == (call.method.kind, call.method.name, plain, drawn)


def _folders(record: dict[str, Any]) -> dict[str, str]:
    """A name that stands in for each folder of a model, which may be elsewhere: the hash of what it holds."""
    found: dict[str, str] = {}

    def add(value: Any, in_key: Any) -> None:
        if isinstance(value, list) and isinstance(in_key, list):
            for pair in zip(value, in_key, strict=False):
                add(*pair)
        elif isinstance(value, str) and isinstance(in_key, dict) and isinstance(in_key.get("folder"), str):
            local = LOCAL if value.startswith(LOCAL) else ""
            found[value] = f"{local}folder/{in_key['folder'][:64]}"

    for stage in record["stages"]:
        for name, in_key in _mapping(stage.get("in_key")).items():
            add(stage["settings"].get(name), in_key)
    return found


def _put(value: Any, names: dict[str, str]) -> Any:
    """A value of JSON with other names for some texts."""
    if isinstance(value, dict):
        return {name: _put(part, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_put(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


def _leads_out(spec: Any) -> bool:
    """Whether a spec, or a recipe in it, names others, which might have to be fetched."""
    if not isinstance(spec, dict):
        return False
    stages = spec.get("stages")
    inner = list(stages.values()) if isinstance(stages, dict) else []
    inner += [stage.get("recipe") for stage in inner if isinstance(stage, dict)]
    return "extends" in spec or "imports" in spec or any(map(_leads_out, inner))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
