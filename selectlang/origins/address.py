"""How a spec in a git repository is named: a URL, a rev and a path, each of one safe form.

In a spec they stand in a mapping, `{git: URL, rev: v1.2, path: kmq.yaml}`; on the command line, in one
word: `git+URL@REV:PATH`. The rev ends at the first `:` after the first `@` that a rev can follow.
"""

from __future__ import annotations

import posixpath
import re

from selectlang.faults import quoted, unsaid
from selectlang.origins.origin import Unavailable

PREFIX = "git+"
PORTS = {"https": "443", "ssh": "22", "file": ""}  # the schemes there are, and the port of each
ENDINGS = (".yaml", ".yml")
LONGEST = 1000  # characters of a URL, a rev or a path
COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_WORD = re.compile(r"git\+(?P<url>[^:/]*://[^/]*/.+?)@(?P<rev>[^@:]+):(?P<path>.+)", re.DOTALL)
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<where>[^/]*)(?P<path>.*)", re.DOTALL)
_WHERE = re.compile(
    r"((?P<user>[A-Za-z0-9_][\w.-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d+))?",
    re.ASCII,
)
_NO_REV = re.compile(r"\.\.|@\{|//|/\Z|\.\Z|\.lock\Z|[\s~^:?*\[\\\x00-\x1f\x7f]")
_FORM = "It is named as git+URL@REV:PATH, as in git+https://example.org/team/recipes@v1.2:kmq.yaml"
_SCHEMES = "A repository is named https://..., ssh://... or file:///..."


def word(given: str) -> tuple[str, str, str]:
    """The URL, the rev and the path of `git+URL@REV:PATH`, unchecked."""
    found = _WORD.fullmatch(given)
    if found is None:
        before = given[len(PREFIX) :].rpartition("@")[0]
        hint = _FORM if "://" in given else f"{_meant(before)}\n{_FORM}"
        raise Unavailable("SL403", f"{quoted(unsaid(given))} names no spec of a git repository", hint)
    return found["url"], found["rev"], found["path"]


def url(given: str) -> str:
    """A URL in its normal form: `https`, `ssh` or `file`, no password, no port that goes without saying."""
    found = _URL.fullmatch(given) if given.isprintable() and len(given) <= LONGEST else None
    if found is None:
        raise Unavailable("SL403", f"{quoted(unsaid(given))} is no URL of a git repository", _meant(given))
    scheme, path = found["scheme"].lower(), found["path"].rstrip("/")
    if scheme not in PORTS:
        message = f"a git source is reached by https, ssh or file, not by {quoted(scheme)}"
        hint = "What comes by http can be changed on its way; use https." if scheme == "http" else _SCHEMES
        raise Unavailable("SL403", message, hint)
    if unsaid(given) != given:
        message = f"{quoted(unsaid(given))}: a URL holds no password and no token"
        hint = "Leave them to a credential helper of git, or use ssh. What was written down is no secret."
        raise Unavailable("SL403", message, hint)
    where = _WHERE.fullmatch(found["where"])
    fine = where is not None if scheme != "file" else not found["where"]
    if not fine or not path or any(char in path for char in "?#"):
        raise Unavailable("SL403", f"{quoted(given)} is no URL of a git repository", _SCHEMES)
    if where is None:
        return f"file://{path}"
    user = f"{where['user']}@" if where["user"] else ""
    port = f":{where['port']}" if where["port"] and where["port"] != PORTS[scheme] else ""
    return f"{scheme}://{user}{where['host'].lower()}{port}{path}"


def _meant(given: str) -> str:
    scp = re.fullmatch(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[\w./~-]+)", given, re.ASCII)
    if scp is not None:
        return f"Write ssh://{scp['host']}/{scp['path'].lstrip('/')}"
    if given.startswith(("/", "~", ".")) and given.isprintable():
        return "A repository of this machine is named by its whole path: file:///path/to/it"
    return _SCHEMES


def bare(normal: str) -> str:
    """A URL in its normal form without the user of ssh: what a person agrees to."""
    return re.sub(r"(?<=://)[^/@]*@", "", normal)


def rev(given: str) -> str:
    """A tag, a branch or a commit, of a form that git takes for nothing else."""
    if given.startswith(("-", "/", ".")) or _NO_REV.search(given) or not _short(given):
        hint = "It is a tag, a branch, or a commit, whose 40 digits are written out."
        raise Unavailable("SL403", f"{quoted(given)} is no rev of git", hint)
    return given


def path(given: str, folder: str = "") -> str:
    """The path of a spec in a repository, as seen from a folder of it; it never leads out of it."""
    joined = posixpath.normpath(posixpath.join(folder, given)) if given else ""
    if given.startswith(("/", "~", "$")) or joined.startswith("../") or joined == "..":
        hint = "A path is seen from the top of it, or from the folder of the spec in it, and stays inside."
        raise Unavailable("SL403", f"{quoted(given)} leads out of the repository", hint)
    if not given.endswith(ENDINGS) or not _short(given):
        hint = "It ends in .yaml or .yml."
        raise Unavailable("SL403", f"{quoted(given)} is no path of a spec", hint)
    return joined


def _short(text: str) -> bool:
    return text.isprintable() and 0 < len(text) <= LONGEST
