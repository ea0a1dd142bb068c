"""A computer that ends a person's programs at logout: it is said, and what its end of the engine leaves is whole.

logind itself is not at hand: its settings and its session are put where the program reads them, in a mount namespace of the
program's own, and its way of ending a session (SIGTERM to every process of the session's group) is done by the test.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.workspace.lock import holder
from tests.cli.conftest import COMMAND, Studio, clean_environment
from tests.fakes.engine_process import kill_engine
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer, running_wire_server

SESSION = "0::/user.slice/user-1000.slice/session-4.scope\n"
SERVICE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u12.scope\n"


def _no_namespace() -> str:
    """Why a program cannot be given its own view of /etc here, empty when it can."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "a mount namespace needs root (or a kernel that lets others make one)"


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as running:
        yield running


@pytest.fixture
def studio(tmp_path: Path, server: WireServer) -> Iterator[Studio]:
    outside = Studio(tmp_path, clean_environment(server, tmp_path))
    outside("new", "book")
    inside = Studio(tmp_path / "book", outside.env)
    inside("chapter", "add", "One")
    inside("page", "add", "1", "Fog", "--brief", "Ilse counts.")
    yield inside
    inside("engine", "stop", code=None)


def under_logind(studio: Studio, group: str, settings: str, *words: str) -> str:
    """What the program says where systemd runs with these settings and the program's process is in `group`."""
    folder = studio.folder.parent / "logind"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "etc").mkdir(parents=True)
    (folder / "run/system").mkdir(parents=True)
    (folder / "etc/logind.conf").write_text(f"[Login]\n{settings}\nKillExcludeUsers=nobody-here\n")
    (folder / "group").write_text(group)
    steps = [
        f"mkdir -p /etc/systemd /run/systemd && mount --bind {folder / 'etc'} /etc/systemd",
        f"mount --bind {folder / 'run'} /run/systemd",
        f"mount --bind {folder / 'group'} /proc/$$/cgroup",
        f"exec {shlex.join([*COMMAND, *words])}",
    ]
    # /etc and /run are first laid over with memory of the namespace's own: nothing is made on the real ones.
    lay = "for place in /etc /run; do mkdir -p $0$place; cp -a $place/. $0$place/ 2>/dev/null; mount --bind $0$place $place; done"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none /mnt && {lay}; {' && '.join(steps)}", "/mnt"],
        capture_output=True, text=True, check=False, cwd=studio.folder, env=studio.env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(bool(_no_namespace()), reason=_no_namespace())
@pytest.mark.parametrize(
    ("group", "settings", "told"),
    [(SESSION, "KillUserProcesses=yes", True), (SESSION, "KillUserProcesses=no", False), (SERVICE, "KillUserProcesses=yes", False)],
    ids=["a login that ends its programs", "a login that does not", "a service of one's own"],
)  # fmt: skip
def test_the_engines_status_says_that_a_logout_ends_it(studio: Studio, group: str, settings: str, told: bool) -> None:
    studio("engine", "start")
    said = under_logind(studio, group, settings, "engine", "status")
    assert ("systemd-run --user --scope studio" in said) is told, said


def test_an_engine_that_the_logout_ended_has_kept_its_draft(studio: Studio, server: WireServer) -> None:
    server.play(Step(deltas=tuple(f"word{n} " for n in range(400)), delta_delay=0.05))
    drafting = studio.start("generate", "next", "--json", start_new_session=True)
    end = time.monotonic() + 30
    while not any("word5" in text for text in _streams(studio.folder)):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(drafting.pid, signal.SIGHUP)
    assert kill_engine(studio.folder, signal.SIGTERM) is not None
    drafting.communicate(timeout=30)
    while holder(studio.folder) is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    page = studio.data("page", "show", "next")
    assert page["cells"][0]["status"] == "interrupted"
    assert "word5" in page["cells"][0]["partial"]["text"]
    assert len(server.calls) == 1


def _streams(folder: Path) -> list[str]:
    return [path.read_text("utf-8", "replace") for path in (folder / ".studio/streams").glob("*") if path.is_file()]
