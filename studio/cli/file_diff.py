"""The differences of files as lines: unified, or word by word; coloured where colour is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from studio.cli.word_diff import changed_lines
from studio.domain.diff import diff
from studio.protocol.build_views import FileDiff

if TYPE_CHECKING:
    from studio.cli.output import Output

_LINE_STYLES = (("+++", "strong"), ("---", "strong"), ("@@", "dim"), ("+", "add"), ("-", "del"))


def lines(files: Iterable[FileDiff], out: Output, *, words: bool = False) -> Iterator[str]:
    """Ready for `Output.lines(..., styled=True)`. Files that are no text are named only."""
    for n, one in enumerate(files):
        if n:
            yield ""
        if words and (one.before is not None or one.after is not None):
            yield out.styled(_title(one), "strong")
            yield from changed_lines(diff(one.before or "", one.after or ""), out)
        elif one.unified:
            yield from (_styled(line, out) for line in one.unified.rstrip("\n").split("\n"))
        else:
            yield out.styled(f"{_title(one)} (no line differs, or no text)", "strong")


def unified(text: str, out: Output) -> Iterator[str]:
    """The lines of a unified diff that somebody else made."""
    for line in text.rstrip("\n").split("\n"):
        yield _styled(line, out)


def _styled(line: str, out: Output) -> str:
    style = next((style for start, style in _LINE_STYLES if line.startswith(start)), "plain")
    return out.styled(line, style)


def _title(one: FileDiff) -> str:
    renamed = f"{one.renamed_from} -> " if one.renamed_from else ""
    return f"{one.change} {renamed}{one.path} +{one.added} -{one.removed}"
