"""Which work in a demo's folder is the demo's own: where the sample stood untouched, and the page that a run without a screen began."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from studio.config.files import atomic_write
from studio.config.paths import STATE_FOLDER
from studio.domain.errors import NotFound, Refused
from studio.domain.page import BRIEF, Origin
from studio.domain.text import one_line
from studio.protocol import queries as q

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient

_OF_A_PERSON = (Origin.PERSON, Origin.RESTORE, Origin.OUTSIDE, Origin.MIRROR)


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`seq` is the journal's as the sample was filled in; `page` the page at work, whose feedback says `feedback` and nothing else."""

    seq: int = 0
    page: str = ""
    feedback: str = ""


def keep(root: Path, mark: Mark) -> None:
    """Raises StorageError: without the mark, a run that breaks off could not be told from a person's work."""
    atomic_write(_path(root), msgspec.json.encode(mark))


def forget(root: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        _path(root).unlink()


async def page_to_take(client: EngineClient, root: Path, shown: str) -> str:
    """The page that a run without a screen may draft and approve: the next one of an untouched sample, that of a run that broke off.

    Raises Refused in a folder where anybody has worked: what waits there is for a person to approve.
    """
    if (mark := _read(root)) is not None and (page := await _marked(client, mark)) is not None:
        return page
    raise Refused(
        f"There is work in {one_line(shown)} already, and the demo without a screen drafts and approves in a fresh copy only.",
        hint=f"Name a new folder: studio demo DIR. To go on with what is there: studio -C {shown}",
    )


async def _marked(client: EngineClient, mark: Mark) -> str | None:
    if mark.page:
        return mark.page if await _untouched_by_a_person(client, mark) else None
    if mark.seq != (await client.query(q.GetProject())).seq:
        return None
    page = await client.query(q.GetPage(page="next"))
    return None if page.kept else page.id


async def _untouched_by_a_person(client: EngineClient, mark: Mark) -> bool:
    try:
        page = await client.query(q.GetPage(page=mark.page))
        history = await client.query(q.GetHistory(page=mark.page))
    except NotFound:
        return False
    briefs = sum(1 for one in history.revisions if one.stage == BRIEF)
    texts = (one for one in history.revisions if one.stage != BRIEF)
    return (
        not page.kept
        and not page.archived
        and briefs == 1
        and all(one.text == mark.feedback for one in history.feedback)
        and not any(one.origin in _OF_A_PERSON for one in texts)
    )


def _read(root: Path) -> Mark | None:
    """None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode(_path(root).read_bytes(), type=Mark)
    except (OSError, ValueError, RecursionError):
        return None


def _path(root: Path) -> Path:
    return root / STATE_FOLDER / "demo.json"
