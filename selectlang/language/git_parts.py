"""`{git: URL, rev: REV, path: PATH}`: what names a spec of a git repository, and the faults of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from selectlang.errors import SpecError
from selectlang.faults import Fault, Place, quoted, unsaid
from selectlang.language.form import Form
from selectlang.language.yaml import Node
from selectlang.origins import address
from selectlang.origins.origin import Unavailable

HINTS = {
    "git": "It is the URL of a repository, such as https://example.org/team/recipes",
    "rev": "It is a tag, a commit in its 40 digits, or a branch. A tag or a commit stays what it is.",
    "path": "It is the path of a spec from the top of the repository, such as kmq.yaml",
}


def git_parts(node: Node) -> tuple[str, str, str]:
    """The URL, the rev and the path, each in its normal form; a SpecError with the faults of all three."""
    form, parts = Form(), []
    form.keys(node, HINTS, "a git source")
    for key, fit in zip(HINTS, (address.url, address.rev, address.path), strict=True):
        part = node.value.get(key)
        if part is None:
            form.fault("SL202", f"a git source needs {quoted(key)}", node.place, HINTS[key])
        elif not isinstance(part.value, str):
            hint = "Write it in quotes." if isinstance(part.value, int | float) else HINTS[key]
            form.fault("SL203", f"{quoted(key)} is text, found {part.type}", part.place, hint)
        else:
            try:
                parts.append(fit(part.value))
            except Unavailable as error:
                form.faults.append(fault(error, part.place))
    if form.faults:
        raise SpecError(form.faults)
    url, rev, path = parts
    return url, rev, path


def one_word(given: str, place: Place) -> Fault:
    """The fault of `git+URL@REV:PATH` in a spec, with the mapping that it stands for."""
    hint = "Write {git: URL, rev: REV, path: PATH}"
    try:
        url, rev, path = map(quoted, map(unsaid, address.word(given)))
        hint += f", here {{git: {url}, rev: {rev}, path: {path}}}"
    except Unavailable:
        pass
    return Fault("SL403", "a spec names one of a git repository by a mapping", place, None, hint)


@contextmanager
def at(place: Place) -> Iterator[None]:
    """Make a source that cannot be had a fault of this place."""
    try:
        yield
    except Unavailable as error:
        raise SpecError([fault(error, place)]) from error


def fault(error: Unavailable, place: Place) -> Fault:
    """A source that cannot be had, as the fault of a place."""
    return Fault(error.code, error.message, place, None, error.hint)
