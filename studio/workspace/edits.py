"""Texts handed to an external editor: `.studio/edits/<page>.<stage>.md`, found again after a crash."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.config.files import atomic_write, read_text, storage_error
from studio.config.paths import state_folder, user_state_dir
from studio.domain.errors import NotFound, StudioError
from studio.domain.text import clean, digest, one_line
from studio.workspace.files import make_below, safe_name

FOLDER = "edits"

# Not only at the beginning: whoever writes above the header means it as text, and the header as none.
_BEGINS = re.compile(r"^[ \t]*+<!-- studio\n", re.MULTILINE)
_HEADER = re.compile(r"^[ \t]*+<!-- studio\n(?P<lines>.*?)\n?-->[ \t]*\n?\n?", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^(page|stage|revision|text): ?(\S*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EditFile:
    """A text that was given to an editor, as it stands now.

    `changed` tells it from what was handed out, whose digest is `handed`; `base` is false when the header is gone, and then the
    ids are empty and the page is known by `page_slug` and `stage` alone, both from the file's name.
    """

    path: Path
    page_id: str
    page_slug: str
    stage: str
    revision_id: str
    text: str
    changed: bool
    base: bool
    handed: str = ""

    def made_from(self, text: str) -> bool:
        """Whether `text` is what was handed out."""
        return self.handed == digest(_bare(text))


def write(
    root: Path,
    *,
    page_id: str,
    page_slug: str,
    stage: str,
    revision_id: str | None,
    title: str,
    text: str,
    hints: Sequence[str] = (),
    typed: str | None = None,
) -> Path:
    """Write the file for an editor, with a commented header that says what it is. A leftover for the same page stays.

    With `typed` it is a leftover itself: words that somebody made of `text` and that could not be kept otherwise.

    Raises StorageError.
    """
    folder = state_folder(root) / FOLDER
    path = _free_path(folder, safe_name(page_slug), stage, page_id)
    header = "\n".join(
        (
            "<!-- studio",
            f"{_comment(stage.capitalize())} of “{_comment(title)}”. Save and leave the editor to keep your text.",
            "Leave it unchanged, or empty, to change nothing. These lines are not part of the text.",
            *(_comment(hint) for hint in hints),
            f"page: {page_id}",
            f"stage: {stage}",
            f"revision: {revision_id or ''}",
            f"text: {digest(_bare(text))}",
            "-->",
        )
    )
    try:
        make_below(root, folder)
    except OSError as error:
        raise storage_error(error, str(folder), "made") from error
    atomic_write(path, f"{header}\n\n{clean(text if typed is None else typed)}\n", mode=0o600)
    return path


def write_outside(page_slug: str, stage: str, text: str) -> Path:
    """Keep words whose project is not there any more: a plain file among the person's own. Raises StorageError."""
    folder = user_state_dir() / "words"
    path = _free_path(folder, safe_name(page_slug), stage, "")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, str(folder), "made") from error
    atomic_write(path, f"{clean(text)}\n", mode=0o600)
    return path


def read(path: Path) -> EditFile:
    """The file as the editor left it. Raises NotFound, BadInput (not UTF-8) or StorageError; the file stays as it is."""
    whole = clean(read_text(path, where=path.name))
    slug, _, stage = path.name.removesuffix(".md").rpartition(".")
    stage = stage.partition("~")[0]
    match = _header(whole)
    fields = dict(_FIELD.findall(match["lines"])) if match else {}
    text = _bare(whole[: match.start()] + whole[match.end() :] if match else whole)
    changed = bool(text.strip()) and digest(text) != fields.get("text")
    return EditFile(
        path=path,
        page_id=fields.get("page", ""),
        page_slug=slug,
        stage=fields.get("stage") or stage,
        revision_id=fields.get("revision", ""),
        text=text,
        changed=changed,
        base=bool(fields),
        handed=fields.get("text", ""),
    )


def _header(whole: str) -> re.Match[str] | None:
    """The first header. One that is not closed is not looked for: each would be read to the end of the text."""
    begins = _BEGINS.search(whole, 0, max(0, whole.rfind("-->")))
    return _HEADER.match(whole, begins.start()) if begins else None


def text_line(path: Path) -> int:
    """The line, from 1, on which the text begins below the header. Raises NotFound, BadInput or StorageError."""
    whole = read_text(path, where=path.name)
    match = _HEADER.match(whole)
    return whole.count("\n", 0, match.end()) + 1 if match else 1


def leftovers(root: Path) -> tuple[EditFile, ...]:
    """Changed files of editors that never came back, oldest first; unreadable ones stay where they are, unlisted."""
    found: list[tuple[int, EditFile]] = []
    for path in (state_folder(root) / FOLDER).glob("*.md"):
        if path.is_symlink():  # never made by us: it would bring any file of the person's into the book
            continue
        try:
            edit, age = read(path), path.stat().st_mtime_ns
        except (StudioError, OSError):
            continue
        if edit.changed:
            found.append((age, edit))
    return tuple(edit for _, edit in sorted(found, key=lambda pair: pair[0]))


def remove(path: Path) -> None:
    """Remove a file whose text is a revision by now."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _free_path(folder: Path, slug: str, stage: str, page_id: str) -> Path:
    """The plain name, or one with a mark when a leftover with other words in it has that name."""
    plain = folder / f"{slug}.{stage}.md"
    for number in range(1, 1_000):
        path = plain if number == 1 else folder / f"{slug}.{stage}~{number}.md"
        if path.is_symlink():
            continue
        try:
            edit = read(path)
        except NotFound:
            return path
        except StudioError:
            continue
        if not edit.changed and edit.page_id == page_id:
            return path
    return folder / f"{slug}.{stage}~{os.getpid()}.md"


def _bare(text: str) -> str:
    """Editors end a file with a newline, whether the text had one or not."""
    return clean(text).rstrip("\n")


def _comment(text: str) -> str:
    return one_line(text).replace("--", "- -").replace(">", "›")
