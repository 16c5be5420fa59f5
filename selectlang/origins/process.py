"""Running git: without a shell, without questions, for no longer and no more than was meant.

What a person has set up for git on his machine, such as proxies, credential helpers and keys, holds.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from selectlang.faults import printable, unsaid
from selectlang.origins.origin import Unavailable

LOOK_UP = 60.0  # seconds that the names of a repository may take
FETCH = 600.0  # and a commit
MOST = 100_000_000  # bytes that git may print
SETTINGS = {
    "core.hooksPath": os.devnull, "core.fsmonitor": "false", "gc.auto": "0", "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false", "fetch.writeCommitGraph": "false", "submodule.recurse": "false",
}  # fmt: skip
ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "https:ssh:file", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C", "LANGUAGE": "",
}  # fmt: skip
KEPT = re.compile(  # of the variables of git: how it reaches others, not where it works
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|PROXY_\w+|HTTP_\w+|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH)"
)

_WHY = (
    (
        "could not resolve|failed to connect|unable to connect|connection (refused|timed out|reset)|"
        "network is unreachable|no route to host|couldn't connect|name resolution|operation timed out",
        "the network or the server cannot be reached",
        "A tag or a commit that was used before needs no network.",
    ),
    (
        "authentication failed|could not read (username|password)|terminal prompts disabled|permission denied"
        "|host key verification|access denied|returned error: 40[13]",
        "access was refused",
        "selectlang never asks for a password: set up a credential helper of git, or a key for ssh.",
    ),
    (
        "not found|does not exist|does not appear to be a git repository|returned error: 404",
        "there is no such repository, or you may not see it",
        "",
    ),
)


class Failed(Exception):
    """Git gave up; the text is what it said."""


def explained(error: Failed, url: str) -> Unavailable:
    """Why a repository cannot be read, in plain words where git said something that it often says."""
    for pattern, why, hint in _WHY:
        if re.search(pattern, str(error), re.IGNORECASE):
            return Unavailable("SL406", f"cannot read {url}: {why}", hint)
    return Unavailable("SL406", f"cannot read {url}", f"git says: {error}")


def git(folder: Path, words: Sequence[str], wait: float) -> bytes:
    """What a command of git prints; a Failed when it fails, prints too much or takes too long.

    It runs on the repository in `folder`, and in a session of its own: nothing can ask for a password.
    """
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    here = {"GIT_DIR": str(folder), "GIT_COMMON_DIR": str(folder)}
    kept = {name: text for name, text in os.environ.items() if name[:4] != "GIT_" or KEPT.fullmatch(name)}
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                ["git", *settings, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, env=kept | ENVIRONMENT | here, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            hint = "Install it from https://git-scm.com, or with the packages of your system."
            raise Unavailable("SL406", "git is not installed", hint) from None
        except OSError as error:
            raise Unavailable("SL406", f"cannot start git: {error.strerror}") from None
        found = _output(process, wait)
        errors.seek(0)
        if process.returncode:
            raise Failed(_said(errors.read(20_000)))
        return found


def _output(process: subprocess.Popen[bytes], wait: float) -> bytes:
    """What a process prints. With all that it started it is ended when it prints or takes too much."""
    late = threading.Event()

    def end() -> None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)

    def stop() -> None:
        late.set()
        end()

    timer = threading.Timer(wait, stop)
    timer.start()
    try:
        with process:
            assert process.stdout is not None
            found = process.stdout.read(MOST + 1)
            if len(found) > MOST:
                end()
    except BaseException:
        end()
        raise
    finally:
        timer.cancel()
    if late.is_set() or len(found) > MOST:
        raise Failed(f"no end after {wait:g} seconds" if late.is_set() else f"more than {MOST:,} bytes")
    return found


def _said(raw: bytes) -> str:
    """What git said, in a few lines."""
    lines = [printable(line.strip()) for line in raw.decode(errors="replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return unsaid("; ".join(lines[:4]))[:500]
