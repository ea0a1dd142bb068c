"""Bases of all that crosses the boundary: commands, queries, events and views, each told apart by its tag."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """Base of all commands."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all views."""


R = TypeVar("R", bound=View)


class Query(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """Base of all queries; R is the view that answers."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="ev"):
    """Base of all events. `seq` is the journal sequence, 0 for a transient event; unknown fields are ignored by readers.

    `at` is when a durable event happened; it is absent from transient ones, and from those that older programs wrote.
    """

    seq: int = 0
    at: datetime | UnsetType = UNSET
