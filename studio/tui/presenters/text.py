"""A stage's text in prepared lines: prose in paragraphs, dialogue by speaker, documents as Markdown. No Textual."""

from __future__ import annotations

import re

from studio.domain.diff import paragraphs
from studio.tui.presenters.lines import BLANK, Line, line, wrap
from studio.tui.presenters.markdown import markdown_lines

_SAID = re.compile(r"^(?P<name>[^:\n.!?\"“”(]{1,60}?)\s*(?:\((?P<kind>[^)\n]{1,20})\))?:\s*(?P<text>.*)$")


def paragraph_lines(text: str, stage: str, number: int, width: int, style: str = "text") -> list[Line]:
    """One paragraph; its rows share the stop `(stage, number)`."""
    return [line((row, style), stop=(stage, number)) for row in wrap(text.strip(), width)]


def prose_lines(text: str, stage: str, width: int, style: str = "text") -> list[Line]:
    """Paragraphs with an empty row after each but the last."""
    found: list[Line] = []
    for number, paragraph in enumerate(paragraphs(text)):
        if found:
            found.append(BLANK)
        found += paragraph_lines(paragraph, stage, number, width, style)
    return found


def dialogue_lines(text: str, stage: str, width: int) -> list[Line]:
    """`NAME (kind): text` with the words hanging under each other; anything else as a paragraph."""
    found: list[Line] = []
    for number, said in enumerate(paragraphs(text)):
        match = _SAID.match(said)
        if match is None:
            found += paragraph_lines(said, stage, number, width)
            continue
        kind = "" if match["kind"] in (None, "speech") else f" {match['kind']}"
        found.append(line((match["name"], "strong"), (kind, "dim"), stop=(stage, number)))
        style = "quote" if match["kind"] in ("thought", "caption") else "text"
        found += [line(("  " + row, style), stop=(stage, number)) for row in wrap(match["text"], width - 2)]
    return found


def text_lines(text: str, stage: str, output: str, width: int) -> list[Line]:
    """A stage's text by its output kind."""
    if output == "dialogue":
        return dialogue_lines(text, stage, width)
    return prose_lines(text, stage, width) if output == "prose" else markdown_lines(text, stage, width)
