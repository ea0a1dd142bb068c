"""How people name chapters and pages: slugs that are free, suggestions near a name that is not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches

from studio.domain.text import one_line, slugify

_RESERVED = frozenset({"next"})


def free_slug(wanted: str, taken: Collection[str], fallback: str) -> str:
    """`wanted` as a slug that is not in `taken`, not a bare number and not a reserved word."""
    base = slugify(wanted) or fallback
    if base in _RESERVED or re.fullmatch(r"\d+", base):
        base = f"{fallback}-{base}"
    slug, count = base, 1
    while slug in taken:
        count += 1
        slug = f"{base}-{count}"
    return slug


def nearby(ref: str, known: Iterable[str], otherwise: str) -> str:
    """A hint: the known names most like `ref`, else the given words."""
    close = get_close_matches(ref.casefold(), list(known), n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else otherwise


def shown(ref: str) -> str:
    """What was asked for, safe and short enough for a message."""
    return one_line(ref, 60)
