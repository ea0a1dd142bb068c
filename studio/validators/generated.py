"""What a model adds around a file: code fences, a sentence before it, a diff or merge markers instead of it. Fences and the
sentence are taken off; the rest is reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from studio.domain.finding import Problem
from studio.validators.comments import blanked
from studio.validators.languages import Language
from studio.validators.place import problem
from studio.validators.scan import Scan

_FENCE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)(?:[ \t]*+([\w+#./-]++)(?=[ \t]|$)|(?=[ \t]|$))[^`\n]*+$")
_INTRODUCTION = re.compile(
    r"^(?:#+ +|\*\*|> )?(?:here(?:'s|’s| is| are)|sure\b|certainly\b|of course\b|below is|this is|the following|okay\b|ok,|"
    r"absolutely\b|i(?:'ve| have| will|'ll)\b|"
    r"(?:updated|complete|full|new|modified|revised) (?:file|code|version|content))[^\n{};=<>]{0,200}$",
    re.IGNORECASE,
)
_DIFF = re.compile(
    r"\A\s*(?:diff --git a/|--- (?:a/|/dev/null)[^\n]*\n\+\+\+ |@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|\*\*\* Begin Patch|Index: [^\n]+\n=====)"
)
_OURS = re.compile(r"^<{7}(?: [^\n]*)?$", re.MULTILINE)
_THEIRS = re.compile(r"^>{7}(?: [^\n]*)?$", re.MULTILINE)
_PLACEHOLDER = re.compile(
    r"\W*(?:(?:this is (?:a|the) )?placeholder\b.{0,80}|(?:to ?do|tbd|fix ?me)"
    r"(?::? (?:implement|add|write|fill in|create|finish|complete|the|this)\b.{0,80})?|"
    r"(?:to be|will be) (?:implemented|added|written|done|filled in)\b.{0,60}|"
    r"(?:your|the|full|complete|actual|file|updated)? ?(?:code|contents?|implementation|file) (?:goes |comes |will go )?here|"
    r"(?:file )?contents? unchanged|(?:no changes?|unchanged|same as (?:before|above)|see above|as above)|"
    r"(?:implement|add|write) .{0,60} here|coming\s+soon.{0,40})\W*",
    re.IGNORECASE | re.DOTALL,
)
_COMMENT_MARKS = re.compile(r"^[ \t]*(?://+|#+|/\*+|\*+/?|<!--)|(?:-->|\*/)[ \t]*$", re.MULTILINE)
_SENTENCES = 3
_PLACEHOLDER_LENGTH = 400
_UNWRAPPED = frozenset(Language) - {Language.MARKDOWN, Language.OTHER}


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The text without what stood around it, and what was taken off, by line."""

    text: str
    removed: tuple[tuple[int, str], ...] = ()
    unclosed: int = 0


def unwrap(text: str, language: Language) -> Unwrapped:
    """A file without the fences around it and the sentences before and after them.

    Only if the fence is the first thing of the text, or the first after at most three lines that introduce it, and the last fence
    is the last thing, or all after it is prose. A Markdown file may begin with a fence; it is left as it is.
    """
    if language not in _UNWRAPPED:
        return Unwrapped(text)
    lines = text.split("\n")
    first = _first_fence(lines)
    if first is None:
        return _without_introduction(text, lines)
    fence = _FENCE.match(lines[first])
    mark = fence[1] if fence else "```"
    closing = [
        n
        for n in range(first + 1, len(lines))
        if lines[n].strip() and set(lines[n].strip()) == {mark[0]} and lines[n].strip().startswith(mark)
    ]
    if not closing:
        return Unwrapped(text, unclosed=first + 1)
    if len(closing) > 1 and language not in (
        Language.HTML,
        Language.JAVASCRIPT,
        Language.TYPESCRIPT,
        Language.TSX,
        Language.PYTHON,
    ):
        return Unwrapped(text)
    last = closing[-1]
    if any(_FENCE.match(line) for line in lines[first + 1 : last] if _is_named_fence(line)):
        return Unwrapped(text)
    removed = [(first + 1, "a code fence around the file")]
    removed += [(n + 1, "a sentence before the file") for n in range(first) if lines[n].strip()][:1]
    removed += [(n + 1, "words after the file") for n in range(last + 1, len(lines)) if lines[n].strip()][:1]
    inside = "\n".join(lines[first + 1 : last])
    return Unwrapped(f"{inside}\n" if inside else "", tuple(removed))


def _is_named_fence(line: str) -> bool:
    fence = _FENCE.match(line)
    return fence is not None and bool(fence[2])


def _first_fence(lines: list[str]) -> int | None:
    sentences = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if _FENCE.match(line):
            return number
        sentences += 1
        if sentences > _SENTENCES or not (_INTRODUCTION.match(line.strip()) or sentences > 1):
            return None
    return None


def _without_introduction(text: str, lines: list[str]) -> Unwrapped:
    """A sentence before a file without fences: `Here is the updated file:`."""
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if (
        first is None
        or not _INTRODUCTION.match(lines[first].strip())
        or not lines[first].rstrip().endswith((":", ":**"))
    ):
        return Unwrapped(text)
    rest = "\n".join(lines[first + 1 :]).lstrip("\n")
    return Unwrapped(rest, ((first + 1, "a sentence before the file"),)) if rest.strip() else Unwrapped(text)


def not_the_file(found: Scan) -> Iterator[Problem]:
    """A diff, merge markers, or a placeholder where a file should be."""
    path, text, lines = found.path, found.text, found.lines
    if not path.endswith((".diff", ".patch")) and _DIFF.match(text):
        yield problem("diff", path, 1, "This is a diff, not the file.", suggestion="Write the whole file.", lines=lines)
    ours = _OURS.search(text) if found.language is not Language.MARKDOWN else None
    if ours and _THEIRS.search(text, ours.end()):
        line = lines.at(ours.start())
        yield problem("merge-marker", path, line, "Merge markers are left in the file.", lines=lines)
    if found.language is not Language.OTHER and _is_placeholder(found):
        message = "The file holds nothing but a placeholder."
        yield problem("placeholder", path, 1, message, suggestion="Write the file itself.", lines=lines)


def _is_placeholder(found: Scan) -> bool:
    """A text without code whose comments, or whose only line, say that the file is still to come."""
    if len(found.text) > _PLACEHOLDER_LENGTH:
        return False
    code = blanked(found.text, found.comments).strip()
    if found.comments and code not in ("", "pass", "..."):
        return False
    words = code if not found.comments else " ".join(found.text[start:end] for start, end in found.comments)
    return _PLACEHOLDER.fullmatch(" ".join(_COMMENT_MARKS.sub(" ", words).split())) is not None
