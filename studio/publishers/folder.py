"""Publishing to a local folder: written beside it, then swapped in. Only a folder that was published here is ever replaced."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from studio.config import modes
from studio.config.files import storage_error
from studio.domain.errors import Conflict, Refused, StorageError, StudioError
from studio.domain.text import counted, one_line
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

MARKER = ".studio-published.json"
"""Stands in every published folder, and is what allows a later release to replace it."""

OPTIONS = (Option("path", str, "the folder, relative to the project or absolute", required=True),)
_MARKER_LIMIT = 100_000 + 1_000 * snapshot.FILES_LIMIT
_SHORT = 16
"""Characters of a digest in the marker: enough to tell a change, and it stays small."""


class FolderPublisher:
    """The release as plain files in a folder."""

    name = "folder"
    options = OPTIONS

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        return ()

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        return await asyncio.to_thread(self._plan, release, target)

    def _plan(self, release: Release, target: Target) -> PublishPlan:
        place = _place(release, target)
        snapshot.check(release)
        there = _found(place)
        old = marker(place)
        shown = one_line(str(place))
        edited = _edited(old, there, release)
        was = (
            f"version {one_line(str(old.get('version')), 40)} in {shown}{', as it was changed there' if edited else ''}"
        )
        against = was if old else f"{shown}, which is empty"
        diff = difference(release, there, lambda path: _bytes(place, path), against=against)
        warnings = (_told(edited, str(old.get("version")), shown),) if edited else ()
        steps: tuple[Step, ...] = ()
        if not (_same(release, there) and old.get("version_id") == release.version_id):
            steps = (
                Step("write", "Write the files beside it", counted(len(release.tree), "file")),
                Step("swap", f"Put them in the place of {shown}", "in one step; the folder before it is removed after"),
            )
        summary = f"Version {release.version} goes to {shown}."
        if not steps:
            summary = f"Version {release.version} is in {shown} already: nothing is left to do."
        state = {"there": fingerprint(there)}
        return planned(release, target, steps, summary=summary, diff=diff, warnings=warnings, state=state)

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        snapshot.check(release)
        place = _place(release, plan.target)

        async def write(done: Done) -> StepData:
            return await asyncio.to_thread(_write, release, place)

        async def swap(done: Done) -> StepData:
            return await asyncio.to_thread(_swap, release, place, str(plan.state.get("there", "")))

        async def written(done: Done) -> bool:
            return await asyncio.to_thread(lambda: _holds(release, _beside(place, "new")) or _holds(release, place))

        async def swapped(done: Done) -> bool:
            return await asyncio.to_thread(_holds, release, place)

        await carry_out(plan, done, report, {"write": write, "swap": swap}, {"write": written, "swap": swapped})
        return Published(
            str(place), f"{counted(len(release.tree), 'file')} in {one_line(str(place))}", {"path": str(place)}
        )


def _place(release: Release, target: Target) -> Path:
    return options.place(options.read(target, OPTIONS).text("path"), release.project)


def marker(place: Path) -> Mapping[str, object]:
    """What the marker of a published folder says; empty when nothing is there. Raises Refused for a folder that is not ours."""
    shown = one_line(str(place))
    if not os.path.lexists(place):
        return {}
    if not place.is_dir():
        raise Refused(f"{shown} is not a folder.", hint="Name another place.")
    try:
        if not any(place.iterdir()):
            return {}
        path = place / MARKER
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MARKER_LIMIT:
            found = json.loads(path.read_text("utf-8"))
            if isinstance(found, dict) and found.get("made_by") == "studio":
                return found
    except OSError as error:
        raise storage_error(error, shown, "read") from error
    except (ValueError, RecursionError):
        pass
    raise Refused(
        f"{shown} is not empty and was not published by studio.",
        hint="Name a new or empty folder, or move that one away.",
    )


def _edited(old: Mapping[str, object], there: Mapping[str, There], release: Release) -> list[str]:
    """What somebody changed in a folder since it was published, and publishing would undo. An older marker names no files."""
    sent = old.get("files")
    if not isinstance(sent, dict):
        return []
    wanted = {file.path: file.digest for file in release.tree}
    now = {path: found.key for path, found in there.items()}
    names = sorted(path for path in sent.keys() | now.keys() if now.get(path, "")[:_SHORT] != sent.get(path, ""))
    return [path for path in names if now.get(path) != wanted.get(path)]


def _told(edited: list[str], version: str, shown: str) -> str:
    named = ", ".join(one_line(path, 80) for path in edited[:5])
    more = f" and {len(edited) - 5} more" if len(edited) > 5 else ""
    return f"changed in {shown} since version {one_line(version, 40)} went there, and replaced: {named}{more}"


def _found(place: Path) -> dict[str, There]:
    """Every file below a folder by path; a link is told by its own key, and never followed. Raises StorageError."""
    try:
        return _walked(place)
    except OSError as error:
        raise storage_error(error, one_line(str(error.filename or place)), "read") from error


def _walked(place: Path) -> dict[str, There]:
    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error  # else what lies in it would count as nothing

    found: dict[str, There] = {}
    for folder, folders, files in os.walk(place, onerror=unreadable):
        for name in [*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))]:
            path = Path(folder) / name
            rel = path.relative_to(place).as_posix()
            kind = os.lstat(path).st_mode
            if rel != MARKER:
                plain = stat.S_ISREG(kind)
                found[rel] = There(_digest(path) if plain else "link", 0o755 if kind & 0o111 and plain else 0o644)
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bytes(place: Path, rel: str) -> bytes:
    path = place / rel
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def fingerprint(there: Mapping[str, There]) -> str:
    """One digest for all that is in a folder."""
    rows = [[path, found.key, found.mode] for path, found in sorted(there.items())]
    return hashlib.sha256(json.dumps(rows).encode("ascii")).hexdigest()


def _same(release: Release, there: Mapping[str, There]) -> bool:
    return dict(there) == {file.path: There(file.digest, mode(file)) for file in release.tree}


def _holds(release: Release, folder: Path) -> bool:
    """Whether a folder is this release, whole and unchanged."""
    try:
        ours = marker(folder).get("version_id") == release.version_id
        return ours and _same(release, _found(folder))
    except (OSError, StudioError):
        return False


def _beside(place: Path, what: str) -> Path:
    return place.with_name(f".{place.name}.studio-{what}")


def _write(release: Release, place: Path) -> StepData:
    part = _beside(place, "new")
    try:
        _remove(part)
        modes.make_folders(part)
        for file in release.tree:
            path = part / file.path
            modes.make_folders(path.parent)
            _write_file(path, content(release, file), executable=mode(file) == 0o755)
        sent = {file.path: file.digest[:_SHORT] for file in release.tree}
        facts = {"made_by": "studio", "version": release.version, "version_id": release.version_id, "files": sent}
        _write_file(part / MARKER, json.dumps(facts, indent=1).encode("utf-8"))
    except OSError as error:
        raise storage_error(error, one_line(str(part)), "written") from error
    return {"files": len(release.tree)}


def _write_file(path: Path, data: bytes, *, executable: bool = False) -> None:
    with path.open("xb") as file:
        file.write(data)
        os.fchmod(file.fileno(), modes.file_mode(executable=executable))
        file.flush()
        os.fsync(file.fileno())


def _swap(release: Release, place: Path, expected: str) -> StepData:
    """Put the new folder in place. Between the two renames a kill leaves the old one beside: the next call puts the new one in."""
    part, old = _beside(place, "new"), _beside(place, "old")
    try:
        if _holds(release, place):
            _remove(part)
            return {"path": str(place)}
        if not _holds(release, part):
            raise StorageError(
                f"{one_line(str(part))} was changed or removed before it was put in place.", hint="Publish again."
            )
        if place.exists():
            marker(place)
            if fingerprint(_found(place)) != expected:
                raise Conflict(f"{one_line(str(place))} has changed since the plan.", hint="Plan again.")
            _remove(old)
            os.rename(place, old)
        os.rename(part, place)
        with contextlib.suppress(OSError):
            _remove(old)
    except OSError as error:
        raise storage_error(error, one_line(str(place)), "replaced") from error
    return {"path": str(place)}


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
