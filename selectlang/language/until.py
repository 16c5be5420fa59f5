"""Checking when a loop ends: the metrics that `until` compares."""

from __future__ import annotations

from typing import Any

from selectlang.faults import Fault, nearest, quoted
from selectlang.language.program import COMPARE, Ref, Until
from selectlang.language.scope import Env, resolve
from selectlang.language.spec import Loop
from selectlang.language.types import ref_text
from selectlang.language.values import Values
from selectlang.language.yaml import Node
from selectlang.ports import Metric

NUMBER = {"type": "number"}
COMPARISONS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(COMPARE, NUMBER),
    "total_at_least": NUMBER,
    "plateau": {"type": "integer", "minimum": 1},
}
WITHIN = {"type": "number", "minimum": 0}
"""How much a metric may still rise on a plateau."""


def check_until(loop: Loop, inner: Env, values: Values) -> list[Until]:
    """The comparisons that end a loop."""
    faults, found = values.faults, []
    if loop.until is None:
        return []
    if not isinstance(loop.until.value, dict):
        message = f"'until' is a mapping, found {loop.until.type}"
        faults.append(Fault("SL203", message, loop.until.place, None, _UNTIL))
        return []
    for text, place, node in loop.until.items():
        ref = _metric(loop, Node(text, place), inner, faults)
        if not isinstance(node.value, dict) or not node.value:
            message = f"expected a comparison such as {{at_least: 0.9}}, found {node.type}"
            faults.append(Fault("SL203", message, node.place))
            continue
        within = node.value.get("within") if "plateau" in node.value else None
        rise = values.checked(within, WITHIN, "'within'") if within is not None else 0.0
        for word, at, bound in node.items():
            if bound is within:
                continue
            if word not in COMPARISONS:
                message = f"{quoted(word)} is no comparison{nearest(word, COMPARISONS)}"
                faults.append(Fault("SL201", message, at, None, f"known here: {', '.join(COMPARISONS)}"))
                continue
            number = values.checked(bound, COMPARISONS[word], quoted(word))
            found.append(Until(ref, word, number, rise))
    return found


_UNTIL = "until: {stage.metric: {at_least: 0.9}}"


def _metric(loop: Loop, node: Node, inner: Env, faults: list[Fault]) -> Ref:
    """What `until` compares: a metric of a stage of the loop, for no other changes from round to round."""
    before = len(faults)
    ref = resolve(node, inner, faults)
    known = ref.type.kind is not None or (ref.name in inner and ref.name not in loop.stages)
    if len(faults) > before or not known:
        return ref
    symbol = inner[ref.name]
    also = (f"{quoted(ref.name)} is here", symbol.place)
    if ref.type.kind not in (Metric, None):
        metrics = [f"{ref.name}.{port}" for port, kind in symbol.ports.items() if kind.kind is Metric]
        hint = f"metrics of {quoted(ref.name)}: {', '.join(metrics) or 'none'}"
        message = f"'until' compares a metric, {quoted(ref_text(ref))} is {ref.type}"
        faults.append(Fault("SL306", message, node.place, also, hint))
    elif ref.name not in loop.stages:
        message = f"'until' compares a metric of the loop's own stages, {quoted(ref.name)} is none of them"
        faults.append(Fault("SL306", message, node.place, also, _UNTIL))
    return ref
