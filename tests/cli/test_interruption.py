"""Two processes, signals and kills: what was received stays, the next command goes on, the exit code says what happened."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.cli.following import begin
from studio.cli.main import main
from studio.cli.output import Output
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.cli.conftest import Studio
from tests.fakes.project import add_page, environment, make_project, opened
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

WORDS = tuple(f"word{number} " for number in range(400))


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def received(studio: Studio) -> str:
    """What the program has put into its stream files so far."""
    folder = studio.folder / ".studio" / "streams"
    return "".join(path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.is_file())


def _draft(studio: Studio, server: WireServer, *flags: str) -> subprocess.Popen[str]:
    """A `generate` in the middle of a stream that would last for seconds."""
    server.play(Step(deltas=WORDS, delta_delay=0.02))
    process = studio.start("generate", "next", *flags)
    wait_until(lambda: "word10 " in received(studio), "the stream began")
    return process


@pytest.fixture
def drafting(studio: Studio, server: WireServer) -> subprocess.Popen[str]:
    """A draft whose engine is in the command itself."""
    return _draft(studio, server, "--in-process")


@pytest.fixture
def watching(studio: Studio, server: WireServer) -> Iterator[subprocess.Popen[str]]:
    """A draft in an engine of its own, which a command waits for."""
    yield _draft(studio, server)
    studio("engine", "stop")


def test_an_engine_in_a_command_is_refused_while_another_has_the_project(
    studio: Studio, drafting: subprocess.Popen[str]
) -> None:
    data = studio("status", "--json", "--in-process", code=1)
    assert f'"pid": {drafting.pid}' in data.stdout
    assert f"process {drafting.pid}" in studio("doctor", "--in-process", env={"EDITOR": "cat"}, code=1).stdout
    drafting.send_signal(signal.SIGINT)
    drafting.communicate(timeout=30)


def test_other_commands_work_while_a_draft_runs(studio: Studio, watching: subprocess.Popen[str]) -> None:
    assert studio.data("status")["chapters"][0]["pages"][0]["live"]
    assert "narration is being drafted" in studio("page", "show", "next").stdout
    assert "A draft of this page is running." in studio("approve", "next", code=3).stderr
    studio("chapter", "add", "The Toll")
    assert studio("stop").stdout == "the draft of narration broke off\n"
    assert watching.wait(timeout=30) == 130


@pytest.mark.parametrize("flags", [(), ("--in-process",)])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_draft_and_keeps_its_text(
    studio: Studio, server: WireServer, number: signal.Signals, code: int, flags: tuple[str, ...]
) -> None:
    if number == signal.SIGHUP and not flags:
        pytest.skip("a cut line ends no draft of an engine")
    process = _draft(studio, server, *flags)
    before = received(studio)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "are kept" in err
    runs = studio.data("history", "next")["runs"]
    assert runs[0]["status"] == "stopped"
    assert runs[0]["partial"].startswith(before.strip())
    assert out == ""


def test_a_stopped_draft_is_an_error_at_the_end_of_the_json(studio: Studio, server: WireServer) -> None:
    process = _draft(studio, server, "--in-process", "--json")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    error = json.loads(out.splitlines()[-1])["error"]
    assert (error["code"], error["data"]["status"]) == ("interrupted", "stopped")
    assert "are kept" in error["message"]


def test_a_draft_whose_engine_was_killed_is_a_failure_and_no_act_of_the_person(
    studio: Studio, watching: subprocess.Popen[str]
) -> None:
    os.kill(studio.data("engine", "status")["engine"]["pid"], signal.SIGKILL)
    _, err = watching.communicate(timeout=90)
    assert watching.returncode == 1
    assert "The program ended while this draft was running." in err
    assert "studio resume 1/1 --continue, --keep or --discard" in err


@pytest.mark.parametrize("wait", [0.0, 0.002, 0.01, 0.05])
async def test_ctrl_c_before_the_answer_stops_what_was_asked(tmp_path: Path, wait: float) -> None:
    async with WireServer() as server, opened(make_project(tmp_path), environment(server, tmp_path)) as client:
        server.play(Step(deltas=WORDS, delta_delay=0.02))
        page = await add_page(client)
        beginning = asyncio.create_task(begin(client, c.Generate(page=page), Output(quiet=True)))
        await asyncio.sleep(wait)
        beginning.cancel("SIGINT")
        with contextlib.suppress(asyncio.CancelledError):  # or it had begun, and its caller hears of the signal
            done = await beginning
            await client.execute(c.Stop(run=done.run))
        (run,) = (await client.query(q.GetHistory(page=page))).runs or (None,)
        assert run is None or run.status == "stopped"
        assert (await client.query(q.GetPage(page=page))).phase in ("generating", "interrupted")


@pytest.mark.parametrize("where", ["studio.cli.parser.parse", "studio.cli.edge.carry_out"])
def test_ctrl_c_before_the_work_has_begun_shows_no_traceback(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    assert main(["status"]) == 130


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_command_whose_line_is_cut_leaves_the_draft_running(
    studio: Studio, watching: subprocess.Popen[str], number: signal.Signals
) -> None:
    watching.send_signal(number)
    watching.communicate(timeout=30)
    before = received(studio)
    wait_until(lambda: len(received(studio)) > len(before) + 100, "the draft goes on")
    assert studio.data("history", "next")["runs"][0]["status"] == "running"


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
    assert studio("approve", "next").stdout == "dialogue awaits a draft\n"


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
