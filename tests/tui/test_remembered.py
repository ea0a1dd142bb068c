"""The outline of the last time stands on the screen while the engine opens, and no broken file gets in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from studio.cli.remembered import RememberedOutline
from studio.protocol import queries as q
from studio.protocol.client import EngineClient
from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from tests.fakes.fake_engine import ferry
from tests.tui.bench import Bench, bench


def _memory(tmp_path: Path) -> RememberedOutline:
    (tmp_path / ".studio").mkdir()
    return RememberedOutline(tmp_path)


async def test_rows_stand_before_the_engine_answers_and_its_answer_replaces_them(tmp_path: Path) -> None:
    memory, engine, opened = _memory(tmp_path), ferry(), asyncio.Event()
    memory.keep(await engine.query(q.GetProject()))
    engine.pages[0].title = "Mist"

    async def connect() -> EngineClient:
        await opened.wait()
        return engine

    app = StudioApp(connect, WorkbenchOptions(memory=memory))
    async with app.run_test(size=(120, 32)) as pilot:
        at = Bench(app, pilot)
        await at.until(lambda: "✓ 1 Fog" in at.screen())
        assert "opening" in at.screen()
        await at.press("g", "a", "O")
        assert engine.commands == []
        opened.set()
        await at.until(lambda: "✓ 1 Mist" in at.screen())
        assert "saved" in at.screen()


async def test_leaving_keeps_the_outline(tmp_path: Path) -> None:
    memory = _memory(tmp_path)
    async with bench(ferry(), options=WorkbenchOptions(memory=memory)) as at:
        await at.press("q")
        await at.until(lambda: memory.recall())
    kept = memory.recall()
    assert kept is not None
    assert kept.title == "The Lantern Ferry"


def test_a_broken_a_foreign_and_a_missing_file_are_as_good_as_none(tmp_path: Path) -> None:
    memory = _memory(tmp_path)
    assert memory.recall() is None
    path = tmp_path / ".studio" / "outline.json"
    for content in (b"", b"\xff\x00", b"[" * 100_000, b'{"title": 3}', b'{"other": "version"}'):
        path.write_bytes(content)
        assert memory.recall() is None
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert memory.recall() is None
