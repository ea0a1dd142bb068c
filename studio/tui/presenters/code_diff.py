"""The difference of a file set in lines: numbered, signed, and by words where a line was changed. Made from a unified diff. No Textual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from studio.domain.diff import diff
from studio.protocol.build_views import FileDiff
from studio.tui.glyphs import ASCII, Glyphs
from studio.tui.presenters.lines import BLANK, Line, Span, fit, line, wrap
from studio.tui.presenters.spans import flow

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(?P<where>.*)$")
_NUMBER = 5
_MOST = 4000
"""Lines of a diff that are drawn; one that long is read elsewhere."""
_LONG = 1000
"""Characters of a line from which its words are not compared."""
_CHANGES = {"added": "new file", "modified": "changed", "deleted": "deleted", "renamed": "renamed"}


@dataclass(slots=True)
class _Hunk:
    """Where the next line of each side stands, and the changed lines that wait to be paired."""

    old: int = 0
    new: int = 0
    gone: list[str] = field(default_factory=list)
    come: list[str] = field(default_factory=list)


def change_words(one: FileDiff) -> str:
    """`changed +3 -1`, `renamed from a.js`."""
    word = _CHANGES.get(one.change, one.change)
    source = f" from {one.renamed_from}" if one.renamed_from else ""
    lines = "".join(f" {sign}{count}" for sign, count in (("+", one.added), ("-", one.removed)) if count)
    return f"{word}{source}{lines}"


def file_lines(one: FileDiff, width: int, glyphs: Glyphs) -> list[Line]:
    """The file's name and its difference; each hunk is a stop, so that the cursor steps from change to change."""
    head = line((fit(one.path, max(width - 24, 10), glyphs.more), "strong"), (f"  {change_words(one)}", "dim"),
                stop=("file", one.path))  # fmt: skip
    return [head, BLANK, *_body(one, width, glyphs)]


def _body(one: FileDiff, width: int, glyphs: Glyphs) -> Iterator[Line]:
    hunk, count, inside = _Hunk(), 0, False
    lines = one.unified.split("\n")
    for raw in lines[:_MOST]:
        found = _HUNK.match(raw)
        if found is not None:
            yield from _flushed(hunk, (one.path, count), width, glyphs)
            if inside:
                yield BLANK
            inside, count = True, count + 1
            hunk = _Hunk(int(found[1]), int(found[2]))
        elif not inside:
            if raw and not raw.startswith(("---", "+++")):
                yield from (line((row, "dim")) for row in wrap(raw, width))
        elif raw.startswith("-"):
            if hunk.come:
                yield from _flushed(hunk, (one.path, count), width, glyphs)
            hunk.gone.append(raw[1:])
        elif raw.startswith("+"):
            hunk.come.append(raw[1:])
        elif raw.startswith(" "):
            yield from _flushed(hunk, (one.path, count), width, glyphs)
            yield from _numbered(hunk.new, " ", [(raw[1:], "dim")], width, (one.path, count))
            hunk.old, hunk.new = hunk.old + 1, hunk.new + 1
    yield from _flushed(hunk, (one.path, count), width, glyphs)
    if len(lines) > _MOST:
        yield line((f"{glyphs.more} {len(lines) - _MOST} more lines", "dim"))


def _flushed(hunk: _Hunk, stop: tuple[str, int], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Lines that went and lines that came: pairs that are alike by their words, others whole."""
    gone, come = hunk.gone, hunk.come
    hunk.gone, hunk.come = [], []
    pairs = len(gone) == len(come)
    said = [_words(old, new, glyphs) if pairs else None for old, new in zip(gone, come, strict=False)]
    for at, old in enumerate(gone):
        words = said[at] if pairs else None
        yield from _numbered(hunk.old, "-", words[0] if words else [(old, "warn")], width, stop)
        hunk.old += 1
    for at, new in enumerate(come):
        words = said[at] if pairs else None
        yield from _numbered(hunk.new, "+", words[1] if words else [(new, "ok")], width, stop)
        hunk.new += 1


def _words(old: str, new: str, glyphs: Glyphs) -> tuple[list[Span], list[Span]] | None:
    """Both lines with the words that changed marked; None where they have too little in common."""
    if not old.strip() or not new.strip() or len(old) + len(new) > _LONG:
        return None
    found = diff(old, new)
    if len(found) != 1 or all(span.op != "same" for span in found[0].spans):
        return None
    bare = glyphs == ASCII
    signs = {"del": "[-{}-]" if bare else "{}", "add": "{{+{}+}}" if bare else "{}", "same": "{}"}
    sides: tuple[list[Span], list[Span]] = ([], [])
    for span in found[0].spans:
        said = (signs[span.op].format(span.text), "text" if span.op == "same" else span.op)
        if span.op != "add":
            sides[0].append(said)
        if span.op != "del":
            sides[1].append(said)
    return sides


def _numbered(number: int, sign: str, words: list[Span], width: int, stop: tuple[str, int]) -> list[Line]:
    """A line of the file behind its number; its rows are set in as far as the first."""
    lead = _NUMBER + 3
    rows = flow(words or [("", "text")], max(width, lead + 8), indent=" " * lead, stop=stop)
    style = {"-": "del", "+": "add"}.get(sign, "dim")
    plain = "error" if style == "del" else "ok" if style == "add" else "dim"
    first = line((f"{number:>{_NUMBER}} ", "dim"), (f"{sign} ", plain), *rows[0].spans[1:], stop=stop)
    return [first, *rows[1:]]


def text_rows(path: str, text: str | None, size: int, width: int, marked: frozenset[int] = frozenset()) -> list[Line]:
    """A whole file with line numbers; the lines in `marked` have findings."""
    head = [line((path, "strong"), (f"  {size} bytes", "dim")), BLANK]
    if text is None:
        return [*head, line(("This file is not text.", "dim"))]
    found = list(head)
    lines = text.split("\n")
    for number, raw in enumerate(lines[:_MOST], start=1):
        rows = flow([(raw, "text")], max(width, _NUMBER + 10), indent=" " * (_NUMBER + 2), stop=(path, number))
        sign = ("! ", "error") if number in marked else ("  ", "text")
        found += [line((f"{number:>{_NUMBER}}", "dim"), sign, *rows[0].spans[1:], stop=(path, number)), *rows[1:]]
    if len(lines) > _MOST:
        found.append(line((f"... {len(lines) - _MOST} more lines", "dim")))
    return found
