"""Reports of runs, and a browser to look at them with: headless Chromium, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from selectlang.engine.opened import Opened
from selectlang.report.facts import facts
from selectlang.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-unsafe-swiftshader"
)


@pytest.fixture
def about() -> Callable[..., dict[str, Any]]:
    """`about(project, folder)`: what the report of a run is made of."""

    def read(project: Any, folder: Path) -> dict[str, Any]:
        return facts(Opened.open(folder, Store(project.store)), True).about

    return read


@dataclass
class Seen:
    """A page that is open, and what it did that a report must not."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ready(self) -> Page:
        """The page when its charts can be drawn."""
        self.page.wait_for_function("document.documentElement.dataset.charts === 'ready'")
        if self.page.query_selector("#cloud"):
            self.page.wait_for_function("document.documentElement.dataset.map === 'ready'")
        return self.page

    def clean(self) -> None:
        """Nothing was asked of the network, no script failed, and no dialog came up."""
        assert (self.errors, self.requests) == ([], [])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """It lives as long as a module: while it does, its loop runs in this thread, and no other can."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield found
        found.close()


@pytest.fixture
def look(browser: Browser) -> Callable[..., Any]:
    """`look(path)`: the report at a path, opened from the disk with the network off."""

    @contextmanager
    def opened(
        path: Path, theme: str = "light", width: int = 1280, before: str = "", **options: Any
    ) -> Iterator[Seen]:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=theme, offline=True, **options)
        page = context.new_page()
        if before:
            page.add_init_script(before)
        seen = Seen(page)

        def heard(message: Any) -> None:
            if message.type == "error" or "Content Security" in message.text:
                seen.errors.append(message.text)

        def refused(route: Any) -> None:
            seen.requests.append(route.request.url)
            route.abort()

        page.route(lambda url: url != path.as_uri(), refused)
        page.on("console", heard)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on(
            "dialog", lambda dialog: (seen.errors.append(f"a dialog: {dialog.message}"), dialog.dismiss())
        )
        page.on("popup", lambda popup: seen.errors.append("another window"))
        page.goto(path.as_uri())
        yield seen
        context.close()

    return opened
