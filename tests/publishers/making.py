"""Releases, targets and keys for the tests of the publishers, and a report that keeps what it is told."""

import asyncio
import hashlib
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from studio.domain.build import VersionFile
from studio.domain.errors import StudioError
from studio.publishers.base import Published, Publisher, PublishPlan, Release, StepData, Target, Value

APPROVED = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
FILES = {
    "index.html": b"<!doctype html>\n<script src='js/app.js'></script>\n",
    "js/app.js": b"console.log('one');\n",
    "assets/logo.bin": bytes(range(256)),
    "notes/größe.txt": "Grüße\n".encode(),
}


def release(app: Path, files: Mapping[str, bytes] = FILES, version: str = "1.0.0", **more: object) -> Release:
    """A release of these files. `executable` (a set of paths) may be run."""
    blobs = {hashlib.sha256(data).hexdigest(): data for data in files.values()}
    executable = more.pop("executable", frozenset())
    assert isinstance(executable, frozenset | set)
    rows = tuple(
        VersionFile(path, hashlib.sha256(data).hexdigest(), len(data), 0o755 if path in executable else 0o644)
        for path, data in files.items()
    )
    facts: dict[str, object] = {
        "version": version,
        "version_id": f"ver-{version}",
        "title": "A small shop",
        "message": f"Version {version}: what it does",
        "changelog": f"- {version} is out",
        "author_name": "Ada Example",
        "author_email": "ada@example.org",
        "app": app,
        "files": rows,
        "previous": None,
        "read": blobs.__getitem__,
        "approved_at": APPROVED,
    }
    return Release(**(facts | more))  # type: ignore[arg-type]


def target(publisher: str, **options: Value) -> Target:
    return Target("site", publisher, options)


def no_keys(name: str) -> str | None:
    return None


def write(app: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_bytes(data)


def git(folder: Path, *arguments: str) -> str:
    """What git says, run as a person would in that folder."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().rstrip("\n")


def fsck(folder: Path) -> str:
    """Everything that git fsck --strict finds fault with; empty when clean."""
    done = subprocess.run(
        ["git", "fsck", "--strict", "--no-dangling"], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout + done.stderr


class Killed(BaseException):
    """Stands for a kill -9: nothing after it runs."""


class Reports:
    """What the engine keeps. With `kill_after` or `kill_before` it dies right after or before the report of a step is kept."""

    def __init__(self, kill_before: str = "", kill_after: str = "") -> None:
        self.done: dict[str, StepData] = {}
        self.order: list[str] = []
        self._before, self._after = kill_before, kill_after

    async def __call__(self, step: str, data: StepData) -> None:
        if step == self._before:
            self._before = ""
            raise Killed(step)
        assert step not in self.done, "a step was reported twice"
        self.done[step] = data
        self.order.append(step)
        if step == self._after:
            self._after = ""
            raise Killed(step)


def publish(
    publisher: Publisher,
    what: Release,
    where: Target,
    secrets: Callable[[str], str | None] = no_keys,
) -> tuple[PublishPlan, Published, Reports]:
    """Plan and apply in one go."""
    reports = Reports()

    async def go() -> tuple[PublishPlan, Published]:
        plan = await publisher.plan(what, where, secrets)
        return plan, await publisher.apply(what, plan, reports.done, reports, secrets)

    plan, published = asyncio.run(go())
    return plan, published, reports


def fault(publisher: Publisher, what: Release, where: Target, kind: type[StudioError]) -> StudioError:
    """The error that planning ends with."""
    try:
        asyncio.run(publisher.plan(what, where, no_keys))
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
