"""A check command that does not behave: nothing of it is waited for longer than its time, and nothing of ours stays open."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from studio.workspace import check_command

OPEN = Path("/proc/self/fd")


def pipes() -> int:
    found = 0
    for name in os.listdir(OPEN):
        with contextlib.suppress(OSError):
            found += os.readlink(OPEN / name).startswith("pipe:")
    return found


@pytest.mark.skipif(not OPEN.is_dir(), reason="open files cannot be listed here")
async def test_a_process_that_left_the_session_keeps_neither_the_check_nor_its_pipe(tmp_path: Path) -> None:
    await check_command.run("true", tmp_path, 30.0)
    await asyncio.sleep(0.05)
    before = pipes()
    result = await check_command.run("setsid sleep 3 & exit 0", tmp_path, 0.5)
    assert (result.code, result.output) == (None, "")
    await asyncio.sleep(0.05)
    assert pipes() <= before


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not OPEN.is_dir(), reason="processes cannot be listed here")
@pytest.mark.parametrize("ends", ["exit 0", "sleep 60"])
async def test_a_process_that_left_the_session_is_ended_with_the_check(tmp_path: Path, ends: str) -> None:
    command = f"setsid sh -c 'echo $$ > stray; exec sleep 60' > /dev/null 2>&1 & sleep 0.3; {ends}"
    await check_command.run(command, tmp_path, 1.0)
    stray = int((tmp_path / "stray").read_text())
    async with asyncio.timeout(5):
        while alive(stray):
            await asyncio.sleep(0.05)


async def test_a_command_that_ignores_the_signal_and_prints_for_ever_is_ended(tmp_path: Path) -> None:
    result = await check_command.run("trap '' TERM; yes", tmp_path, 0.5)
    assert (result.code, result.cut) == (None, True)
    assert len(result.output) <= check_command.OUTPUT_BYTES
