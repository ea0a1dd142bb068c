"""A person's git repository, opened without trusting it: found, checked, and worked on through a git folder of our own.

Git runs programs that a repository's configuration names (fsmonitor, filters, ssh and signing commands, includes). So git is
never pointed at it: a temporary git folder with an empty configuration holds links to its `objects`, `refs`, `logs` and
`packed-refs` (the layout of contrib/workdir/git-new-workdir), and the configuration, hooks and attributes are never read.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import stat
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.config import modes
from studio.config.files import storage_error
from studio.domain.errors import BadInput, Refused
from studio.domain.text import one_line
from studio.workspace.git import Git, empty_folder

_FOLDERS = ("objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags", "logs", "info")
_FILES = ("HEAD", "config", "packed-refs", "index", "description")
_ELSEWHERE = {
    "objects/info/alternates": "takes objects from another repository (objects/info/alternates)",
    "objects/info/http-alternates": "takes objects from another repository (objects/info/http-alternates)",
    "commondir": "is a linked work tree (commondir)",
    "shallow": "is a shallow clone",
    "info/grafts": "has grafted history (info/grafts)",
}
_HEAD = re.compile(r"ref: refs/heads/([^\s]+)\n?|[0-9a-f]{40}\n?")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_ENTRIES_LIMIT = 100_000

_HARMLESS_EXTENSIONS = {
    "extensions.noop": None,
    "extensions.preciousobjects": None,
    "extensions.worktreeconfig": None,  # more configuration, and none is read
    "extensions.objectformat": "sha1",
    "extensions.refstorage": "files",
}
_RUNS_OR_LEADS = re.compile(
    r"core\.(fsmonitor|hookspath|sshcommand|gitproxy|editor|pager|askpass|worktree|attributesfile|alternaterefscommand)$"
    r"|include(if)?\.|filter\.|credential\.|gpg\.|url\.|http\.|alias\.|protocol\.|uploadpack\.|receive\.proc"
    r"|(diff|merge|mergetool|difftool)\..*\.(command|textconv|driver|cmd)$"
    r"|remote\..*\.(receivepack|uploadpack|vcs|proxy)$|submodule\.|trailer\..*\.c"
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that was checked. `head` is the branch it is on, empty when on none; `unused` are settings left aside."""

    git_dir: Path
    work: Path | None
    head: str
    unused: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return one_line(str(self.work or self.git_dir))


def branch_name(wanted: str) -> str:
    """`wanted`, when it is a plain branch name (or tag name). Raises BadInput."""
    odd = ".." in wanted or wanted.endswith((".", "/")) or ".lock" in wanted or len(wanted) > 150 or wanted == "HEAD"
    if odd or not _BRANCH.fullmatch(wanted):
        raise BadInput(
            f"{one_line(wanted, 80)!r} is not a plain branch or tag name.", hint="Use letters, digits, . _ - and /."
        )
    return wanted


async def find(folder: Path) -> Repository | None:
    """The repository in `folder` (its `.git`, or the folder itself when bare); None when there is none. Raises Refused."""
    place = _place(folder)
    if place is None:
        return None
    git_dir, work = place
    shown = one_line(str(git_dir))
    await asyncio.to_thread(_check_folder, git_dir, shown)
    try:
        head = _HEAD.fullmatch((git_dir / "HEAD").read_text("utf-8", "replace"))
    except OSError as error:
        raise storage_error(error, f"{shown}/HEAD", "read") from error
    if head is None:
        raise Refused(f"{shown}/HEAD names no branch and no commit.", hint="Repair the repository with git first.")
    unused = await _settings(git_dir, shown)
    return Repository(git_dir, work, head[1] or "", unused)


def refuse_busy(repository: Repository, branch: str) -> None:
    """Raises Refused for a branch that git itself would not move: another work tree or a rebase has it, or it leads to another."""
    head, git_dir = f"refs/heads/{branch}", repository.git_dir
    other = "Name another branch, or end that first and plan again."
    if _line(git_dir / head).startswith("ref:"):
        target = one_line(_line(git_dir / head).removeprefix("ref:").strip().removeprefix("refs/heads/"), 80)
        raise Refused(f"{branch} in {repository.shown} is another name for {target}.", hint=f"Name {target} itself.")
    trees = sorted((git_dir / "worktrees").iterdir()) if (git_dir / "worktrees").is_dir() else []
    for tree in trees:
        if _line(tree / "HEAD") == f"ref: {head}":
            place = one_line(_line(tree / "gitdir").removesuffix("/.git"))
            raise Refused(f"{branch} is checked out in the linked work tree {place}.", hint=other)
    for state in (git_dir, *trees):
        if head in (_line(state / "rebase-merge/head-name"), _line(state / "rebase-apply/head-name")):
            raise Refused(f"{branch} is being rebased in {repository.shown}.", hint=other)
        if _line(state / "BISECT_START") == branch:
            raise Refused(f"{branch} is being bisected in {repository.shown}.", hint=other)


def _line(path: Path) -> str:
    """The first line of one of git's small files; empty where there is none."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace").partition("\n")[0]
    except OSError as error:
        raise storage_error(error, one_line(str(path)), "read") from error


def _place(folder: Path) -> tuple[Path, Path | None] | None:
    if os.path.lexists(folder / ".git"):
        return folder / ".git", folder
    if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
        return folder, None
    return None


def _check_folder(git_dir: Path, shown: str) -> None:
    """Everything that git would follow is a plain file or folder of the person's own."""
    found = os.lstat(git_dir)
    if not stat.S_ISDIR(found.st_mode):
        raise Refused(
            f"{shown} is a link or a file that leads to a repository elsewhere.", hint="Use a plain repository here."
        )
    if found.st_uid != os.geteuid():
        raise Refused(f"{shown} belongs to another user.", hint="Work in a repository of your own.")
    for name, problem in _ELSEWHERE.items():
        if os.path.lexists(git_dir / name):
            raise Refused(f"{shown} {problem}.", hint="Use a full repository of its own.")
    for name in (*_FOLDERS, *_FILES):
        with contextlib.suppress(FileNotFoundError):
            kind = os.lstat(git_dir / name).st_mode
            if not (stat.S_ISDIR(kind) if name in _FOLDERS else stat.S_ISREG(kind)):
                raise Refused(f"{shown}/{name} is a link or not what git makes there.")
    for link in _links(git_dir):
        raise Refused(f"{shown}/{one_line(link)} is a link, and links are not followed.")


def _links(git_dir: Path) -> Iterator[str]:
    for count, (folder, name) in enumerate(_entries(git_dir), 1):
        if count > _ENTRIES_LIMIT:
            raise Refused(f"{one_line(str(git_dir))} has more than {_ENTRIES_LIMIT} references.", hint="Run git gc.")
        path = os.path.join(folder, name)
        if os.path.islink(path):
            yield os.path.relpath(path, git_dir)


def _entries(git_dir: Path) -> Iterator[tuple[str, str]]:
    """Everything that git would follow. Files of `objects` are named by their content, and made with O_EXCL."""
    for top in ("refs", "logs", "objects"):
        for folder, folders, files in os.walk(git_dir / top):
            yield from ((folder, name) for name in folders)
            yield from ((folder, name) for name in files if top != "objects")


async def _settings(git_dir: Path, shown: str) -> tuple[str, ...]:
    """Names of settings that would run or lead somewhere, all left aside. Raises Refused for a format that we do not know."""
    config = git_dir / "config"
    if not config.exists():
        return ()
    with empty_folder() as empty:
        git = Git(Path(empty))
        found = await git.run("config", "--file", str(config), "--no-includes", "--list", "-z", accept=None)
    if found.code:
        raise Refused(
            f"{shown}/config cannot be read: {git.reason(found)}.", hint="Repair the repository with git first."
        )
    unused: set[str] = set()
    for row in found.out.decode("utf-8", "replace").split("\0"):
        key, _, value = row.partition("\n")
        if key.startswith("extensions.") and _HARMLESS_EXTENSIONS.get(key, "") not in (None, value.casefold()):
            raise Refused(f"{shown} uses {one_line(key, 60)} = {one_line(value, 60)}, which is not supported.")
        if _RUNS_OR_LEADS.match(key.casefold()):
            unused.add(one_line(key, 80))
    return tuple(sorted(unused))


@contextlib.asynccontextmanager
async def opened(repository: Repository | None) -> AsyncGenerator[Git]:
    """Git on a repository through a folder of our own, which goes away at the end. With None: on an empty one, for reading."""
    with empty_folder() as name:
        control = Path(name)
        (control / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        head = repository.head if repository else "main"
        (control / "HEAD").write_text(f"ref: refs/heads/{head}\n" if head else _detached(repository))
        for part in ("objects", "refs", "logs", "packed-refs"):
            place = repository.git_dir / part if repository else None
            if place is not None and (part in ("objects", "refs") or place.exists()):
                (control / part).symlink_to(place.absolute())
            elif part in ("objects", "refs"):
                (control / part).mkdir()
        reflog = "true" if (control / "logs").exists() else "false"
        yield Git(control, settings=(("core.logAllRefUpdates", reflog),))


def _detached(repository: Repository | None) -> str:
    return (repository.git_dir / "HEAD").read_text("utf-8") if repository else ""


async def make(folder: Path, branch: str, *, bare: bool) -> Repository:
    """A new repository, with no templates and so no hooks; one that is there already is taken as it is."""
    found = await find(folder)
    if found is not None:
        return found
    place = folder if bare else folder / ".git"
    part = place.with_name(f"{place.name}.studio-part")
    try:
        _clear(folder if bare else None, part)
        # Bare in either case, so that git looks at no work tree; one with a work tree says so in its own configuration.
        await _initialise(part, branch, bare=bare)
        os.replace(part, place)  # whole or not at all: a kill leaves no half repository
    except OSError as error:
        raise storage_error(error, one_line(str(folder)), "made") from error
    found = await find(folder)
    if found is None:
        raise Refused(f"{one_line(str(folder))} holds no repository after one was made there.")
    return found


def _clear(bare: Path | None, part: Path) -> None:
    if bare is not None and bare.exists() and (not bare.is_dir() or any(bare.iterdir())):
        raise Refused(f"{one_line(str(bare))} exists and is no repository.", hint="Name a new or empty folder.")
    modes.make_folders(part.parent)
    if part.is_symlink():
        part.unlink()
    shutil.rmtree(part, ignore_errors=True)


async def _initialise(part: Path, branch: str, *, bare: bool) -> None:
    with empty_folder() as empty:
        git = Git(Path(empty), env={"GIT_DIR": str(part)})
        await git.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", str(part))
        if not bare:
            await git.run("config", "--file", str(part / "config"), "core.bare", "false")
            await git.run("config", "--file", str(part / "config"), "core.logAllRefUpdates", "true")
            modes.make_folders(part / "logs")
