"""One file read once: what is wrong with its syntax, where its comments are, what it refers to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from studio.domain.finding import Problem, Severity
from studio.validators import data_files, html_tokens, javascript, markup, python_source, references, stylesheet
from studio.validators.comments import Span, script_spans, spans
from studio.validators.grammar import TooSlow
from studio.validators.languages import SCRIPTS, Language
from studio.validators.place import Lines, problem
from studio.validators.references import Reference

SHOWN = 5


@dataclass(slots=True)
class Scan:
    """`comments` are spans of characters; `tags` are those of a page."""

    path: str
    text: str
    language: Language
    lines: Lines
    problems: list[Problem] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    tags: tuple[html_tokens.Token, ...] = ()
    slow: bool = False

    def say(self, line: int, message: str, suggestion: str = "") -> None:
        if len(self.problems) < SHOWN:
            self.problems.append(problem("syntax", self.path, line, message, suggestion=suggestion, lines=self.lines))

    def unread(self, line: int) -> None:
        message = "This takes too long to read and was not checked."
        self.slow = True
        self.problems.append(problem("too-slow", self.path, line, message, severity=Severity.WARNING))


def scan(path: str, text: str, language: Language) -> Scan:
    """Read a file by its language; for `OTHER` nothing is known. A byte order mark is no part of the text."""
    found = Scan(path, text, language, Lines(text))
    plain = " " + text[1:] if text.startswith("\ufeff") else text
    _SCANS[language](found, plain)
    return found


def _nothing(found: Scan, text: str) -> None:
    found.comments = spans(text, found.language)


def _python(found: Scan, text: str) -> None:
    for line, message in python_source.faults(text.lstrip(" ") if found.text is not text else text, found.path):
        found.say(line, message)
    found.comments = spans(text, found.language)
    if not found.problems:
        found.references = references.of_python(text)


def _script(found: Scan, text: str) -> None:
    _read_script(found, text, found.language.value, 0)


def _read_script(found: Scan, text: str, grammar: str, start: int) -> None:
    first = found.lines.at(start)
    try:
        script = javascript.read(text, grammar)
    except TooSlow:
        found.unread(first)
        return
    for line, message in javascript.faults(script):
        found.say(line + first - 1, message)
    found.slow = found.slow or script.slow
    found.comments += script_spans(script.tree.root_node, script.source, start)
    found.references += references.of_script(script, first)


def _style(found: Scan, text: str) -> None:
    _read_style(found, text, 0)


def _read_style(found: Scan, text: str, start: int) -> None:
    for offset, message in stylesheet.faults(text):
        found.say(found.lines.at(start + offset), f"CSS: {message}")
    found.comments += ((a + start, b + start) for a, b in spans(text, Language.CSS))
    found.references += references.of_style(text, found.lines, start)


def _page(found: Scan, text: str) -> None:
    page = markup.read(text)
    found.tags = page.tokens
    for offset, message in page.faults:
        found.say(found.lines.at(offset), f"HTML: {message}")
    found.comments = [
        (token.start, token.end)
        for token in page.tokens
        if token.kind is html_tokens.Kind.COMMENT and text.startswith("<!--", token.start)
    ]
    found.references += references.of_page(page.tokens, found.lines)
    for inside in page.embedded:
        if page.template and _holds_expression(found.text, inside):
            continue
        _embedded(found, inside)


def _holds_expression(text: str, inside: markup.Embedded) -> bool:
    """A script with template expressions is not yet a script."""
    return text[inside.start : inside.start + len(inside.text)] != inside.text


def _embedded(found: Scan, inside: markup.Embedded) -> None:
    if inside.language == "css":
        _read_style(found, inside.text, inside.start)
    elif inside.language == "json":
        first = found.lines.at(inside.start)
        for line, message in data_files.json_faults(inside.text):
            found.say(line + first - 1 if line else first, message)
    else:
        _read_script(found, inside.text, "tsx" if inside.language == "tsx" else "javascript", inside.start)


def _json(found: Scan, text: str) -> None:
    loose = found.language is Language.JSONC
    for line, message in data_files.json_faults(text, comments=loose):
        found.say(line, message)
    found.comments = spans(text, found.language)


def _toml(found: Scan, text: str) -> None:
    for line, message in data_files.toml_faults(text):
        found.say(line, message)
    found.comments = spans(text, found.language)


def _yaml(found: Scan, text: str) -> None:
    try:
        for line, message in data_files.yaml_faults(text):
            found.say(line, message)
    except TooSlow:
        found.unread(0)
    found.comments = spans(text, found.language)


_SCANS: dict[Language, Callable[[Scan, str], None]] = {
    **dict.fromkeys(Language, _nothing),
    **dict.fromkeys(SCRIPTS, _script),
    Language.PYTHON: _python,
    Language.HTML: _page,
    Language.CSS: _style,
    Language.JSON: _json,
    Language.JSONC: _json,
    Language.TOML: _toml,
    Language.YAML: _yaml,
}
