"""The book as Markdown: one file, or a folder with a file per page. The same book gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from studio.domain.dialogue import LineKind
from studio.domain.text import clean, one_line, slugify
from studio.exporters.output import MARK, write_file, write_folder
from studio.protocol.views import ApprovedSection, BookPage, BookView

_KINDS = "|".join(kind.value for kind in LineKind)
_SPOKEN = re.compile(rf"^(?P<name>[^():\n]{{1,60}}) \((?P<kind>{_KINDS})\): (?P<text>\S.*)$")
_MARKUP = re.compile(r"([\\*_`\[\]<>])")
_HEADING = re.compile(r"^( {0,3})(?=#{1,6}(?:\s|$))")


@dataclass(frozen=True, slots=True)
class Exported:
    """`skipped` counts pages that have no approved text yet and are not in the export; `kept` is where an earlier export lies that was
    edited by hand."""

    path: Path
    pages: int
    skipped: int
    kept: Path | None = None


def export_file(book: BookView, path: Path) -> Exported:
    """Write the book to one Markdown file. Raises Refused or StorageError."""
    kept = write_file(path, render(book.title, book.language, book.pages))
    return Exported(path, len(book.pages), book.skipped, kept)


def export_folder(book: BookView, folder: Path) -> Exported:
    """Write the book to a folder: `01-the-crossing/001-fog.md`. Raises Refused or StorageError."""
    write_folder(folder, _files(book))
    return Exported(folder, len(book.pages), book.skipped)


def render(title: str, language: str, pages: Iterable[BookPage]) -> Iterator[str]:
    """The whole book in pieces; `pages` in book order is gone through once."""
    yield from _head(title, language)
    yield f"# {_escaped(title)}\n"
    for (number, name), chapter in groupby(pages, key=lambda page: (page.chapter_number, page.chapter_title)):
        yield f"\n## {number}. {_escaped(name)}\n"
        for page in chapter:
            yield f"\n### {page.number}. {_escaped(page.title)}\n"
            yield from _sections(page, "####")


def _files(book: BookView) -> Iterator[tuple[str, Iterator[str]]]:
    for page in book.pages:
        chapter = f"{page.chapter_number:02d}-{slugify(page.chapter_title) or 'chapter'}"
        yield f"{chapter}/{page.number:03d}-{slugify(page.slug or page.title) or 'page'}.md", _page(page, book)


def _page(page: BookPage, book: BookView) -> Iterator[str]:
    yield from _head(page.title, book.language, book=book.title, chapter=page.chapter_title)
    yield f"# {_escaped(page.title)}\n"
    yield from _sections(page, "##")


def _head(title: str, language: str, **others: str) -> Iterator[str]:
    yield f"---\ntitle: {_quoted(title)}\n"
    for key, value in others.items():
        yield f"{key}: {_quoted(value)}\n"
    yield f"lang: {_quoted(language)}\n{MARK}\n---\n\n"


def _sections(page: BookPage, mark: str) -> Iterator[str]:
    for section in page.sections:
        yield f"\n{mark} {_escaped(section.label)}\n\n{_body(section)}\n"


def _body(section: ApprovedSection) -> str:
    """Markdown stays as it is. Dialogue becomes a paragraph per line, as Markdown would join the lines; prose stays, with what
    looks like a heading kept out of ours."""
    if section.markdown:
        return clean(section.text).strip("\n")
    lines = clean(section.text).strip("\n").split("\n")
    spoken = [match for line in lines if line.strip() and (match := _SPOKEN.match(line))]
    if spoken and len(spoken) == sum(1 for line in lines if line.strip()):
        return "\n\n".join(_line(match) for match in spoken)
    return "\n".join(_HEADING.sub(r"\1\\", line) for line in lines)


def _line(match: re.Match[str]) -> str:
    kind = "" if match["kind"] == LineKind.SPEECH else f" ({match['kind']})"
    return f"**{_escaped(match['name'])}**{kind}: {match['text'].strip()}"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text))


def _quoted(text: str) -> str:
    return json.dumps(one_line(text), ensure_ascii=False)
