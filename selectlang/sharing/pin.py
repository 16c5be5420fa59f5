"""Pinning: what a program rests on, as a lock says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import selectlang
from selectlang.amount import Amount
from selectlang.digests import folder_digest
from selectlang.engine.datasets import Datasets, data_spec
from selectlang.engine.keys import content
from selectlang.engine.record import versions
from selectlang.engine.request import every_call, request
from selectlang.engine.source import source_digest
from selectlang.errors import DataError, LockError
from selectlang.hub import hub_parts
from selectlang.language.program import Program
from selectlang.language.schemas import LOCAL
from selectlang.language.spec import VERSION
from selectlang.origins.origin import Origin
from selectlang.sharing.hub import commit, revised
from selectlang.sharing.lock import Lock, Pins
from selectlang.sharing.named import Named, models, packaged, programs, put
from selectlang.store.store import Store


@dataclass
class Pinning:
    """Pins one program.

    With `old`, names of the hub stay at the commits that it has for them, and others are left without one;
    without it each is looked up, with `newest` at the hub itself. `notes` are for people, `problems` say what
    is not there.
    """

    program: Program
    old: Lock | None = None
    newest: bool = False
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def lock(self, store: Store) -> Lock:
        """The lock of the program as all is now; it puts the commits of hub names into the program.

        A LockError lists all that is not there, or cannot be pinned.
        """
        params = dict(self._params())  # as a person gave them
        named = self._models()
        data, paths = self._data(Datasets(store))
        if self.problems:
            raise LockError("\n".join(self.problems))
        commits = {model: pin["commit"] for model, pin in named.items() if "commit" in pin}
        put(self.program, {model: f"{revised(model)[0]}@{at}" for model, at in commits.items()}, paths)
        return Lock(
            spec=self.program.name,
            selectlang=selectlang.__version__,
            language=VERSION,
            request=request(self.program),
            params=params,
            specs={_named(origin): _spec(origin) for origin in self.program.origins},
            methods=self._methods(),
            models=dict(sorted(named.items())),
            data=data,
            packages=versions(),
        )

    def _params(self) -> Iterator[tuple[str, Any]]:
        """The params that are no path and no folder: those may be elsewhere on another machine."""
        for name, value in sorted(self.program.params.items()):
            kind = self.program.declared[name].type
            parts = value if isinstance(value, list) else [value]
            if kind != "path" and not (kind == "model" and any(map(content, parts))):
                found = [_param(kind, part) for part in parts]
                yield name, found if isinstance(value, list) else found[0]

    def _methods(self) -> Pins:
        found = {}
        for call in every_call(self.program.steps):
            method = call.method
            found[f"{method.kind}: {method.name}"] = {
                "distribution": Path(method.distribution).name,
                "version": method.version,
                "source": source_digest(method.call),
            }
        return dict(sorted(found.items()))

    def _models(self) -> Pins:
        found: Pins = {}
        for named in sorted(models(self.program), key=lambda named: named.kind == "hosted"):
            name = named.place if named.kind == "folder" else named.model
            if name not in found and named.kind != "built in":
                with self._collected():
                    found[name] = self._model(named)
        return found

    def _model(self, named: Named) -> dict[str, Any]:
        if named.kind == "hosted":
            return {"hosted": True}
        if named.kind == "folder":
            return {"sha256": content(named.model)}
        if folder := packaged(named.model):
            package = folder.parent.name.replace("_", "-")
            return {"package": f"{package} {version(package)}", "sha256": folder_digest(str(folder))}
        if self.old is not None:
            pin = self.old.models.get(named.model, {})
            return {"commit": pin["commit"]} if "commit" in pin else {}
        name, revision = revised(named.model.removeprefix(LOCAL))
        return {"commit": commit("model", name, revision, self.newest, self.notes.append)}

    def _data(self, sets: Datasets) -> tuple[Pins, dict[str, str]]:
        """The pins of all data sets; and for paths that name one of the hub, its name with its commit."""
        found: Pins = {}
        paths: dict[str, str] = {}
        for prefix, program in programs(self.program):
            for name, settings in program.data.items():
                with self._collected():
                    found[f"{prefix}{name}"] = pin = self._hub(f"{prefix}{name}", settings)
                    if "commit" in pin:
                        hub, config, _ = hub_parts(pin["hub"])
                        path = f"hf:{hub}{f':{config}' if config else ''}@{pin['commit']}"
                        paths[f"hf:{pin['hub']}"] = path
                        settings = {**settings, "path": path}
                    if "hub" not in pin or "commit" in pin:
                        pin["sha256"] = sets.handle(f"{prefix}{name}", settings).key
        return dict(sorted(found.items())), paths

    def _hub(self, name: str, settings: dict[str, Any]) -> dict[str, str]:
        """The name of a data set of the hub, as it was given, and its commit; nothing for files."""
        hub = data_spec(settings).hub
        if hub is None:
            return {}
        try:
            repo, _, revision = hub_parts(hub)
        except ValueError as error:
            raise LockError(f"data '{name}': {error}") from None
        if self.old is not None:
            pin = self.old.data.get(name, {})
            return {"hub": hub, **({"commit": pin["commit"]} if pin.get("hub") == hub else {})}
        return {"hub": hub, "commit": commit("dataset", repo, revision, self.newest, self.notes.append)}

    @contextmanager
    def _collected(self) -> Iterator[None]:
        try:
            yield
        except (DataError, LockError) as error:
            self.problems.append(str(error))


def _param(kind: str, value: Any) -> Any:
    """The value of a param in its one form: 10k and 10000 are the same amount."""
    return str(Amount.parse(value)) if kind == "amount" else value


def _named(origin: Origin) -> str:
    return f"{origin.url}@{origin.rev}:{origin.path}" if origin.kind == "git" else origin.path


def _spec(origin: Origin) -> dict[str, Any]:
    git = {"url": origin.url, "rev": origin.rev, "commit": origin.commit} if origin.kind == "git" else {}
    return {"sha256": origin.digest, **git}
