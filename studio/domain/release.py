"""A release as data: what a version is called, its changelog, its commit message, what could follow; read from both forms. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.answer_json import Object, find_object, line_of, text_of, trimmed, whole_objects, whole_string
from studio.domain.errors import BadInput
from studio.domain.sections import guard, split, unguard
from studio.domain.text import one_line

TITLE_LIMIT = 120
FOLLOW_UPS_LIMIT = 8
_WHY_LIMIT = 300


class Bump(StrEnum):
    """Which part of the version number goes up (semver.org): `MAJOR` breaks what was there, `MINOR` adds, `PATCH` mends."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


def release_schema(
    *, changelog: int = 4000, message: int = 2000, follow_ups: int = FOLLOW_UPS_LIMIT
) -> dict[str, object]:
    """The answer asked for where a model supports JSON schema; `follow_ups` in number, the others in characters."""
    follow_up = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": TITLE_LIMIT},
            "why": {"type": "string", "maxLength": _WHY_LIMIT},
        },
        "required": ["title", "why"],
        "additionalProperties": False,
    }
    properties = {
        "bump": {"type": "string", "enum": [bump.value for bump in Bump]},
        "title": {"type": "string", "maxLength": TITLE_LIMIT},
        "summary": {"type": "string", "maxLength": 1000},
        "changelog": {"type": "string", "maxLength": changelog},
        "commit_message": {"type": "string", "maxLength": message},
        "follow_ups": {"type": "array", "maxItems": follow_ups, "items": follow_up},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


RELEASE_SCHEMA = release_schema()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something that could be done next; it is offered and never done by itself."""

    title: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """`changelog` is a Markdown list; `commit_message` has a subject line, and a body after a blank line where one is needed."""

    bump: Bump = Bump.PATCH
    title: str = ""
    summary: str = ""
    changelog: str = ""
    commit_message: str = ""
    follow_ups: tuple[FollowUp, ...] = ()


# Reading a model's answer


def parse(raw: str) -> Release:
    """A release from JSON (fenced or embedded in words). Raises BadInput when none is there."""
    found = find_object(raw, lambda row: bool(row.keys() & {"changelog", "commit_message", "bump"}))
    if found is None:
        raise BadInput("The release could not be read.", hint="Ask for it again, or write it yourself.")
    return _release(found)


def finished(partial: str) -> Release | None:
    """What was whole when a release broke off; None when nothing was."""
    row: dict[str, object] = {
        key: whole_string(partial, key) for key in ("bump", "summary", "changelog", "commit_message")
    }
    # The first title is the release's; the follow-ups, which have titles of their own, come last in the form asked for.
    row["title"] = whole_string(partial.partition('"follow_ups"')[0], "title")
    row["follow_ups"] = whole_objects(partial, lambda part: part.keys() == {"title", "why"})
    return _release(row) if any(row.values()) else None


def _release(row: Object) -> Release:
    listed = row.get("follow_ups")
    follow_ups = [_follow_up(part) for part in listed] if isinstance(listed, list) else []
    title = line_of(row, "title", limit=TITLE_LIMIT)
    return Release(
        bump=_bump(line_of(row, "bump")),
        title=title,
        summary=text_of(row, "summary"),
        changelog=text_of(row, "changelog"),
        commit_message=text_of(row, "commit_message") or title,
        follow_ups=tuple(filter(None, follow_ups)),
    )


def _bump(word: str) -> Bump:
    """The bump that a word means; an unknown one promises the least."""
    said = word.strip(" .*_`").casefold()
    return next((bump for bump in Bump if bump.value == said), Bump.PATCH)


def _follow_up(row: object) -> FollowUp | None:
    if isinstance(row, str):
        row = {"title": row}
    if not isinstance(row, dict):
        return None
    title = one_line(line_of(row, "title", "name", limit=TITLE_LIMIT).replace("**", "").strip(), TITLE_LIMIT)
    return FollowUp(title, line_of(row, "why", "reason", limit=_WHY_LIMIT)) if title else None


# The readable form

READABLE = re.compile(
    r"^[*_]{0,3}version[*_ ]{0,4}:|^ {0,3}##[ \t]+(?:changelog|commit message)[ \t]*+#*+[ \t]*+$", re.I | re.M
)
"""What only the readable form has."""
_NAMES = ("changelog", "commit message", "follow-ups")
_RESERVED = re.compile(
    r"##[ \t]+(?:changelog|commit message|follow-ups)[ \t]*+#*+[ \t]*+$|#[ \t]|[*_`]*+version[*_`]*+:", re.I
)
_TITLE = re.compile(r"^#[ \t]+(?P<title>.+)$")
_BUMP = re.compile(r"^[*_`]*+version[*_`]*+:[*_`\s]*+(?P<word>\w++)[*_`.\s]*+$", re.I)
_FOLLOW_UP = re.compile(r"^[-*][ ]+(?:\*\*(?P<bold>.+?)\*\*(?::[ ]*(?P<why>.*))?|(?P<plain>\S.*))$")


def render(release: Release) -> str:
    """Readable Markdown; `read_text` reads it back."""
    parts = [
        f"# {release.title}" if release.title else "",
        f"Version: {release.bump.value}",
        guard(release.summary, _RESERVED),
    ]
    if release.changelog:
        parts.append(f"## Changelog\n\n{guard(release.changelog, _RESERVED)}")
    if release.commit_message:
        parts.append(f"## Commit message\n\n{guard(release.commit_message, _RESERVED)}")
    if release.follow_ups:
        parts.append("## Follow-ups\n\n" + "\n".join(map(_line, release.follow_ups)))
    return "\n\n".join(filter(None, parts))


def _line(follow_up: FollowUp) -> str:
    return f"- **{follow_up.title}**" + (f": {follow_up.why}" if follow_up.why else "")


def read_text(markdown: str) -> Release:
    """The release of its readable form, as a person edited it. Words that are no follow-up in their section go to the summary."""
    sections = split(trimmed(markdown), _NAMES)
    lines = sections[""].split("\n")
    title, lines = _taken(lines, _TITLE)
    word, lines = _taken(lines, _BUMP)
    loose, follow_ups = _follow_ups(sections.get("follow-ups", ""))
    summary = unguard("\n".join(lines).strip(), _RESERVED)
    return _release(
        {
            "bump": word,
            "title": title,
            "summary": "\n\n".join(filter(None, (summary, loose))),
            "changelog": unguard(sections.get("changelog", ""), _RESERVED),
            "commit_message": unguard(sections.get("commit message", ""), _RESERVED),
            "follow_ups": follow_ups,
        }
    )


def _taken(lines: list[str], pattern: re.Pattern[str]) -> tuple[str, list[str]]:
    """The word of `pattern` when the first line with text has it, and the lines after it; else all lines."""
    first = next((place for place, line in enumerate(lines) if line.strip()), None)
    match = pattern.match(lines[first]) if first is not None else None
    if first is None or match is None:
        return "", lines
    return match[1], lines[first + 1 :]


def _follow_ups(section: str) -> tuple[str, list[dict[str, str]]]:
    loose: list[str] = []
    rows: list[dict[str, str]] = []
    for line in section.split("\n"):
        match = _FOLLOW_UP.match(line)
        if match is None:
            loose.append(line)
        elif match["bold"]:
            rows.append({"title": match["bold"], "why": match["why"] or ""})
        else:
            title, _, why = match["plain"].partition(": ")
            rows.append({"title": title, "why": why})
    return "\n".join(filter(None, loose)), rows


# As it is stored


def to_json(release: Release) -> str:
    made = {
        "bump": release.bump.value, "title": release.title, "summary": release.summary, "changelog": release.changelog,
        "commit_message": release.commit_message,
        "follow_ups": [{"title": one.title, "why": one.why} for one in release.follow_ups],
    }  # fmt: skip
    return json.dumps(made, ensure_ascii=False)


def from_json(data: str) -> Release:
    """The release that `to_json` wrote; raises BadInput when it did not."""
    return parse(data)
