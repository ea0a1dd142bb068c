"""A growing draft on the terminal, append-only: text as it comes, dialogue by lines, a run's log, nothing while JSON is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from studio.domain.text import clean_delta
from studio.tui.presenters.stream import readable

if TYPE_CHECKING:
    from studio.cli.output import Output

_PIECE = re.compile(r"\n|[^\S\n]+|\S+")
LOGS = frozenset({"code", "review"})
"""Stages whose stream is the log of their work: whole lines, which the finished text does not repeat."""
_HIDDEN = frozenset({"plan", "release"})
"""Stages that a model writes as JSON: their words are shown once they can be read."""


class LiveText:
    """`output` is the stage's kind (`domain.workflow.OutputKind`). A gap in the stream is left to `finish`, which knows the whole."""

    def __init__(self, out: Output, output: str) -> None:
        self._out = out
        self._output = output
        self._text = ""
        self._shown = 0
        self._rows = Rows()

    def add(self, offset: int, text: str) -> None:
        """A delta where it belongs."""
        if offset > len(self._text):
            return
        self._text += clean_delta(text)[max(len(self._text) - offset, 0) :]
        if self._output in _HIDDEN:
            return
        if self._output == "dialogue":
            self._show_lines(readable(self._text).split("\n")[:-1])
        else:
            self._print(self._text[self._shown :])
            self._shown = len(self._text)

    def finish(self, text: str, *, whole: bool = True) -> None:
        """Print what is missing of the final text; after a log, all of it. Without `whole` it is a partial that broke off."""
        if self._output in _HIDDEN and not whole:
            return
        if self._output == "dialogue":
            self._show_lines(text.split("\n"))
        elif text.startswith(self._text[: self._shown]):
            self._print(f"{text[self._shown :]}\n")
        elif self._output in LOGS and whole:
            gap = "\n" if self._text.endswith("\n") else "\n\n"
            self._print(f"{gap}{text}\n")
        else:
            self._print("\n")

    def _print(self, text: str) -> None:
        self._out.piece(self._rows.add(text, self._out.width))

    def _show_lines(self, lines: list[str]) -> None:
        for line in lines[self._shown :]:
            self._print(f"{line}\n")
        self._shown = max(self._shown, len(lines))


class Rows:
    """Breaks a text that grows at words, so that a terminal does not break it inside one. A word is held back until its end."""

    def __init__(self) -> None:
        self._used = 0
        self._word = ""

    def add(self, text: str, width: int) -> str:
        """What is to be printed now, in rows of at most `width` cells; with 0 all of it, as it is."""
        if not width:
            return text
        *whole, self._word = _PIECE.findall(self._word + text) or [""]
        if self._word.isspace() or cell_len(self._word) >= width:
            whole, self._word = [*whole, self._word], ""
        return "".join(self._row(piece, width) for piece in whole)

    def _row(self, piece: str, width: int) -> str:
        size = cell_len(piece)
        if piece == "\n":
            self._used = 0
            return piece
        if self._used + size > width and piece.isspace():
            self._used = width
            return ""
        broken = "\n" if self._used and self._used + size > width else ""
        self._used = (0 if broken else self._used) + size
        # What is wider than a row goes on in the next one by the terminal's own doing.
        self._used = self._used % width if size > width else self._used
        return f"{broken}{piece}"


class LogLines:
    """A run's log as words on standard error, for a person or a file that reads along while standard output waits for the end."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._text = ""

    def add(self, offset: int, text: str) -> None:
        """A delta where it belongs; whole lines are said."""
        if offset > len(self._text):
            return
        said = self._text.rfind("\n") + 1
        self._text += clean_delta(text)[max(len(self._text) - offset, 0) :]
        for line in self._text[said : self._text.rfind("\n") + 1].splitlines():
            self._out.say(line)

    def finish(self, text: str, *, whole: bool = True) -> None:
        """The end is told by the result."""


def screen_for(out: Output, output: str) -> LiveText | LogLines | None:
    """Where a stage's stream is shown; None where nobody watches, or JSON is wanted."""
    if out.live:
        return LiveText(out, output)
    return LogLines(out) if output in LOGS and not out.as_json else None
