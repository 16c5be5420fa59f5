"""The first use of a git source asks, and the answer is kept."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import UsageError
from selectlang.origins import address, consent
from selectlang.origins.origin import Unavailable
from tests.sharing._repository import PARENT

Make = Callable[..., Any]
SECRET = "hunter2"


def at_terminal(words: list[str], folder: Path, answer: str) -> tuple[int, str]:
    """Run selectlang in a terminal in which somebody types; the exit code, and all that is on the screen."""
    master, slave = pty.openpty()
    screen = bytearray()

    def read() -> None:
        try:
            while part := os.read(master, 10_000):
                screen.extend(part)
        except OSError:  # the terminal is closed
            pass

    process = subprocess.Popen(
        [sys.executable, "-m", "selectlang", *words], cwd=folder, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    reader = threading.Thread(target=read)
    reader.start()
    os.write(master, answer.encode())
    try:
        code = process.wait(60)
    finally:
        process.kill()
        reader.join(60)
        os.close(master)
    return code, screen.decode().replace("\r\n", "\n")


def test_nothing_is_fetched_before_somebody_agrees(repository: Make, project: Make, config: Path) -> None:
    team = repository()
    p = project(
        {"mine.yaml": f"selectlang: 1\nname: m\nextends: {{git: '{team.url}', rev: v1, path: base.yaml}}\n"}
    )
    for spec, place in (("mine.yaml", "mine.yaml:3:"), (team.at("v1"), f"{team.at('v1')}:1:1")):
        refused = p.run(f"selectlang check {spec}")
        assert refused.code == 1
        assert refused.out.startswith(place)
        assert f"{team.url} is used for the first time  [SL407]" in refused.out
        assert "give --yes once" in refused.out
    assert p.run("selectlang run mine.yaml").code == 1
    assert not list(p.store.rglob("objects"))
    assert not config.exists()


def test_yes_is_remembered_for_the_repository_and_no_other(
    repository: Make, project: Make, config: Path
) -> None:
    team, other = repository(), repository("other")
    p = project({})
    p.run(f"selectlang check {team.at('v1')} --yes").ok()
    p.run(f"selectlang check {team.at('main', 'deep/child.yaml')}").ok()
    assert json.loads(config.read_text()) == {"git": [team.url]}
    assert p.run(f"selectlang check {other.at('v1')}").code == 1
    p.run(f"selectlang check {other.at('v1')} --yes").ok()
    assert json.loads(config.read_text()) == {"git": sorted([team.url, other.url])}
    config.write_text(json.dumps({"git": [other.url]}))
    assert p.run(f"selectlang check {team.at('v1')}").code == 1
    assert [path.name for path in config.parent.iterdir()] == ["trusted.json"]


def test_without_any_stream_nobody_is_asked(
    repository: Make, project: Make, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = project({})
    monkeypatch.setattr(sys, "stdin", None)  # as where the shell says `<&-`
    done = p.run(f"selectlang check {repository().at('v1')}")
    assert (done.code, config.exists()) == (1, False)
    assert "give --yes once" in done.out


@pytest.mark.parametrize(
    "answer, code", [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1), ("yy\n", 1)]
)
def test_a_terminal_asks(answer: str, code: int, repository: Make, tmp_path: Path, config: Path) -> None:
    team = repository()
    found, screen = at_terminal(["check", team.at("v1")], tmp_path, answer)
    assert found == code
    assert f"{team.url}\nis used for the first time. A spec is data and cannot run code" in screen
    assert "Use it? [y/N]" in screen
    assert ("fine, 2 stages" in screen) == (code == 0)
    assert (f"{team.url} was not agreed to  [SL407]" in screen) == (code == 1)
    assert config.exists() == (code == 0)


def test_a_terminal_asks_once_for_each(repository: Make, tmp_path: Path) -> None:
    first, second = repository("first"), repository("second")
    part = "{{git: '{}', rev: {}, path: base.yaml}}"
    (tmp_path / "mine.yaml").write_text(
        f"selectlang: 1\nname: m\nextends: {part.format(first.url, 'v1')}\nimports:\n"
        f"  a: {part.format(first.url, 'main')}\n  b: {part.format(second.url, 'v1')}\n"
    )
    code, screen = at_terminal(["check", "mine.yaml"], tmp_path, "y\ny\n")
    assert code == 0
    assert screen.count("Use it?") == 2
    code, screen = at_terminal(["check", "mine.yaml"], tmp_path, "")
    assert (code, screen.count("Use it?")) == (0, 0)


def test_who_said_no_is_not_asked_again_by_the_same_command(repository: Make, tmp_path: Path) -> None:
    team = repository()
    spec = (
        f"selectlang: 1\nname: m\nimports:\n  a: {{git: '{team.url}', rev: v1, path: base.yaml}}\n"
        f"  b: {{git: '{team.url}', rev: main, path: base.yaml}}\n"
    )
    (tmp_path / "mine.yaml").write_text(spec + PARENT.partition("name: base\n")[2])
    code, screen = at_terminal(["check", "mine.yaml"], tmp_path, "n\n")
    assert (code, screen.count("Use it?")) == (1, 1)


def test_a_home_that_may_not_be_written_is_no_hindrance(
    repository: Make, project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    team = repository()
    p = project({})
    p.run(f"selectlang check {team.at('v1')} --yes").ok()
    assert p.run(f"selectlang check {team.at('v1')}").code == 1


@pytest.mark.parametrize(
    "text", ["", "[]", '{"git": 1}', '{"git": [1]}', "{", "\x80", "[" * 100_000, '{"x": []}']
)
def test_what_was_agreed_to_cannot_be_read(text: str, config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text(text, encoding="latin-1")
    with pytest.raises(
        UsageError, match=r"cannot read what you agreed to, .*trusted\.json.*; mend or delete it"
    ):
        consent.agree("https://h/x", True, False)
    assert config.read_text(encoding="latin-1") == text


def test_the_home_is_that_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # which its specification has ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    consent.agree("https://h/x", True, False)
    file = tmp_path / ".config/selectlang/trusted.json"
    assert json.loads(file.read_text()) == {"git": ["https://h/x"]}
    assert file.stat().st_mode & 0o077 == 0


# URLs.


@pytest.mark.parametrize(
    "given, normal, agreed",
    [
        ("https://Example.ORG:443/Team/x/", "https://example.org/Team/x", "https://example.org/Team/x"),
        ("HTTPS://h:8443/x.git", "https://h:8443/x.git", "https://h:8443/x.git"),
        ("ssh://git@H:22/x", "ssh://git@h/x", "ssh://h/x"),
        ("ssh://git@h:2222/~me/x", "ssh://git@h:2222/~me/x", "ssh://h:2222/~me/x"),
        ("https://[::1]:443/x", "https://[::1]/x", "https://[::1]/x"),
        ("file:///srv/My Team//", "file:///srv/My Team", "file:///srv/My Team"),
        ("https://h/@team/x@1", "https://h/@team/x@1", "https://h/@team/x@1"),
    ],
)
def test_the_normal_form_of_a_url(given: str, normal: str, agreed: str) -> None:
    assert address.url(given) == normal
    assert address.url(normal) == normal
    assert address.bare(normal) == agreed


@pytest.mark.parametrize(
    "word, parts",
    [
        ("git+https://h/team/x@v1.2:a.yaml", ("https://h/team/x", "v1.2", "a.yaml")),
        ("git+https://h/@team/x@v1:a.yaml", ("https://h/@team/x", "v1", "a.yaml")),
        ("git+ssh://git@h:22/x@feature/y:a/b@c:d.yaml", ("ssh://git@h:22/x", "feature/y", "a/b@c:d.yaml")),
        ("git+file:///srv/x@1:a.yaml", ("file:///srv/x", "1", "a.yaml")),
        ("git+https://[::1]/x@v1:a.yaml", ("https://[::1]/x", "v1", "a.yaml")),
    ],
)
def test_the_parts_of_a_word(word: str, parts: tuple[str, ...]) -> None:
    assert address.word(word) == parts


LEAKS = [f"https://me:{SECRET}@h/x", f"https://{SECRET}@h/x", f"ssh://git:{SECRET}@h/x", f"HTTPS://me:{SECRET}@h/x",
         f"http://me:{SECRET}@h/x", f"https://me:{SECRET}@"]  # fmt: skip


@pytest.mark.parametrize("url", LEAKS)
def test_a_password_is_refused_and_neither_printed_nor_kept(url: str, project: Make, config: Path) -> None:
    spec = f"selectlang: 1\nname: m\nrev: 1\nextends: {{git: '{url}', rvv: v1, path: a.yaml}}\n"
    p = project(
        {"mine.yaml": spec, "second.yaml": spec.replace("extends: {", "imports: {7: 1, a: {").strip() + "}"}
    )
    for name in ("mine.yaml", "second.yaml", f"git+{url}@v1:a.yaml", f"git+{url}", f"{url}@v1:a.yaml"):
        for form in ("text", "json", "github"):
            done = p.run(f"selectlang check {shlex.quote(name)} --yes --format {form}")
            assert done.code == 1
            assert SECRET not in done.out + done.err, done.out
    refused = p.run(f"selectlang run {shlex.quote(f'git+{url}@v1:a.yaml')} --yes")
    assert refused.code == 1
    assert SECRET not in refused.out + refused.err
    kept = [path for path in [*p.folder.rglob("*"), config] if path.is_file() and SECRET in path.read_text()]
    assert [path.name for path in kept] in (["mine.yaml", "second.yaml"], ["second.yaml", "mine.yaml"])


def test_an_agreement_is_an_exact_url(config: Path) -> None:
    consent.agree("https://h/team/x", True, False)
    for other in (
        "https://h/team/xy",
        "https://h/team",
        "ssh://h/team/x",
        "https://h/Team/x",
        "https://g/team/x",
    ):
        with pytest.raises(Unavailable, match="first time"):
            consent.agree(other, False, False)
