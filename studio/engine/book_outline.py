"""The form of a `book.toml`: chapters, pages, and the steps of a history. Reading and replaying it is `book_import`'s."""

from __future__ import annotations

from typing import Literal

import msgspec


class VersionStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version that a stage wrote: its number, the folder in the project with its files, and the plan's tasks that are done,
    by key, with what each says of itself."""

    number: str
    folder: str
    summary: str = ""
    changelog: str = ""
    done: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dismiss` dismisses the open notes of the stage. `settle` settles the open findings of `rule` in `state`, with `feedback` as
    the reason."""

    do: Literal["draft", "revise", "edit", "comment", "dismiss", "approve", "settle"]
    stage: str
    text: str = ""
    model: str = "sample:author"
    feedback: str = ""
    quote: str | None = None
    version: VersionStep | None = None
    rule: str = ""
    state: Literal["fixed", "waived", "intended", "false"] = "intended"


class PageOutline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str = ""
    slug: str = ""
    brief: str = ""
    step: tuple[Step, ...] = ()


class ChapterOutline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    slug: str = ""
    page: tuple[PageOutline, ...] = ()


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chapter: tuple[ChapterOutline, ...]
    description: str = ""
