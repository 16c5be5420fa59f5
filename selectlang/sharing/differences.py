"""What differs between what a lock pins and what is here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from selectlang.faults import printable, quoted
from selectlang.sharing.lock import Lock, Pins

_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_WHOLE = 200  # characters of a value that people are told to give again


@dataclass(frozen=True)
class Difference:
    """One thing that differs: what is pinned, what was found, and what can be done."""

    what: str
    pinned: str
    found: str
    do: str = ""

    def line(self) -> str:
        """The difference, for who holds to the lock."""
        return f"{self.what}: pinned {self.pinned}, found {self.found}{self.do and f'; {self.do}'}"

    def move(self) -> str:
        """The difference, for who moves the pin."""
        return f"{self.what}: {self.pinned} -> {self.found}"


def differences(old: Lock, now: Lock) -> list[Difference]:
    """All that differs, but for packages. That of the request says nothing more where others are found."""
    found = [
        *_versions(old, now),
        *_parts("spec", *_elsewhere(old.specs, now.specs)),
        *_params(old, now),
        *_parts("method", _own(old, now), _own(now, old)),
        *_parts("model", old.models, now.models),
        *_parts("data", old.data, now.data),
    ]
    if not found and old.request != now.request:
        found.append(Difference("what is asked for", _short(old.request), _short(now.request)))
    return found


def packages(old: Lock, now: Lock) -> list[Difference]:
    """Packages that are here in other versions; one that is not here is missed only by who needs it."""
    both = [name for name in old.packages if name in now.packages]
    return [
        Difference(name, printable(old.packages[name]), now.packages[name])
        for name in both
        if old.packages[name] != now.packages[name]
    ]


def _versions(old: Lock, now: Lock) -> Iterator[Difference]:
    if old.selectlang != now.selectlang:
        do = _install("selectlang", old.selectlang)
        yield Difference("selectlang", printable(old.selectlang), now.selectlang, do)
    if old.language != now.language:
        yield Difference("the language", str(old.language), str(now.language))


def _elsewhere(old: Pins, now: Pins) -> tuple[Pins, Pins]:
    """Specs without those that are the same under another name: where a spec comes from decides nothing."""
    gone = {pin["sha256"] for name, pin in old.items() if name not in now}
    came = {pin["sha256"] for name, pin in now.items() if name not in old}

    def kept(pins: Pins, others: Pins) -> Pins:
        same = gone & came
        return {name: pin for name, pin in pins.items() if name in others or pin["sha256"] not in same}

    return kept(old, now), kept(now, old)


def _own(lock: Lock, other: Lock) -> Pins:
    """The methods of a lock; those of selectlang follow from its version, where that differs."""
    if lock.selectlang == other.selectlang:
        return lock.methods
    return {name: pin for name, pin in lock.methods.items() if pin["distribution"] != "selectlang"}


def _params(old: Lock, now: Lock) -> Iterator[Difference]:
    nothing = object()
    for name in dict.fromkeys((*old.params, *now.params)):
        was, is_ = old.params.get(name, nothing), now.params.get(name, nothing)
        if was != is_ or type(was) is not type(is_):
            said = ["nothing" if value is nothing else _value(value) for value in (was, is_)]
            yield Difference(f"param {quoted(name)}", said[0], said[1], _give(name, was))


def _parts(what: str, old: Pins, now: Pins) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *now)):
        was, is_ = old.get(name, {}), now.get(name, {})
        if was != is_ or (name in old) != (name in now):
            fields = [field for field in dict.fromkeys((*was, *is_)) if was.get(field) != is_.get(field)]
            said = [_said(part[name], fields) if name in part else "nothing" for part in (old, now)]
            yield Difference(f"{what} {quoted(name)}", said[0], said[1], _do(what, was, is_))


def _do(what: str, was: dict[str, Any], is_: dict[str, Any]) -> str:
    """What brings back what is pinned, where a command does."""
    if what == "method" and was and is_ and was["version"] != is_["version"]:
        plain = was["distribution"].endswith(".py")
        return "" if plain else _install(was["distribution"], was["version"])
    if what == "model" and was.get("package") != is_.get("package") and "package" in was:
        return _install(*was["package"].partition(" ")[::2])
    return ""


def _install(package: str, version: str) -> str:
    """The command for a version; none for what is no name of one, for people paste what they read."""
    fine = _PACKAGE.fullmatch(package) and _VERSION.fullmatch(version)
    return f"pip install {package}=={version}" if fine else ""


def _give(name: str, value: Any) -> str:
    """How to give a param its value, as a shell takes it; nothing where that is no single line."""
    if not isinstance(value, str | int | float):
        return ""
    word = f"{name}={value if isinstance(value, str) else json.dumps(value)}"
    return f"give --set {shlex.quote(word)}" if word.isprintable() and len(word) <= _WHOLE else ""


def _said(pin: dict[str, Any], fields: list[str]) -> str:
    """What a pin has in these fields. Only that of a model may be empty: nobody knows its commit."""
    known = ", ".join(f"{name} {_value(pin[name])}" for name in fields if name in pin)
    return known or ("none" if pin else "one of the hub")


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _short(printable(value))
    return quoted(value) if isinstance(value, bool | int | float) else printable(json.dumps(value))[:60]


def _short(text: str) -> str:
    """The beginning of a hash or a commit, which tells it from others; other texts as they are."""
    return text[:12] if len(text) >= 40 and not set(text) - set("0123456789abcdef") else text[:60]
