"""Turning files into versions that can be tried: read, parsed, inspected; and the older texts that can stand in for a broken one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from studio.prompts import files
from studio.prompts.files import Found, Origin
from studio.prompts.render import Inspection, Renderer
from studio.prompts.shelf import Choice, Version
from studio.prompts.source import Source, TemplateError, parse


class Memory(Protocol):
    """Where the last good text of a project's template outlives this process."""

    async def remember(self, name: str, digest: str, text: str) -> None: ...

    async def recall(self, name: str) -> str | None: ...


class Versions:
    """Makes the choices that `shelf.settle` decides between."""

    def __init__(self, packaged: Path, renderer: Renderer, memory: Memory | None) -> None:
        self._packaged = packaged
        self._renderer = renderer
        self._memory = memory

    async def choices(
        self, found: Mapping[str, Found], changed: Iterable[str], used: Mapping[str, Version]
    ) -> dict[str, Choice]:
        """For each file its versions, newest first: what is on disk, what is in use, what is remembered, what came packaged."""
        wanted = sorted(changed)
        read = await asyncio.to_thread(_read_all, [found[name] for name in wanted if name in found])
        older = {name: [] if name in used else await self._older(found[name]) for name in wanted if name in found}
        fresh = [item for item in read.values() if isinstance(item, Source)]
        inspected = await self._inspect([*fresh, *(source for sources in older.values() for source, _ in sources)])
        result = {name: Choice([version]) for name, version in used.items() if name not in wanted}
        for name in wanted:
            text = read.get(name)
            newest = _version(text, found[name], inspected) if isinstance(text, Source) else text
            rest: list[Version | None] = [used[name]] if name in used else []
            rest += [
                item
                for source, place in older.get(name, ())
                if isinstance(item := _version(source, place, inspected), Version)
            ]
            if isinstance(newest, TemplateError):
                result[name] = Choice(_distinct(rest), 0, newest)
            else:
                result[name] = Choice(_distinct([newest, *rest]))
        return result

    async def _older(self, found: Found) -> list[tuple[Source, Found]]:
        """For a file of the project that this process has not used yet: the remembered text, then the packaged file."""
        if found.origin is not Origin.PROJECT:
            return []
        result: list[tuple[Source, Found]] = []
        try:
            if self._memory and (text := await self._memory.recall(found.name)) is not None:
                result.append((parse(found.name, text), found))
        except TemplateError:
            pass  # written by an earlier version of the program, perhaps with other rules; the packaged file stands in
        packaged = Found(found.name, self._packaged / found.name, Origin.PACKAGED)
        try:
            result.append((await asyncio.to_thread(files.read, packaged), packaged))
        except TemplateError:
            return result
        return result

    async def _inspect(self, sources: list[Source]) -> dict[str, Inspection]:
        result: dict[str, Inspection] = {}
        waiting = {item.digest + item.name: item for item in sources}
        # One request holds one text of a name, and a file may come with a remembered and a packaged one.
        while waiting:
            batch = {item.name: (key, item) for key, item in waiting.items()}
            found = await self._renderer.inspect({name: item for name, (_, item) in batch.items()})
            for name, (key, _) in batch.items():
                result[key] = found[name]
                del waiting[key]
        return result


def _version(source: Source, found: Found, inspected: Mapping[str, Inspection]) -> Version | TemplateError:
    inspection = inspected[source.digest + source.name]
    return inspection.error or Version(source, found.path, found.origin, inspection)


def _distinct(versions: Iterable[Version | None]) -> list[Version | None]:
    seen: set[str] = set()
    kept: list[Version | None] = []
    for version in versions:
        key = version.source.digest if version else ""
        if key not in seen:
            seen.add(key)
            kept.append(version)
    return kept


def _read_all(found: list[Found]) -> dict[str, Source | TemplateError]:
    result: dict[str, Source | TemplateError] = {}
    for item in found:
        try:
            result[item.name] = files.read(item)
        except TemplateError as error:
            result[item.name] = error
    return result
