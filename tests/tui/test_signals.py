"""The workbench in a real pty: signals and a dropped line end it with the right code, the terminal given back."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from benchmarks.pty_program import PtyProgram

COMMAND = [sys.executable, "-m", "benchmarks.fake_workbench"]


@pytest.fixture
def program() -> PtyProgram:
    started = PtyProgram(COMMAND)
    started.wait_for("Teodor boards", limit=60)
    started.settle(0.3)
    return started


def _ended(program: PtyProgram, *, read: bool = True) -> int | None:
    end = time.monotonic() + 20
    while program.process.poll() is None and time.monotonic() < end:
        if read:
            program.pump(0.05)
        else:
            time.sleep(0.05)
    if program.process.poll() is None:
        program.process.kill()
        program.process.wait()
        return None
    if read:
        program.pump(0.05)
    return program.process.returncode


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_its_code_and_the_terminal_restored(program: PtyProgram, number: int, code: int) -> None:
    before = len(program.written)
    program.process.send_signal(number)
    assert _ended(program) == code
    said = b"".join(data for _, data in program.written[before:])
    for sequence in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1000l", b"\x1b[23;2t"):
        assert sequence in said
    assert b"Traceback" not in said


def test_bytes_that_are_no_text_are_passed_over(program: PtyProgram) -> None:
    before = len(program.written)
    os.write(program._master, b"\xff\xfe\x80\xe9")
    program.settle(0.3)
    program.type("?")
    program.settle(0.3)
    assert program.process.poll() is None
    program.process.send_signal(signal.SIGTERM)
    assert _ended(program) == 143
    said = b"".join(data for _, data in program.written[before:])
    assert b"UnicodeDecodeError" not in said


DYING = """
import sys, time
from textual.drivers.linux_driver import LinuxDriver
def dies(driver):
    time.sleep(1)
    raise RuntimeError("no keyboard")
LinuxDriver.run_input_thread = dies
sys.argv = ["workbench"]
from benchmarks.fake_workbench import main
main()
"""


def test_a_keyboard_that_cannot_be_read_ends_it_with_a_sentence() -> None:
    program = PtyProgram([sys.executable, "-c", DYING])
    assert _ended(program) == 1
    said = b"".join(data for _, data in program.written)
    assert b"The keyboard could not be read any more; everything saved is kept." in said
    assert b"\x1b[?1049l" in said
    assert b"Traceback" not in said


def test_a_second_hangup_changes_nothing(program: PtyProgram) -> None:
    program.type("\x10")  # the palette is open
    program.settle(0.3)
    for _ in range(40):
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGHUP)
            program.pump(0.02)
    assert _ended(program) == 129


def test_a_dropped_line_ends_it(program: PtyProgram) -> None:
    os.close(program._master)
    assert _ended(program, read=False) == 129


def test_an_idle_screen_writes_nothing(program: PtyProgram) -> None:
    program.settle(1.0)
    quiet = program.now()
    end = program.now() + 2.0
    while program.now() < end:
        program.pump(0.1)
    assert program.bytes_since(quiet) == 0
    program.type("q")
    assert _ended(program) == 0


def test_title_and_progress_follow_a_draft() -> None:
    program = PtyProgram([*COMMAND, "--page", "page-22", "--tokens", "60"])
    program.wait_for("Teodor boards", limit=60)
    program.settle(0.5)
    program.type("g")
    program.settle(0.5)
    program.type("g")
    program.wait_for("END-OF-STREAM", limit=60)
    program.settle(1.0)
    said = b"".join(data for _, data in program.written)
    assert said.index(b"\x1b]9;4;3\x07") < said.index(b"\x1b]9;4;0\x07")
    assert b"\x1b]2;The Lantern Ferry\x07" in said
    program.end()
