"""A release as git objects: blobs, tree, commit, branch and tag, made from the snapshot. The work tree is never written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from studio.domain.errors import Conflict, Refused
from studio.domain.text import clean, one_line
from studio.publishers.base import Release
from studio.publishers.repository import Repository
from studio.publishers.snapshot import SHOWN_BYTES, There, content, mode
from studio.workspace.git import Git

NONE = "0" * 40
TRAILER = "Studio-Version"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What git calls a tree without files: an index in a repository without a commit."""
_IDENTITY = re.compile(r"[<>\n\x00]+")


@dataclass(frozen=True, slots=True)
class Tip:
    """What a reference names: `id` of the object, `commit` that it peels to, and that commit's tree and version trailer."""

    id: str
    commit: str
    tree: str
    version_id: str


def blob_id(data: bytes) -> str:
    """The name git gives to these bytes (SHA-1 over `blob <length>` NUL and the bytes)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


async def tip(git: Git, reference: str) -> Tip | None:
    """What `reference` names; None when there is none."""
    found = await git.run("rev-parse", "--verify", "--quiet", "--end-of-options", reference, accept=(0, 1))
    if found.code:
        return None
    shape = f"%H%x00%T%x00%(trailers:key={TRAILER},valueonly,separator=%x2C)"
    shown = await git.run("show", "-s", "--no-notes", f"--format={shape}", f"{found.text}^{{commit}}", "--")
    commit, tree, version_id = shown.text.split("\0")
    return Tip(found.text, commit, tree, version_id.strip())


async def files_of(git: Git, commit: str) -> dict[str, There]:
    """The files of a commit by path; `key` is the blob's id."""
    listed = await git.run("ls-tree", "-r", "-z", "--full-tree", commit)
    found: dict[str, There] = {}
    for row in listed.out.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        facts, _, path = row.partition("\t")
        kind, _, blob = facts.split(" ")
        found[path] = There(blob, int(kind, 8) & 0o777 if kind.startswith("100") else 0)  # 0: a link or a submodule
    return found


def blob_ids(release: Release) -> dict[str, str]:
    """Each file's blob id by path: reads and verifies every byte of the release."""
    return {file.path: blob_id(content(release, file)) for file in release.tree}


async def texts_of(git: Git, blobs: Iterable[str]) -> dict[str, bytes]:
    """The bytes of blobs that are small enough to be compared line by line, by id."""
    wanted = "".join(f"{blob}\n" for blob in sorted(set(blobs))).encode("ascii")
    sizes = await git.run("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=wanted)
    rows = [row.split(" ") for row in sizes.text.splitlines()]
    small = [row[0] for row in rows if len(row) == 3 and row[1] == "blob" and int(row[2]) <= SHOWN_BYTES]
    got = await git.run("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in small).encode("ascii"))
    found: dict[str, bytes] = {}
    rest = got.out
    for blob in small:
        head, _, rest = rest.partition(b"\n")
        size = int(head.split(b" ")[2])
        found[blob], rest = rest[:size], rest[size + 1 :]
    return found


async def write_tree(git: Git, release: Release) -> str:
    """Write blobs and trees of the release; the tree's id. Nothing refers to them yet."""
    index = {"GIT_INDEX_FILE": str(git.git_dir / "index.release")}
    ids: dict[str, str] = {}
    await git.run("fast-import", "--quiet", "--date-format=now", stdin=_blobs(release, ids))
    rows = (f"{0o100000 | mode(file):o} {ids[file.digest]}\t{file.path}\0" for file in release.tree)
    await git.run("update-index", "-z", "--index-info", stdin="".join(rows).encode("utf-8"), env=index)
    return (await git.run("write-tree", env=index)).text


def _blobs(release: Release, ids: dict[str, str]) -> Iterator[bytes]:
    """The stream of git fast-import with each content once; fills `ids` (blob id by digest)."""
    for digest, file in {file.digest: file for file in release.tree}.items():
        data = content(release, file)
        ids[digest] = blob_id(data)
        yield b"blob\ndata %d\n" % len(data) + data + b"\n"


async def write_commit(git: Git, release: Release, tree: str, parent: str) -> str:
    """The commit of a release; `parent` is empty for a first one. The same release on the same parent is the same commit."""
    options = ("-p", parent) if parent else ()
    text = message(release).encode("utf-8")
    return (await git.run("commit-tree", tree, *options, "-F", "-", stdin=text, env=_who(release))).text


def message(release: Release) -> str:
    """The commit's message: the release's own words, and the version as a trailer by which it is known again."""
    words = clean(release.message).strip() or one_line(release.title) or f"Version {release.version}"
    return f"{words}\n\n{TRAILER}: {one_line(release.version_id)}\n"


async def write_tag(git: Git, release: Release, tag: str, commit: str) -> str:
    """An annotated tag's object; no reference names it yet."""
    who = _who(release)
    words = clean(release.changelog).strip() or one_line(release.title) or f"Version {release.version}"
    tagger = f"{who['GIT_COMMITTER_NAME']} <{who['GIT_COMMITTER_EMAIL']}> {who['GIT_COMMITTER_DATE']}"
    text = f"object {commit}\ntype commit\ntag {tag}\ntagger {tagger}\n\n{words}\n"
    return (await git.run("mktag", stdin=text.encode("utf-8"))).text


async def move(git: Git, reference: str, new: str, old: str, why: str) -> None:
    """Set `reference` to `new` if it is at `old` (empty: not there), in one step. Raises Conflict when it is elsewhere."""
    moved = await git.run("update-ref", "-m", why, "--no-deref", reference, new, old or NONE, accept=None, env=_REFLOG)
    if moved.code == 0:
        return
    now = await git.run("rev-parse", "--verify", "--quiet", reference, accept=None)
    if now.text == (old or "") and ".lock" in moved.err:
        raise Conflict(
            f"{reference} is locked by another git process, or by one that was ended: {git.reason(moved)}.",
            hint="When no git is running, remove the .lock file and publish again.",
        )
    if now.text == (old or ""):
        raise Refused(f"{reference} cannot be set: {git.reason(moved)}.", hint="Name another branch or tag prefix.")
    raise Conflict(f"{reference} has moved meanwhile.", hint="Plan again.", data={"expected": old, "actual": now.text})


_REFLOG = {
    "GIT_COMMITTER_NAME": "studio",
    "GIT_COMMITTER_EMAIL": "studio@localhost",
}


def author(release: Release) -> str:
    """Who the commit will be by, as git shows it."""
    name, email = _named(release)
    return f"{name} <{email}>"


def _named(release: Release) -> tuple[str, str]:
    """Name and address without what git does not take in them."""
    name = _IDENTITY.sub("", one_line(release.author_name)).strip(" .,:;'\"\\") or "studio"
    return name, _IDENTITY.sub("", one_line(release.author_email)).replace(" ", "") or "studio@localhost"


def _who(release: Release) -> Mapping[str, str]:
    name, email = _named(release)
    when = f"{int((release.approved_at or datetime.now(UTC)).timestamp())} +0000"
    found: dict[str, str] = {}
    for part in ("AUTHOR", "COMMITTER"):
        found |= {f"GIT_{part}_NAME": name, f"GIT_{part}_EMAIL": email, f"GIT_{part}_DATE": when}
    return found


_FLAGS = re.compile(rb"^  size: \d+\tflags: ([0-9a-f]+)$", re.MULTILINE)
_MARKS = {1 << 30: "skip-worktree or a sparse checkout", 1 << 15: "assume-unchanged", 1 << 29: "intent-to-add"}
"""Bits of an entry's flags as git holds them (read-cache.h: CE_SKIP_WORKTREE, CE_VALID, CE_INTENT_TO_ADD)."""


async def marked_entries(git: Git, repository: Repository) -> str:
    """What the person's index holds that a new one would lose, in words: marks on entries, and files only meant to be added."""
    index = repository.git_dir / "index"
    if repository.work is None or not index.exists():
        return ""
    listed = await git.run("ls-files", "--debug", env={"GIT_INDEX_FILE": str(index)}, accept=None)
    flags = 0
    for row in _FLAGS.finditer(listed.out):
        flags |= int(row[1], 16)
    return ", ".join(name for bit, name in _MARKS.items() if flags & bit)


async def bring_index_in_line(git: Git, repository: Repository, tree: str, parent: str) -> str:
    """Set the person's index to the release unless they staged something; in words, what was done or why not.

    Whatever lies in the work tree: git then tells what differs there from the version, and a commit holds what it holds.
    """
    if repository.work is None:
        return "a bare repository has no index"
    index = repository.git_dir / "index"
    env = {"GIT_INDEX_FILE": str(index)}
    if index.exists():
        marked = await marked_entries(git, repository)
        if marked:
            return f"the index was left alone, because it holds entries with {marked}"
        staged = await git.run("write-tree", env=env, accept=None)
        before = (await git.run("rev-parse", f"{parent}^{{tree}}")).text if parent else EMPTY_TREE
        if staged.code or staged.text not in (tree, before):
            return "the index was left alone, because it holds staged changes"
    in_work = env | {"GIT_WORK_TREE": str(repository.work)}
    taken = await git.run("read-tree", tree, env=in_work, accept=None)
    if taken.code:
        return f"the index was left alone: {git.reason(taken)}"
    await git.run("update-index", "-q", "--refresh", env=in_work, accept=None)
    return "the index is that of the version"
