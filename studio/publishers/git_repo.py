"""Publishing to a git repository: the one in `app/` or another, one commit and tag for each version, pushed to a remote."""

from __future__ import annotations

import re
from pathlib import Path

from studio.domain.errors import BadInput, StudioError
from studio.domain.text import one_line
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
    Target,
    planned,
)
from studio.publishers.carrying_out import carry_out, hold_to
from studio.publishers.git_release import GitWork, Place, look
from studio.publishers.remote import remote_of
from studio.publishers.repository import branch_name

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,60}")

OPTIONS = (
    Option("path", str, "the repository's folder: app, or another one relative to the project", "app"),
    Option("branch", str, "the branch; without it the one that is checked out, or main"),
    Option("remote", str, "where to push: a folder, ssh://, user@host:path or https://; without it nothing is pushed"),
    Option("tag_prefix", str, "what stands before the number in the tag", "v"),
    Option("key", str, "name of the key for an https remote; without one your own git credentials are used"),
    Option("user", str, "user name that goes with the key", "x-access-token"),
)


def tag_of(release: Release, prefix: str) -> str:
    """The tag of a release, such as v1.2.0. Raises BadInput."""
    if not _VERSION.fullmatch(release.version):
        raise BadInput(f"{one_line(release.version, 60)!r} is not a version number.")
    return branch_name(prefix + release.version.replace("+", "-"))


def _place(release: Release, target: Target) -> Place:
    """Where the target is. Raises BadInput naming every problem at once."""
    problems: list[str] = []
    tag, branch, remote = "", str(target.options.get("branch", "")), None
    try:
        tag = tag_of(release, str(target.options.get("tag_prefix", "v")))
    except StudioError as error:
        problems.append(error.message.rstrip("."))
    try:
        branch = branch_name(branch) if branch else ""
    except StudioError as error:
        problems.append(error.message.rstrip("."))
    try:
        address = target.options.get("remote")
        remote = remote_of(address, release.project) if isinstance(address, str) and address else None
    except StudioError as error:
        problems.append(error.message.rstrip("."))
    found = options.read(target, OPTIONS, problems)
    app = found.text("path").rstrip("/") in ("app", "./app")
    return Place(
        folder=release.app if app else options.place(found.text("path"), release.project),
        app=app,
        branch=branch,
        tag=tag,
        remote=remote,
        key=found.text("key"),
        user=found.text("user"),
    )


class GitPublisher:
    """One commit per approved version, an annotated tag, and a push that only goes forward."""

    name = "git"
    options = OPTIONS

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        key, address = str(target.options.get("key", "")), str(target.options.get("remote", ""))
        try:
            remote = remote_of(address, Path("/")) if key and address else None
        except StudioError:  # planning says what is wrong with it, before anything is sent
            return ()
        return (KeyUse(one_line(key, 80), remote.host, usual=False),) if remote is not None and remote.web else ()

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        place = _place(release, target)
        snapshot.check(release)
        seen = await look(release, place, secrets)
        shown = one_line(str(place.folder))
        pushed = f", pushed to {one_line(place.remote.host or place.remote.url)}" if place.remote else ""
        summary = f"Version {release.version} becomes a commit on {seen.branch} in {shown}, tagged {place.tag}{pushed}."
        if not seen.steps:
            summary = f"Version {release.version} is there already: nothing is left to do."
        return planned(
            release, target, seen.steps, summary=summary, diff=seen.diff, warnings=seen.warnings, state=seen.state
        )

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        snapshot.check(release)
        place = _place(release, plan.target)
        work = GitWork(release, place, plan.state, secrets)
        found = await carry_out(plan, done, report, work.actions(), work.checks())
        made = work.commit_of(found)
        url = place.remote.url if place.remote else str(place.folder)
        return Published(
            url=url,
            detail=f"commit {made[:10]}, tag {place.tag}{' pushed' if place.remote else ''}",
            data={"commit": made, "tag": place.tag, "branch": str(plan.state.get("branch", ""))},
        )
