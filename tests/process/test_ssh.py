"""A login through OpenSSH, whose line is cut while the studio drafts: the draft goes on, the next login is where the author was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from studio.workspace.lock import holder
from tests.cli.conftest import COMMAND, Studio, clean_environment
from tests.fakes.ssh_server import SshServer, missing, ssh_server
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer, running_wire_server
from tests.process.test_generate_on_a_terminal import OnTerminal
from tests.process.test_line_cut import live

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

WORDS = tuple(f"word{number} " for number in range(300))
ESCAPE = "\x1b[27u"  # as a terminal sends it that tells the key from the beginning of another one
UNSENT = "less rain, more rings"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("ssh") / "server") as running:
        yield running


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as running:
        yield running


@pytest.fixture
def studio(tmp_path: Path, server: WireServer) -> Iterator[Studio]:
    """Two pages: the second has a narration under review."""
    outside = Studio(tmp_path, clean_environment(server, tmp_path))
    outside("new", "book")
    inside = Studio(tmp_path / "book", outside.env)
    inside("chapter", "add", "One")
    for title in ("Fog", "Tide"):
        inside("page", "add", "1", title, "--brief", f"Ilse counts: {title}.")
    server.play(Step(text="The tide had gone out."))
    inside("generate", "tide")
    yield inside
    inside("engine", "stop", code=None)


def login(line: SshServer, studio: Studio) -> OnTerminal:
    return OnTerminal(studio, command=line.command(studio.env, studio.folder, *COMMAND))


def workbenches(studio: Studio) -> list[psutil.Process]:
    """The terminals that are open on this project, whatever started them."""
    return [one for one in psutil.process_iter() if _is_workbench(one, studio.folder)]


def _is_workbench(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cmdline() == list(COMMAND) and Path(process.cwd()) == folder
    except psutil.Error:
        return False


def kill_client(_: SshServer, terminal: OnTerminal) -> None:
    terminal.process.kill()


def kill_session(line: SshServer, _: OnTerminal) -> None:
    (session,) = line.sessions()
    session.kill()


def _until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "cut", [kill_client, kill_session], ids=["the client is killed", "the server's half is killed"]
)
def test_a_draft_and_unsent_words_outlive_the_line(
    line: SshServer, studio: Studio, server: WireServer, cut: Callable[[SshServer, OnTerminal], None]
) -> None:
    server.play(Step(deltas=WORDS, delta_delay=0.03))
    first = login(line, studio)
    first.until("The tide had gone out.")  # the page that waits for the author
    first.type("[")
    first.until("Ilse counts: Fog")
    first.type("g")
    first.until("tokens in")
    first.type("g")
    first.until("word9")
    first.type("]")
    first.until("The tide had gone out.")
    first.type("r")
    first.until("ctrl+s")
    first.type(UNSENT)
    first.until(UNSENT[-5:])
    engine = holder(studio.folder)
    cut(line, first)
    _until(lambda: not workbenches(studio))
    assert live(studio) == ["fog"]
    second = login(line, studio)
    second.until("The tide had gone out.")  # where the author was
    second.until("kept words")
    second.type("r")
    second.until(UNSENT)
    second.type(ESCAPE)
    second.type("[")
    second.until("word299")
    second.type("q")
    assert second.end() == 0
    assert holder(studio.folder) == engine
    assert studio("show", "fog").stdout.split() == "".join(WORDS).split()
    assert len(server.calls) == 2
