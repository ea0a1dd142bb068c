"""`studio generate` in a real pty: the text appears as it arrives, dialogue as readable lines, Ctrl-C stops and keeps."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, Studio, clean_environment
from tests.fakes.wire_script import HOSTILE_TEXT, Step
from tests.fakes.wire_server import WireServer, running_wire_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")


class OnTerminal:
    """A program on its own pty; `seen` is all it wrote, with what the terminal made of newlines undone."""

    def __init__(self, studio: Studio, *words: str, command: Sequence[str] = COMMAND) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [*command, *words], stdin=slave, stdout=slave, stderr=slave, env=studio.env, cwd=studio.folder,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self._raw = b""

    @property
    def seen(self) -> str:
        return self._raw.decode("utf-8", "replace").replace("\r\n", "\n")

    def until(self, words: str, seconds: float = 90.0) -> None:
        self.until_so(lambda: words in self.seen, seconds, f"{words!r} did not come")

    def until_so(self, holds: Callable[[], bool], seconds: float = 90.0, otherwise: str = "that did not come") -> None:
        """Read on until `holds()`; `AssertionError` with all that was shown after `seconds`."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{otherwise}: {self.seen!r}"
            self._read(0.1)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self, seconds: float = 30.0) -> int:
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen
            self._read(0.1)
        while self._read(0.1):
            pass
        os.close(self._master)
        return self.process.returncode

    def _read(self, timeout: float) -> bool:
        if not select.select([self._master], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            return False
        self._raw += data
        return bool(data)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server() as running:
        yield running


@pytest.fixture
def studio(tmp_path: Path, server: WireServer) -> Studio:
    outside = Studio(tmp_path, clean_environment(server, tmp_path))
    outside("new", "book")
    inside = Studio(tmp_path / "book", outside.env)
    inside("chapter", "add", "One")
    inside("page", "add", "1", "Fog", "--brief", "Ilse counts.")
    return inside


def test_the_text_stands_on_the_terminal_before_the_draft_has_ended(studio: Studio, server: WireServer) -> None:
    server.play(Step(deltas=tuple(f"word{n} " for n in range(60)), delta_delay=0.05))
    terminal = OnTerminal(studio, "generate", "next")
    terminal.until("word5 ")
    assert "word59" not in terminal.seen
    assert terminal.end() == 0
    text = studio("show", "next").stdout.strip()
    seen = " ".join(terminal.seen.split())
    assert seen.count(text) == 1
    assert seen.index(text) < seen.index("Narration, revision 1: 60 words")
    rows = [row for row in terminal.seen.splitlines() if row.startswith("word")]
    assert len(rows) > 4
    assert max(len(row.rstrip()) for row in rows) <= 80


def test_dialogue_that_arrives_as_json_is_shown_as_lines(studio: Studio, server: WireServer) -> None:
    studio("generate", "next")
    studio("approve", "next")
    rows = [{"speaker": "Ilse", "text": f"Ring {n}.", "kind": "speech"} for n in range(4)]
    reply = json.dumps({"lines": rows})
    server.play(Step(deltas=tuple(reply[n : n + 7] for n in range(0, len(reply), 7)), delta_delay=0.02))
    terminal = OnTerminal(studio, "generate", "next")
    assert terminal.end() == 0
    assert "".join(f"ILSE (speech): Ring {n}.\n" for n in range(4)) in terminal.seen
    assert '"speaker"' not in terminal.seen


def test_ctrl_c_on_the_terminal_stops_the_draft_and_keeps_its_text(studio: Studio, server: WireServer) -> None:
    server.play(Step(deltas=tuple(f"word{n} " for n in range(400)), delta_delay=0.05))
    terminal = OnTerminal(studio, "generate", "next")
    terminal.until("word5 ")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert "words are kept" in terminal.seen
    assert "studio resume 1/1 --continue, --keep or --discard." in terminal.seen
    assert "Traceback" not in terminal.seen
    assert "word5" in studio.data("page", "show", "next")["cells"][0]["partial"]["text"]


def test_the_outline_fits_the_terminal_and_is_whole_without_one(studio: Studio) -> None:
    title = "Ilse counts the rings and one is missing, " * 4
    studio("page", "add", "1", title, "--slug", "a-ring-is-missing")
    terminal = OnTerminal(studio, "status")
    assert terminal.end() == 0
    assert max(len(row) for row in terminal.seen.splitlines()) <= 80
    assert "…" in terminal.seen
    assert "…" not in studio("status").stdout
    models = OnTerminal(studio, "models", "--all")
    assert models.end() == 0
    assert max(len(row) for row in models.seen.splitlines()) <= 80


def test_no_escape_of_a_model_reaches_the_terminal(studio: Studio, server: WireServer) -> None:
    server.play(Step(text=HOSTILE_TEXT))
    terminal = OnTerminal(studio, "generate", "next")
    assert terminal.end() == 0
    assert "The lamp" in terminal.seen
    assert not {char for char in terminal.seen if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160}


def test_the_demo_asks_before_it_fetches_a_model_and_a_no_opens_the_workbench(studio: Studio) -> None:
    outside = Studio(studio.folder.parent, {**studio.env, "OPENAI_API_KEY": ""})
    terminal = OnTerminal(outside, "demo", "my-demo")
    terminal.until("Fetch one that runs on this computer (1.1 GB")
    terminal.type("n\n")
    terminal.until("The Lantern Ferry")
    terminal.until("Teodor boards")
    terminal.type("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.seen
