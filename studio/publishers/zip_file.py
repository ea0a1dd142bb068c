"""Publishing as a zip file: the same release is the same bytes, and only a zip that was made here is replaced."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from studio.config import modes
from studio.config.files import replace_at, storage_error
from studio.domain.errors import Conflict, Refused
from studio.domain.text import counted, one_line, slugify
from studio.publishers import options, snapshot
from studio.publishers.base import (
    Done,
    KeyUse,
    Option,
    Published,
    PublishPlan,
    Release,
    Report,
    Secrets,
    Step,
    StepData,
    Target,
    planned,
)
from studio.publishers.carrying_out import carry_out, hold_to
from studio.publishers.snapshot import There, content, difference, mode

OPTIONS = (
    Option(
        "path",
        str,
        "the file, relative to the project; {project} and {version} stand for its name and the number",
        "published/{project}-{version}.zip",
    ),
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_COMMENT = b"published by studio: "
_ODD = re.compile(r"[^0-9A-Za-z.+-]+")


class ZipPublisher:
    """The release as one file."""

    name = "zip"
    options = OPTIONS

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        return ()

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        return await asyncio.to_thread(self._plan, release, target)

    def _plan(self, release: Release, target: Target) -> PublishPlan:
        place = _place(release, target)
        snapshot.check(release)
        shown = one_line(str(place))
        before = _read(place)
        there, texts = _inside(before, shown) if before is not None else ({}, {})
        against = shown if before is not None else f"{shown}, which is not there"
        diff = difference(release, there, texts.__getitem__, against=against)
        data = pack(release)
        steps = () if before == data else (Step("write", f"Write {shown}", f"{len(data)} bytes, replaced in one step"),)
        summary = f"Version {release.version} becomes {shown}."
        if not steps:
            summary = f"Version {release.version} is in {shown} already: nothing is left to do."
        return planned(release, target, steps, summary=summary, diff=diff, state={"there": _fingerprint(before)})

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        snapshot.check(release)
        place = _place(release, plan.target)

        async def write(done: Done) -> StepData:
            return await asyncio.to_thread(_write, release, place, str(plan.state.get("there", "")))

        async def written(done: Done) -> bool:
            return await asyncio.to_thread(lambda: _read(place) == pack(release))

        await carry_out(plan, done, report, {"write": write}, {"write": written})
        return Published(
            str(place), f"{counted(len(release.tree), 'file')} in {one_line(place.name)}", {"path": str(place)}
        )


def _place(release: Release, target: Target) -> Path:
    text = options.read(target, OPTIONS).text("path")
    names = {"{version}": _ODD.sub("-", release.version), "{project}": slugify(release.project.name) or "app"}
    for name, value in names.items():
        text = text.replace(name, value)
    return options.place(text, release.project)


def pack(release: Release) -> bytes:
    """The zip's bytes: names in order, one date, no more of a mode than whether it may be run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.comment = _COMMENT + release.version_id.encode("utf-8", "replace")[:200]
        for file in release.tree:
            entry = zipfile.ZipInfo(file.path, _EPOCH)
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = (0o100000 | mode(file)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content(release, file))
    return buffer.getvalue()


def _read(place: Path) -> bytes | None:
    if not os.path.lexists(place):
        return None
    if place.is_symlink() or not place.is_file():
        raise Refused(f"{one_line(str(place))} is a link or not a file.", hint="Name another file.")
    try:
        if place.stat().st_size > snapshot.BYTES_LIMIT:
            raise Refused(
                f"{one_line(str(place))} is too large to be one that was published.", hint="Name another file."
            )
        return place.read_bytes()
    except OSError as error:
        raise storage_error(error, one_line(str(place)), "read") from error


def _inside(data: bytes, shown: str) -> tuple[Mapping[str, There], Mapping[str, bytes]]:
    """The files in a zip that was made here. Raises Refused for any other file."""
    there: dict[str, There] = {}
    texts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if (
                archive.comment.startswith(_COMMENT)
                and sum(entry.file_size for entry in entries) <= snapshot.BYTES_LIMIT
            ):
                for entry in entries:
                    texts[entry.filename] = archive.read(entry)
                    digest = hashlib.sha256(texts[entry.filename]).hexdigest()
                    there[entry.filename] = There(digest, (entry.external_attr >> 16) & 0o777)
                return there, texts
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        pass
    raise Refused(f"{shown} exists and was not published by studio.", hint="Name another file, or move that one away.")


def _fingerprint(data: bytes | None) -> str:
    return hashlib.sha256(data).hexdigest() if data is not None else ""


def _write(release: Release, place: Path, expected: str) -> StepData:
    data = pack(release)
    before = _read(place)
    if before != data:
        if _fingerprint(before) != expected:
            raise Conflict(f"{one_line(str(place))} has changed since the plan.", hint="Plan again.")
        try:
            modes.make_folders(place.parent)
            folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                replace_at(folder, place.name, data, mode=modes.file_mode())
            finally:
                os.close(folder)
        except OSError as error:
            raise storage_error(error, one_line(str(place)), "written") from error
    return {"path": str(place), "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
