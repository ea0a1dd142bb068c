"""Folders that are written, replaced, moved away and made anew while they are watched."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from studio.prompts.watcher import Watch, changes


class Seen:
    """Collects the changed paths, by name relative to a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: list[str] = []
        self._more = asyncio.Event()

    async def collect(self, watches: list[Watch], stop: asyncio.Event) -> None:
        async for batch in changes(watches, stop):
            self.paths += [str(path.relative_to(self.root)) for path in batch]
            self._more.set()

    async def until(self, name: str) -> None:
        async with asyncio.timeout(30):
            while name not in self.paths:
                self._more.clear()
                await self._more.wait()
        self.paths.clear()

    async def first(self) -> list[str]:
        await asyncio.wait_for(self._more.wait(), 30)
        return self.paths


@asynccontextmanager
async def watching(root: Path, *watches: Watch) -> AsyncIterator[Seen]:
    seen, stop = Seen(root), asyncio.Event()
    task = asyncio.create_task(seen.collect(list(watches), stop))
    await asyncio.sleep(0.3)  # the watch is armed in a thread; changes before that are contents, not changes
    try:
        yield seen
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    other = path.with_name(".tmp")
    other.write_text(text)
    os.replace(other, path)


def vim(path: Path, text: str) -> None:
    os.rename(path, path.with_name(path.name + "~"))
    path.write_text(text)


@pytest.mark.parametrize("save", [write, replace, vim])
async def test_saves_of_any_kind_are_seen_again_and_again(tmp_path: Path, save: Callable[[Path, str], None]) -> None:
    file = tmp_path / "prompts" / "a.j2"
    write(file, "0")
    async with watching(tmp_path, Watch(file.parent)) as seen:
        for number in range(1, 4):
            save(file, str(number))
            await seen.until("prompts/a.j2")


async def test_a_folder_may_appear_vanish_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "book" / "prompts"
    async with watching(tmp_path, Watch(folder)) as seen:
        write(folder / "story" / "a.j2", "1")
        await seen.until("book/prompts/story/a.j2")
        shutil.rmtree(tmp_path / "book")
        await seen.until("book/prompts/story/a.j2")
        write(folder / "b.j2", "1")
        await seen.until("book/prompts/b.j2")
        os.rename(folder, tmp_path / "moved")
        await seen.until("book/prompts/b.j2")
        write(folder / "c.j2", "1")
        await seen.until("book/prompts/c.j2")
        write(folder / "c.j2", "2")
        await seen.until("book/prompts/c.j2")


async def test_several_folders_and_single_files_are_watched_at_once(tmp_path: Path) -> None:
    watches = (
        Watch(tmp_path / "prompts"),
        Watch(tmp_path / "canon"),
        Watch(tmp_path, recursive=False, names=("studio.toml",)),
    )
    async with watching(tmp_path, *watches) as seen:
        write(tmp_path / "notes.md", "not watched")
        write(tmp_path / "canon" / "people" / "ilse.md", "1")
        await seen.until("canon/people/ilse.md")
        write(tmp_path / "studio.toml", "1")
        await seen.until("studio.toml")
        assert "notes.md" not in seen.paths


async def test_a_touch_and_editor_leftovers_are_no_change(tmp_path: Path) -> None:
    file = tmp_path / "prompts" / "a.j2"
    write(file, "1")
    async with watching(tmp_path, Watch(file.parent)) as seen:
        file.touch()
        write(file.with_name(".a.j2.swp"), "x")
        write(file.with_name("a.j2~"), "x")
        write(file.with_name("b.j2"), "the one real change")
        assert await seen.first() == ["prompts/b.j2"]


async def test_polling_can_be_forced_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    monkeypatch.setenv("WATCHFILES_POLL_DELAY_MS", "50")
    file = tmp_path / "prompts" / "a.j2"
    write(file, "1")
    os.utime(file, (1, 1))
    async with watching(tmp_path, Watch(file.parent)) as seen:
        write(file, "2")
        await seen.until("prompts/a.j2")


async def test_stopping_ends_the_watch(tmp_path: Path) -> None:
    async with watching(tmp_path, Watch(tmp_path / "never")):
        pass
