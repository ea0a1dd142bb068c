"""Identifiers: UUID version 7 as text (RFC 9562, section 5.7), so that ids sort by the time they were made."""

from __future__ import annotations

import os
import time
import uuid
from typing import NewType

ChapterId = NewType("ChapterId", str)
PageId = NewType("PageId", str)
RevisionId = NewType("RevisionId", str)
RunId = NewType("RunId", str)
FeedbackId = NewType("FeedbackId", str)


def uuid7(unix_ms: int, random_bytes: bytes) -> str:
    """The identifier of a millisecond since 1970 and 10 random bytes, in the 36-character form."""
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(random_bytes[:10], "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def new_id() -> str:
    """A fresh identifier."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
