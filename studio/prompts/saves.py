"""Which template files changed on disk, and whether each change is a finished save: one in the middle is not taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.config.files import being_written
from studio.prompts import files
from studio.prompts.files import Found, Origin
from studio.prompts.source import TemplateError

SETTLE_SECONDS = 0.08
"""How long a saved file must lie unchanged before it is taken."""
SUSPICIOUS_SECONDS = 0.6
"""The same for a text that looks cut: the beginning of the version in use, or without its last line end."""
WRITING_SECONDS = 5.0
"""How long one look waits for a program that keeps writing; the file is looked at again by the next look."""


@dataclass(frozen=True, slots=True)
class Look:
    """All files, the names of those that changed (or vanished) since the last look, and of those still being written."""

    found: Mapping[str, Found]
    changed: frozenset[str]
    unsettled: frozenset[str]


class Saves:
    """Remembers what was found by the last look that was dealt with."""

    def __init__(self, project: Path | None, packaged: Path, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._project = project
        self._packaged = packaged
        self._settle_seconds = settle_seconds
        self._last: dict[str, Found] = {}
        self._first_seen: dict[object, float] = {}
        self._given_up: dict[str, Found | None] = {}  # not waited for twice while they stay as they are

    def forget(self) -> None:
        """Take every file for changed at the next look."""
        self._last = {}

    async def look(self, text_in_use: Callable[[str], str | None]) -> Look | None:
        """What changed, once saves are finished; None when nothing did."""
        found = await self._scan()
        if not self._changed(found):
            return None
        deadline = time.monotonic() + WRITING_SECONDS
        while restless := await self._restless(found, text_in_use):
            given_up = all(name in self._given_up and self._given_up[name] == found.get(name) for name in restless)
            if given_up or time.monotonic() > deadline:
                break
            await asyncio.sleep(self._settle_seconds / 4)
            found = await self._scan()
        else:
            self._first_seen.clear()
        self._given_up = {name: found.get(name) for name in restless}
        return Look(found, frozenset(self._changed(found) - restless), frozenset(restless))

    def done(self, look: Look) -> None:
        """What this look found is dealt with; until then the next look finds it again (a caller may be cancelled in between)."""
        self._last = {name: item for name, item in look.found.items() if name not in look.unsettled}

    async def _scan(self) -> dict[str, Found]:
        return await asyncio.to_thread(files.scan, self._project, self._packaged)

    def _changed(self, found: Mapping[str, Found]) -> set[str]:
        return {name for name in {*found, *self._last} if found.get(name) != self._last.get(name)}

    async def _restless(self, found: Mapping[str, Found], text_in_use: Callable[[str], str | None]) -> set[str]:
        restless: set[str] = set()
        for name in self._changed(found):
            item, last = found.get(name), self._last.get(name)
            if item and (last is None or item.origin is last.origin or item.origin is Origin.PROJECT):
                quiet = await asyncio.to_thread(self._is_quiet, item, text_in_use(name))
            else:
                # A project's file that vanished may be in the middle of being replaced.
                quiet = self._seen_long(("gone", name), self._settle_seconds)
            if not quiet:
                restless.add(name)
        return restless

    def _is_quiet(self, found: Found, in_use: str | None) -> bool:
        if found.trouble:
            return self._seen_long((found.name, found.trouble), self._settle_seconds)
        cut = in_use is not None and _looks_cut(found, in_use)
        needed = max(self._settle_seconds, SUSPICIOUS_SECONDS) if cut else self._settle_seconds
        lying = time.time() - found.changed_at
        # The file's own time tells how long it has been lying there, unless another machine's clock wrote it.
        settled = lying > needed or self._seen_long(found, needed)
        return settled and not being_written(found.path)

    def _seen_long(self, key: object, needed: float) -> bool:
        now = time.monotonic()
        return now - self._first_seen.setdefault(key, now) >= needed


def _looks_cut(found: Found, text: str) -> bool:
    try:
        new = files.read_text(found)
    except TemplateError:
        return False
    return new != text and (text.startswith(new) or (text.endswith("\n") and not new.endswith("\n")))
