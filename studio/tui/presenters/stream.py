"""The text of a live run as it grows, and its prepared lines, wrapped once per paragraph. No Textual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.domain.text import counted, word_count
from studio.protocol.events import RunSnapshot
from studio.protocol.views import LiveRun
from studio.tui.presenters.lines import BLANK, Line
from studio.tui.presenters.markdown import Markdown, markdown_lines
from studio.tui.presenters.spans import flow
from studio.tui.presenters.structured import STRUCTURED, is_json
from studio.tui.presenters.structured import readable as readable_json
from studio.tui.presenters.text import dialogue_lines, paragraph_lines

_FIELD = re.compile(r'"(speaker|name|kind|type|text|line)"\s*:\s*"((?:[^"\\]|\\.)*)')
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_NO_WORDS = re.compile(r"^[\s{}\[\]\",]*$|^[{}\[\]\"]")
"""A line of JSON in a log: a model without tools answers with it, and it is nothing to read."""
_ESCAPES = {"n": " ", "t": " ", "r": " ", "b": "", "f": ""}


@dataclass(slots=True)
class LiveText:
    """A run in flight. `began` and `heard` are on the caller's monotonic clock, in seconds; money in US dollars."""

    run: str
    page: str
    stage: str
    model: str = ""
    began: float = 0.0
    text: str = ""
    tokens: int = 0
    cost: float | None = None
    waiting: str = ""
    ended: bool = False

    @classmethod
    def of(cls, live: LiveRun, now: float) -> LiveText:
        return cls(
            live.id, live.page, live.stage, live.model, now - live.elapsed, live.text, live.output_tokens, live.cost_usd, live.waiting
        )  # fmt: skip

    @classmethod
    def again(cls, event: RunSnapshot, known: LiveText | None, now: float) -> LiveText:
        """A run as a snapshot has it: after a gap, at a new terminal, or a run that goes on from an earlier one's text. What is
        on the screen already grows on where the text only became longer."""
        text = known or cls(event.run, event.page, event.stage, event.model)
        if not event.text.startswith(text.text):
            text = cls(event.run, event.page, event.stage, event.model, cost=text.cost)
        text.text, text.tokens, text.began = event.text, event.output_tokens, now - event.elapsed
        return text

    def add(self, offset: int, text: str) -> bool:
        """Put a delta where it belongs; what was heard before is skipped. False when something between is missing."""
        known = len(self.text)
        if offset > known:
            return False
        self.text += text[known - offset :]
        self.waiting = ""
        return True

    def progress(self, elapsed: float, tokens: int, cost: float | None, waiting: str, now: float) -> None:
        self.began, self.tokens, self.cost, self.waiting = now - elapsed, tokens, cost, waiting

    def figures(self, now: float, *, words: bool = True) -> str:
        """`6 s · 88 words · 41 tok/s · $0.0040`, or what is waited for. Of a log neither words nor speed are counted."""
        elapsed = max(now - self.began, 0.0)
        parts = [f"{elapsed:.0f} s" if elapsed < 100 else f"{elapsed // 60:.0f}:{elapsed % 60:02.0f}"]
        if self.waiting:
            parts.append(self.waiting)
        elif self.text and words:
            parts.append(counted(word_count(self.text), "word"))
        if self.tokens and elapsed >= 1 and words:
            parts.append(f"{self.tokens / elapsed:.0f} tok/s")
        if self.cost:
            parts.append(f"${self.cost:.4f}")
        return " · ".join(parts)


class StreamLines:
    """Prepared lines of a growing text. `feed` gives the first line that changed and all lines from there.

    A dialogue and a plan arrive as JSON, of which only the words are shown; work on files arrives as a log of whole lines.
    """

    def __init__(self, stage: str, output: str, width: int) -> None:
        self.stage, self.output, self.width = stage, output, width
        self.lines: list[Line] = []
        self._read = 0  # characters whose paragraphs are finished
        self._kept = 0  # lines that belong to these
        self._number = 0  # finished paragraphs
        self._document = Markdown(stage, width)

    def feed(self, text: str) -> tuple[int, list[Line]]:
        if self.output == "dialogue":
            fresh, start = dialogue_lines(readable(text), self.stage, self.width), 0
        elif self.output in STRUCTURED and is_json(text):
            fresh, start = markdown_lines(readable_json(self.output, text), self.stage, self.width), 0
        elif self.output in ("code", "review"):
            fresh, start = self._log(text), self._kept_before
        elif self.output != "prose":
            fresh, start = self._markdown(text), self._kept_before
        else:
            fresh, start = self._prose(text), self._kept_before
        old = self.lines[start:]
        same = next((n for n, (a, b) in enumerate(zip(old, fresh, strict=False)) if a != b), min(len(old), len(fresh)))
        self.lines[start:] = fresh
        return start + same, fresh[same:]

    def _prose(self, text: str) -> list[Line]:
        self._kept_before = self._kept
        fresh: list[Line] = []
        end = text.rfind("\n") + 1
        for paragraph in text[self._read : end].split("\n"):
            if paragraph.strip():
                fresh += [*paragraph_lines(paragraph, self.stage, self._number, self.width), BLANK]
                self._number += 1
        if end > self._read:
            self._read, self._kept = end, self._kept + len(fresh)
        if text[end:].strip():
            fresh += paragraph_lines(text[end:], self.stage, self._number, self.width)
        return fresh

    def _log(self, text: str) -> list[Line]:
        """Whole lines only, each a stop; the task that a line is about is set apart."""
        self._kept_before = self._kept
        fresh: list[Line] = []
        end = text.rfind("\n") + 1
        for row in text[self._read : end].split("\n"):
            task, dot, said = row.partition(" \u00b7 ")
            if _NO_WORDS.match(said if dot else row):
                continue
            spans = [(f"{task}  ", "dim"), (said, "text")] if dot else [(row, "text")]
            fresh += flow(spans, self.width, stop=(self.stage, self._number))
            self._number += 1
        self._read, self._kept = max(end, self._read), self._kept + len(fresh)
        return fresh

    def _markdown(self, text: str) -> list[Line]:
        """Finished lines once; the line that grows again each time, as it stands in the text so far."""
        self._kept_before = self._kept
        end = text.rfind("\n") + 1
        fresh = list(self._document.lines(text[self._read : end - 1])) if end > self._read else []
        if end > self._read:
            self._read, self._kept = end, self._kept + len(fresh)
        tail = text[end:]
        return [*fresh, *(replace(self._document).lines(tail) if tail.strip() else ())]

    _kept_before = 0


def readable(text: str) -> str:
    """What can be read already of a dialogue that arrives as JSON (`NAME: words`, a line each); other text as it is."""
    if not text.lstrip().lstrip("`json\n ").startswith(("{", "[")):
        return text
    return "\n".join(_lines(text))


def _lines(text: str) -> Iterator[str]:
    speaker, kind, said = "", "", None
    for match in _FIELD.finditer(text):
        field, value = match[1], _ESCAPE.sub(_unescape, match[2])
        if field in ("speaker", "name"):
            if said is not None:
                yield _line(speaker, kind, said)
            speaker, kind, said = value, "", None
        elif field in ("kind", "type"):
            kind = value
        else:
            said = value
    if said is not None:
        yield _line(speaker, kind, said)


def _line(speaker: str, kind: str, said: str) -> str:
    return f"{speaker.upper() or '?'} ({kind}): {said}" if kind else f"{speaker.upper() or '?'}: {said}"


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) == 5:
        char = chr(int(code[1:], 16))
        return char if char.isprintable() else ""
    return _ESCAPES.get(code, code)
