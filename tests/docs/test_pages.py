"""The README, CONTRIBUTING and docs/: what they tell people to do works, and their links lead somewhere."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selectlang.demo import rounds
from selectlang.demo.model import pairs, write_model, write_toy_reward_model
from selectlang.demo.pool import make_pool, write
from selectlang.llm import fake
from tests.docs._pages import BLOCK, DOCS, FILE, PAGES, anchors, blocks, obey, text_of
from tests.llm.server import Server
from tests.sharing._repository import EXAMPLE, published

SERVER = "http://localhost:8000/v1"  # in its place commands are given the address of a server of the test
MINILM, ROUNDS = rounds.ENCODER, "quickstart/rounds"  # and where models are run, one that is fast
OWN = "file:///tmp/recipes"  # a repository that a page makes
ASKED = {"models.md": {"gpt-4o", "Qwen/Qwen2.5-7B-Instruct"}, "local-model.md": {"Qwen/Qwen2.5-7B-Instruct"}}
MADE = {DOCS / "errors.md", DOCS / "commands.md", *DOCS.glob("methods/*.md")}  # examples tested elsewhere
by_page = pytest.mark.parametrize("page", [p for p in PAGES if p not in MADE], ids=lambda page: page.name)
by_any_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def hosted(quickstart: Any) -> Iterator[Server]:
    """A server that answers for OpenAI, and for one of one's own, as `fake/judge` does."""
    with Server(answer=lambda prompt: fake.answer("judge", [{"role": "user", "content": prompt}])) as found:
        quickstart.environment |= {"OPENAI_API_KEY": "sk-of-the-test", "OPENAI_BASE_URL": found.url}
        yield found


def stand_ins(folder: Path) -> None:
    """What the second part of the quickstart makes, from less."""
    write(folder, rows=rounds.ROWS)
    write_model(folder / "toy-model", pairs(make_pool(rounds.ROWS)), steps=100)
    write_toy_reward_model(folder / "toy-reward", make_pool(rounds.ROWS), steps=5)


@by_page
def test_a_page_works_when_it_is_obeyed(
    page: Path, quickstart: Any, hosted: Server, few_threads: None
) -> None:
    p, name = quickstart, page.name
    commands = re.findall(
        r"^(?:\$ )?(selectlang \w+)", "".join(text for _, text in blocks(page)), re.MULTILINE
    )
    instead = {SERVER: hosted.url}
    if name == "ray.md":
        pytest.importorskip("ray", reason='Ray is not installed: pip install "selectlang[ray]"')
    if name == "models.md":
        write_model(p.folder / "my-model", pairs(make_pool(60)), steps=60)
    if ROUNDS in text_of(page):
        stand_ins(p.folder / ROUNDS)
        instead[MINILM] = f"{ROUNDS}/toy-model"
    for url in [url for url in (OWN, EXAMPLE) if url in text_of(page)][:1]:
        texts = [text for origin in (DOCS / "sharing.md", page) for _, text in blocks(origin)]
        published(p, {found[1]: text for text in texts if (found := FILE.match(text))}, tag="v1.2", url=url)
    assert obey(p, page, instead) == len(commands)
    chosen = list(p.folder.glob("runs/*/chosen.jsonl"))
    assert bool(chosen) == ("selectlang run" in commands)
    assert all(path.stat().st_size for path in chosen)
    assert {request.body["model"] for request in hosted.requests} == ASKED.get(name, set())


def test_an_example_that_is_wrong_is_noticed(quickstart: Any, tmp_path: Path) -> None:
    for number, text in enumerate(
        [
            "```yaml\nstages: {chosen: {sise: 1}}\n```\n",
            "```yaml\n# x.yaml\nselectlang: 1\nname: x\n```\n",
            "```bash\nselectlang check nothing.yaml\n```\n",
            "```console\n$ selectlang show SL302\nsomething else\n```\n",
            '```json\n{"id": "of no row"}\n```\n',
            '```json\n{"seed": 41}\n```\n',
            "```console\n$ selectlang check frame.yaml\nx: stopped before it was done\n```\n",
        ]
    ):
        page = tmp_path / f"page{number}.md"
        page.write_text(text)
        frame = next(text for _, text in blocks(DOCS / "language.md") if text.startswith("# frame.yaml"))
        quickstart.write({"frame.yaml": frame})
        with pytest.raises(AssertionError):
            obey(quickstart, page)


@by_page
def test_python_in_a_page(page: Path) -> None:
    found = doctest.DocTestParser().get_doctest(text_of(page).replace("```", ""), {}, page.name, None, 0)
    assert doctest.DocTestRunner(verbose=False).run(found).failed == 0
    assert len(found.examples) >= text_of(page).count(">>> ")


@by_any_page
def test_links_lead_somewhere(page: Path) -> None:
    prose = BLOCK.sub("", text_of(page))
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", prose)
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
