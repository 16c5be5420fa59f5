"""Drawings of graphs, of the library and of any shape."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from selectlang.drawing.graph import Edge, Graph, Group, Node, graph_of
from selectlang.drawing.layout import Placed, layout
from selectlang.drawing.mermaid import mermaid
from selectlang.drawing.svg import MOST, svg
from selectlang.drawing.text import ASCII, text
from selectlang.faults import cells, printable
from selectlang.language.check import check
from selectlang.language.program import Program
from selectlang.plugins import Registry, load
from tests.editor.conftest import FAKES, OK, library
from tests.editor.graphs import graphs

SPECS = [*library(), *OK]
by_spec = pytest.mark.parametrize("spec", SPECS, ids=[f"{spec.parent.name}/{spec.stem}" for spec in SPECS])
LOOPS = """
stages:
  first: {budget: random, from: pool, size: 100}
  drawing:
    loop: $k
    until: {batch.left: {below: 100}}
    carry:
      chosen: {start: first, next: grown}
      seen:   {next: batch}
    stages:
      batch: {budget: random, from: {rows: pool, skip: chosen}, size: 50}
      grown: {merge: union, from: [chosen, batch, seen]}
  both: {merge: union, from: [drawing.chosen, drawing.seen]}
  idle: {budget: random, from: pool, size: 1}
outputs: {both: both}
"""
DRAWN = """\
○      pool        data
├─●    first       budget: random
│ │    ┏ ↻ drawing: at most $k rounds, until batch.left below 100
│ ○    ┃ ↻ chosen  from the round before
│ │ ○  ┃ ↻ seen    from the round before
●─┤ │  ┃ batch     budget: random
├─●─╯  ┃ grown     merge: union
│ ○    ┃ chosen ↻  to the next round
○ │    ┃ seen ↻    to the next round
│ │    ┗
●─╯    both        merge: union
○      both        output"""


def ends(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


@pytest.fixture(scope="module")
def fakes() -> Registry:
    return load([FAKES])


def drawn(spec: Path, fakes: Registry) -> Graph:
    return graph_of(check(str(spec), fakes))


def test_the_graph_of_a_loop(program: Callable[[str], Program]) -> None:
    graph = graph_of(program(LOOPS))
    assert ends(graph) == {
        ("pool", "first"), ("first", "drawing/chosen"), ("pool", "drawing/batch"),
        ("drawing/chosen", "drawing/batch"), ("drawing/chosen", "drawing/grown"),
        ("drawing/batch", "drawing/grown"), ("drawing/seen", "drawing/grown"),
        ("drawing/grown", "drawing/chosen next"), ("drawing/batch", "drawing/seen next"),
        ("drawing/chosen next", "both"), ("drawing/seen next", "both"), ("both", "output both"),
    }  # fmt: skip
    assert [group.says for group in graph.groups] == ["at most $k rounds, until batch.left below 100"]
    assert "idle" not in {node.path for node in graph.nodes}  # it does not run
    assert {edge.part for edge in graph.edges if edge.target == "both"} == {"drawing.chosen", "drawing.seen"}


def test_the_graph_of_recipes(program: Callable[[str], Program]) -> None:
    graph = graph_of(program(
        "imports: {r: 'selectlang:random', k: 'selectlang:kmq-rounds'}\n"
        "stages:\n  some: {recipe: r, from: pool}\n  more: {recipe: k, from: some}\n"
        "  other: {recipe: r, params: {pool: rows.jsonl}}\n"
        "  length: {score: length, from: more}\noutputs: {length: length, other: other}\n"
    ))  # fmt: skip
    found = ends(graph)
    assert {
        ("pool", "some/chosen"),
        ("some/chosen", "more/vectors"),
        ("some/chosen", "more/quality"),
    } <= found
    assert ("more/drawing/chosen next", "length") in found
    assert ("other/pool", "other/chosen") in found  # a recipe that reads rows of its own
    assert [(group.path, group.parent) for group in graph.groups] == [
        ("some", ""), ("more", ""), ("more/drawing", "more"), ("other", ""),
    ]  # fmt: skip


def test_a_recipe_that_does_nothing_has_no_box(program: Callable[[str], Program], tmp_path: Path) -> None:
    (tmp_path / "same.yaml").write_text(
        "selectlang: 1\nname: same\nparams: {a: {type: path}}\ndata: {a: {path: $a}}\n"
        "stages: {}\noutputs: {a: a}\n"
    )
    graph = graph_of(program(
        "imports: {same: ./same.yaml}\nstages:\n  same: {recipe: same, from: pool}\n"
        "  one: {score: length, from: same}\noutputs: {one: one}\n"
    ))  # fmt: skip
    assert ends(graph) == {("pool", "one"), ("one", "output one")}
    assert graph.groups == []


@by_spec
def test_nodes_stand_after_what_they_need_and_groups_together(spec: Path, fakes: Registry) -> None:
    graph = drawn(spec, fakes)
    order = [node.path for node in graph.nodes]
    assert len(set(order)) == len(order)
    assert all(order.index(edge.source) < order.index(edge.target) for edge in graph.edges)
    for group in graph.groups:
        places = [i for i, node in enumerate(graph.nodes) if f"{node.group}/".startswith(f"{group.path}/")]
        assert places == list(range(places[0], places[-1] + 1))


def test_text_is_as_it_is(program: Callable[[str], Program]) -> None:
    assert text(graph_of(program(LOOPS))) == DRAWN


@by_spec
def test_text_fits_a_terminal_and_is_one_without_signs(spec: Path, fakes: Registry) -> None:
    found = text(drawn(spec, fakes))
    assert max(map(cells, found.split("\n"))) <= 80
    assert found.translate(ASCII).isascii()
    assert found.translate(ASCII) != found


def read_back(drawing: str, graph: Graph) -> set[tuple[str, str]]:
    """The edges that the lanes of a drawing show, read as a person reads them."""
    found: set[tuple[str, str]] = set()
    lanes: dict[int, str] = {}
    nodes = iter(graph.nodes)
    for line in drawing.split("\n"):
        signs = re.match("[│─╰╯╭╮├┤┴┬┼●○ ]*", line)
        assert signs is not None
        row = signs[0]
        own = next((i for i, sign in enumerate(row) if sign in "●○"), None)
        if own is None:
            continue
        node = next(nodes).path
        into = {own} & lanes.keys()
        for step in (-1, 1):
            i = own + step
            while 0 <= i < len(row) and row[i] in "─├┤┴┼╰╯┬│" and (i % 2 == 0 or row[i] == "─"):
                into |= {i} if row[i] in "├┤┴┼╰╯" else set()
                i += step
        found |= {(lanes[i], node) for i in into}
        lanes = {i: source for i, source in lanes.items() if i not in into or row[i] in "├┤┼"}
        lanes[own] = node
    return found


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_the_lanes_show_every_edge(graph: Graph) -> None:
    drawing = text(graph, 200)
    if ", from " not in drawing:
        shown = read_back(drawing, graph)
        again = {
            (source, target) for source, target in shown if source in {edge.source for edge in graph.edges}
        }
        assert again == ends(graph)


def test_many_values_at_once_are_named(program: Callable[[str], Program]) -> None:
    graph = Graph("x", "", [Node(f"n{i}", f"n{i}", "score", "m") for i in range(50)])
    graph.nodes.append(Node("all", "all", "merge", "m"))
    graph.edges = [Edge(f"n{i}", "all", f"n{i}") for i in range(50)]
    lines = text(graph).split("\n")
    assert lines[0] == "n0   score: m"
    assert lines[-1].startswith("all  merge: m, from n0, n1, n2, ")
    assert len(lines[-1]) == 80


def sized(graph: Graph) -> dict[str, tuple[float, float]]:
    return {
        **{node.path: (60.0 + 7 * (len(node.path) % 9), 40.0) for node in graph.nodes},
        **{group.path: (120.0, 20.0) for group in graph.groups},
    }


def apart(a: Placed, b: Placed) -> bool:
    return a.x + a.width < b.x or b.x + b.width < a.x or a.y + a.height < b.y or b.y + b.height < a.y


def holds(a: Placed, b: Placed) -> bool:
    return a.x <= b.x and a.y <= b.y and b.x + b.width <= a.x + a.width and b.y + b.height <= a.y + a.height


def check_layout(graph: Graph) -> None:
    """No two things stand over one another, boxes hold what is theirs, and lines pass beside nodes."""
    found = layout(graph, sized(graph))
    placed = found.placed
    inside = {node.path: node.group for node in graph.nodes} | {
        group.path: group.parent for group in graph.groups
    }
    whole = Placed(0, 0, found.width, found.height)
    around: dict[str, set[str]] = {"": set()}
    for group in graph.groups:
        around[group.path] = {*around[group.parent], group.path}
    for path, place in placed.items():
        assert holds(whole, place)
        assert inside[path] == "" or holds(placed[inside[path]], place)
    for a, b in combinations(placed, 2):
        if a not in around[inside[b]] and b not in around[inside[a]]:
            assert apart(placed[a], placed[b]), (a, b)
    for (source, target), stops in found.runs.items():
        first, last = placed[source], placed[target]
        assert first.x <= stops[0][0] <= first.x + first.width
        assert stops[0][1] == pytest.approx(first.y + first.height)
        assert last.x <= stops[-1][0] <= last.x + last.width
        assert stops[-1][1] == pytest.approx(last.y)
        heights = [y for _, top, low in stops for y in (top, low)]
        assert heights == sorted(heights)
        for (x, _, low), (then, top, _) in pairwise(stops):
            assert top > low + 1 or then == pytest.approx(x)  # a line goes on where it is
        for node in graph.nodes:
            place = placed[node.path]
            for x, top, low in stops[1:-1]:
                over = place.x < x < place.x + place.width and top < place.y + place.height and low > place.y
                assert not over, (source, target, node.path)


@settings(max_examples=150, deadline=None)
@given(graphs(24))
def test_any_graph_is_laid_out_without_overlaps(graph: Graph) -> None:
    check_layout(graph)


@by_spec
def test_the_library_is_laid_out_without_overlaps(spec: Path, fakes: Registry) -> None:
    check_layout(drawn(spec, fakes))


def test_a_chain_is_straight() -> None:
    graph = Graph("x", "", [Node(f"n{i}", f"n{i}", "score", "m") for i in range(6)])
    graph.edges = [Edge(f"n{i}", f"n{i + 1}", f"n{i}") for i in range(5)]
    found = layout(graph, {node.path: (50.0 + 10 * i, 40.0) for i, node in enumerate(graph.nodes)})
    assert len({round(place.x + place.width / 2, 3) for place in found.placed.values()}) == 1


SVG = "{http://www.w3.org/2000/svg}"


@by_spec
def test_svg_is_whole_and_needs_nothing_else(spec: Path, fakes: Registry) -> None:
    graph = drawn(spec, fakes)
    drawing = svg(graph)
    root = ElementTree.fromstring(drawing)
    texts = ["".join(part.itertext()) for part in root.iter(f"{SVG}text")]
    assert {node.name for node in graph.nodes} <= {re.sub(" ?↻ ?", "", shown) for shown in texts}
    assert len(root.findall(f"{SVG}path")) == len(ends(graph))
    assert {part.get("data-stage") for part in root.iter() if part.get("data-stage")} == {
        node.path for node in graph.nodes
    }
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|<script|href", drawing) == []
    assert svg(graph) == drawing


def test_notes_stand_under_their_stages(program: Callable[[str], Program]) -> None:
    drawing = svg(graph_of(program(LOOPS)), {"drawing/batch": "50 rows, 0.1 s", "nothing": "x"})
    root = ElementTree.fromstring(drawing)
    (node,) = [part for part in root.iter() if part.get("data-stage") == "drawing/batch"]
    assert [text.text for text in node.findall(f"{SVG}text")] == ["batch", "budget: random", "50 rows, 0.1 s"]


HOSTILE = '</svg><script>alert("x")</script>&\x1b[2J\u202e\ud800 ]]> \' \n" `#35; %%{init}%% end'


def hostile() -> Graph:
    nodes = [
        Node(f"{HOSTILE}{i}", HOSTILE, kind, HOSTILE, HOSTILE if i else "", HOSTILE)
        for i, kind in enumerate(("score", "carry", "next", "output"))
    ]
    edges = [Edge(nodes[0].path, node.path, HOSTILE, HOSTILE) for node in nodes[1:]]
    return Graph(HOSTILE, HOSTILE, nodes, edges, [Group(HOSTILE, HOSTILE, "loop", HOSTILE)])


def test_no_text_is_markup_in_svg() -> None:
    root = ElementTree.fromstring(svg(hostile(), dict.fromkeys([HOSTILE, f"{HOSTILE}0"], HOSTILE)))
    assert {part.tag for part in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "style", "defs", "marker", "path", "rect", "title", "g", "text")
    }
    assert "\x1b" not in "".join(root.itertext())


def test_too_many_nodes_are_told_not_drawn() -> None:
    graph = Graph("x", "", [Node(f"n{i}", f"n{i}", "score", "m") for i in range(MOST + 1)])
    root = ElementTree.fromstring(svg(graph))
    assert [part.text for part in root.iter(f"{SVG}text")] == [
        f"The graph has {MOST + 1} nodes; at most {MOST} are drawn."
    ]


def plain(label: str) -> str:
    """A label as Mermaid shows it: it holds numbers of characters in a form of its own until then."""
    return re.sub("ﬂ°°(\\d+)¶ß", lambda found: chr(int(found[1])), label)


def test_mermaid_reads_what_is_drawn(
    fakes: Registry, parse_mermaid: Callable[[list[str]], list[Any]]
) -> None:
    all_graphs = [*(drawn(spec, fakes) for spec in SPECS), hostile()]
    for graph, found in zip(all_graphs, parse_mermaid([mermaid(graph) for graph in all_graphs]), strict=True):
        assert "error" not in found, found
        names = [plain(label).split("<br>")[0] for label in found["nodes"].values()]
        assert not any(re.search('[<>"`]', label.replace("<br>", "")) for label in found["nodes"].values())
        if graph.name == HOSTILE:
            assert printable(HOSTILE) in names
        else:
            assert [re.sub(" ?↻ ?", "", name) for name in names] == [node.name for node in graph.nodes]
        assert len(names) == len(graph.nodes)
        assert len(found["groups"]) == len(graph.groups)
        number = {node.path: f"n{i}" for i, node in enumerate(graph.nodes)}
        shown = {(start, end) for start, end in found["edges"]}
        assert {(number[edge.source], number[edge.target]) for edge in graph.edges} == shown


def test_mermaid_that_is_wrong_is_noticed(parse_mermaid: Callable[[list[str]], list[Any]]) -> None:
    (found,) = parse_mermaid(['flowchart TD\n  n0["a"b"]'])
    assert "error" in found


def test_the_command(command: Callable[..., Any], tmp_path: Path) -> None:
    assert command("graph", "kmq").out.startswith("○    pool     data\n├─●  vectors  embed: sentence\n")
    assert command("graph", "kmq", "--format", "mermaid").out.startswith("flowchart TD\n")
    assert command("graph", "kmq", "--format", "svg").out.startswith("<svg ")
    for name, start in (("a.svg", "<svg "), ("a.mmd", "flowchart"), ("a.txt", "○ ")):
        done = command("graph", "kmq", "--out", name)
        assert (done.code, done.out) == (0, "")
        assert (tmp_path / name).read_text("utf-8").startswith(start)
    done = command("graph", "kmq", "--out", "a.png")
    assert done.code == 2
    assert "--out a.png: expected a name that ends in .txt, .svg, .mmd, .mermaid, or --format" in done.err
    done = command("graph", "kmq", "--format", "svg", "--out", "b.txt")
    assert (tmp_path / "b.txt").read_text("utf-8").startswith("<svg ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mmd", "a.svg", "a.txt", "b.txt"]


def test_a_terminal_without_the_signs_gets_others(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr("sys.stdout", stream)
    command("graph", "kmq")
    stream.seek(0)
    assert stream.read().startswith("o    pool     data\n+-*  vectors  embed: sentence\n| *  topics")


def test_the_command_tells_what_it_cannot_do(command: Callable[..., Any], tmp_path: Path) -> None:
    stages = "".join(f"  s{i}: {{score: length, from: pool}}\n" for i in range(MOST))
    names = ", ".join(f"s{i}" for i in range(MOST))
    (tmp_path / "big.yaml").write_text(
        "selectlang: 1\nname: big\nparams: {pool: {type: path}}\ndata: {pool: {path: $pool}}\nstages:\n"
        f"{stages}  all: {{merge: blend, from: [{names}]}}\noutputs: {{all: all}}\n"
    )
    done = command("graph", "big.yaml", "--format", "svg")
    assert done.code == 2
    assert "the graph has 403 nodes, and a drawing has at most 400; use --format text" in done.err
    assert command("graph", "big.yaml").code == 0
    done = command("graph", "kmq", "--out", "no/such/a.svg")
    assert (done.code, done.err) == (2, "selectlang: cannot write no/such/a.svg: No such file or directory\n")
    done = command("graph", "kmg")
    assert done.code == 1
    assert "did you mean 'kmq'?" in done.err
