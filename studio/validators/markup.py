"""HTML: which tags are open and closed, and the scripts, styles and data inside a page.

Optional end tags are those of the standard (https://html.spec.whatwg.org/multipage/syntax.html#optional-tags). Of a page that is a
template (Jinja, EJS, Handlebars) the expressions are blanked; if it branches, its tags are not balanced, as each branch may open one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from studio.validators.html_tokens import RAW, Kind, Token, tokens

FILLER = "\ue000"
VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "frame",
    }
)  # fmt: skip
OPTIONAL = frozenset(
    {
        "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot",
        "colgroup", "caption", "rt", "rp", "rb", "rtc",
    }
)  # fmt: skip
FOREIGN = frozenset({"svg", "math"})
DEPTH = 2000
_EXPRESSIONS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("<%", "%>"), ("<?php", "?>"), ("<?=", "?>"))
_BRANCHES = re.compile(r"\{%|<%|<\?php|\{\{[#/]")
_VISIBLE = re.compile(r"[^\n]")
_JAVASCRIPT = frozenset(
    {"", "text/javascript", "application/javascript", "module", "text/ecmascript", "application/x-javascript"}
)
_JSX = frozenset({"text/babel", "text/jsx"})
_TYPESCRIPT = frozenset({"text/typescript", "application/typescript", "text/tsx"})
_JSON = frozenset({"application/json", "application/ld+json", "importmap", "speculationrules"})


@dataclass(frozen=True, slots=True)
class Embedded:
    """A script, style or data inside a page. `language` is javascript, jsx, tsx, css or json."""

    language: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read. `faults` are (offset, sentence)."""

    tokens: tuple[Token, ...]
    faults: tuple[tuple[int, str], ...]
    embedded: tuple[Embedded, ...]
    template: bool


def read(text: str) -> Page:
    """Read a page, or a piece of one."""
    plain = _without_expressions(text)
    template = plain != text
    found = tuple(tokens(plain))
    broken = [(token.start, token.name) for token in found if token.kind is Kind.BROKEN]
    balance = [] if broken or (template and _BRANCHES.search(text)) else list(_balance(found))
    return Page(found, (*broken, *balance), tuple(_embedded(found, plain)), template)


def _without_expressions(text: str) -> str:
    """A template with a character nobody uses for its expressions, at the same places."""
    for opener, closer in _EXPRESSIONS:
        pieces, at = [], 0
        while (start := text.find(opener, at)) >= 0 and (end := text.find(closer, start + len(opener))) >= 0:
            end += len(closer)
            pieces += [text[at:start], _VISIBLE.sub(FILLER, text[start:end])]
            at = end
        text = "".join([*pieces, text[at:]]) if pieces else text
    return text


class _Stack:
    """The tags that are open."""

    def __init__(self) -> None:
        self.open: list[Token] = []
        self.counts: dict[str, int] = {}

    @property
    def foreign(self) -> bool:
        return any(self.counts.get(name) for name in FOREIGN)

    def push(self, token: Token) -> None:
        self.counts[token.name] = self.counts.get(token.name, 0) + 1
        self.open.append(token)

    def pop(self) -> Token:
        token = self.open.pop()
        self.counts[token.name] -= 1
        return token


def _balance(found: tuple[Token, ...]) -> Iterator[tuple[int, str]]:
    stack = _Stack()
    for token in found:
        if token.kind is Kind.END:
            yield from _close(token, stack)
        elif token.kind is Kind.START and token.name not in VOID:
            yield from _open(token, stack)
        if len(stack.open) > DEPTH:
            yield token.start, f"Tags are nested deeper than {DEPTH}."
            return
    for token in stack.open:
        if token.name not in OPTIONAL:
            yield token.start, f"<{token.name}> is not closed."


def _open(token: Token, stack: _Stack) -> Iterator[tuple[int, str]]:
    if not token.self_closing:
        stack.push(token)
    elif token.name in RAW and not stack.foreign:
        yield token.start, f"<{token.name}/> closes nothing in HTML; write <{token.name}></{token.name}>."


def _close(token: Token, stack: _Stack) -> Iterator[tuple[int, str]]:
    is_open = bool(stack.counts.get(token.name))
    if token.name in VOID or (token.name in OPTIONAL and not is_open):
        return  # </br> and a second </p> are made good by every browser
    if not is_open:
        yield token.start, f"</{token.name}> closes nothing."
        return
    while (opened := stack.pop()).name != token.name:
        if opened.name not in OPTIONAL:
            yield opened.start, f"<{opened.name}> is not closed before </{token.name}>."


def _embedded(found: tuple[Token, ...], text: str) -> Iterator[Embedded]:
    for tag, raw in pairwise(found):
        if raw.kind is not Kind.RAW:
            continue
        inside = text[raw.start : raw.end]
        language = _language(tag)
        if language and inside.strip() and tag.value("src") is None:
            yield Embedded(language, inside, raw.start)


def _language(tag: Token) -> str:
    kind = (tag.value("type") or "").split(";")[0].strip().lower()
    if tag.name == "style":
        return "css" if kind in ("", "text/css") else ""
    if tag.name != "script":
        return ""
    if kind in _JAVASCRIPT:
        return "javascript"
    if kind in _JSX:
        return "tsx" if "typescript" in (tag.value("data-presets") or "") else "jsx"
    if kind in _TYPESCRIPT:
        return "tsx"
    return "json" if kind in _JSON else ""
