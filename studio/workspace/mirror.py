"""The plain-text form of an approved page: writing it, reading a person's edits back. Files are in `mirror_files`.

A file has front matter (page id, state, and revision, digest and model of each section), then a `## Label` section per stage.
A line of text that itself starts with `## ` is written as `\\## `, which Markdown shows as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from studio.domain.text import clean, digest, one_line
from studio.workspace import front_matter
from studio.workspace.files import safe_name

FOLDER = "manuscript"

_LIKE_HEADING = re.compile(r"^\\*##(?=[ \t])")
_ESCAPED = re.compile(r"^\\(?=\\*##[ \t])")
_CONFLICT = re.compile(r"\.conflict-\d+\.md$")


@dataclass(frozen=True, slots=True)
class MirrorSection:
    """An approved stage. `revision` is its id, `number` its number within the stage."""

    stage: str
    label: str
    text: str
    revision: str
    number: int = 0
    model: str | None = None


@dataclass(frozen=True, slots=True)
class MirrorPage:
    id: str
    title: str
    chapter: str
    state: str
    sections: tuple[MirrorSection, ...]


@dataclass(frozen=True, slots=True)
class ParsedSection:
    """A section as the file has it. `base_*` name what it was written from, None when the front matter does not say.

    `edited` tells whether the text differs from what was written; without a base it is true.
    """

    text: str
    base_revision: str | None
    base_digest: str | None
    edited: bool


@dataclass(frozen=True, slots=True)
class ParsedMirror:
    """`unplaced` is text above the first section; `problems` are (line, words) for a person.

    `written` are the stages that the front matter names, None without front matter that says so.
    """

    page_id: str | None
    title: str
    sections: Mapping[str, ParsedSection]
    unplaced: str = ""
    problems: tuple[tuple[int, str], ...] = ()
    written: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """What the store holds for a stage now."""

    revision_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SectionEdit:
    """A person's text for a stage. `conflict`: the store went on since the file was written, so both texts differ from the base.

    `approved` is false for a section of a stage that has no approved text yet.
    """

    stage: str
    text: str
    base_revision: str | None
    conflict: bool = False
    approved: bool = True


@dataclass(frozen=True, slots=True)
class MirrorChanges:
    """What a file says against the store. `older` are stages whose text was saved as it stood before: it is in the store.

    `missing` are approved stages that somebody took out; one that was approved after the file was written is not among them.
    """

    edits: tuple[SectionEdit, ...] = ()
    older: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unplaced: str = ""


def relative_path(chapter_slug: str, page_slug: str) -> str:
    """Where a page's file lies below the project: `manuscript/<chapter>/<page>.md`."""
    return f"{FOLDER}/{safe_name(chapter_slug, 'chapter')}/{safe_name(page_slug, 'page')}.md"


def conflict_path(rel: str, number: int) -> str:
    """The name of the file that keeps a text which could not become a revision."""
    return str(PurePosixPath(rel).with_suffix("")) + f".conflict-{number}.md"


def is_conflict(rel: str) -> bool:
    return _CONFLICT.search(rel) is not None


def section_digest(text: str) -> str:
    """SHA-256 of a text as far as it matters: without outer blank lines and without blanks at line ends, which editors remove."""
    return digest("\n".join(line.rstrip() for line in _trimmed(clean(text)).split("\n")))


def same_text(one: str, other: str) -> bool:
    return one == other or section_digest(one) == section_digest(other)


def render(page: MirrorPage) -> str:
    """The whole file. The same page gives the same text."""
    return "".join(_rendered(page))


def _rendered(page: MirrorPage) -> Iterator[str]:
    yield f"---\nid: {_scalar(page.id)}\ntitle: {_scalar(one_line(page.title))}\n"
    yield f"chapter: {_scalar(one_line(page.chapter))}\nstate: {_scalar(page.state)}\n"
    yield "sections:\n" if page.sections else "sections: {}\n"
    for section in page.sections:
        yield f"  {_key(section.stage)}:\n    revision: {_scalar(section.revision)}\n    number: {section.number}\n"
        yield f"    digest: {_scalar(section_digest(section.text))}\n"
        if section.model:
            yield f"    model: {_scalar(one_line(section.model))}\n"
    yield "---\n"
    for section in page.sections:
        lines = _trimmed(clean(section.text)).split("\n")
        text = "\n".join(f"\\{line}" if _LIKE_HEADING.match(line) else line for line in lines)
        yield f"\n## {one_line(section.label)}\n\n{text}\n"


def _key(stage: str) -> str:
    return _scalar(stage) if stage in ("null", "true", "false") else stage


def _scalar(text: str) -> str:
    """A double-quoted YAML scalar; what YAML does not let stand as it is becomes an escape."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(character if character.isprintable() else _escape(ord(character)) for character in quoted)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@dataclass(slots=True)
class _Sections:
    """Collects lines under the headings seen so far. `current` is None above the first."""

    by_heading: Mapping[str, str]
    lines: dict[str | None, list[str]] = field(default_factory=lambda: {None: []})
    current: str | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)

    def take(self, number: int, line: str) -> None:
        stage = self.by_heading.get(_heading(line).casefold())
        if stage is None:
            self.lines[self.current].append(_ESCAPED.sub("", line))
        elif stage in self.lines:
            self.problems.append(
                (number, f"a second section {line.strip('# ')!r} was read as text of the one above it")
            )
            self.lines[self.current].append(line)
        else:
            self.current = stage
            self.lines[stage] = []

    def text(self, stage: str | None) -> str:
        return _trimmed("\n".join(self.lines[stage]))


def _heading(line: str) -> str:
    """The words of a `## Label` line, without the hashes that may close it after a blank; empty for any other line."""
    words = line[3:].strip(" \t") if line.startswith(("## ", "##\t")) else ""
    bare = words.rstrip("#")
    return bare.rstrip(" \t") if bare.endswith((" ", "\t")) else words


def parse(text: str, labels: Mapping[str, str]) -> ParsedMirror:
    """A file as a person may have left it: front matter missing or broken, `\\r\\n`, sections gone or added. Never raises.

    `labels` are the workflow's stages and the labels of their headings; case does not count.
    """
    parts = front_matter.split(clean(text.removeprefix("\ufeff")))
    headings = {label.casefold(): stage for stage, label in labels.items()}
    found = _Sections({**{stage.casefold(): stage for stage in labels}, **headings})
    for number, line in enumerate(parts.body.split("\n"), parts.body_line):
        found.take(number, line)
    named = parts.data.get("sections")
    bases = named if isinstance(named, Mapping) else {}
    return ParsedMirror(
        page_id=_text(parts.data.get("id")),
        title=_text(parts.data.get("title")) or "",
        sections={stage: _section(found.text(stage), bases.get(stage)) for stage in found.lines if stage is not None},
        unplaced=found.text(None),
        problems=((parts.problem,) if parts.problem else ()) + tuple(found.problems),
        written=frozenset(str(stage) for stage in bases) if isinstance(named, Mapping) else None,
    )


def _section(text: str, base: object) -> ParsedSection:
    base = base if isinstance(base, Mapping) else {}
    base_digest = _text(base.get("digest"))
    return ParsedSection(text, _text(base.get("revision")), base_digest, section_digest(text) != base_digest)


def _text(value: object) -> str | None:
    return one_line(value) or None if isinstance(value, str) else None


def changes(parsed: ParsedMirror, current: Mapping[str, Approved]) -> MirrorChanges:
    """What to do about a file: a person's texts to take over, and what to tell of it. No text is lost by it."""
    edits: list[SectionEdit] = []
    emptied: list[str] = []
    older: list[str] = []
    for stage, section in parsed.sections.items():
        approved = current.get(stage)
        if approved is not None and same_text(section.text, approved.text):
            continue
        if section.base_digest is not None and not section.edited:
            older.append(stage)
        elif not section.text.strip():
            emptied.append(stage)
        else:
            conflict = approved is not None and section.base_revision not in (None, approved.revision_id)
            edits.append(SectionEdit(stage, section.text, section.base_revision, conflict, approved is not None))
    gone = [stage for stage in current if stage not in parsed.sections]
    missing = tuple(stage for stage in gone if parsed.written is None or stage in parsed.written)
    return MirrorChanges(tuple(edits), tuple(older), tuple(emptied), missing, parsed.unplaced)


def _trimmed(text: str) -> str:
    """The text without blank lines before and after it; the first line keeps its indent."""
    body = text.rstrip()
    return body[body.rfind("\n", 0, len(body) - len(body.lstrip())) + 1 :]
