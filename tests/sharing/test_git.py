"""Specs of git repositories: which commit, which file, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from selectlang.errors import SpecError
from selectlang.language.check import check
from selectlang.language.program import Program
from selectlang.origins import git as module
from selectlang.origins import process, sources
from selectlang.origins.consent import agree
from selectlang.origins.origin import Origin
from selectlang.origins.sources import Sources
from selectlang.plugins import Registry, load
from tests.sharing._repository import CHILD, PARENT, Repository

Make = Callable[..., Any]
ROWS = [{"instruction": "a", "output": "b " * n} for n in range(1, 6)]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, with a store in it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SELECTLANG_STORE", str(folder / "store"))
    return folder


@pytest.fixture
def program(here: Path, registry: Registry) -> Callable[..., Program]:
    """The program of a spec that is named as on the command line, all its sources agreed to."""
    return lambda spec, **given: check(spec, registry, None, Sources(yes=True, **given))


@pytest.fixture
def faults(program: Callable[..., Program]) -> Callable[..., str]:
    """The faults of a spec, as they are printed."""

    def found(spec: str, **given: Any) -> str:
        with pytest.raises(SpecError) as raised:
            program(spec, **given)
        return str(raised.value)

    return found


def clone(here: Path) -> Path:
    (found,) = (here / "store" / "cache" / "git").iterdir()
    return found


def size(program: Program) -> int:
    found: int = program.params["size"]
    return found


def sized(number: int) -> dict[str, str]:
    return {"base.yaml": PARENT.replace("default: 2", f"default: {number}")}


# The two ways to name one.


def test_a_spec_is_run_from_the_command_line_and_by_a_mapping(repository: Make, project: Make) -> None:
    team = repository()
    mine = f"selectlang: 1\nname: mine\nextends: {{git: '{team.url}', rev: v1, path: deep/child.yaml}}\n"
    recipe = (
        "selectlang: 1\nname: recipe\nparams: {pool: {type: path}}\ndata: {pool: {path: $pool}}\n"
        f"imports: {{inner: {{git: '{team.url}', rev: v1, path: base.yaml}}}}\n"
        "stages: {it: {recipe: inner, from: pool}}\noutputs: {chosen: it}\n"
    )
    p = project({"pool.jsonl": ROWS, "mine.yaml": mine, "recipe.yaml": recipe, "local.yaml": PARENT})
    named = p.run(
        f"selectlang run {team.at('v1', 'deep/child.yaml')} --yes --set pool=pool.jsonl --out one"
    ).ok()
    extended = p.run("selectlang run mine.yaml --set pool=pool.jsonl --out two").ok()
    assert named.bytes() == extended.bytes()
    assert len(named.rows()) == 1
    assert named.keys == extended.keys  # wherever a spec came from
    assert len(p.run("selectlang run recipe.yaml --set pool=pool.jsonl --out three").ok().rows()) == 2
    local = p.run("selectlang run local.yaml --set pool=pool.jsonl --set size=1 --out four").ok()
    assert local.states == {"lengths": "cached", "chosen": "cached"}
    url = shlex.quote(team.at("v1"))
    for command in (f"check {url}", f"plan {url} --set pool=pool.jsonl", f"show {url}"):
        p.run(f"selectlang {command}").ok()


def test_a_program_says_where_all_of_it_comes_from(
    repository: Make, program: Callable[..., Program], here: Path
) -> None:
    team = repository()
    (here / "specs").mkdir()
    Path("specs/parent.yaml").write_text(
        f"selectlang: 1\nname: p\nextends: {{git: '{team.url}', rev: main, path: deep/child.yaml}}\n"
        "imports: {kmq: 'selectlang:kmq'}\nstages: {it: {recipe: kmq, from: pool}}\noutputs: {more: it}\n"
    )
    Path("mine.yaml").write_text("selectlang: 1\nname: m\nextends: specs/parent.yaml\n")
    commit = team.git("rev-parse", "HEAD")
    found = program("mine.yaml").origins
    at = [(origin.kind, origin.path, origin.rev, origin.commit, origin.mutable) for origin in found]
    assert at == [
        ("file", "mine.yaml", None, None, False),
        ("file", "specs/parent.yaml", None, None, False),
        ("git", "deep/child.yaml", "main", commit, True),
        ("git", "base.yaml", "main", commit, True),
        ("pack", "selectlang:kmq", None, None, False),
    ]
    assert found[3].name == team.at("main")
    digest = subprocess.run(["sha256sum", team.folder / "base.yaml"], capture_output=True, check=True)
    assert found[3].digest == digest.stdout.decode().split()[0]
    assert found == program(str(here / "mine.yaml")).origins[:0] + [
        Origin(**{**vars(origin), "name": origin.name}) for origin in found
    ]
    elsewhere = program(str(here / "mine.yaml")).origins  # a path of this machine is in the name alone
    assert [origin.path for origin in elsewhere] == [origin.path for origin in found]


# Which commit a rev means.


def test_tags_and_commits_stay_and_branches_move(repository: Make, program: Callable[..., Program]) -> None:
    team = repository()
    first = team.git("rev-parse", "HEAD")
    team.git("tag", "--annotate", "--message=x", "noted")
    for rev in ("v1", "noted", first, "main"):
        assert size(program(team.at(rev))) == 2
    second = team.commit(sized(3))
    assert [size(program(team.at(rev))) for rev in ("v1", "noted", first, "main", second)] == [2, 2, 2, 3, 3]
    team.git("branch", "v1", first)  # of a tag and a branch of one name, the tag is meant, as git has it
    assert not program(team.at("v1")).origins[0].mutable
    team.git("branch", "side/way", first)
    assert size(program(team.at("side/way"))) == 2


def test_a_tag_that_was_moved_is_looked_up_when_pins_are(
    repository: Make, program: Callable[..., Program]
) -> None:
    team = repository()
    first = program(team.at("v1")).origins[0].commit
    second = team.commit(sized(3), tag="v1")
    assert program(team.at("v1")).origins[0].commit == first
    assert program(team.at("v1"), fresh=True).origins[0].commit == second
    assert program(team.at("v1")).origins[0].commit == second
    pinned = program(team.at("v1"), pins={(team.url, "v1"): first}, fresh=True)
    assert (pinned.origins[0].commit, size(pinned)) == (first, 2)


def test_a_pinned_branch_is_not_looked_up(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str]
) -> None:
    team = repository()
    first = team.git("rev-parse", "HEAD")
    team.commit(sized(3))
    pins = {(team.url, "main"): first}
    found = program(team.at("main"), pins=pins)
    assert (size(found), found.origins[0].commit, found.origins[0].mutable) == (2, first, False)
    team.folder.rename(team.folder.with_name("gone"))
    assert size(program(team.at("main"), pins=pins)) == 2
    assert "[SL406]" in faults(team.at("main"))
    assert "to no commit" in faults(team.at("main"), pins={(team.url, "main"): "--upload-pack=x"})


def test_a_commit_that_no_branch_has_and_a_server_of_old(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    team = repository()
    first = team.git("rev-parse", "HEAD")
    team.commit(sized(3))
    old = tmp_path / "gitconfig"
    old.write_text("[protocol]\n\tversion = 0\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(old))
    assert size(program(team.at("main"))) == 3
    team.git("tag", "--delete", "v1")
    assert size(program(team.at(first))) == 2  # it gives no commit by its number: all is fetched
    none = "0" * 39 + "1"
    assert f"{team.url} has no commit {none}" in faults(team.at(none))


def test_one_check_means_one_commit(
    repository: Make, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the branch moves between two files of it."""
    team = repository()
    asked: list[str] = []
    real = module.Clone.commit

    def commit(self: Any, rev: str, fresh: bool = False) -> Any:
        asked.append(rev)
        found = real(self, rev, fresh)
        team.commit({})
        return found

    monkeypatch.setattr(module.Clone, "commit", commit)
    path = Path("mine.yaml")
    part = f"{{git: '{team.url}', rev: main, path: "
    path.write_text(
        f"selectlang: 1\nname: m\nextends: {part}base.yaml}}\nimports: {{a: {part}deep/child.yaml}}}}\n"
        "stages: {it: {recipe: a, from: pool}}\noutputs: {more: it}\n"
    )
    assert len({origin.commit for origin in program("mine.yaml").origins[1:]}) == 1
    assert asked == ["main"]


# No network.


def test_what_was_used_before_needs_no_network(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str]
) -> None:
    team = repository()
    commit = program(team.at("v1")).origins[0].commit
    team.folder.rename(team.folder.with_name("gone"))
    assert size(program(team.at("v1"))) == size(program(team.at(commit))) == 2
    assert f"cannot read {team.url}: there is no such repository" in faults(team.at("main"))
    assert "[SL406]" in faults(team.at("v2"))


@pytest.mark.parametrize(
    "said, means",
    [
        ("fatal: unable to access 'https://h/x/': Could not resolve host: h", "cannot be reached"),
        ("ssh: connect to host h port 22: Connection refused", "cannot be reached"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "access was refused"),
        ("git@h: Permission denied (publickey).", "access was refused"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "no such repository"),
        ("fatal: the moon is full", "git says: fatal: the moon is full"),
        ("fatal: https://me:hunter2@h/x is odd", "git says: fatal: https://**********@h/x is odd"),
        ("fatal: \x1b[31mred", "fatal: \N{REPLACEMENT CHARACTER}[31mred"),
    ],
)
def test_what_git_says_is_said_in_words(
    said: str, means: str, faults: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(said)} >&2\nexit 128\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    found = faults("git+https://h/x@v1:a.yaml")
    assert "cannot read https://h/x" in found
    assert means in found


def test_without_git(faults: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed  [SL406]" in faults("git+https://h/x@v1:a.yaml")


def test_a_server_that_says_nothing_or_too_much_is_given_up(
    faults: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "git"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for script, limit, value in (("sleep 60 & sleep 60", "LOOK_UP", 0.2), ("yes", "MOST", 1000)):
        fake.write_text(f'#!/bin/sh\ncase "$*" in *ls-remote*) {script};; *) exit 1;; esac\n')
        fake.chmod(0o755)
        with monkeypatch.context() as patch:
            patch.setattr(process, limit, value)
            said = faults("git+https://h/x@v1:a.yaml")
        assert ("no end after 0.2 seconds" if limit == "LOOK_UP" else "more than 1,000 bytes") in said


def test_git_is_shown_nothing_that_it_could_take_for_something_else(
    repository: Make, program: Callable[..., Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of a git that selectlang was started by, as in a hook, do not lead to its repository."""
    team, other = repository(), repository("other", {"x.yaml": "x"})
    for name, value in {"GIT_DIR": other.folder / ".git", "GIT_WORK_TREE": other.folder, "GIT_NAMESPACE": "n",
                        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath",
                        "GIT_CONFIG_VALUE_0": tmp_path}.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    assert size(program(team.at("v1"))) == 2


def test_a_repository_is_reached_by_ssh(
    repository: Make, program: Callable[..., Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the ssh that a person has chosen."""
    team = repository()
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor word; do :; done\nexec sh -c "$word"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    assert size(program(f"git+ssh://git@example.org:22{team.folder}@v1:base.yaml")) == 2
    asked = (tmp_path / "asked").read_text()
    assert f"git@example.org git-upload-pack '{team.folder}'" in asked


# Names.


@pytest.mark.parametrize(
    "rest, said",
    [
        (
            "@v2:base.yaml",
            r"has no tag and no branch 'v2'  \[SL406\]\n  tags: 'v1'\n  branches: 'm",
        ),
        ("@mian:base.yaml", "did you mean 'main'?"),
        ("@{short}:base.yaml", "A commit is written out, in 40 digits"),
        ("@HEAD:base.yaml", "no tag and no branch 'HEAD'"),
        ("@v1:bsae.yaml", r"there is no spec 'bsae.yaml', did you mean 'base.yaml'\?  \[SL402\]"),
        ("@v1:deep/none.yaml", "specs in that folder: 'deep/child.yaml'|specs in that folder: 'child.yaml'"),
        ("@v1:none/x.yaml", "specs in that folder: none"),
        ("@v1:deep", r"'deep' is no path of a spec  \[SL403\]"),
        ("@v1:/base.yaml", r"'/base.yaml' leads out of the repository  \[SL403\]"),
        ("@v1:deep/../../base.yaml", "leads out of the repository"),
        ("@v1:~/base.yaml", "leads out of the repository"),
        ("@v1:", r"names no spec of a git repository  \[SL403\]\n  It is named as git\+URL@REV:PATH"),
        (":base.yaml", "names no spec of a git repository"),
        ("@:base.yaml", "names no spec of a git repository"),
        ("@v1^:base.yaml", "is no rev of git"),
        ("@v1..v2:base.yaml", "is no rev of git"),
        ("@refs/*:base.yaml", "is no rev of git"),
        ("@--upload-pack=x:base.yaml", r"is no rev of git  \[SL403\]"),
        ("@v1:--output=x.yaml", "there is no spec '--output=x.yaml'"),
        ("@v1:\x1b[31m.yaml", "is no path of a spec"),
        ("@v 1:base.yaml", "is no rev of git"),
    ],
)
def test_a_name_that_leads_nowhere(
    rest: str, said: str, repository: Make, faults: Callable[..., str]
) -> None:
    team = repository()
    rest = rest.replace("{short}", team.git("rev-parse", "--short", "HEAD"))
    found = faults(f"git+{team.url}{rest}")
    assert re.search(said.replace("mean 'main'?", r"mean 'main'\?"), found), found
    assert "\x1b" not in found


def test_a_repository_of_another_hash_is_said_to_be_one(
    repository: Make, faults: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    team = repository()
    assert "names its commits by SHA-256" in faults(team.at("v1"))


def test_a_folder_is_no_spec_that_was_meant(repository: Make, faults: Callable[..., str]) -> None:
    team = repository("folders", {"base.yaml/child.yaml": CHILD, "other.yaml": PARENT})
    found = faults(team.at("v1", "base.yaml"))
    assert "there is no spec 'base.yaml'  [SL402]" in found
    assert "specs in that folder: 'other.yaml'" in found


URLS = [
    ("http://h/x", "not by 'http'"), ("ext::sh -c id", "no URL"), ("git://h/x", "not by 'git'"),
    ("--upload-pack=id", "no URL"), ("ssh://-oProxyCommand=id/x", "no URL"), ("ssh://-oX@h/x", "no URL"),
    ("git@h.org:team/x", "Write ssh://git@h.org/team/x"), ("/srv/x", "file:///path/to/it"), ("../x", "file:///"),
    ("https://h/x?token=1", "no URL"), ("https://h", "no URL"), ("https:///x", "no URL"), ("", "no URL"),
    ("file://h/x", "no URL"), ("https://h/\x1b[31m", "no URL"), ("https://h/x\n", "no URL"),
    ("https://" + "h" * 2000 + "/x", "no URL"), ("$url", "no URL"), ("ssh://h:x/y", "no URL"),
]  # fmt: skip


@pytest.mark.parametrize("url, said", URLS)
def test_a_url_is_of_one_of_three_kinds(url: str, said: str, faults: Callable[..., str]) -> None:
    Path("mine.yaml").write_text(
        f"selectlang: 1\nname: m\nextends: {{git: {json.dumps(url)}, rev: v1, path: a.yaml}}\n"
    )
    found = faults("mine.yaml")
    assert said in found
    assert found.startswith("mine.yaml:3:16: ")
    assert "[SL403]" in found
    assert "\x1b" not in found


@pytest.mark.parametrize(
    "mapping, said",
    [
        ("{git: URL, path: a.yaml}", ["needs 'rev'", "a tag, a commit in its 40 digits", "[SL202]"]),
        ("{git: URL, rev: v1}", ["needs 'path'", "[SL202]"]),
        ("{rev: v1, path: a.yaml}", ["needs 'git'", "[SL202]"]),
        ("{git: URL, rev: 1.2, path: a.yaml}", ["is text, found a number", "Write it in quotes", "[SL203]"]),
        ("{git: URL, rev: [v1], path: a.yaml}", ["'rev' is text, found a list", "[SL203]"]),
        ("{git: URL, tag: v1, rev: v1, path: a.yaml}", ["no key 'tag'", "[SL201]"]),
        ("{git: URL, rve: v1, path: a.txt}", ["mean 'rev'?", "needs 'rev'", "'a.txt' is no path of a spec"]),
        ("{}", ["needs 'git'", "needs 'rev'", "needs 'path'"]),
        ("git+URL@v1:base.yaml", ["by a mapping", "{git: 'URL', rev: 'v1', path: 'base.yaml'}", "[SL403]"]),
        ("git+ssh:x", ["by a mapping", "[SL403]"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["extends: {}", "imports: {{a: {}}}"])
def test_a_mapping_with_faults(word: str, mapping: str, said: list[str], faults: Callable[..., str]) -> None:
    url = "https://h/x"
    Path("mine.yaml").write_text("selectlang: 1\nname: m\n" + word.format(mapping.replace("URL", url)))
    found = faults("mine.yaml")
    for part in said:
        assert part.replace("URL", url) in found


def test_two_spellings_of_a_url_are_one(
    repository: Make, program: Callable[..., Program], here: Path
) -> None:
    team = repository()
    program(f"git+FILE://{team.folder}/@v1:./deep/../base.yaml")
    assert program(team.at("v1")).origins[0].path == "base.yaml"
    assert len(list((here / "store/cache/git").iterdir())) == 1


# Files.


def test_a_fault_has_its_place_in_the_repository(repository: Make, faults: Callable[..., str]) -> None:
    team = repository(
        files={"base.yaml": PARENT.replace("score: length", "score: lenght"), "c.yaml": CHILD[:20]}
    )
    found = faults(team.at("v1"))
    assert found.startswith(f"{team.at('v1')}:6:20: ")
    assert "did you mean 'length'?" in found


def test_relative_names_stay_in_the_repository_and_its_commit(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str], tmp_path: Path
) -> None:
    """Never a file of this machine, though one of that name stands where the clone is."""
    team = repository()
    text = "selectlang: 1\nname: x\nextends: {}\n"
    (tmp_path / "outside.yaml").write_text(PARENT)
    Path("base.yaml").write_text(PARENT)
    Path("beside.yaml").write_text(PARENT)
    names = ["../outside.yaml", "../../outside.yaml", "/base.yaml", str(tmp_path / "outside.yaml"),
             "~/x.yaml", "beside.yaml", "deep/../../base.yaml", "$x", "base"]  # fmt: skip
    team.commit({f"{i}.yaml": text.format(name) for i, name in enumerate(names)}, tag="v2")
    for number in range(len(names)):
        found = faults(team.at("v2", f"{number}.yaml"))
        assert re.search(r"\[SL40[23]\]", found), found
        assert found.startswith(f"{team.at('v2', f'{number}.yaml')}:3:10: ")
    team.commit(
        {"fine.yaml": text.format("./deep/child.yaml"), "pack.yaml": text.format("selectlang:kmq")}, tag="v3"
    )
    assert {o.rev for o in program(team.at("v3", "fine.yaml")).origins} == {"v3"}
    assert [o.kind for o in program(team.at("v3", "pack.yaml")).origins] == ["git", "pack"]


def test_a_repository_may_lead_to_another_which_is_asked_for(
    repository: Make, registry: Registry, program: Callable[..., Program]
) -> None:
    other = repository("other")
    files = {"a.yaml": f"selectlang: 1\nname: a\nextends: {{git: '{other.url}', rev: v1, path: base.yaml}}\n"}
    team = repository("team", files)
    other_spec = team.at("v1", "a.yaml")
    with pytest.raises(SpecError, match="SL407"):
        check(other_spec, registry)
    agree(team.url, True, False)
    with pytest.raises(SpecError, match="SL407") as raised:
        check(other_spec, registry)
    assert other.url in raised.value.faults[0].message
    assert str(raised.value).startswith(f"{team.at('v1', 'a.yaml')}:3:")
    assert [origin.url for origin in program(other_spec).origins] == [team.url, other.url]


def test_a_cycle_through_git(repository: Make, faults: Callable[..., str]) -> None:
    team = repository(files={"a.yaml": "selectlang: 1\nname: a\nextends: ./b.yaml\n"})
    team.commit({"b.yaml": "selectlang: 1\nname: b\nextends: ./c/../a.yaml\n"}, tag="v1")
    assert "in a cycle: team@v1:a.yaml -> team@v1:b.yaml -> team@v1:a.yaml  [SL401]" in faults(
        team.at("v1", "a.yaml")
    )


def test_links_folders_and_submodules_are_not_followed(repository: Make, faults: Callable[..., str]) -> None:
    team = repository()
    (team.folder / "link.yaml").symlink_to("/etc/passwd")
    (team.folder / "inner.yaml").symlink_to("base.yaml")
    (team.folder / "around").symlink_to("deep")
    (team.folder / "folder.yaml").mkdir()
    team.commit({"folder.yaml/x": ""})
    commit = team.git("rev-parse", "HEAD")
    team.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub.yaml")
    team.git("commit", "--quiet", "--message=x")
    team.git("tag", "v2")
    for name, said in {
        "link.yaml": "is a link", "inner.yaml": "is a link", "around/child.yaml": "no spec",
        "folder.yaml": "no spec", "sub.yaml": "is no file", "sub.yaml/x.yaml": "no spec",
    }.items():  # fmt: skip
        found = faults(team.at("v2", name))
        assert said in found
        assert "root:" not in found
        assert "[SL402]" in found


@pytest.mark.parametrize(
    "content, code",
    [
        (b"a: " + b"x" * 1_000_000, "SL105"), (b"\xff\xfe\x00", "SL102"), (b"", "SL104"), (b"- a\n", "SL109"),
        (b"a: b: c", "SL103"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_spec(
    content: bytes, code: str, repository: Make, faults: Callable[..., str]
) -> None:
    team = repository(files={"a.yaml": content, "b.yaml": "selectlang: 1\nname: b\nextends: a.yaml\n"})
    assert f"[{code}]" in faults(team.at("v1", "a.yaml"))
    led = faults(team.at("v1", "b.yaml"))  # of what a spec leads to, nothing is shown
    assert re.search(r"\[SL105\]|\[SL405\]", led)
    assert "a: b" not in led


def test_names_in_any_letters(repository: Make, program: Callable[..., Program]) -> None:
    name = 'größe und mehr/:odd "name"/数.yaml'
    team = repository("ein team", {name: PARENT})
    assert program(team.at("v1", name)).origins[0].path == name


# Data beside a spec.


def test_a_default_path_is_a_file_of_the_commit(repository: Make, project: Make) -> None:
    rows = "".join(json.dumps(row) + "\n" for row in ROWS)
    spec = PARENT.replace("{type: path}", "{type: path, default: ../data/rows.jsonl}")
    files = {"data/rows.jsonl": rows, "top.yaml": spec.replace("../", ""), "deep/out.yaml": spec}
    team = repository(files=files)
    p = project({"pool.jsonl": ROWS[:3]})
    done = p.run(f"selectlang run {team.at('v1', 'top.yaml')} --yes --out one").ok()
    team.folder.rename(team.folder.with_name("gone"))
    given = p.run(f"selectlang run {team.at('v1', 'top.yaml')} --set pool=pool.jsonl --out two").ok()
    assert (done.record["data"]["pool"]["rows"], given.record["data"]["pool"]["rows"]) == (5, 3)
    refused = p.run(f"selectlang check {team.at('v1', 'deep/out.yaml')}")
    assert "leads out of the spec's folder  [SL215]" in refused.out


def test_a_default_path_that_is_not_there(repository: Make, project: Make) -> None:
    spec = PARENT.replace("{type: path}", "{type: path, default: rows.jsonl}")
    team = repository(files={"a.yaml": spec})
    p = project({"pool.jsonl": ROWS})
    refused = p.run(f"selectlang check {team.at('v1', 'a.yaml')} --yes")
    assert "'rows.jsonl' is no file of" in refused.out
    assert "It is not in that commit. Another path is given with --set." in refused.out
    assert "[SL215]" in refused.out
    p.run(f"selectlang check {team.at('v1', 'a.yaml')} --set pool=pool.jsonl").ok()


# The clone.


def test_several_processes_at_once(repository: Make, project: Make) -> None:
    team = repository()
    team.commit(sized(3), tag="v2")
    p = project({})
    specs = [team.at(rev) for rev in ("v1", "v2", "main", "v1")]
    started = [p.start(f"selectlang check {shlex.quote(spec)} --yes") for spec in specs]
    for one in started:
        p.finish(one).ok()
    assert len(list((p.store / "cache" / "git").iterdir())) == 1


def test_what_a_killed_fetch_leaves_hinders_none(
    repository: Make, program: Callable[..., Program], here: Path
) -> None:
    team = repository()
    program(team.at("v1"))
    for name in ("shallow.lock", "packed-refs.lock", "objects/pack/tmp_pack_x", "refs/tags/x.lock"):
        path = clone(here) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    team.commit(sized(4))
    assert size(program(team.at("main"))) == 4
    assert not list(clone(here).rglob("*.lock")) + list(clone(here).rglob("tmp_*"))


def test_a_clone_from_somebody_else_runs_nothing(
    repository: Make, program: Callable[..., Program], here: Path
) -> None:
    """A store may come with a project of others: its settings of git and its hooks are not ours."""
    team = repository()
    program(team.at("v1"))
    bad = clone(here)
    touch = f"touch {here / 'bitten'}"
    config = (
        f"[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tsshCommand = {touch}\n"
        f'\tfsmonitor = "{touch};"\n'
        f"\thooksPath = {bad / 'hooks'}\n[extensions]\n\tpartialClone = evil\n"
        f'[remote "evil"]\n\tpromisor = true\n\turl = ssh://evil/x\n\tuploadpack = {touch}\n'
        f'[url "ext::{touch} "]\n\tinsteadOf = file://\n[protocol "ext"]\n\tallow = always\n'
    )
    (bad / "config").write_text(config)
    other = here / "elsewhere"
    other.mkdir()
    (other / "config").write_text(config)
    (bad / "commondir").write_text(str(other))
    (bad / "hooks").mkdir()
    for name in ("reference-transaction", "post-checkout", "pre-auto-gc"):
        (bad / "hooks" / name).write_text(f"#!/bin/sh\n{touch}\n")
        (bad / "hooks" / name).chmod(0o755)
    team.commit(sized(4))
    assert size(program(team.at("main"))) == 4
    assert size(program(team.at("v1"))) == 2
    assert not (here / "bitten").exists()
    assert "evil" not in (bad / "config").read_text()


def test_a_clone_that_is_a_link_is_refused(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str], here: Path, tmp_path: Path
) -> None:
    team = repository()
    program(team.at("v1"))
    found = clone(here)
    found.rename(tmp_path / "own")
    found.symlink_to(tmp_path / "own")
    assert "is a link: a store keeps its folders itself" in faults(team.at("v1"))


def test_a_default_path_writes_nothing_outside_the_clone(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str], here: Path, tmp_path: Path
) -> None:
    spec = PARENT.replace("{type: path}", "{type: path, default: sub/rows.jsonl}")
    team = repository(files={"a.yaml": spec, "sub/rows.jsonl": "{}\n"})
    commit = team.git("rev-parse", "HEAD")
    program(team.at("v1", "a.yaml"))
    folder = clone(here) / "files" / commit / "sub"
    (folder / "rows.jsonl").unlink()
    folder.rmdir()
    (tmp_path / "precious").mkdir()
    folder.symlink_to(tmp_path / "precious")
    assert "leads out of the store" in faults(team.at("v1", "a.yaml"))
    assert not list((tmp_path / "precious").iterdir())


def test_a_damaged_clone_says_what_to_delete(
    repository: Make, program: Callable[..., Program], faults: Callable[..., str], here: Path
) -> None:
    team = repository()
    commit = program(team.at("v1")).origins[0].commit
    tree = team.git("rev-parse", f"{commit}^{{tree}}")
    (clone(here) / "objects" / tree[:2] / tree[2:]).unlink()
    found = faults(team.at("v1"))
    assert f"cannot read the clone of {team.url}  [SL406]" in found
    assert f"Delete {clone(here)}" in found


def test_nothing_of_git_is_imported_for_a_plain_spec(project: Make) -> None:
    p = project({"a.yaml": PARENT, "pool.jsonl": ROWS})
    code = (
        "import sys; from selectlang.cli import main; main(['check', 'a.yaml']); "
        "print([m for m in sys.modules if m in "
        "('selectlang.origins.git', 'selectlang.origins.consent', 'selectlang.store')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=p.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert not (p.folder / ".selectlang").exists()


def test_a_branch_is_warned_of_at_a_run(repository: Make, project: Make) -> None:
    team = repository()
    p = project({"pool.jsonl": ROWS})
    given = "--set pool=pool.jsonl --out"
    moving = p.run(f"selectlang run {team.at('main', 'deep/child.yaml')} --yes {given} one").ok()
    warned = [line for line in moving.err.splitlines() if line.startswith("warning: ")]
    assert warned == [
        f"warning: {team.url}: 'main' is a branch, which moves; name a tag or a commit, or make a lock"
    ]
    still = p.run(f"selectlang run {team.at('v1', 'deep/child.yaml')} {given} two").ok()
    assert "warning" not in still.err
    commit = team.git("rev-parse", "HEAD")
    assert [origin["commit"] for origin in still.record["origins"]] == [commit, commit]


def test_a_file_that_is_named_by_two_revs_comes_from_both(repository: Make, project: Make) -> None:
    """Of the same commit: tomorrow they may be at two."""
    team = repository()
    commit = team.git("rev-parse", "HEAD")
    team.git("branch", "side")
    lines = [f"{{git: '{team.url}', rev: {rev}, path: base.yaml}}" for rev in ("main", "side")]
    spec = f"selectlang: 1\nname: two\nextends: {lines[0]}\nimports: {{other: {lines[1]}}}\n"
    spec += "stages: {again: {recipe: other, from: pool}}\n"
    p = project({"pool.jsonl": ROWS, "two.yaml": spec})
    done = p.run("selectlang run two.yaml --yes --set pool=pool.jsonl --out out").ok()
    assert re.findall("warning: .* '(.*)' is a branch", done.err) == ["main", "side"]
    p.run("selectlang lock two.yaml --set pool=pool.jsonl").ok()
    team.commit({"base.yaml": "selectlang: 1"})
    team.git("branch", "--force", "side", "main")
    done = p.run("selectlang run two.yaml --locked --set pool=pool.jsonl --out out").ok()
    found = [(origin["rev"], origin["commit"]) for origin in done.record["origins"] if origin["rev"]]
    assert found == [("main", commit), ("side", commit)]


def test_every_file_is_counted(repository: Make, faults: Callable[..., str]) -> None:
    many: Mapping[str, str] = {
        f"s{i}.yaml": f"selectlang: 1\nname: x\nextends: s{i + 1}.yaml\n" for i in range(30)
    }
    assert "[SL404]" in faults(repository(files=many).at("v1", "s0.yaml"))


def test_no_more_is_looked_up_than_a_spec_needs(
    repository: Make, faults: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_READS", 30)
    monkeypatch.setattr(sources, "MAX_COMMITS", 5)
    team = repository(
        files={
            "base.yaml": PARENT.replace(
                "outputs", f"""imports: {{{", ".join(f"a{i}: ./n{i}.yaml" for i in range(40))}}}\noutputs"""
            )
        }
    )
    assert "more than 30 names" in faults(team.at("v1"))
    mapping = "{{git: '" + team.url + "', rev: r{}, path: x.yaml}}"
    imports = ", ".join(f"a{i}: {mapping.format(i)}" for i in range(8))
    Path("mine.yaml").write_text(PARENT + f"imports: {{{imports}}}\n")
    found = faults("mine.yaml")
    assert found.count("no tag and no branch") == 5
    assert "at most 5 revs of git repositories  [SL404]" in found


def test_the_repository_itself_is_not_changed(repository: Make, program: Callable[..., Program]) -> None:
    team: Repository = repository()
    before = sorted(str(path) for path in team.folder.rglob("*"))
    program(team.at("main"))
    assert sorted(str(path) for path in team.folder.rglob("*")) == before
