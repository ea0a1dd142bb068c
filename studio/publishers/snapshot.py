"""The files of a release: checked names, verified bytes, and what would change at a destination, in words and unified diffs."""

from __future__ import annotations

import difflib
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio.domain.build import VersionFile
from studio.domain.errors import BadInput, Refused, StorageError
from studio.domain.text import clean, one_line
from studio.publishers.base import Release

FILES_LIMIT = 20_000
BYTES_LIMIT = 500_000_000
DIFF_LIMIT = 60_000
"""Characters of a plan's diff: more is not read by anyone, and the plan is a row."""
SHOWN_BYTES = 200_000
"""Bytes of a file above which its lines are not compared."""

_PROTECTED = frozenset({".git", ".hg", ".svn", ".studio", "git~1"})
_EXAMPLES = (".example", ".sample", ".template")
_KEYS = ("id_rsa", "id_ed25519", "id_ecdsa", "id_dsa", ".netrc", ".pgpass")
_IGNORED = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])


def check(release: Release) -> None:
    """Raises BadInput or Refused when a name in the tree could leave the folder, holds keys, or cannot stand beside another."""
    tree = release.tree
    if not tree:
        raise BadInput(f"Version {one_line(release.version, 40)} has no files to publish.")
    if len(tree) > FILES_LIMIT or sum(file.size for file in tree) > BYTES_LIMIT:
        raise Refused(f"Version {one_line(release.version, 40)} has more than {FILES_LIMIT} files or 500 MB.")
    names: set[str] = set()
    folders: set[str] = set()
    for file in tree:
        problem = _name_problem(file.path)
        if problem:
            raise Refused(f"{one_line(file.path)} cannot be published: {problem}.", hint="Rename or remove it.")
        if file.path in names:
            raise BadInput(f"{one_line(file.path)} is twice in the version.")
        names.add(file.path)
        steps = file.path.split("/")
        folders.update("/".join(steps[:depth]) for depth in range(1, len(steps)))
    both = names & folders
    if both:
        raise BadInput(f"{one_line(min(both))} is a file and a folder in the version.")


def _name_problem(path: str) -> str:
    if not path or path.startswith("/") or "\\" in path or clean(path) != path or "\n" in path or "\t" in path:
        return "its name is not a path that every disk can hold"
    for step in path.split("/"):
        folded = unicodedata.normalize("NFKC", step.translate(_IGNORED)).casefold().rstrip(" .")
        if step in ("", ".", "..") or folded in _PROTECTED or folded.startswith(".git:"):
            return f"{step or 'an empty step'} is protected"
        if folded in _KEYS or (folded.startswith(".env") and not folded.endswith(_EXAMPLES)):
            return "files of that name hold keys"
    return ""


def content(release: Release, file: VersionFile) -> bytes:
    """The bytes of a file. Raises StorageError when they are not those that the version names."""
    data = release.read(file.digest)
    if hashlib.sha256(data).hexdigest() != file.digest:
        raise StorageError(
            f"The kept bytes of {one_line(file.path)} in version {one_line(release.version, 40)} are damaged.",
            hint="Restore another version, or write the file again and approve.",
        )
    return data


def mode(file: VersionFile) -> int:
    """0o755 for what may be run, else 0o644: nothing else of a mode is published."""
    return 0o755 if file.mode & 0o111 else 0o644


@dataclass(frozen=True, slots=True)
class There:
    """A file as it is at the destination. `key` is equal to the release's key for the same bytes."""

    key: str
    mode: int = 0o644


def difference(
    release: Release,
    there: Mapping[str, There],
    read: Callable[[str], bytes | None],
    *,
    against: str,
    key: Callable[[VersionFile], str] = lambda file: file.digest,
) -> str:
    """What would change at a destination that holds `there`: counts, a line for each file, and unified diffs of texts.

    `read` gives the destination's bytes by path, or None for what is not read. The text is clean and at most `DIFF_LIMIT` characters.
    """
    tree = {file.path: file for file in release.tree}
    added = sorted(tree.keys() - there.keys())
    removed = sorted(there.keys() - tree.keys())
    changed = [
        path
        for path in sorted(tree.keys() & there.keys())
        if key(tree[path]) != there[path].key or mode(tree[path]) != there[path].mode
    ]
    if not (added or removed or changed):
        return f"Nothing changes against {against}: all {len(tree)} files are the same."
    head = f"{len(added)} added, {len(changed)} changed, {len(removed)} removed against {against}"
    lines = [
        head,
        *(f"+ {path}" for path in added),
        *(f"~ {path}" for path in changed),
        *(f"- {path}" for path in removed),
    ]
    length = sum(map(len, lines))
    for path in changed:
        if length > DIFF_LIMIT:
            break
        found = _unified(path, read(path), content(release, tree[path]))
        length += sum(map(len, found))
        lines += found
    text = clean("\n".join(lines))
    return text if len(text) <= DIFF_LIMIT else f"{text[:DIFF_LIMIT].rsplit(chr(10), 1)[0]}\n… the rest is not shown"


def _unified(path: str, before: bytes | None, after: bytes) -> list[str]:
    if before is None:
        return ["", f"{path}: becomes {len(after)} bytes"]
    if max(len(before), len(after)) > SHOWN_BYTES:
        return ["", f"{path}: {len(before)} bytes become {len(after)}"]
    try:
        old, new = before.decode("utf-8"), after.decode("utf-8")
    except UnicodeDecodeError:
        return ["", f"{path}: {len(before)} bytes become {len(after)} (not text)"]
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm=""))
    return ["", *found] if found else ["", f"{path}: the mode or the end of the last line changes"]
