"""`studio engine ...`: what it says, and that other commands use the engine that runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Studio
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


@pytest.fixture
def running(studio: Studio) -> Iterator[Studio]:
    studio("engine", "start")
    yield studio
    studio("engine", "stop", code=None)


def engine(studio: Studio) -> dict[str, object]:
    answer = studio.data("engine", "status")
    assert answer["running"]
    found: dict[str, object] = answer["engine"]
    return found


def test_without_an_engine_every_answer_says_so(studio: Studio) -> None:
    assert studio.data("engine", "status") == {"running": False}
    assert "No engine is running" in studio("engine", "status").stdout
    assert "No engine is running" in studio("engine", "stop").stderr
    assert "No engine is running" in studio("engine", "drain").stderr
    assert "No engine is running" in studio("engine", "kill", code=2).stderr


def test_a_command_that_asks_no_model_starts_no_engine_and_uses_one_that_runs(studio: Studio) -> None:
    studio("status")
    assert studio.data("engine", "status") == {"running": False}
    studio("engine", "start")
    before = engine(studio)["last_seq"]
    studio("chapter", "add", "The Toll")
    assert engine(studio)["last_seq"] != before
    studio("engine", "stop")
    assert len(studio.data("status")["chapters"]) == 2


def test_a_command_that_asks_a_model_starts_the_engine_and_leaves_it(studio: Studio) -> None:
    studio("generate", "next")
    assert engine(studio)["running"] == 0
    studio("engine", "stop")


def test_status_names_keys_and_never_shows_one(running: Studio) -> None:
    shown = running("engine", "status").stdout
    assert "OPENAI_API_KEY" in shown
    assert running.env["OPENAI_API_KEY"] not in shown
    assert str(engine(running)["pid"]) in shown
    assert shown.splitlines()[0] == "The engine is running, with no draft under way."
    assert "nobody else" in shown
    project = next(one for one in running.data("doctor", env={"EDITOR": "cat"})["checks"] if one["name"] == "project")
    assert project["message"].endswith("; its engine is running.")


def test_a_restart_takes_the_keys_of_the_new_environment(running: Studio) -> None:
    first = engine(running)
    running("engine", "restart", env={"XAI_API_KEY": "xai-0123456789abcdef"})
    second = engine(running)
    assert second["pid"] != first["pid"]
    assert second["keys"] == ["OPENAI_API_KEY", "XAI_API_KEY"]


def test_a_busy_engine_is_restarted_on_request_only(running: Studio, server: WireServer) -> None:
    server.play(Step(deltas=tuple(f"word{n} " for n in range(600)), delta_delay=0.02))
    drafting = running.start("generate", "next")
    try:
        while engine(running)["running"] != 1:
            time.sleep(0.05)
        pid = engine(running)["pid"]
        told = running("engine", "status").stdout
        assert told.startswith("The engine is running, with 1 draft under way.")
        assert "1 other command" in told
        assert "1 draft is running" in running("engine", "restart", code=3).stderr
        assert "once 1 draft has ended" in running("engine", "drain").stderr
        assert engine(running)["draining"] is True
        assert "1 draft ended" in running("engine", "restart", "--now").stderr
        assert engine(running)["pid"] != pid
        assert drafting.wait(timeout=30) == 130
        assert running.data("history", "next")["runs"][0]["status"] == "interrupted"
    finally:
        drafting.kill()
        drafting.communicate()


def test_an_engine_that_is_stopped_is_named_and_can_be_killed(running: Studio) -> None:
    pid = int(str(engine(running)["pid"]))
    os.kill(pid, signal.SIGSTOP)
    said = running("status", code=1).stderr
    assert f"process {pid}" in said
    assert "studio engine kill" in said
    assert f"Process {pid}" in running("engine", "kill").stderr
    assert running.data("status")["seq"] > 0


def test_the_log_shows_when_the_engine_came_and_went(running: Studio) -> None:
    running("engine", "restart")
    shown = running("engine", "log").stdout
    assert shown.count("ready after") == 2
    assert "leaving: restart" in shown
    assert len(running("engine", "log", "-n", "1").stdout.splitlines()) == 1


def test_nothing_can_be_changed_from_a_terminal_that_only_looks(running: Studio) -> None:
    assert running("--view", "status").stdout
    assert "only looks" in running("--view", "chapter", "add", "x", code=3).stderr
