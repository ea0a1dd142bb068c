"""What a command prints: data on standard output, words on standard error; cleaned of everything a terminal would obey."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

import msgspec
from rich.cells import cell_len

from studio.domain.text import clean
from studio.tui.presenters.lines import fit

_STYLES = {"strong": "1", "dim": "2", "add": "32;4", "del": "31;9", "ok": "32", "warn": "33", "error": "31"}


class Output:
    """One command's two streams. A reader that goes away (`| head`) is no error: later output is dropped."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False, live: bool | None = None) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._live = live
        self._open_line = False
        for stream in (sys.stdout, sys.stderr):
            # A terminal in an older encoding shows a question mark; it does not end the program.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")

    @property
    def live(self) -> bool:
        """Whether a person watches standard output: text is shown as it arrives."""
        return not self.as_json and sys.stdout.isatty() if self._live is None else self._live

    @property
    def watched(self) -> bool:
        """Whether a person watches standard error: progress is shown."""
        return not self.quiet and sys.stderr.isatty()

    @property
    def colour(self) -> bool:
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()

    @property
    def width(self) -> int:
        """Columns of the terminal that standard output is; 0 where it is none, and a line is as long as it is."""
        return _columns(sys.stdout)

    def styled(self, text: str, style: str) -> str:
        """`text` (cleaned) in a style where colour is wanted; `plain` has none. Only `lines(..., styled=True)` lets it through."""
        words = clean(text)
        code = _STYLES.get(style)
        return f"\x1b[{code}m{words}\x1b[0m" if code and words and self.colour else words

    def line(self, text: str = "") -> None:
        """One piece of data, as lines."""
        self._write(sys.stdout, f"{clean(text)}\n")

    def lines(self, texts: Iterable[str], *, styled: bool = False) -> None:
        for text in texts:
            self._write(sys.stdout, f"{text if styled else clean(text)}\n")

    def piece(self, text: str) -> None:
        """Text of a stream, at once, without a newline."""
        words = clean(text)
        self._write(sys.stdout, words, flush=True)
        if words:
            self._open_line = not words.endswith("\n")

    def json(self, value: msgspec.Struct | Mapping[str, object], *, flush: bool = False) -> None:
        """One JSON document on one line."""
        try:
            text = msgspec.json.encode(value, enc_hook=str).decode()
        except UnicodeEncodeError:
            # A file name that is not UTF-8, which only the standard library's escapes can carry.
            text = json.dumps(msgspec.to_builtins(value), default=str)
        self._write(sys.stdout, f"{text}\n", flush=flush)

    def say(self, sentence: str) -> None:
        """Words for the person, on standard error."""
        if sentence and not self.quiet:
            if self._open_line and self.live and self.watched:
                self.piece("\n")
            self._write(sys.stderr, f"{clean(sentence)}\n", flush=True)

    def progress(self, text: str, *ends: str) -> None:
        """A line that the next one replaces; on a terminal only.

        It stays within the terminal's row, as a row that wrapped could not be replaced: of `ends` the first is shown that leaves
        `text` half of the row, else the last one, and `text` is shortened.
        """
        if not self.watched:
            return
        words = " ".join(clean(text).split())
        # One column stays free: some terminals wrap as soon as the last one is written.
        room = max((_columns(sys.stderr) or _ROW) - 1, 1)
        end = next((one for one in ends if cell_len(one) <= room // 2), ends[-1] if ends else "")
        shown = fit(words, max(room - cell_len(end), 0)) + end
        self._write(sys.stderr, f"\r\x1b[K{fit(shown, room)}", flush=True)

    def _write(self, stream: TextIO, text: str, *, flush: bool = False) -> None:
        try:
            stream.write(text)
            if flush:
                stream.flush()
        except BrokenPipeError:
            drop(stream)


_ROW = 80
"""Columns of a terminal that does not say how many it has."""


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def drop(stream: TextIO) -> None:
    """Send what is still written to a closed pipe nowhere, also what Python flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def table(rows: Iterable[tuple[str, ...]], width: int = 0, *, whole: Sequence[int] = ()) -> list[str]:
    """Rows in columns, two spaces apart, the last one as long as it is.

    With a `width` no row has more cells: columns are shortened with an ellipsis, the last one first and those of `whole` last.
    """
    cleaned = [tuple(" ".join(clean(cell).split()) for cell in row) for row in rows]
    if not cleaned:
        return []
    columns = [max(cell_len(row[n]) for row in cleaned) for n in range(len(cleaned[0]))]
    if width:
        columns = _narrowed(columns, width, whole)
    return [
        "  ".join(_padded(cell, column, cut=width > 0) for cell, column in zip(row, columns, strict=False)).rstrip()
        for row in cleaned
    ]


_NARROWEST = 10
"""Cells that a column keeps while another one can still give way."""


def _narrowed(columns: Sequence[int], width: int, whole: Sequence[int]) -> list[int]:
    """Widths of columns that stand in `width` cells together."""
    found = list(columns)
    last = len(found) - 1
    order = [last, *sorted((n for n in range(last) if n not in whole), key=lambda n: -found[n]), *whole]
    for least in (_NARROWEST, 1):
        for n in order:
            over = sum(found) + 2 * last - width
            found[n] -= min(max(over, 0), max(found[n] - least, 0))
    return found


def _padded(cell: str, column: int, *, cut: bool) -> str:
    shown = fit(cell, column) if cut else cell
    return shown + " " * (column - cell_len(shown))
