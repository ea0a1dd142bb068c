"""`canon/` that something else takes the place of while the project is open: one warning, and the last documents stay."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.engine.inprocess import InProcessClient
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol.canon_views import CanonView


async def _notice(events: AsyncIterator[e.AnyEvent]) -> e.Notice:
    async with asyncio.timeout(60):
        async for event in events:
            if isinstance(event, e.Notice):
                return event
    raise AssertionError("no notice came")


async def _names(client: InProcessClient, *names: str) -> CanonView:
    """The canon once it consists of the documents with these names."""
    async with asyncio.timeout(60):
        while True:
            view = await client.query(q.GetCanon())
            if sorted(document.name for document in view.documents) == list(names):
                return view
            await asyncio.sleep(0.02)


def _put(canon: Path, what: str) -> None:
    match what:
        case "file":
            canon.write_text("not a folder\n")
        case "pipe":
            os.mkfifo(canon)
        case "link":
            canon.symlink_to(canon.with_name("elsewhere"))


@pytest.mark.parametrize("what", ["file", "pipe", "link"])
async def test_what_stands_in_place_of_the_folder_is_one_warning_and_the_documents_stay(
    client: InProcessClient, root: Path, what: str
) -> None:
    canon = root / "canon"
    (canon / "ilse.md").write_text("---\nname: Ilse Vane\n---\nShe counts the rings.\n")
    await _names(client, "Ilse Vane")
    async with client.subscribe() as events:
        canon.rename(root / "elsewhere")
        _put(canon, what)
        notice = await _notice(events)
    assert notice.level == "warning"
    assert notice.message in ("canon is no folder, and must be one.", "canon/ is a link, and links are not followed.")
    view = await _names(client, "Ilse Vane")
    assert [warning.path for warning in view.warnings] == ["canon/"]
    canon.unlink()
    (root / "elsewhere").rename(canon)
    (canon / "bram.md").write_text("---\nname: Bram Odell\n---\nHe coughs.\n")
    view = await _names(client, "Bram Odell", "Ilse Vane")
    assert not view.warnings
