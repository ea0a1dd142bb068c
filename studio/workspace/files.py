"""Files of a project: what `studio.config.files` offers, and names that are safe on every disk. The jail is in `jail`."""

from __future__ import annotations

import re
from pathlib import Path

from studio.config.files import TEXT_LIMIT, atomic_write, decode, read_text, storage_error
from studio.domain.text import clean, digest

__all__ = [
    "NAME_BYTES",
    "TEXT_LIMIT",
    "atomic_write",
    "decode",
    "make_below",
    "read_text",
    "safe_name",
    "storage_error",
]

NAME_BYTES = 180
"""Bytes of a file name's stem: file systems allow 255, and suffixes such as `.conflict-12.md` need room."""

_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def make_below(root: Path, folder: Path, mode: int = 0o700) -> None:
    """Make `folder` and what is missing between it and `root`, which must exist: the old path of a moved project is not made again.

    Raises OSError.
    """
    for part in reversed(folder.relative_to(root).parents[:-1]):
        (root / part).mkdir(mode=mode, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)


def safe_name(wanted: str, fallback: str = "untitled") -> str:
    """`wanted` as one file name's stem: no separators, no leading dot, no reserved name, at most `NAME_BYTES` bytes.

    A name that had to be cut ends in eight digits of its digest, so that two long names stay two.
    """
    name = _UNSAFE.sub("-", clean(wanted)).strip(" .-") or fallback
    if _RESERVED.match(name):
        name = f"{name}-"
    encoded = name.encode("utf-8")
    if len(encoded) <= NAME_BYTES:
        return name
    cut = encoded[: NAME_BYTES - 9].decode("utf-8", "ignore").rstrip(" .-")
    return f"{cut}-{digest(name)[:8]}"
