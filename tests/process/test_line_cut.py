"""The line drops while a workbench drafts: the draft goes on, and the next login finds it, the page and the unsent words."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Studio, clean_environment
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer, running_wire_server
from tests.process.test_generate_on_a_terminal import OnTerminal

WORDS = tuple(f"word{number} " for number in range(3_000))


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
    for title in ("Fog", "Tide"):
        inside("page", "add", "1", title, "--brief", f"Ilse counts: {title}.")
    yield inside
    inside("engine", "stop", code=None)


def live(studio: Studio) -> list[str]:
    pages = studio.data("status")["chapters"][0]["pages"]
    return [page["slug"] for page in pages if page["live"]]


def newest(terminal: OnTerminal) -> int:
    """The highest number drawn so far: a frame may hold many words, and a word at a row's end has no blank behind it."""
    return max(map(int, re.findall(r"word(\d+)", terminal.seen)), default=0)


def hang_up(terminal: OnTerminal) -> None:
    """What sshd does when the line drops: the terminal is gone, and the session's leader hears it."""
    os.close(terminal._master)
    os.kill(terminal.process.pid, signal.SIGHUP)
    terminal.process.wait(timeout=30)


def test_a_draft_goes_on_after_the_line_is_cut_and_the_next_login_sees_it(studio: Studio, server: WireServer) -> None:
    server.play(Step(deltas=WORDS, delta_delay=0.03))
    first = OnTerminal(studio)
    first.until("Ilse counts: Fog")
    first.type("g")
    first.until("tokens in")
    first.type("g")
    first.until("word")
    hang_up(first)
    assert live(studio) == ["fog"]
    second = OnTerminal(studio)
    second.until("word")
    shown = newest(second)
    second.until_so(lambda: newest(second) > shown + 60)
    second.type("q")
    assert second.end() == 0
    assert live(studio) == ["fog"]
    studio("stop")
    assert studio.data("history", "fog")["runs"][0]["status"] == "stopped"
    assert len(server.calls) == 1
