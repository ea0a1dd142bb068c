"""The project lock: one owner, named to the others, gone with its process."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.domain.errors import ProjectBusy, StorageError
from studio.workspace.lock import ProjectLock, holder

HOLD = """
import sys, pathlib
from studio.workspace.lock import ProjectLock
lock = ProjectLock.acquire(pathlib.Path(sys.argv[1]), version="9")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".studio").mkdir()
    return tmp_path


def other_process(root: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_process_is_refused_with_the_pid_of_the_first(root: Path) -> None:
    process = other_process(root)
    try:
        with pytest.raises(ProjectBusy) as raised:
            ProjectLock.acquire(root)
        assert raised.value.data["pid"] == process.pid
        assert str(process.pid) in raised.value.message
        found = holder(root)
        assert found is not None
        assert (found.pid, found.version) == (process.pid, "9")
    finally:
        process.kill()
        process.communicate()


def test_a_killed_owner_leaves_no_lock_behind(root: Path) -> None:
    process = other_process(root)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert holder(root) is None
    with ProjectLock.acquire(root):
        found = holder(root)
        assert found is not None
        assert found.pid == os.getpid()
    assert holder(root) is None


def test_the_same_process_cannot_take_it_twice_and_can_after_giving_it_back(root: Path) -> None:
    first = ProjectLock.acquire(root)
    with pytest.raises(ProjectBusy):
        ProjectLock.acquire(root)
    first.release()
    first.release()
    ProjectLock.acquire(root).release()


def test_asking_who_holds_it_never_refuses_somebody_who_wants_it(root: Path) -> None:
    ProjectLock.acquire(root).release()
    handle = os.open(root / ".studio" / "engine.lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_SH)
    threading.Timer(0.05, os.close, (handle,)).start()
    ProjectLock.acquire(root).release()


def test_a_lock_that_another_computer_left_open_is_refused_with_its_name_and_the_way_out(root: Path) -> None:
    path = root / ".studio" / "engine.lock"
    path.write_text(json.dumps({"pid": 77, "host": "elsewhere", "started": "2026-01-01", "kernel": "other-boot"}))
    with pytest.raises(ProjectBusy) as raised:
        ProjectLock.acquire(root)
    assert raised.value.data == {"pid": 77, "host": "elsewhere"}
    assert str(path) in raised.value.hint
    path.write_text("")
    ProjectLock.acquire(root).release()


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"pid": "x"}', "\x00\xff", '{"pid": 1e400}'])
def test_a_damaged_text_does_not_stop_anyone_on_this_computer(root: Path, text: str) -> None:
    (root / ".studio" / "engine.lock").write_text(text, "latin-1")
    with ProjectLock.acquire(root):
        found = holder(root)
    assert found is not None
    assert found.pid == os.getpid()


def test_a_missing_state_folder_and_a_linked_lock_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        ProjectLock.acquire(tmp_path)
    assert holder(tmp_path) is None
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "engine.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="link"):
        ProjectLock.acquire(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_takes_the_text_of_a_lock_but_not_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".studio").mkdir()

    def full(handle: int, data: bytes, place: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        held = ProjectLock.acquire(tmp_path)
    with pytest.raises(ProjectBusy):
        ProjectLock.acquire(tmp_path)
    held.release()
