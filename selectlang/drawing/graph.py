"""The graph of a spec: data sets, stages and outputs, what flows between them, and the boxes around them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from selectlang.faults import brief
from selectlang.language.program import Call, Nested, Program, Ref, Rounds, Step
from selectlang.language.types import ref_text

DATA, CARRY, NEXT, OUTPUT = "data", "carry", "next", "output"
"""What a node is that is no stage. A loop has a `carry` for each value that a round is handed, and a `next`
for what it hands on: the value of the next round, and after the last one that of the loop."""


@dataclass(frozen=True)
class Node:
    """A stage, or what stands beside stages.

    `path` is that of the stage, in a loop or recipe `training/batch`, and of no other node. `kind` is a kind
    of stage, or one of the four above. `group` is the path of the box it stands in, empty outside of all.
    `about` says more, a sentence a line.
    """

    path: str
    name: str
    kind: str
    method: str = ""
    group: str = ""
    about: str = ""


@dataclass(frozen=True)
class Edge:
    """What flows from one node to another: `part` is its name (`judged.hard`), `port` the input it fills."""

    source: str
    target: str
    part: str
    port: str = ""


@dataclass(frozen=True)
class Group:
    """A box: a `loop` or a `recipe`. `parent` is the path of the box that it stands in."""

    path: str
    name: str
    kind: str
    says: str
    parent: str = ""


@dataclass
class Graph:
    """A spec as a graph without circles. Nodes stand after those they need, and those of a group together."""

    name: str
    doc: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def graph_of(program: Program) -> Graph:
    """The graph of a checked spec; only the data sets and stages that its outputs need."""
    graph = Graph(program.name, program.doc)
    seen = _scope(graph, program, "", {})
    for name, ref in program.outputs.items():
        graph.nodes.append(Node(f"{OUTPUT} {name}", name, OUTPUT))  # no stage has a space in its path
        graph.edges.append(_edge(seen, ref, f"{OUTPUT} {name}"))
    used = {edge.source for edge in graph.edges}
    graph.nodes = [node for node in graph.nodes if node.kind != DATA or node.path in used]
    graph.groups = [group for group in graph.groups if _holds(graph, group)]
    return graph


def _holds(graph: Graph, group: Group) -> bool:
    """Whether a node stands in a box; a recipe may hand on what it is given, and do nothing."""
    return any(f"{node.group}/".startswith(f"{group.path}/") for node in graph.nodes)


Seen = dict[str, dict[str, str]]
"""Of each name in scope, the path of the node that each of its ports is made by; "" stands for the others."""


def _scope(graph: Graph, program: Program, group: str, bound: Seen) -> Seen:
    """Add the data sets and stages of one scope; the names that it knows."""
    seen = dict(bound)
    for name, entry in program.data.items():
        path = f"{group}/{name}" if group else name
        doc = entry.get("doc")
        graph.nodes.append(Node(path, name, DATA, "", group, doc if isinstance(doc, str) else ""))
        seen[name] = {"": path}
    _steps(graph, program.steps, group, seen)
    return seen


def _steps(graph: Graph, steps: list[Step], group: str, seen: Seen) -> None:
    for step in steps:
        if isinstance(step, Call):
            _call(graph, step, group, seen)
        elif isinstance(step, Nested):
            _recipe(graph, step, group, seen)
        else:
            _loop(graph, step, group, seen)


def _call(graph: Graph, step: Call, group: str, seen: Seen) -> None:
    kind, method = step.method.kind, step.method.name
    wires = [(port, ref) for port, refs in step.wires.items() for ref in refs]
    graph.nodes.append(Node(step.path, step.name, kind, method, group, _about(step)))
    graph.edges += [_edge(seen, ref, step.path, port) for port, ref in wires]
    seen[step.name] = {"": step.path}


def _recipe(graph: Graph, step: Nested, group: str, seen: Seen) -> None:
    says = f"recipe {step.program.name}"
    graph.groups.append(Group(step.path, step.name, "recipe", says, group))
    inner = _scope(graph, step.program, step.path, {n: _made(seen, ref) for n, ref in step.data.items()})
    seen[step.name] = _ports({name: _source(inner, ref) for name, ref in step.program.outputs.items()})


def _loop(graph: Graph, step: Rounds, group: str, seen: Seen) -> None:
    graph.groups.append(Group(step.path, step.name, "loop", _rounds(step), group))
    inner, ports = dict(seen), {}
    for name, carried in step.carry.items():
        path = f"{step.path}/{name}"
        graph.nodes.append(Node(path, name, CARRY, "", step.path, f"{name}, as this round is handed it"))
        if carried.start is not None:
            graph.edges.append(_edge(seen, carried.start, path, "start"))
        inner[name] = {"": path}
    _steps(graph, step.steps, step.path, inner)
    for name, carried in step.carry.items():
        ports[name] = f"{step.path}/{name} {NEXT}"
        graph.nodes.append(Node(ports[name], name, NEXT, "", step.path, f"{name}, as this round hands it on"))
        graph.edges.append(_edge(inner, carried.next, ports[name]))
    seen[step.name] = _ports(ports)


def _ports(found: dict[str, str]) -> dict[str, str]:
    """A loop or recipe with one port may be named alone."""
    return {**found, "": next(iter(found.values()))} if len(found) == 1 else found


def _made(seen: Seen, ref: Ref) -> dict[str, str]:
    return {"": _source(seen, ref)}


def _source(seen: Seen, ref: Ref) -> str:
    ports = seen[ref.name]
    return ports.get(ref.port or "") or ports[""]


def _edge(seen: Seen, ref: Ref, target: str, port: str = "") -> Edge:
    return Edge(_source(seen, ref), target, ref_text(ref), port)


def _rounds(step: Rounds) -> str:
    """How long a loop goes on, in words."""
    many = step.rounds
    until = [
        f"{ref_text(end.metric)} {end.comparison.replace('_', ' ')} {_value(end.bound)}"
        + (f" within {_value(end.within)}" if end.comparison == "plateau" and end.within else "")
        for end in step.until
    ]
    rounds = f"{_value(many)} round{'' if many == 1 else 's'}"
    return f"at most {rounds}, until {' or '.join(until)}" if until else rounds


def _about(step: Call) -> str:
    """What the method does, and the settings that are not its defaults."""
    method = step.method
    given = {
        name: value
        for name, value in step.settings.items()
        if method.settings[name].required or value != method.settings[name].default
    }
    given |= {word: value for word, value in (("over", step.over), ("seed", step.seed)) if value is not None}
    lines = [method.doc.splitlines()[0], *(f"{name}: {_value(value)}" for name, value in given.items())]
    return "\n".join(lines)


def _value(value: object) -> str:
    """A value as it stands in a spec, shortened; a param without a value is its name."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return brief(json.loads(json.dumps(value, default=str)))
