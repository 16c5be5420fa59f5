"""The pages as a site: it builds, its links lead somewhere, and it asks no other server for anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs._pages import DOCS, ROOT

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data"}


@dataclass
class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what a browser fetches when it opens it."""

    text: str
    anchors: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.loads |= {*re.findall(r"url\(['\"]?([^'\")]+)", self.text)}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if tag == "link" and given.get("rel") != "canonical":
            self.loads.add(given["href"])
        if tag in LOADS and LOADS[tag] in given:
            self.loads.add(given[LOADS[tag]])
        if "mermaid" in given.get("class", "").split() or given.get("data-md-component") == "source":
            self.loads.add(f"https: what the theme fetches for <{tag} class={given.get('class')!r}>")


def broken(folder: Path) -> Iterator[str]:
    """The faults of a site: links and anchors that are not there, and what is fetched from elsewhere."""
    pages = {path: Page(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        here = path.relative_to(folder)
        for link in page.links | page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data":
                    yield f"{here} fetches {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if path.name == "404.html":  # its links begin at the root of the server
                target = folder / unquote(parts.path).lstrip("/")
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{here} leads to {link}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{here} leads to {link}, and there is no such anchor"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason='the theme is not installed: pip install "selectlang[docs]"')
    folder = tmp_path_factory.mktemp("site").resolve()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_with_every_page(site: Path) -> None:
    built = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert built == {path.relative_to(DOCS) for path in DOCS.rglob("*.md")} | {Path("404.md")}


def test_every_link_leads_somewhere_and_nothing_is_fetched(site: Path) -> None:
    assert not [*broken(site)]


def test_styles_and_scripts_of_the_site_name_no_other_server(site: Path) -> None:
    for path in site.rglob("*.css"):
        text = path.read_text("utf-8")
        assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", text), path
    theme = site / "assets" / "javascripts"  # it fetches something for mermaid and repositories alone
    assert all(path.is_relative_to(theme) for path in site.rglob("*.js"))


def test_a_spec_of_the_library_stands_in_the_page_of_its_paper(site: Path) -> None:
    text = re.sub(r"<[^>]+>", "", (site / "papers" / "alpagasus.html").read_text("utf-8"))
    assert "# Follows AlpaGasus (arXiv:2307.08701): a model grades every row" in text
    assert "--8&lt;--" not in text


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The address of the site on a server of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_browser_shows_it_and_finds_words_in_it_without_another_server(served: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no Chromium")
    asked, said = set[str](), list[str]()
    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with api.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for name in ("index", "methods/budget", "papers/iterselecttune", "errors", "tutorial"):
            page.goto(f"{served}{name}.html", wait_until="networkidle")
        page.click("input.md-search__input")
        page.keyboard.type("Efraimidis")
        page.wait_for_selector(".md-search-result__item a[href*='methods/budget.html']")
        browser.close()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []
    assert said == []


@pytest.mark.parametrize(
    "text, fault",
    [
        ('<a href="nowhere.html">x</a>', "leads to nowhere.html, which is not there"),
        ('<a href="#nothing">x</a>', "leads to #nothing, and there is no such anchor"),
        ('<a href="index.html#nothing">x</a>', "leads to index.html#nothing, and there is no such anchor"),
        ('<script src="https://cdn.example/x.js"></script>', "fetches https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "fetches //fonts.example/a.css"),
        ("<style>a {background: url(https://x.example/a.png)}</style>", "fetches https://x.example/a.png"),
        ('<pre class="mermaid">graph LR</pre>', "fetches https: what the theme fetches for"),
        ('<a href="https://example.org">x</a><a href="#here" id="here">y</a>', ""),
    ],
)
def test_a_fault_of_a_site_is_noticed(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(text)
    found = [*broken(tmp_path.resolve())]
    assert len(found) == bool(fault)
    assert fault in "".join(found)
