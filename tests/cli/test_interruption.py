"""Two processes, signals and kills: what was received stays, the next command goes on, the exit code says what happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.cli.conftest import Studio
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

WORDS = tuple(f"word{number} " for number in range(400))


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def received(studio: Studio) -> str:
    """What the program has put into its stream files so far."""
    folder = studio.folder / ".studio" / "streams"
    return "".join(path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.is_file())


@pytest.fixture
def drafting(studio: Studio, server: WireServer) -> subprocess.Popen[str]:
    """A `generate` in the middle of a stream that would last for seconds."""
    server.play(Step(deltas=WORDS, delta_delay=0.02))
    process = studio.start("generate", "next")
    wait_until(lambda: "word10 " in received(studio), "the stream began")
    return process


def test_a_second_process_is_refused_with_the_pid_of_the_first(studio: Studio, drafting: subprocess.Popen[str]) -> None:
    busy = studio("status", code=1)
    assert f"process {drafting.pid}" in busy.stderr
    data = studio("status", "--json", "--in-process", code=1)
    assert f'"pid": {drafting.pid}' in data.stdout
    assert f"process {drafting.pid}" in studio("doctor", env={"EDITOR": "cat"}, code=1).stdout
    drafting.send_signal(signal.SIGINT)
    drafting.communicate(timeout=30)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_draft_and_keeps_its_text(
    studio: Studio, drafting: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    before = received(studio)
    drafting.send_signal(number)
    out, err = drafting.communicate(timeout=30)
    assert drafting.returncode == code, err
    assert "Traceback" not in err
    assert "are kept" in err
    runs = studio.data("history", "next")["runs"]
    assert runs[0]["status"] == "stopped"
    assert runs[0]["partial"].startswith(before.strip())
    assert out == ""


def test_after_a_kill_every_word_that_arrived_is_there_and_the_page_goes_on(
    studio: Studio, server: WireServer, drafting: subprocess.Popen[str]
) -> None:
    os.kill(drafting.pid, signal.SIGKILL)
    drafting.communicate(timeout=30)
    kept = received(studio)
    assert studio.data("status")["chapters"][0]["pages"][0]["state"] == "interrupted_narration"
    partial = studio.data("page", "show", "next")["cells"][0]["partial"]
    assert partial["text"] == kept
    server.play(Step(text="and the rest of it."))
    studio("resume", "next", "--continue")
    text = studio("show", "next").stdout
    assert text.startswith(kept.strip()[:200])
    assert text.rstrip().endswith("and the rest of it.")
    assert studio("approve", "next").stdout == "generating_dialogue\n"


def test_a_kill_leaves_the_project_free_and_sound(studio: Studio, drafting: subprocess.Popen[str]) -> None:
    os.kill(drafting.pid, signal.SIGKILL)
    drafting.communicate(timeout=30)
    studio("doctor", env={"EDITOR": "cat"})
    studio("resume", "next", "--discard")
    assert studio.data("status")["chapters"][0]["pages"][0]["state"] == "generating_narration"


def test_the_project_is_free_for_others_while_an_editor_is_open(studio: Studio) -> None:
    script = studio.folder / "editor.sh"
    script.write_text(
        '#!/bin/sh\ntouch "$0.open"\nwhile [ ! -e "$0.go" ]; do sleep 0.05; done\necho mine > "$1"\n', "utf-8"
    )
    script.chmod(0o700)
    editing = Studio(studio.folder, {**studio.env, "EDITOR": str(script)}).start("edit", "next")
    wait_until(lambda: (studio.folder / "editor.sh.open").exists(), "the editor opened")
    studio("edit", "next", "--file", "-", stdin="theirs")
    (studio.folder / "editor.sh.go").touch()
    _, err = editing.communicate(timeout=30)
    assert editing.returncode == 3, err
    assert ".studio/edits" in err
    assert studio("show", "next").stdout == "theirs\n"
    (kept,) = (studio.folder / ".studio" / "edits").glob("*.md")
    assert "mine" in kept.read_text("utf-8")
