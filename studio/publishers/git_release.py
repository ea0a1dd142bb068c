"""A release in a git repository: what is there already, the steps that are missing, and doing each of them once.

Used by the publishers whose destination is a repository. A commit is known as this version's by its trailer and its tree.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import Conflict, Refused
from studio.domain.text import counted, one_line
from studio.publishers import commit, remote
from studio.publishers.base import Done, Release, Secrets, Step, StepData
from studio.publishers.carrying_out import Action, Check
from studio.publishers.remote import Remote
from studio.publishers.repository import Repository, branch_name, find, make, opened, refuse_busy
from studio.publishers.snapshot import There, difference, mode
from studio.workspace.git import Git

DEFAULT_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release goes: the repository's folder, its branch (empty: the one it is on) and tag, and a remote with its key."""

    folder: Path
    app: bool
    branch: str
    tag: str
    remote: Remote | None = None
    key: str = ""
    user: str = "x-access-token"

    def token(self, secrets: Secrets) -> str | None:
        return secrets(self.key) if self.remote is not None and self.remote.web and self.key else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found there. `committed` is this version's commit when it is there already; ids are empty where nothing is."""

    branch: str
    steps: tuple[Step, ...]
    diff: str
    tip: str = ""
    committed: str = ""
    warnings: tuple[str, ...] = ()
    remote_tip: str = ""

    @property
    def state(self) -> dict[str, object]:
        return {"branch": self.branch, "tip": self.tip, "committed": self.committed, "remote_tip": self.remote_tip}


async def look(release: Release, place: Place, secrets: Secrets, *, ask_remote: bool = True) -> Seen:
    """What is there and what is missing; reads only. Raises Refused where the version cannot go."""
    repository = await find(place.folder)
    branch = _branch(place, repository)
    ids = await asyncio.to_thread(commit.blob_ids, release)
    of_remote = await remote.warnings_of(place.remote) if place.remote and ask_remote else ()
    async with opened(repository) as git:
        tip = await commit.tip(git, f"refs/heads/{branch}")
        tagged = await commit.tip(git, f"refs/tags/{place.tag}")
        there = await commit.files_of(git, tip.commit) if tip else {}
        ours = [found for found in (tagged, tip) if found and found.version_id == release.version_id]
        alike = [found.commit for found in ours if await _same(git, found.commit, release, ids)]
        committed = alike[0] if alike else ""
        if tagged and tagged.commit != committed:
            raise Refused(
                f"The tag {place.tag} exists in {one_line(str(place.folder))} and names another commit.",
                hint="A version number is published once. Remove the tag yourself if it is wrong.",
            )
        held = {}
        if place.remote is not None and ask_remote:
            bring_in = _bringing_in(place, place.remote, branch, repository)
            held = await _remote_holds(git, place, branch, tip, tagged, secrets, bring_in)
        diff = await _difference(git, release, there, ids, tip)
        marked = await commit.marked_entries(git, repository) if repository and place.app and not committed else ""
    return Seen(
        branch=branch,
        steps=_steps(release, place, branch, repository, committed, bool(tagged), held),
        diff=diff,
        tip=tip.id if tip else "",
        committed=committed,
        warnings=_warnings(repository, place, of_remote, marked),
        remote_tip=held.get(f"refs/heads/{branch}", ""),
    )


def _branch(place: Place, repository: Repository | None) -> str:
    branch = branch_name(place.branch or (repository.head if repository else "") or DEFAULT_BRANCH)
    if repository and repository.work and not place.app and repository.head == branch:
        raise Refused(
            f"{branch} is checked out in {repository.shown}, and its files would fall behind.",
            hint="Name another branch, or a bare repository.",
        )
    if repository:
        refuse_busy(repository, branch)
    return branch


def _warnings(repository: Repository | None, place: Place, of_remote: tuple[str, ...], marked: str) -> tuple[str, ...]:
    found = list(of_remote)
    if marked:
        found.append(f"the index in app/ is left alone, because it holds entries with {marked}")
    if repository is None and place.app and os.path.lexists(place.folder.parent / ".git"):
        found.append("the project is a git repository already, and app/ becomes one of its own inside it")
    if repository and repository.unused:
        found.append(f"settings of the repository are not used: {one_line(', '.join(repository.unused), 160)}")
    if repository and (repository.git_dir / "hooks").is_dir():
        hooks = sorted(hook.name for hook in (repository.git_dir / "hooks").iterdir() if hook.suffix != ".sample")
        found += [f"hooks of the repository are not run: {one_line(', '.join(hooks), 120)}"] if hooks else []
    return tuple(found)


async def _same(git: Git, found: str, release: Release, ids: Mapping[str, str]) -> bool:
    there = await commit.files_of(git, found)
    return there == {file.path: There(ids[file.path], mode(file)) for file in release.tree}


async def _difference(
    git: Git, release: Release, there: Mapping[str, There], ids: Mapping[str, str], tip: commit.Tip | None
) -> str:
    changed = {path: found.key for path, found in there.items() if ids.get(path, found.key) != found.key}
    texts = await commit.texts_of(git, changed.values()) if changed else {}
    by_path = {path: texts.get(key) for path, key in changed.items()}
    against = f"the commit {tip.commit[:10]}" if tip else "an empty repository"
    return await asyncio.to_thread(
        difference,
        release,
        there,
        by_path.get,
        against=against,
        key=lambda file: ids[file.path],
    )


def _bringing_in(place: Place, to: Remote, branch: str, repository: Repository | None) -> str:
    """How a person brings the remote's work into this repository, as it is now, or goes round it."""
    here, url = f"git -C {shlex.quote(str(place.folder))}", shlex.quote(to.url)
    other = 'or name another branch (branch = "...") in the table, then plan again.'
    if repository is None and not place.app:
        return f"Begin with its work: git clone --bare {url} {shlex.quote(str(place.folder))}; {other}"
    if repository is None:
        take = f"{here} init -q -b {branch}, then {here} fetch --update-head-ok {url} {branch}:{branch}"
        return f"Begin with its work: {take}; {other}"
    if repository.work is not None and repository.head == branch:
        return f"Bring it in first: {here} pull --no-rebase {url} {branch}; {other}"
    ways = f"{here} fetch {url} {branch}:{branch}, which goes forward only"
    return f"Bring it in first: {ways}; where git refuses that, {other.removeprefix('or ')}"


async def _remote_holds(
    git: Git,
    place: Place,
    branch: str,
    tip: commit.Tip | None,
    tagged: commit.Tip | None,
    secrets: Secrets,
    bring_in: str,
) -> dict[str, str]:
    """The remote's references. Raises Refused for a tag that is another, Conflict for work that is not here."""
    if place.remote is None:
        return {}
    reaching = await remote.reaching(git, place.remote, place.token(secrets), place.user)
    head, tag = f"refs/heads/{branch}", f"refs/tags/{place.tag}"
    held = await remote.references(reaching, place.remote, head, tag)
    if tag in held and (tagged is None or tagged.id != held[tag]):
        raise Refused(
            f"The remote has a tag {place.tag} already, and it is another one.", hint="A version is published once."
        )
    if head in held and not await contains(git, tip.commit if tip else "", held[head]):
        raise Conflict(
            f"The remote's {branch} holds work that {one_line(str(place.folder))} does not have.",
            hint=bring_in,
            data={"expected": tip.commit if tip else "", "actual": held[head]},
        )
    return held


async def contains(git: Git, newer: str, older: str) -> bool:
    """Whether `older` is `newer` or one of its forebears; False when either is not here."""
    if not newer:
        return False
    return (await git.run("merge-base", "--is-ancestor", older, newer, accept=None)).code == 0


def _steps(
    release: Release,
    place: Place,
    branch: str,
    repository: Repository | None,
    committed: str,
    tagged: bool,
    held: Mapping[str, str],
) -> tuple[Step, ...]:
    shown = one_line(str(place.folder))
    found: list[Step] = []
    if repository is None:
        found.append(Step("repository", "Make the repository", f"{shown}, branch {branch}"))
    if not committed:
        found.append(
            Step("commit", "Write the commit", f"{counted(len(release.tree), 'file')} by {commit.author(release)}")
        )
        found.append(Step("branch", f"Move {branch} to it", "only if it is still where it was"))
        if place.app:
            found.append(Step("index", "Bring the index in line", "unless something is staged there"))
    if not tagged:
        found.append(Step("tag", f"Make the tag {place.tag}", "annotated, with the changelog"))
    if place.remote is not None:
        where = place.remote.host or place.remote.url
        if not committed or held.get(f"refs/heads/{branch}") != committed:
            found.append(Step("push_branch", f"Push {branch}", f"to {one_line(where)}, forward only"))
        if f"refs/tags/{place.tag}" not in held:
            found.append(Step("push_tag", f"Push {place.tag}", f"to {one_line(where)}"))
    return tuple(found)


class GitWork:
    """The steps of a plan as actions. Each looks first at what is there: a step done before a kill is not done again."""

    def __init__(self, release: Release, place: Place, state: Mapping[str, object], secrets: Secrets) -> None:
        self._release = release
        self._place = place
        self._secrets = secrets
        self._branch = branch_name(str(state.get("branch") or DEFAULT_BRANCH))
        self._tip = str(state.get("tip") or "")
        self._committed = str(state.get("committed") or "")

    def actions(self) -> dict[str, Action]:
        return {
            "repository": self.repository,
            "commit": self.commit,
            "branch": self.branch,
            "index": self.index,
            "tag": self.tag,
            "push_branch": self.push_branch,
            "push_tag": self.push_tag,
        }

    def checks(self) -> dict[str, Check]:
        """Whether each step still holds."""
        return {
            "repository": self.has_repository,
            "commit": self.has_commit,
            "branch": self.has_branch,
            "tag": self.has_tag,
            "push_branch": self.has_pushed_branch,
            "push_tag": self.has_pushed_tag,
        }

    async def has_repository(self, done: Done) -> bool:
        return await find(self._place.folder) is not None

    async def has_commit(self, done: Done) -> bool:
        """Whether the commit is there with all its files: until the branch has it, git may clear it away."""
        async with self._git() as (git, _):
            wanted = ("--objects", "--no-walk", "--quiet", "--end-of-options", self.commit_of(done))
            return (await git.run("rev-list", *wanted, accept=None)).code == 0

    async def has_branch(self, done: Done) -> bool:
        async with self._git() as (git, _):
            tip = await commit.tip(git, f"refs/heads/{self._branch}")
            return tip is not None and await contains(git, tip.commit, self.commit_of(done))

    async def has_tag(self, done: Done) -> bool:
        async with self._git() as (git, _):
            tag = await commit.tip(git, f"refs/tags/{self._place.tag}")
        return tag is not None and tag.commit == self.commit_of(done)

    async def has_pushed_branch(self, done: Done) -> bool:
        """Whether the branch is there; somebody may have gone on from it meanwhile."""
        return bool(await self._pushed(f"refs/heads/{self._branch}"))

    async def has_pushed_tag(self, done: Done) -> bool:
        wanted = done.get("push_tag", {}).get("id")
        return await self._pushed(f"refs/tags/{self._place.tag}") == wanted

    def commit_of(self, done: Done) -> str:
        """This version's commit, once it is written."""
        return self._committed or str(done.get("commit", {}).get("commit", ""))

    async def repository(self, done: Done) -> StepData:
        made = await make(self._place.folder, self._branch, bare=not self._place.app)
        return {"path": str(made.git_dir)}

    async def commit(self, done: Done) -> StepData:
        async with self._git() as (git, _):
            tree = await commit.write_tree(git, self._release)
            tip = await commit.tip(git, f"refs/heads/{self._branch}")
            if tip and tip.version_id == self._release.version_id and tip.tree == tree:
                parent = await git.run("rev-parse", "--verify", "--quiet", f"{tip.commit}^", accept=(0, 1))
                return {"commit": tip.commit, "tree": tree, "parent": parent.text}
            self._same_tip(tip.id if tip else "")
            made = await commit.write_commit(git, self._release, tree, tip.commit if tip else "")
            return {"commit": made, "tree": tree, "parent": tip.commit if tip else ""}

    async def branch(self, done: Done) -> StepData:
        made, parent = self.commit_of(done), str(done["commit"].get("parent", ""))
        async with self._git() as (git, repository):
            refuse_busy(repository, self._branch)
            reference = f"refs/heads/{self._branch}"
            tip = await commit.tip(git, reference)
            if not (tip and await contains(git, tip.commit, made)):
                await commit.move(git, reference, made, parent, f"studio: {self._place.tag}")
        return {"branch": self._branch, "commit": made}

    async def index(self, done: Done) -> StepData:
        async with self._git() as (git, repository):
            if repository.head != self._branch:
                return {"index": f"the index was left alone, because {repository.head or 'no branch'} is checked out"}
            tree, parent = str(done["commit"].get("tree", "")), str(done["commit"].get("parent", ""))
            return {"index": await commit.bring_index_in_line(git, repository, tree, parent)}

    async def tag(self, done: Done) -> StepData:
        reference, made = f"refs/tags/{self._place.tag}", self.commit_of(done)
        async with self._git() as (git, _):
            there = await commit.tip(git, reference)
            if there is None:
                name = await commit.write_tag(git, self._release, self._place.tag, made)
                await commit.move(git, reference, name, "", f"studio: {self._place.tag}")
                return {"tag": self._place.tag, "id": name}
        if there.commit != made:
            raise Refused(f"The tag {self._place.tag} exists meanwhile and names another commit.")
        return {"tag": self._place.tag, "id": there.id}

    async def push_branch(self, done: Done) -> StepData:
        made = self.commit_of(done)
        return await self._push(made, f"refs/heads/{self._branch}")

    async def push_tag(self, done: Done) -> StepData:
        async with self._git() as (git, _):
            tag = await commit.tip(git, f"refs/tags/{self._place.tag}")
        return await self._push(tag.id if tag else "", f"refs/tags/{self._place.tag}")

    async def _push(self, wanted: str, reference: str) -> StepData:
        if not wanted:
            raise Refused(f"There is nothing to push as {one_line(reference, 80)}.", hint="Plan again.")
        async with self._reaching() as (git, to):
            if (await remote.references(git, to, reference)).get(reference) != wanted:
                await remote.push(git, to, wanted, reference)
        return {"reference": reference, "id": wanted}

    async def _pushed(self, reference: str) -> str:
        async with self._reaching() as (git, to):
            return (await remote.references(git, to, reference)).get(reference, "")

    @asynccontextmanager
    async def _reaching(self) -> AsyncGenerator[tuple[Git, Remote]]:
        to = self._place.remote
        if to is None:
            raise Refused("There is no remote to push to.", hint="Plan again.")
        await remote.warnings_of(to)  # it may have changed since the plan: checked again before it is used
        async with self._git() as (git, _):
            yield await remote.reaching(git, to, self._place.token(self._secrets), self._place.user), to

    def _same_tip(self, now: str) -> None:
        if now != self._tip:
            raise Conflict(
                f"{self._branch} has moved since the plan.",
                hint="Plan again.",
                data={"expected": self._tip, "actual": now},
            )

    @asynccontextmanager
    async def _git(self) -> AsyncGenerator[tuple[Git, Repository]]:
        repository = await find(self._place.folder)
        if repository is None:
            raise Conflict(
                f"There is no repository in {one_line(str(self._place.folder))} any more.", hint="Plan again."
            )
        async with opened(repository) as git:
            yield git, repository
