"""Markdown with reserved headings: split into its sections, with look-alikes in the texts guarded by a backslash. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADING = re.compile(r"^ {0,3}##(?=[ \t])(?P<name>.*)$")


def guard(text: str, reserved: re.Pattern[str]) -> str:
    """`text` with one backslash more before each line that `reserved` would take for a heading (`\\## Tasks` shows as it was).

    `reserved` matches at a line's start, after the backslashes.
    """
    return "\n".join(_guarded(line, reserved) for line in text.split("\n"))


def unguard(text: str, reserved: re.Pattern[str]) -> str:
    """The text that `guard` was given."""
    return "\n".join(_bare(line, reserved) for line in text.split("\n"))


def _guarded(line: str, reserved: re.Pattern[str]) -> str:
    inner = line.lstrip(" ").lstrip("\\")
    if not reserved.match(inner):
        return line
    blank = len(line) - len(line.lstrip(" "))
    return f"{line[:blank]}\\{line[blank:]}"


def _bare(line: str, reserved: re.Pattern[str]) -> str:
    bare = line.lstrip(" ")
    if not bare.startswith("\\") or not reserved.match(bare.lstrip("\\")):
        return line
    blank = len(line) - len(bare)
    return f"{line[:blank]}{bare[1:]}"


def split(text: str, names: Sequence[str], *, closed: Sequence[str] = ()) -> dict[str, str]:
    """The text below each of the `## name` headings, by its lower-case name; what stands before the first one is under "".

    Another heading belongs to the section it stands in, but ends one of the `closed`: it and what follows is under "other".
    A name that comes twice is joined.
    """
    found: dict[str, list[str]] = {"": []}
    here = ""
    for line in text.split("\n"):
        name = _name(line)
        if name in names:
            here = name
            found.setdefault(here, [])
            continue
        if name and here in closed:
            here = "other"
        found.setdefault(here, []).append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}


def _name(line: str) -> str:
    """The lower-case name of a `## name` heading, without the hashes that may close it; empty when it is none."""
    match = _HEADING.match(line)
    words = match["name"].strip(" \t") if match else ""
    return (words.rstrip("#").rstrip(" \t") or words).casefold()


def first_paragraph(text: str) -> tuple[str, str]:
    """The first paragraph and the rest, both without blank lines around them."""
    first, _, rest = text.strip().partition("\n\n")
    return first.strip(), rest.strip()
