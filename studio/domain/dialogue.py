"""Dialogue as data: lines with speaker, text and kind; its readable form, and lenient reading of both forms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from studio.domain.answer_json import tries
from studio.domain.errors import BadInput
from studio.domain.text import clean


class LineKind(StrEnum):
    SPEECH = "speech"
    THOUGHT = "thought"
    CAPTION = "caption"
    SFX = "sfx"


@dataclass(frozen=True, slots=True)
class DialogueLine:
    speaker: str
    text: str
    kind: LineKind = LineKind.SPEECH


DIALOGUE_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "lines": {
            "type": "array",
            "minItems": 1,
            "maxItems": 24,
            "items": {
                "type": "object",
                "properties": {
                    "speaker": {"type": "string", "maxLength": 60},
                    "text": {"type": "string", "maxLength": 400},
                    "kind": {"type": "string", "enum": [kind.value for kind in LineKind]},
                },
                "required": ["speaker", "text", "kind"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["lines"],
    "additionalProperties": False,
}
"""The answer asked for where a model supports JSON schema (strict subset: all required, nothing additional)."""

# A colon also ends speech such as "Listen: the river"; only a short name without sentence marks before it is a speaker.
_READABLE = re.compile(r"^(?P<name>[^:\n.!?\"“”]{1,60}?)\s*+(?:\((?P<kind>[^)\n]{1,20})\)\s*+)?:\s*(?P<text>.+)$")
_MARKUP = re.compile(r"^[\s>*_#-]+|(?<![*_])[*_]++(?=\s*+[:(])")
# JSON that was begun and could not be read: its pieces are no lines of dialogue, however much they look like `name: text`.
_BROKEN_JSON = re.compile(r'[{\[]\s*"(?:lines|dialogue|speaker|text|kind)"\s*:')
_KINDS = {
    "thought": LineKind.THOUGHT,
    "thinks": LineKind.THOUGHT,
    "thinking": LineKind.THOUGHT,
    "caption": LineKind.CAPTION,
    "narration": LineKind.CAPTION,
    "sfx": LineKind.SFX,
    "sound": LineKind.SFX,
}


def kind_of(word: object) -> LineKind:
    """The kind that a model's or a person's word means; anything unknown is speech."""
    return _KINDS.get(str(word or "").strip().casefold(), LineKind.SPEECH)


def render(lines: tuple[DialogueLine, ...]) -> str:
    """The readable form, one `NAME (kind): text` a line, as it stands in the manuscript."""
    return "\n".join(f"{line.speaker} ({line.kind.value}): {line.text}" for line in lines)


def to_json(lines: tuple[DialogueLine, ...]) -> str:
    rows = [{"speaker": line.speaker, "text": line.text, "kind": line.kind.value} for line in lines]
    return json.dumps({"lines": rows}, ensure_ascii=False)


def parse(reply: str) -> tuple[DialogueLine, ...]:
    """Lines from JSON (fenced, embedded in words, or a bare list) or from the readable form.

    Raises BadInput when neither is there; the caller keeps the reply verbatim then.
    """
    found = _from_json(reply) or (() if _BROKEN_JSON.search(reply) else _from_text(reply))
    if not found:
        raise BadInput(
            "The dialogue could not be read as lines.", hint="Write each line as `NAME (speech): text`, or ask again."
        )
    return found


def finished(partial: str) -> tuple[DialogueLine, ...]:
    """The lines that were whole when a reply broke off, in either form; empty when none was."""
    try:
        return parse(partial)
    except BadInput:
        pass
    decoder = json.JSONDecoder(strict=False)
    found: list[DialogueLine] = []
    end, left = 0, tries(partial)
    for match in re.finditer(r"{", partial):
        if match.start() < end:
            continue
        line, end = _line_at(partial, match.start(), decoder)
        if line:
            found.append(line)
        elif not (left := left - 1):
            break
    return tuple(found)


def _line_at(partial: str, start: int, decoder: json.JSONDecoder) -> tuple[DialogueLine | None, int]:
    """The line whose object begins at `start`, and where that ends; None and `start` when there is none."""
    try:
        value, end = decoder.raw_decode(partial, start)
    except (ValueError, RecursionError):
        return None, start
    line = _row(value)
    return line, end if line else start


def _from_json(reply: str) -> tuple[DialogueLine, ...]:
    decoder = json.JSONDecoder(strict=False)
    for match in islice(re.finditer(r"[\[{]", reply), tries(reply)):
        try:
            value, _ = decoder.raw_decode(reply, match.start())
        except (ValueError, RecursionError):
            continue
        rows = value.get("lines", value.get("dialogue")) if isinstance(value, dict) else value
        if isinstance(rows, list) and (lines := tuple(filter(None, map(_row, rows)))):
            return lines
    return ()


def _row(row: object) -> DialogueLine | None:
    if not isinstance(row, dict):
        return None
    text = " ".join(clean(str(row.get("text") or row.get("line") or "")).split())
    kind = kind_of(row.get("kind") or row.get("type"))
    speaker = _speaker(str(row.get("speaker") or row.get("name") or ""), kind)
    return DialogueLine(speaker, text, kind) if text else None


def _from_text(reply: str) -> tuple[DialogueLine, ...]:
    lines: list[tuple[str, LineKind, list[str]]] = []
    for raw in clean(reply).split("\n"):
        if not raw.strip():
            continue
        match = _READABLE.match(_MARKUP.sub("", raw).strip())
        if match is None:
            if not lines:
                return ()
            lines[-1][2].append(raw.strip())
            continue
        name = match["name"].strip()
        kind = kind_of(match["kind"] or name)
        lines.append((_speaker(name, kind), kind, match["text"].split()))
    return tuple(DialogueLine(speaker, " ".join(words), kind) for speaker, kind, words in lines)


def _speaker(name: str, kind: LineKind) -> str:
    flat = " ".join(clean(name).replace(":", " ").replace("(", " ").replace(")", " ").split())[:60].upper()
    return flat or {LineKind.SFX: "SFX", LineKind.CAPTION: "CAPTION"}.get(kind, "UNKNOWN")
