"""Rules for text that enters from outside: cleaning, slugs, word counts, digests. No layout."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

# C0 except tab and newline, DEL, C1, bidirectional overrides and isolates: a terminal obeys them wherever they stand, and
# Textual hands them through. Removing single characters is safe at any split of a stream.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_SLUG = re.compile(r"[^\w]+", re.UNICODE)
_WORD = re.compile(r"\w+(?:['’]\w+)*", re.UNICODE)


def clean(text: str) -> str:
    """Text without terminal control characters and lone surrogates. Newlines become `\\n`; tabs stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def clean_delta(text: str) -> str:
    """`clean` for one piece of a stream: a `\\r` is dropped, so that `\\r\\n` split over two pieces is one newline."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


TITLE_LIMIT = 200
"""Characters of a title that a person gives: what is longer is refused, not cut."""


def flat(text: str) -> str:
    """Clean text on one line, whole."""
    return " ".join(clean(text).split())


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """Clean text on one line, cut to `limit` characters with an ellipsis: for titles, labels, messages."""
    line = flat(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first names in words: `Cart, Total, Check and 2 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def slugify(text: str, limit: int = 60) -> str:
    """Lower-case letters, digits and hyphens of any script; empty when nothing of that kind is in `text`."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("'", "").replace("’", "")
    return _NOT_SLUG.sub("-", folded).replace("_", "-").strip("-")[:limit].strip("-")


def word_count(text: str) -> int:
    """Words in a script with spaces; a run of CJK counts as one."""
    return sum(1 for _ in _WORD.finditer(text))


def digest(text: str) -> str:
    """SHA-256 of the UTF-8 text, hexadecimal: the name of a blob."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
