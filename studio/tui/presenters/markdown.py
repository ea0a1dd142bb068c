"""Markdown in prepared lines: headings, lists, quotes and fenced code in the measure, one stop per line of the text. No Textual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from studio.tui.presenters.lines import BLANK, Line, Span, line, wrap
from studio.tui.presenters.spans import flow

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s(?P<words>.*)$")
_ITEM = re.compile(r"^(?P<indent>\s*)(?P<mark>[-*+]|\d{1,3}[.)])\s+(?P<words>.*)$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_QUOTE = re.compile(r"^\s{0,3}>\s?(?P<words>.*)$")
_OPENS, _CLOSES = re.compile(r"\*\*(?=\S)"), re.compile(r"(?<=\S)\*\*")
_FACTS = re.compile(r"^id: \S+ - type: ")
"""The line of a plan that names a task's id, type, priority and needs."""
_DEEPEST = 8
"""Cells that nested lists are set in from the left, at most."""


@dataclass(slots=True)
class Markdown:
    """Draws line after line of one text. `number` counts the lines with words, which are the cursor's stops."""

    stage: str
    width: int
    fenced: bool = False
    number: int = 0
    blank: bool = True

    def lines(self, text: str) -> Iterator[Line]:
        """Rows of whole lines; of several blank ones the first."""
        for raw in text.split("\n"):
            if not raw.strip():
                if not self.blank:
                    yield BLANK
                self.blank = True
                continue
            self.blank = False
            yield from self._line(raw.rstrip())

    def _line(self, raw: str) -> list[Line]:
        stop = (self.stage, self.number)
        self.number += 1
        if _FENCE.match(raw):
            self.fenced = not self.fenced
            return [line((raw.strip()[: self.width], "dim"), stop=stop)]
        if self.fenced:
            return [line(("  " + row, "text"), stop=stop) for row in wrap(raw, self.width - 2)]
        if found := _HEADING.match(raw):
            style = "head" if len(found[1]) < 3 else "strong"
            return flow([(found["words"].rstrip("#").strip().replace("**", ""), style)], self.width, stop=stop)
        if found := _ITEM.match(raw):
            return self._item(found, stop)
        if found := _QUOTE.match(raw):
            return flow([(found["words"], "quote")], self.width, indent="  ", stop=stop)
        if _FACTS.match(raw):
            return flow([(raw, "dim")], self.width, stop=stop)
        lead = raw[: min(len(raw) - len(raw.lstrip()), _DEEPEST)]
        return flow(inline(raw.strip()), self.width, indent=lead, stop=stop)

    def _item(self, found: re.Match[str], stop: tuple[str, int]) -> list[Line]:
        indent = found["indent"].replace("\t", "  ")[:_DEEPEST]
        mark = f"{indent}{found['mark']} "
        rows = flow(inline(found["words"]), self.width, indent=" " * len(mark), stop=stop)
        return [line((mark, "dim"), *rows[0].spans[1:], stop=stop), *rows[1:]]


def inline(words: str) -> list[Span]:
    """Words with `**strong**` ones set strong."""
    spans: list[Span] = []
    at = 0
    while opens := _OPENS.search(words, at):
        closes = _CLOSES.search(words, opens.end() + 1)
        if closes is None:
            break
        spans += [(words[at : opens.start()], "text"), (words[opens.end() : closes.start()], "strong")]
        at = closes.end()
    spans.append((words[at:], "text"))
    return [span for span in spans if span[0]] or [("", "text")]


def markdown_lines(text: str, stage: str, width: int) -> list[Line]:
    """A whole text, without blank rows at its end."""
    rows = list(Markdown(stage, width).lines(text))
    while rows and rows[-1] is BLANK:
        rows.pop()
    return rows
