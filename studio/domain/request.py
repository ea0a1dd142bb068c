"""The form in which an application or a change is asked for, written out as one text: the brief of a change."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.text import clean, one_line

APP_TYPES = ("web", "mobile", "api", "fullstack", "other")
"""Kinds of application; `[app] type` of the settings holds one."""


def request_text(name: str, description: str, kind: str = "", requirements: Sequence[str] = ()) -> str:
    """Title, description, type and a list of requirements; parts that are empty are left out, and nothing gives an empty text."""
    wanted = [line for one in requirements if (line := one_line(clean(one), 2_000))]
    described = clean(description).strip()
    if not described and not wanted:
        return ""
    parts = [f"# {one_line(name, 200)}"] if one_line(name, 200) else []
    parts += [described] if described else []
    parts += [f"Type: {one_line(kind, 40)}"] if kind else []
    parts += ["\n".join(["Requirements:", *(f"- {one}" for one in wanted)])] if wanted else []
    return "\n\n".join(parts)
