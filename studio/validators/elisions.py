"""Comments that stand for code a model left out: "... rest of the code", "existing code unchanged", "your code here".

A comment is one only if all of it says so; prose that happens to hold such words goes on before or after them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from studio.validators.comments import Span

LENGTH = 160
_MARKERS = re.compile(r"^(?:<!--|/\*+|//+|#+)|(?:-->|\*+/)$")
_EDGES = " \t\n.…-–—*=/#{}()[]<>:;,!~_'\"`"
_DOTS = re.compile(r"\.\.\.|…")
_THE = r"(?:(?:the|your|our|my|all|any|this|that|of|file's|these|those) )*"
_OLD = r"(?:existing|previous|prior|original|remaining|other|same|current|unchanged|earlier|above|old|further|additional|more)"
_KEPT = r"(?:existing|previous|prior|remaining|other|current|unchanged|earlier)"
_NOUN = (
    r"(?:(?:component|function|class|method|page|css|html|js|javascript|python|import|route|form|app|application|file|helper|utility|"
    r"render|event|state|game|server|test|config) )?"
    r"(?:code|files?|contents?|components?|functions?|methods?|class(?:es)?|implementations?|logic|styles?|styling|css|rules|markup|html|"
    r"jsx|imports?|props|state|handlers?|routes?|fields?|items?|cases|tests?|scripts?|pages?|sections?|body|config(?:uration)?|settings|"
    r"options|data|entries|lines|elements?|definitions?|helpers?|features?|app|application|variables|properties|setup|tags|statements)"
)
_CODE = r"(?:code|file|component|implementation|contents?|function|class|logic|markup|styles|method|css|html|script|page|application)"
_TAIL = (
    r"(?: (?:(?:goes |go |comes? |continues? |follows? |stays? |is |are |here |remains? |left |kept |has |have |been |should |will |"
    r"be |as |the |not )*(?:here|below|above|unchanged|same|before|is|intact|omitted|unmodified|untouched|elided|truncated|removed|"
    r"follows|continues|shown)(?: (?:as|for|the|above|below|before|here|brevity|clarity|is|same|simplicity))*))"
)
_WHOLE = [
    re.compile(
        rf"(?:(?:keep|include|insert|add|place|paste|put|and) )?{_THE}(?:rest|remainder) of {_THE}{_OLD}?\s?{_CODE}{_TAIL}?"
    ),
    re.compile(rf"(?:(?:keep|include|insert|add|place|paste|put) )?{_THE}{_KEPT}(?: {_OLD})? {_NOUN}{_TAIL}"),
    re.compile(
        rf"{_THE}{_NOUN} (?:(?:is|are|has been|have been|was|were|remains?|stays?) )?"
        r"(?:omitted|truncated|elided|shortened|abbreviated|left out|not shown)"
        r"(?: here)? for (?:brevity|clarity|simplicity|space|readability)"
    ),
    re.compile(
        r"(?:omitted|truncated|elided|shortened|abbreviated|snip(?:ped)?) for (?:brevity|clarity|simplicity|space|readability)"
    ),
    re.compile(
        rf"(?:(?:add|insert|write|put|place|implement) )?(?:your|the actual|actual) (?:\w+ )?{_CODE} (?:goes )?here"
    ),
]
_WITH_DOTS = [
    re.compile(rf"(?:and )?{_THE}(?:rest|remainder)(?: of .{{0,60}})?"),
    re.compile(rf"(?:(?:keep|include|and|with) )?{_THE}{_OLD}(?: {_OLD})? {_NOUN}{_TAIL}?"),
    re.compile(rf"{_THE}{_NOUN}{_TAIL}"),
    re.compile(r"(?:same as (?:before|above|previously)|unchanged|as before|code continues|continues? (?:here|below|as before))"),
]  # fmt: skip


def elided(text: str, comments: Iterable[Span]) -> Iterator[Span]:
    """The comments that stand for code."""
    for start, end in comments:
        if end - start <= LENGTH and _is_elision(text[start:end]):
            yield start, end


def _is_elision(comment: str) -> bool:
    inside = _MARKERS.sub("", _MARKERS.sub("", comment.strip()).strip()).strip()
    words = " ".join(inside.lower().strip(_EDGES).split())
    if not words:
        return False
    if any(pattern.fullmatch(words) for pattern in _WHOLE):
        return True
    return _DOTS.search(inside) is not None and any(pattern.fullmatch(words) for pattern in _WITH_DOTS)
