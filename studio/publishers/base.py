"""What every destination shares: a release, a target, a plan that was shown, its steps, and the interface of a publisher.

A release is published from the approved version's snapshot: bytes by digest through `Release.read`, never from what happens to
lie in `app/`. `plan` reads; `apply` does, step by step, and can be called again after a failure with the steps that are done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from studio.domain.build import VersionFile
from studio.domain.tooling import ChangeKind

Value = str | int | bool
"""What an option of a target may be."""

Secrets = Callable[[str], str | None]
"""A key by its name (`GITHUB_TOKEN`), asked for when a call needs it. Never kept, logged, or put into argv, URL, plan or error."""

StepData = Mapping[str, object]
"""What a step leaves behind for the steps after it: plain JSON without secrets, kept by the engine."""

Done = Mapping[str, StepData]
"""Reports of the steps that are done, by step id."""

Report = Callable[[str, StepData], Awaitable[None]]
"""Told after each step; when it returns, the report is kept."""


@dataclass(frozen=True, slots=True)
class Release:
    """An approved version on its way out. `app` is the project's `app/` folder: its parent is the project.

    `files` is the whole tree; `read` gives bytes by digest and is called in threads. `previous` is the number of the version
    published before it. `approved_at` (aware) dates the commit, so that the same release makes the same commit.
    """

    version: str
    version_id: str
    title: str
    message: str
    changelog: str
    author_name: str
    author_email: str
    app: Path
    files: tuple[VersionFile, ...]
    previous: str | None
    read: Callable[[str], bytes]
    approved_at: datetime | None = None

    @property
    def project(self) -> Path:
        return self.app.parent

    @property
    def tree(self) -> tuple[VersionFile, ...]:
        """The files that exist in this version, by path."""
        there = (file for file in self.files if file.change is not ChangeKind.DELETED)
        return tuple(sorted(there, key=lambda file: file.path))


@dataclass(frozen=True, slots=True)
class Target:
    """`[publish.<name>]` of `studio.toml`: `publisher` says which module, `options` is the rest of the table."""

    name: str
    publisher: str
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """An option that a publisher knows. `kind` is the type of its value; without a default it must be given."""

    name: str
    kind: type[str] | type[int] | type[bool]
    meaning: str
    default: Value | None = None
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key and the host it is sent to. `usual` is False for a host that the program does not itself bind the key to: ask first."""

    key: str
    host: str
    usual: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that `apply` will do, in words. `id` is stable: it names the step's report in `done`."""

    id: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What will be done, as shown to the person. Plain data: msgspec encodes and decodes it as it is.

    `diff` says in words and unified diffs what would change there. `state` is what the publisher saw (JSON, no secrets) and
    holds apply to. `digest` names the content of the plan: planning again without a change gives the same one.
    """

    target: Target
    version: str
    version_id: str
    steps: tuple[Step, ...]
    summary: str
    diff: str
    warnings: tuple[str, ...] = ()
    state: Mapping[str, object] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """Where it is now. `url` is a web address, or a path for what has none; `data` is plain JSON (commit, tag, ids)."""

    url: str
    detail: str
    data: Mapping[str, object] = field(default_factory=dict)


class Publisher(Protocol):
    """A destination. Errors are of `domain.errors`; a step that fails leaves everything as it was or as a second call finds it."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> tuple[Option, ...]: ...

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        """The keys that plan and apply will ask for, and where they go. Reads and sends nothing."""
        ...

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        """What apply would do. Reads only: nothing is written or created here, in the project or at the destination.

        Raises BadInput (options, all problems at once), Refused (it can not be published there), and what the service says.
        """
        ...

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        """Carry the plan out from the first step that is not in `done`, and tell `report` after each.

        Called again after a failure or a kill between a step and its report, it finds what is there and does nothing twice.
        Raises Conflict when the destination has changed since the plan.
        """
        ...


def planned(
    release: Release,
    target: Target,
    steps: tuple[Step, ...],
    *,
    summary: str,
    diff: str,
    warnings: tuple[str, ...] = (),
    state: Mapping[str, object] | None = None,
) -> PublishPlan:
    """A plan with its digest."""
    kept = dict(state or {})
    content = {
        "target": [target.name, target.publisher, sorted((key, str(value)) for key, value in target.options.items())],
        "version": [release.version, release.version_id],
        "files": [[file.path, file.digest, file.mode] for file in release.tree],
        "steps": [[step.id, step.title, step.detail] for step in steps],
        "state": kept,
        "diff": diff,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    return PublishPlan(
        target=target,
        version=release.version,
        version_id=release.version_id,
        steps=steps,
        summary=summary,
        diff=diff,
        warnings=warnings,
        state=kept,
        digest=digest,
    )
