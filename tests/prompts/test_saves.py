"""Saves that are not finished: by a program that still writes, by one that breaks off, by one that is cut short and comes back."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from studio.prompts.catalog import Catalog
from tests.prompts.conftest import Folders

NARRATION = "story/narration.md.j2"


async def text_in_use(catalog: Catalog) -> str:
    return (await catalog.get("story", "narration")).source.text


WRITER = """
import sys, time
path, pause, *parts = sys.argv[1:]
with open(path, "w") as file:
    for part in parts:
        file.write(part.encode().decode("unicode_escape")); file.flush()
        print("wrote", flush=True)
        sys.stdin.readline()
"""


async def writer(path: Path, *parts: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), "0", *parts, stdin=pipe, stdout=pipe
    )
    assert process.stdout
    await process.stdout.readline()
    return process


async def go_on(process: asyncio.subprocess.Process) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    await process.stdin.drain()
    await process.stdout.readline()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a read lease")
async def test_a_file_that_another_program_is_still_writing_is_not_used(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    await catalog.refresh()
    # The half parses, and differs in every line from the version in use.
    process = await writer(path, "Half of {{ brief }}\\n", "and the rest\\n")
    reading = asyncio.create_task(text_in_use(catalog))
    await asyncio.sleep(0.3)
    assert not reading.done()
    await go_on(process)
    await go_on(process)
    await process.wait()
    assert await reading == "Half of {{ brief }}\nand the rest\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a read lease")
async def test_a_program_that_never_ends_its_save_does_not_hold_up_the_draft(
    catalog: Catalog, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.prompts.saves.WRITING_SECONDS", 0.3)
    path = folders.write(NARRATION, "Good {{ brief }}\n")
    await catalog.refresh()
    process = await writer(path, "Half of {{ brief }}\\n")
    template = await catalog.get("story", "narration")
    assert template.source.text == "Good {{ brief }}\n"
    assert "still writing" in template.problems[0].reason
    again = asyncio.create_task(catalog.get("story", "narration"))
    assert (await asyncio.wait_for(again, 30)).source.text == "Good {{ brief }}\n"
    await go_on(process)
    await process.wait()
    assert (await catalog.get("story", "narration")).source.text == "Half of {{ brief }}\n"
    assert catalog.problems() == ()


async def test_a_text_cut_short_and_completed_in_a_moment_is_never_seen_short(
    catalog: Catalog, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.prompts.saves.SUSPICIOUS_SECONDS", 20.0)  # so that a busy machine changes nothing
    monkeypatch.setattr("studio.prompts.saves.WRITING_SECONDS", 60.0)
    whole = "First line {{ brief }}\nSecond line\n"
    path = folders.write(NARRATION, whole)
    await catalog.refresh()
    path.write_text(whole[:20])
    reading = asyncio.create_task(text_in_use(catalog))
    await asyncio.sleep(0.25)
    path.write_text(whole + "Third\n")
    assert await reading == whole + "Third\n"


async def test_every_prefix_of_a_save_leaves_a_template_that_works(catalog: Catalog, folders: Folders) -> None:
    """Whatever moment a copy breaks off for good at, a draft has a usable template."""
    whole = "---\nname: x\n---\nsystem:\nYou.\nuser:\n{% if draft %}\n{{ draft }}\n{% endif %}\n{{ brief }}\n"
    path = folders.write(NARRATION, whole)
    assert await text_in_use(catalog) == whole
    for cut in range(0, len(whole), 11):
        path.write_text(whole[:cut])
        template = await catalog.get("story", "narration")
        assert template.source.blocks
        assert template.problems or template.source.text == whole[:cut]


async def test_a_look_that_is_cancelled_half_way_loses_no_change(catalog: Catalog, folders: Folders) -> None:
    path = folders.write(NARRATION, "One {{ brief }}\n")
    await catalog.refresh()
    path.write_text("Two {{ brief }}\n")
    for ticks in range(0, 40, 4):
        reading = asyncio.create_task(catalog.get("story", "narration"))
        for _ in range(ticks):
            await asyncio.sleep(0.005)
        reading.cancel()
        await asyncio.wait({reading})
    assert await text_in_use(catalog) == "Two {{ brief }}\n"
