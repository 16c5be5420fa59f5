"""Settings that hold the name of a param without its `$`: a mistake where nothing uses the param."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selectlang.faults import Fault, quoted
from selectlang.language.spec import AnyStage, Loop, Spec, Stage, Use, param_name
from selectlang.language.yaml import Node


def bare_names(root: Node, spec: Spec) -> list[Fault]:
    """The faults of a spec. Those of a parent are let be: a child may have replaced what used a param."""
    here = root.place.source.name
    used = {param_name(node.value) for node in root.scalars()}
    idle = {
        name: param
        for name, param in spec.params.items()
        if name not in used and param.place.source.name == here
    }
    faults = []
    for node in _settings(spec.stages.values()) if idle else ():
        param = idle.get(node.value) if isinstance(node.value, str) else None
        if param is not None and node.place.source.name == here:
            message = f"{quoted(node.value)} is a text, and nothing uses param {quoted(param.name)}"
            also = ("the param is declared here", param.place)
            hint = f"Write '${param.name}' for its value, or give the param another name."
            faults.append(
                Fault("SL219", f"{message}, did you mean {quoted('$' + param.name)}?", node.place, also, hint)
            )
    return faults


def _settings(stages: Iterable[AnyStage]) -> Iterator[Node]:
    """The scalars in the settings of stages, and in what recipes are given."""
    for stage in stages:
        if isinstance(stage, Loop):
            yield from _settings(stage.stages.values())
        elif isinstance(stage, Stage | Use):
            given = stage.settings if isinstance(stage, Stage) else stage.params
            for _, node in given.values():
                yield from node.scalars()
