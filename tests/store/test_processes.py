"""Several processes on one store, and processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import selectlang as sl
from selectlang.store.lock import Held, owned
from selectlang.store.store import Store

KEYS = [f"{i:02x}" * 32 for i in range(40)]
HEAD = """
import os, signal, sys, time
from datetime import timedelta
from pathlib import Path
from selectlang.errors import UsageError
from selectlang.store.store import Store

def write(store, key, size=2000):
    with store.writing(key, {"key": key}) as folder:
        (folder / "value.json").write_text(key)
        (folder / "more").mkdir()
        (folder / "more" / "data.bin").write_bytes(key.encode() * size)
"""


def start(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A process that runs HEAD and `code`; the first argument is the store's folder."""
    command = [sys.executable, "-c", HEAD + code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=Path(sl.__file__).parents[1], text=True, **options)


def finish(process: subprocess.Popen[str]) -> None:
    assert process.wait(60) == 0


def assert_whole(store: Store, keys: list[str]) -> None:
    """Every entry of `keys` is there, and what it should be."""
    assert Store(store.folder).verify() == []
    for key in keys:
        path = Store(store.folder).path(key)
        assert path is not None
        assert (path / "value.json").read_text() == key
        assert (path / "more" / "data.bin").read_bytes()[:64] == key.encode()
        assert store.meta(key) == {"key": key}


def test_processes_write_the_same_and_different_keys(tmp_path: Path) -> None:
    """All begin at once, with no store there, and each goes through the shared keys in its own order."""
    code = """
number, keys = int(sys.argv[2]), sys.argv[3:]
store = Store(Path(sys.argv[1]))
sys.stdin.read()
with store.in_use():
    for key in [*keys[number * 5 :], *keys[: number * 5]]:
        if store.path(key) is None:
            write(store, key)
        assert (store.path(key) / "value.json").read_text() == key
        write(store, f"{number:x}" + key[1:])
"""
    folder = tmp_path / "store"
    processes = [start(code, folder, number, *KEYS, stdin=subprocess.PIPE) for number in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        finish(process)
    own = [f"{number:x}" + key[1:] for number in range(4) for key in KEYS]
    assert_whole(Store(folder), [*KEYS, *own])
    assert set(Store(folder).keys()) == {*KEYS, *own}
    assert os.listdir(folder / "tmp") == []


def test_processes_find_the_same_damage_and_repair_it(tmp_path: Path) -> None:
    """No process may take out the whole entry that another has put in place of the damaged one."""
    code = """
store = Store(Path(sys.argv[1]))
sys.stdin.read()
with store.in_use():
    for key in sys.argv[2:]:
        if store.path(key) is None:
            write(store, key)
        assert (store.path(key) / "value.json").read_text() == key
    for key in sys.argv[2:]:
        assert store.has(key), key
"""
    store = Store(tmp_path / "store")
    finish(start("for key in sys.argv[2:]: write(Store(Path(sys.argv[1])), key)", store.folder, *KEYS))
    for key in KEYS:
        (store.folder / "entries" / key[:2] / key / "more" / "data.bin").write_bytes(b"damaged")
    processes = [start(code, store.folder, *KEYS, stdin=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        finish(process)
    assert_whole(store, KEYS)


def test_a_kill_in_the_middle_of_a_large_file(tmp_path: Path) -> None:
    code = """
with Store(Path(sys.argv[1])).writing("00" * 32, {}) as folder:
    with open(folder / "data.bin", "wb") as file:
        print("writing", flush=True)
        while True:
            file.write(b"x" * 1000)
            time.sleep(0.001)
"""
    store = Store(tmp_path / "store")
    process = start(code, store.folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    with store.in_use():  # beside a process that lives, nothing of it is cleaned away
        assert len(os.listdir(store.folder / "tmp")) == 1
    process.kill()
    process.communicate()
    assert not store.has(KEYS[0])
    assert len(os.listdir(store.folder / "tmp")) == 1
    with store.in_use():
        assert os.listdir(store.folder / "tmp") == []


EVERY_POINT = """
# A child does the work and is killed at its n-th call of the system that Python audits: for every n.
folder, good, bad = Path(sys.argv[1]), "00" * 32, "11" * 32

def prepare():
    write(Store(folder), bad, 1)
    (folder / "entries" / "11" / bad / "value.json").write_text("damaged")

def work():
    store = Store(folder)
    with store.in_use():
        for key in (good, bad):
            if store.path(key) is None:
                write(store, key, 1)
    os.utime(folder / "entries" / "11" / bad / "meta.json", (0, 0))
    store.prune(timedelta(days=1))

point, survived = 0, False
while not survived:
    point += 1
    {prepare}
    child = os.fork()
    if child == 0:
        left = point
        def count(event, arguments):
            global left
            if event.startswith(("os.", "open", "fcntl.", "shutil.")):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), (point, status)
    survived = status == 0
    # No kill may do new damage, such as an entry deleted by half.
    assert Store(folder).verify() in ([], [(bad, "value.json has 7 bytes, expected 64")]), point
    work()
    store = Store(folder)
    assert store.verify() == [], point
    assert (store.path(good) / "value.json").read_text() == good, point
    assert not store.has(bad), point
    assert os.listdir(folder / "tmp") == [], point
    {reset}
print(point)
"""


@pytest.mark.parametrize(
    "prepare, reset", [("prepare()", "store.prune()"), ("pass", "os.rename(folder, f'{folder}{point}')")]
)
def test_a_kill_at_any_point_leaves_a_store_that_works(prepare: str, reset: str, tmp_path: Path) -> None:
    """Once with a damaged entry to take out, and once with no store at all."""
    code = EVERY_POINT.replace("{prepare}", prepare).replace("{reset}", reset)
    process = start(code, tmp_path / "store", stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(output) > 30  # points at which it was killed


HOLD = """
with Store(Path(sys.argv[1])).in_use():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "end", [subprocess.Popen.communicate, subprocess.Popen.kill], ids=["ends", "is killed"]
)
def test_a_prune_waits_for_the_end_of_a_run(
    end: Callable[[subprocess.Popen[str]], Any], tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    with store.writing(KEYS[0], {}):
        pass
    process = start(HOLD, store.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(sl.UsageError, match=f"a run is using the store {store.folder}"):
        store.prune()
    assert [found.key for found in store.prune(dry_run=True)] == [KEYS[0]]
    assert store.has(KEYS[0])
    end(process)
    process.communicate()
    assert [found.key for found in store.prune()] == [KEYS[0]]
    assert not store.has(KEYS[0])


def test_a_forked_worker_goes_on_holding_the_store(tmp_path: Path) -> None:
    code = """
store = Store(Path(sys.argv[1]))
go_read, go_write = os.pipe()
with store.in_use():
    child = os.fork()
    if child == 0:
        os.close(go_write)
        os.read(go_read, 1)
        write(store, "00" * 32)
        os._exit(0)
try:
    store.prune()
    sys.exit("pruned beside a worker")
except UsageError:
    os.write(go_write, b"x")
assert os.waitpid(child, 0)[1] == 0
assert [entry.key for entry in store.prune()] == ["00" * 32]
"""
    finish(start(code, tmp_path / "store"))


def test_a_run_in_this_process_keeps_a_prune_away(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.in_use():
        with store.in_use():
            pass
        for prune in (store.prune, Store(store.folder).prune):
            with pytest.raises(sl.UsageError):
                prune()
    store.prune()
    with store.writing(KEYS[0], {}), pytest.raises(sl.UsageError):
        Store(store.folder).prune()
    assert store.has(KEYS[0])


def test_a_prune_goes_by_last_use(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for age, key in enumerate(KEYS[:6]):
        with store.writing(key, {}):
            pass
        meta = store.folder / "entries" / key[:2] / key / "meta.json"
        used = meta.stat().st_mtime - age * 86_400
        os.utime(meta, (used, used))
    assert Store(store.folder).path(KEYS[5]) is not None, "which is a use"

    def pruned(*arguments: Any, **options: Any) -> list[int]:
        return [KEYS.index(entry.key) for entry in store.prune(*arguments, **options)]

    older = timedelta(days=2, hours=12)
    assert pruned(older, dry_run=True) == [3, 4]
    assert len(list(store.keys())) == 6
    assert pruned(older) == [3, 4]
    assert list(store.keys()) == [KEYS[i] for i in (0, 1, 2, 5)]
    assert pruned() == [0, 1, 2, 5]
    assert os.listdir(store.folder / "tmp") == []
    assert store.path(KEYS[0]) is None


def test_deleting_follows_no_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    store = Store(tmp_path / "store")
    with store.writing(KEYS[0], {}):
        pass
    (store.folder / "entries" / KEYS[0][:2] / KEYS[0] / "link").symlink_to(precious)
    (store.folder / "tmp" / "left").mkdir()
    (store.folder / "tmp" / "left" / "link").symlink_to(precious)
    (store.folder / "tmp" / "link").symlink_to(precious)
    (store.folder / "tmp" / "file").touch()
    store.prune()
    assert list(store.keys()) == os.listdir(store.folder / "tmp") == []
    assert (precious / "file").exists()


def test_the_store_can_be_used_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have none: runs go on, a prune refuses."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    store = Store(tmp_path / "store")
    with store.in_use(), store.writing(KEYS[0], {}) as folder:
        (folder / "value.json").touch()
    (store.folder / "entries" / KEYS[0][:2] / KEYS[0] / "value.json").write_text("damaged")
    again = Store(store.folder)
    assert again.path(KEYS[0]) is None
    assert not again.has(KEYS[0])
    with pytest.raises(sl.UsageError, match="cannot lock the store"):
        store.prune()


def test_an_owned_lock_has_one_owner(tmp_path: Path) -> None:
    """Processes take and give it back as fast as they can, with file and folder: two never have it."""
    code = """
from selectlang.store.lock import Held, owned
path, inside = Path(sys.argv[1]) / "folder" / "lock", Path(sys.argv[1]) / "inside"
taken = refused = 0
sys.stdin.read()
while taken < 200:
    try:
        with owned(path):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            inside.unlink()
            taken += 1
        try:
            path.parent.rmdir()
        except OSError:
            pass
    except Held as holder:
        refused += 1
        assert str(os.getpid()) not in str(holder).split()
print(refused)
"""
    processes = [
        start(code, tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    for process in processes:
        process.stdin = None
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [(process.returncode, err) for process, (_, err) in zip(processes, outcomes, strict=True)] == [
        (0, "")
    ] * 3
    assert sum(int(out) for out, _ in outcomes) > 0  # they met
    assert not (tmp_path / "folder" / "lock").exists()


def test_an_owned_lock_outlives_no_process(tmp_path: Path) -> None:
    """A process is killed that holds it, and a process that it has forked lives on."""
    code = """
from selectlang.store.lock import owned
with owned(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(30)
    print(os.getpid(), flush=True)
    time.sleep(30)
"""
    lock = tmp_path / "lock"
    process = start(code, lock, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(Held, match=f"^{process.pid} on "), owned(lock):
        raise AssertionError("it is held")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    try:
        with owned(lock):
            assert lock.exists()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
    assert not lock.exists()
