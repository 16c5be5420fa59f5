"""report.html in Chromium, opened from the disk with the network off."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Make = Callable[..., Any]
Look = Callable[..., Any]
RUN = "selectlang run s.yaml --set pool=pool.jsonl --out out"

SPEC = """
selectlang: 1
name: looked-at
doc: Choose by value, three times.
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  words:  {embed: tfidf, from: pool, dimension: 8}
  topics: {cluster: kmeans, from: words, k: 4}
  values: {score: from_field, from: pool, field: value}
  rounds:
    loop: 3
    carry: {chosen: {next: grown}}
    stages:
      batch:
        budget: per_cluster
        from: {clusters: topics, scores: values, skip: chosen}
        draw: top
        size: 12
        over: 3
      graded: {judge: rubric, from: batch, model: fake/judge, criteria: [accuracy]}
      kept:   {budget: threshold, from: graded.scores, at_least: 0}
      grown:  {merge: union, from: [chosen, kept]}
  best: {budget: top, from: values, size: 5}
outputs: {chosen: rounds.chosen, best: best}
"""
SECTIONS = ["control", "map", "scores", "shares", "rounds", "line", "calls", "graph"]


def made(folder: Path, options: str = "") -> Path:
    """The report of a run in a process of its own: the browser's loop runs in this one."""
    command = [sys.executable, "-m", "selectlang", *shlex.split(f"{RUN} {options}")[1:]]
    environment = {**os.environ, "SELECTLANG_STORE": str(folder / "store")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "report" in done.stderr) == (0, False), done.stderr
    return folder / "out/report.html"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, pool: Make) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in pool(60))
    return made(write(tmp_path_factory.mktemp("report"), {"s.yaml": SPEC, "pool.jsonl": lines}))


def test_it_opens_from_the_disk_and_has_every_section(report: Path, look: Look) -> None:
    with look(report) as seen:
        page = seen.ready()
        assert page.eval_on_selector_all("section", "all => all.map(each => each.id)") == SECTIONS
        assert page.eval_on_selector_all("nav a", "all => all.map(each => each.hash.slice(1))") == SECTIONS
        assert page.title() == "looked-at: selectlang report"
        assert "Choose by value" in page.inner_text("header")
        for section in page.query_selector_all("section"):
            section.scroll_into_view_if_needed()
        count = page.eval_on_selector_all("figure .plot", "all => all.length")
        page.wait_for_function(f"document.querySelectorAll('figure .plot .main-svg').length >= {count}")
        assert page.query_selector("#graph svg [data-stage='rounds/batch']")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        seen.clean()


def test_its_numbers_are_those_of_the_record(report: Path, look: Look) -> None:
    record = json.loads((report.parent / "record.json").read_text())
    with look(report) as seen:
        page = seen.ready()
        tables = page.query_selector_all("table.control")
        assert len(tables) == len(record["control"]) == 2
        for table, control in zip(tables, record["control"].values(), strict=True):
            rows = table.query_selector_all("tbody tr")
            assert len(rows) == len(control["measures"])
            for row, measure in zip(rows, control["measures"], strict=True):
                shown = row.query_selector("[data-what=chosen]").inner_text()
                number = float(re.sub(r"%| of .*|,", "", shown)) / (100 if "%" in shown else 1)
                assert number == pytest.approx(measure["chosen"], rel=0.01, abs=0.001)
                mark = row.query_selector(".mark").inner_text()
                beyond = not measure["lowest"] <= measure["chosen"] <= measure["highest"]
                assert ("all draws" in mark) is beyond
        calls = page.inner_text("#calls tbody")
        assert "fake/judge" in calls
        assert str(record["asked"]["fake/judge"]["calls"]) in calls


def at(page: Any, number: int) -> tuple[float, float]:
    """Where a point of the map is on the screen."""
    return tuple(
        page.evaluate(
            """number => {
                const area = document.getElementById("cloud"), box = area.getBoundingClientRect();
                const { xaxis, yaxis } = area._fullLayout, { x, y } = area.data[1];
                const left = xaxis._offset + xaxis.l2p(x[number]), top = yaxis._offset + yaxis.l2p(y[number]);
                return [box.x + left, box.y + top];
            }""",
            number,
        )
    )


def test_a_point_tells_of_its_row(report: Path, look: Look, pool: Make) -> None:
    chosen = [json.loads(line) for line in (report.parent / "chosen.jsonl").read_text().splitlines()]
    with look(report) as seen:
        page = seen.ready()
        page.query_selector("#cloud").scroll_into_view_if_needed()
        page.mouse.move(*at(page, 0))
        page.wait_for_selector("#tip:not([hidden])")
        told = page.inner_text("#tip")
        row = next(row for row in pool(60) if told.startswith(row["id"] + " "))
        assert "chosen" in told.splitlines()[0]
        assert "not chosen" not in told
        assert row["instruction"] in told
        assert f"task: {row['task']}" in told
        assert f"values: {row['value']}" in told
        assert row["id"] in {each["selectlang"]["id"] for each in chosen}
        page.mouse.click(*at(page, 0))
        page.wait_for_selector("#point:not([hidden])")
        assert page.inner_text("#point") == told
        page.mouse.move(5, 5)
        page.wait_for_selector("#tip", state="hidden")
        seen.clean()


def test_search_finds_rows_by_text_and_id(report: Path, look: Look, pool: Make) -> None:
    with look(report) as seen:
        page = seen.ready()
        rows = pool(60)
        for wanted in ("poem", "r17", "POEM"):
            page.fill("#search", wanted)
            found = [
                row["id"]
                for row in rows
                if wanted.lower() in f"{row['id']} {row['instruction']} {row['output']}"[:140]
            ]
            page.wait_for_function(
                f"document.getElementById('matches').textContent.startsWith('{len(found)} ')"
            )
            assert page.evaluate("document.getElementById('cloud').data[2].x.length") == len(found)
            hits = page.eval_on_selector_all("#hits b", "all => all.map(each => each.textContent)")
            assert set(hits) <= set(found)
            assert len(hits) == min(10, len(found))
        page.press("#search", "Tab")  # and on to the hits, without a mouse
        page.focus("#hits button")
        page.keyboard.press("Enter")
        assert page.inner_text("#point").startswith(hits[0])
        assert page.evaluate("document.getElementById('cloud').data[3].x.length") == 1
        page.fill("#search", "")
        page.wait_for_function("document.getElementById('matches').textContent === ''")
        assert page.evaluate("document.getElementById('cloud').data[2].x.length") == 0
        seen.clean()


def test_the_map_shows_each_selection_and_colours(report: Path, look: Look) -> None:
    with look(report) as seen:
        page = seen.ready()
        sizes = "document.getElementById('cloud').data.map(trace => trace.x.length)"
        many = page.evaluate(sizes)
        assert many[0] + many[1] == 60
        page.select_option("#which", "best")
        assert page.evaluate(sizes)[:2] == [55, 5]
        page.check("#only")
        assert page.evaluate(sizes)[:2] == [0, 5]
        names = page.eval_on_selector_all("#colour option", "all => all.map(each => each.textContent)")
        graded = "rounds/graded.scores (round 3 of 3)"
        assert names == ["chosen or not", "topics", "task", graded, "values"]
        for name in names:
            page.select_option("#colour", label=name)
            assert page.inner_text("#legend")
        page.select_option("#colour", label="task")
        assert set("abc") <= set(page.inner_text("#legend").split())
        seen.clean()


NO_WEBGL = """
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
        return kind.includes("webgl") ? null : get.call(this, kind, ...more);
    };
"""


def test_the_map_needs_no_webgl(report: Path, look: Look) -> None:
    with look(report, before=NO_WEBGL) as seen:
        page = seen.ready()
        assert page.evaluate("document.getElementById('cloud').data[0].type") == "scatter"
        assert page.eval_on_selector_all("#cloud .point", "all => all.length") == 60
        page.query_selector("#cloud").scroll_into_view_if_needed()
        page.mouse.move(*at(page, 0))
        page.wait_for_selector("#tip:not([hidden])")
        seen.clean()


def test_an_old_browser_says_what_it_lacks(report: Path, look: Look) -> None:
    with look(report, before="delete window.DecompressionStream") as seen:
        seen.page.wait_for_selector("#failed:not([hidden])")
        assert "cannot be drawn in this browser" in seen.page.inner_text("#failed")
        assert seen.page.is_visible("table.control")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_reader_likes(report: Path, look: Look, theme: str) -> None:
    other = "light" if theme == "dark" else "dark"
    ground = "getComputedStyle(document.body).backgroundColor"
    with look(report, theme) as seen:
        page = seen.ready()
        before = page.evaluate(ground)
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") == other
        assert page.evaluate(ground) != before
        page.emulate_media(color_scheme=other)
        page.wait_for_timeout(200)
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"{ground} === '{before}'")
        seen.clean()


CONTRAST = """() => {
    const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = all => all.reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = node => { for (; node; node = node.parentElement) {
        const found = getComputedStyle(node).backgroundColor;
        if (found !== "rgba(0, 0, 0, 0)") return found;
    } };
    const found = [];
    const texts = "h1,h2,h3,p,td,th,a,dt,dd,small,summary,button,label,figcaption,.mark";
    for (const node of document.querySelectorAll(texts)) {
        if (!node.textContent.trim() || !node.offsetParent) continue;
        const [a, b] = [getComputedStyle(node).color, behind(node)].map(rgb).map(light).sort();
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push([node.tagName, node.className, node.textContent.slice(0, 20), ratio]);
    }
    return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_text_can_be_read_on_wide_and_narrow_screens(
    report: Path, look: Look, theme: str, width: int
) -> None:
    with look(report, theme, width) as seen:
        page = seen.ready()
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for section in page.query_selector_all("section"):
            section.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        seen.clean()


def test_on_narrow_screens_names_are_cut_and_nothing_is_told_of_what_is_hidden(
    tmp_path: Path, look: Look, pool: Make
) -> None:
    rows = [{**row, "source": f"{'abc'.index(row['task'])} {'name ' * 6}{row['task']}"} for row in pool(30)]
    rows = [{**row, "task": str(i % 2), "value": row["value"] * 1e-9} for i, row in enumerate(rows)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path = made(write(tmp_path, {"s.yaml": SPEC, "pool.jsonl": lines}))
    names = """[...document.querySelectorAll("#shares figure")].map(figure =>
        [...figure.querySelectorAll(".ytick text")].map(each => each.textContent).reverse())"""
    outside = """[...document.querySelectorAll("#shares .ytick text, #shares .xtitle, #control td")].filter(
        each => {
            const box = each.getBoundingClientRect(), wide = each.scrollWidth > each.clientWidth + 1;
            return box.left < 0 || box.right > innerWidth || wide && each.clientWidth;
        }).map(each => each.textContent)"""
    with look(path, width=400) as seen:
        page = seen.ready()
        for figure in page.query_selector_all("#shares figure"):
            figure.scroll_into_view_if_needed()
        page.wait_for_function("document.querySelectorAll('#shares .xtitle').length >= 3")
        told = page.evaluate(names)
        short = {f"{i} name n…e name {letter}" for i, letter in enumerate("abc")}
        assert any(set(each) == short for each in told)
        assert page.evaluate(outside) == []
        assert "Dot:" not in page.inner_text("#control")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.wait_for_function(
            f"({names})[0].concat(({names})[1]).some(each => each.startsWith('0 name name name'))"
        )
        assert "Dot:" in page.inner_text("#control")
        assert page.get_attribute("#search", "placeholder") == "first words of a row, or an id"
        seen.clean()


def test_without_scripts_there_are_tables_and_the_graph(report: Path, look: Look) -> None:
    with look(report, java_script_enabled=False) as seen:
        assert seen.page.is_visible("table.control")
        assert seen.page.is_visible("#graph svg")
        assert "switched off" in seen.page.inner_text("body")


def test_it_can_be_printed(report: Path, look: Look) -> None:
    with look(report) as seen:
        page = seen.ready()
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        count = page.eval_on_selector_all("figure .plot", "all => all.length")
        page.wait_for_function(f"document.querySelectorAll('figure .plot .main-svg').length >= {count}")
        assert not page.is_visible("nav")
        assert len(page.pdf()) > 20_000


MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script></script><svg onload=alert(3)>"
ATTACKS = [
    MARKUP,
    '"><iframe src="https://example.org/"></iframe>',
    "'-alert(4)-'",
    "{{ 7 * 7 }} {% raw %} ${alert(5)} `${alert(6)}`",
    "</script><script>alert(7)</script>",
    "<!--<script>", "]]></style><style>body{display:none}</style>",
    "javascript:alert(8)",
    '<a href="https://example.org/">press</a>',
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f \u061c",
    "a\u2028alert(9)\u2029b \u0085",
    "\x00\x01\x07\x1b[31mred\x1b[0m \x7f",
    "\ud800 half \udfff",
    "&lt;b&gt; &amp; &#x3C;script&#x3E;",
    "\x01chosen",
    "x" * 300_000,
    "漢字かな 👩‍👩‍👧‍👦 e\u0301 \ufeff",
    "__proto__", "constructor", "toString",
]  # fmt: skip


def hostile_rows() -> list[dict[str, Any]]:
    """Rows whose every text is hostile, each beside others, so that budgets choose some of them."""
    rows = []
    for i in range(4 * len(ATTACKS)):
        attack = ATTACKS[i % len(ATTACKS)]
        name = attack[:40] if i < len(ATTACKS) else f"{i} {attack[:20]}"
        rows.append(
            {
                "id": name,
                "instruction": attack,
                "output": f"{i} {attack}",
                "task": attack[:60],
                "value": i * 37 % 101,
            }
        )
    return rows


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in hostile_rows())  # surrogates and all, as escapes
    spec = SPEC.replace("doc: Choose by value, three times.", f"doc: {json.dumps(MARKUP)}")
    spec = spec.replace("params: {", "params: {knob: {type: str, default: " + json.dumps(ATTACKS[1]) + "}, ")
    spec = spec.replace("cluster: kmeans, from: words, k: 4", "cluster: by_field, from: pool, field: task")
    spec = spec.replace("scores: values, skip", "scores: alike, skip")  # and so the map shows `words`
    spec = spec.replace(
        "  values:", "  alike:  {score: nearest, from: {pool: words, targets: words}}\n  values:"
    )
    folder = write(tmp_path, {"s.yaml": spec, "pool.jsonl": lines})
    return made(folder, "--set 'knob=</script><script>alert(10)</script>'")


def test_hostile_rows_are_text(hostile: Path, look: Look) -> None:
    raw = hostile.read_bytes().decode("utf-8")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00-\x08\ud800-\udfff]", raw)
    assert len(raw) < 4_000_000  # a huge row is cut
    with look(hostile) as seen:
        page = seen.ready()
        for section in page.query_selector_all("section"):
            section.scroll_into_view_if_needed()
        for number in range(5):
            page.mouse.move(*at(page, number))
            page.wait_for_timeout(60)
            page.mouse.click(*at(page, number))
        for wanted in ("<img", "script", "{{ 7"):
            page.fill("#search", wanted)
            page.wait_for_function("parseInt(document.getElementById('matches').textContent) > 0")
            page.click("#hits button")
        for name in ("chosen or not", "topics", "task"):
            page.select_option("#colour", label=name)
        assert page.query_selector_all("img, iframe, object, embed, link, form") == []
        assert (
            page.query_selector_all("svg [onload], [onerror], a[href^='http'], a[href^='javascript']") == []
        )
        known = page.evaluate("[...document.scripts].map(each => each.id || each.type || 'own')")
        assert sorted(known) == ["figures", "map-data", "own", "own", "plotly"]
        assert MARKUP[:40] in page.inner_text("#line") + page.inner_text("#hits") + page.inner_text("#point")
        assert page.is_visible("main")
        seen.clean()


def test_what_gets_in_as_markup_still_runs_nothing(report: Path, look: Look, tmp_path: Path) -> None:
    """The policy of the page is a second wall: scripts that it was not written with do not run."""
    added = "<a id=x onclick='document.title = 1'>x</a><script>document.title = 2</script>"
    added += f"<iframe src='https://example.org/'></iframe>{MARKUP}"
    broken = report.read_text().replace("<main>", f"<main>{added}")
    path = tmp_path / "broken.html"
    path.write_text(broken)
    with look(path) as seen:
        page = seen.ready()
        page.click("#x")
        page.evaluate("fetch('https://example.org/').catch(() => 0)")
        assert page.title() == "looked-at: selectlang report"
        assert not any("dialog" in error for error in seen.errors)
        assert any("Content Security Policy" in error for error in seen.errors)
        assert seen.requests == []


def test_a_pool_of_52_002_points_stays_usable(tmp_path: Path, look: Look) -> None:
    """Bounds are generous: points may be drawn without a graphics card."""
    rng = np.random.default_rng(0)
    count = 52_002
    centres = rng.standard_normal((30, 16)) * 3
    group = rng.integers(0, 30, count)
    plugin = (
        "import numpy as np, selectlang as sl\n\n@sl.embed\ndef made(rows: sl.Rows) -> sl.Vectors:\n"
        '    """Vectors out of a file."""\n    return np.load("vectors.npy")\n\n'
        "@sl.hookimpl\ndef register_methods(register):\n    register(made)\n"
    )
    spec = """
selectlang: 1
name: large
params: {pool: {type: path}}
data: {pool: {path: $pool, id: id}}
stages:
  vectors: {embed: made, from: pool}
  topics:  {cluster: by_field, from: pool, field: task}
  near:    {score: nearest, from: {pool: vectors, targets: vectors, among: few}}
  few:     {budget: random, from: pool, size: 20}
  chosen:  {budget: per_cluster, from: {clusters: topics, scores: near}, size: 10%}
outputs: {chosen: chosen}
"""
    np.save(tmp_path / "vectors.npy", (centres[group] + rng.standard_normal((count, 16))).astype(np.float32))
    lines = "".join(
        f'{{"id": "r{i}", "prompt": "row {i} of group {g}, {i * 7919 % 104729}", "task": "g{g}"}}\n'
        for i, g in enumerate(group.tolist())
    )
    files = {"s.yaml": spec, "plugins/made.py": plugin, "pool.jsonl": lines}
    report = made(write(tmp_path, files), "--plugins plugins")
    with look(report) as seen:
        times: dict[str, float] = {}
        start = time.perf_counter()
        page = seen.ready()
        times["load"] = time.perf_counter() - start
        assert page.evaluate("document.getElementById('cloud').data.map(each => each.x.length)")[:2] == [
            46_802,
            5_200,
        ]
        page.query_selector("#cloud").scroll_into_view_if_needed()

        def timed(name: str, act: Callable[[], object]) -> None:
            begun = time.perf_counter()
            act()
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            times[name] = time.perf_counter() - begun

        def hover() -> None:
            page.mouse.move(*at(page, 7))
            page.wait_for_selector("#tip:not([hidden])")

        def search() -> None:
            page.fill("#search", "of group 7,")
            page.wait_for_function("document.getElementById('matches').textContent.startsWith('1,')")

        timed("hover", hover)
        box = page.query_selector("#cloud").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        before = page.evaluate("document.getElementById('cloud')._fullLayout.xaxis.range.slice()")
        timed("zoom", lambda: (page.mouse.move(x, y), page.mouse.wheel(0, -240), page.wait_for_timeout(100)))
        page.wait_for_timeout(300)
        zoomed = page.evaluate("document.getElementById('cloud')._fullLayout.xaxis.range.slice()")
        assert zoomed[1] - zoomed[0] < before[1] - before[0]

        def pan() -> None:
            page.mouse.down()
            page.mouse.move(x + 80, y + 40, steps=4)
            page.mouse.up()

        timed("pan", pan)
        moved = page.evaluate("document.getElementById('cloud')._fullLayout.xaxis.range.slice()")
        assert moved[0] < zoomed[0]
        timed("search", search)
        timed("colour", lambda: page.select_option("#colour", label="near"))
        seen.clean()
        if os.environ.get("SELECTLANG_TIMES"):
            print({name: round(seconds, 2) for name, seconds in times.items()}, report.stat().st_size)
        assert times["load"] < 60
        assert max(seconds for name, seconds in times.items() if name != "load") < 20
