"""Which commit a model or a data set of the Hugging Face hub has: by the copy here, and by the hub itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from selectlang.errors import LockError, described
from selectlang.faults import quoted
from selectlang.origins.address import COMMIT

Kind = Literal["model", "dataset"]
PATIENCE = 20.0  # seconds that the hub may take to answer


def revised(model: str) -> tuple[str, str | None]:
    """The name of a model of the hub, and its revision, from `name` or `name@revision`."""
    name, _, revision = model.partition("@")
    return name, revision or None


def commit(kind: Kind, name: str, revision: str | None, newest: bool, note: Callable[[str], None]) -> str:
    """The commit of a model or data set; nothing of it is downloaded.

    It is that of the copy which is here, which is what a run without the network uses. Where there is none,
    or with `newest`, the hub is asked; `note` is told when it cannot be reached. A LockError when there is no
    such model, or nobody knows its commit.
    """
    if revision is not None and COMMIT.fullmatch(revision):
        return revision
    what = f"{'model' if kind == 'model' else 'data set'} {quoted(name)}"
    here = _here(kind, name, revision or "main")
    if here is not None and not newest:
        return here
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        found = HfApi().repo_info(name, repo_type=kind, revision=revision, timeout=PATIENCE).sha
    except (RepositoryNotFoundError, HFValidationError):
        raise LockError(f"{what}: the hub has none of this name that you may see") from None
    except RevisionNotFoundError:
        raise LockError(f"{what}: the hub has no revision {quoted(revision)} of it") from None
    except Exception as error:  # the hub's client lets through the errors of its transport
        if here is None:
            raise LockError(
                f"{what}: there is no copy of it here, and the hub does not answer ({described(error)}); "
                f"run the spec once, or name a commit: {name}@COMMIT"
            ) from None
        note(f"{what} stays at {here[:12]}: the hub does not answer ({described(error)})")
        return here
    if found is None or not COMMIT.fullmatch(found):
        raise LockError(f"{what}: the hub says no commit of it")
    return found


def _here(kind: Kind, name: str, revision: str) -> str | None:
    """The commit of a copy on this machine, as the cache of the hub's client keeps it: `refs/REVISION`."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    refs = Path(constants.HF_HUB_CACHE).expanduser() / repo_folder_name(repo_id=name, repo_type=kind) / "refs"
    if ".." in Path(revision).parts or Path(revision).is_absolute():
        return None
    try:
        found = (refs / revision).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return found if COMMIT.fullmatch(found) else None
