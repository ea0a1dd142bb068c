"""What can be read of a plan, a review or a release while a model still writes it as JSON. Never the JSON itself. No Textual."""

from __future__ import annotations

import re

from studio.domain.errors import BadInput

_START = re.compile(r"\A\s*+(?:```[\w-]*+[^\S\n]*+\n\s*+)?(?=[\[{])")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*\\?\Z|[{}\[\],:]|[^\s{}\[\],:"]+', re.S)
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u[0-9a-fA-F]{0,3}\Z")
STRUCTURED = frozenset({"plan", "review", "release"})


def is_json(text: str) -> bool:
    """Whether an answer begins as JSON."""
    return _START.match(text) is not None


def readable(output: str, partial: str) -> str:
    """The words of an answer so far, as Markdown; other text as it is."""
    start = _START.match(partial)
    if start is None or output not in STRUCTURED:
        return partial
    try:
        return _words_of(output, closed(partial[start.end() :]))
    except BadInput:
        return ""


def _words_of(output: str, raw: str) -> str:
    """The three are loaded by the first stage that streams one: their patterns cost the first frame 5 ms."""
    if output == "plan":
        from studio.domain import plan

        return plan.render(plan.parse(raw)[0])
    if output == "review":
        from studio.domain import review

        return review.render(review.parse(raw))
    from studio.domain import release

    return release.render(release.parse(raw))


def closed(partial: str) -> str:
    """JSON that broke off, ended where it can be: a text in the middle of a word, anything else at the last whole value."""
    closers: list[str] = []
    good, last, key = (0, ""), "", False
    for token in _TOKEN.finditer(partial):
        word = token[0]
        if word[0] == '"':
            key = bool(closers) and closers[-1] == "}" and last in ("{", ",")
            if len(word) < 2 or word[-1] != '"' or _ends_escaped(word):
                return _in_a_text(partial, closers, good, key=key)
            if not key:
                good = (token.end(), "".join(reversed(closers)))
        elif word in "{[":
            closers.append("}" if word == "{" else "]")
            good = (token.end(), "".join(reversed(closers)))
        elif word in "}]":
            if closers:
                closers.pop()
            good = (token.end(), "".join(reversed(closers)))
            if not closers:
                return partial[: token.end()]
        elif word == "," and last not in ("", ",", ":"):
            good = (token.start(), "".join(reversed(closers)))
        last = word[0]
    return partial[: good[0]] + good[1]


def _ends_escaped(word: str) -> bool:
    """Whether the last quote of a text is one within it."""
    before = word[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _in_a_text(partial: str, closers: list[str], good: tuple[int, str], *, key: bool) -> str:
    if key:
        return partial[: good[0]] + good[1]
    return _HALF_ESCAPE.sub(r"\1", _even(partial)) + '"' + "".join(reversed(closers))


def _even(text: str) -> str:
    """Without a backslash at the end that escapes nothing yet."""
    return text[:-1] if (len(text) - len(text.rstrip("\\"))) % 2 else text
