"""A warning about a file in words: the place once, then what is wrong and what to do."""

from __future__ import annotations

from studio.protocol.views import Warning


def place(path: str | None, number: int) -> str:
    """`canon/fog.md:3: `, empty without a path; line 0 means that no line is to blame."""
    if not path:
        return ""
    return f"{path}:{number}: " if number else f"{path}: "


def told(warning: Warning) -> str:
    return f"{place(warning.path, warning.line or 0)}{warning.message} {warning.hint}".rstrip()
