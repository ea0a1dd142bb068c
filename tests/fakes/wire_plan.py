"""An answer of the scripted server laid out: its sections (text, calls, sealed reasoning) and the pieces they are sent in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, groupby, zip_longest

from tests.fakes import wire_prose
from tests.fakes.wire_script import Call, Finish, Part, Think


class Kind(StrEnum):
    TEXT = "text"
    CALL = "call"
    THINK = "think"


@dataclass(frozen=True, slots=True)
class Section:
    """One content block or output item. `place` counts all sections, `nth` the calls; `cut` says that its end is missing."""

    kind: Kind
    place: int
    deltas: tuple[str, ...]
    name: str = ""
    id: str = ""
    nth: int = 0
    cut: bool = False

    @property
    def text(self) -> str:
        return "".join(self.deltas)


class Move(StrEnum):
    OPEN = "open"
    DELTA = "delta"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one or more frames say: a section begins, goes on with `text`, or ends."""

    move: Move
    section: Section
    text: str = ""


def text_section(deltas: Iterable[str], place: int = 0) -> Section:
    return Section(Kind.TEXT, place, tuple(deltas))


def sections_of(parts: Sequence[Part], prefix: str) -> tuple[Section, ...]:
    """The parts as sections up to a call that is cut. Ids are `<prefix>_<n>` unless given."""
    found: list[Section] = []
    for part in parts:
        nth = sum(section.kind is Kind.CALL for section in found)
        found.append(_section(part, len(found), nth, prefix))
        if found[-1].cut:
            break
    return tuple(found)


def _section(part: Part, place: int, nth: int, prefix: str) -> Section:
    match part:
        case Call():
            text = part.written if part.cut is None else part.written[: part.cut]
            deltas = tuple(text[at : at + part.piece] for at in range(0, len(text), part.piece))
            given = f"{prefix}_{nth + 1}" if part.id is None else part.id
            return Section(Kind.CALL, place, deltas, part.name, given, nth, part.cut is not None)
        case Think():
            return Section(Kind.THINK, place, (part.sealed,))
    return text_section(wire_prose.pieces(part), place)


def ending(sections: Sequence[Section], asked: Finish | None) -> Finish:
    """How the answer says that it ended, unless the script says it."""
    if asked is not None:
        return asked
    if any(section.cut for section in sections):
        return Finish.LENGTH
    return Finish.TOOL_USE if any(section.kind is Kind.CALL for section in sections) else Finish.STOP


def pieces_of(sections: Sequence[Section], *, mixed: bool) -> Iterator[Piece]:
    """Everything between an answer's opening and its closing, in order; calls side by side in turns when `mixed`."""
    for kind, group in groupby(sections, key=lambda section: section.kind):
        runs = [list(_run(section)) for section in group]
        if mixed and kind is Kind.CALL:
            yield from (piece for piece in chain(*zip_longest(*runs)) if piece is not None)
        else:
            yield from chain(*runs)


def _run(section: Section) -> Iterator[Piece]:
    yield Piece(Move.OPEN, section)
    yield from (Piece(Move.DELTA, section, text) for text in section.deltas)
    yield Piece(Move.CLOSE, section)


def until(pieces: Iterable[Piece], deltas: int) -> Iterator[Piece]:
    """The pieces up to and with so many deltas: where an answer breaks off."""
    seen = 0
    for piece in pieces:
        seen += piece.move is Move.DELTA
        if seen > deltas or (seen == deltas and piece.move is not Move.DELTA):
            return
        yield piece
