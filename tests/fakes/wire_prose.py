"""Default answers of the scripted server: a page of prose, or an object that fits a JSON schema. The same prompt, the same answer."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping

_SENTENCES = (
    "Rain came over the harbour in long grey sheets and the gulls went inland.",
    "She counted the lamps along the quay and found one too few.",
    "Nobody had lit the seventh lamp since the keeper's boat was found empty.",
    "The key was cold in her palm, heavier than a key that size should be.",
    "Below the stairs something moved, patient as a tide.",
    "He had promised to wait until the bell, and the bell had rung twice.",
    "The map was wrong in one place only, and that place was under their feet.",
    "A dog barked once on the far side of the water, then thought better of it.",
    "Her brother's coat still hung by the door, salt dried white along the hem.",
    "They did not speak of the letter, though both of them had read it.",
    "The glass trembled; a ring spread across the tea and was gone.",
    "From the tower the town looked like something a child had set down and forgotten.",
    "He wiped the soot from the plate and the numbers came up one by one.",
    "There was a second door behind the first, smaller, and warm to the touch.",
    "The wind turned, and with it the smell of tar and cut rope.",
    "She laughed, because the alternative was to sit down on the wet stones.",
    "Somebody had swept the floor that morning; somebody had missed the blood.",
    "The clock had stopped at the hour the ferry used to leave.",
    "He held the lantern out over the drop and the dark gave nothing back.",
    "In the morning they would say it had been the storm.",
    "A moth beat against the pane, steady as a slow clock.",
    "The boy drew the ship again, and again he left out the sail.",
    "Her voice was level, which was how he knew to be afraid.",
    "Far out, beyond the bar, a light answered that should not have been there.",
)
_LINES = (
    ("MARA", "You said the light was out.", "speech"),
    ("TOBIAS", "It was. I put it out myself.", "speech"),
    ("MARA", "Then who is answering?", "thought"),
    ("NARRATOR", "The seventh lamp, an hour before dawn.", "caption"),
    ("TOBIAS", "Don't go down there alone.", "speech"),
    ("MARA", "I was never alone in this house.", "speech"),
    ("SEA", "KRRAASH", "sfx"),
    ("TOBIAS", "She knew. She always knew.", "thought"),
)
_PIECE = re.compile(r"\s*\S{1,12}|\s+$")


def page(prompt: str, paragraphs: int = 4) -> str:
    """About 200 words in four paragraphs, chosen by the prompt."""
    chosen = _random(prompt).sample(_SENTENCES, paragraphs * 4)
    return "\n\n".join(" ".join(chosen[at * 4 : at * 4 + 4]) for at in range(paragraphs))


def dialogue(prompt: str, kinds: list[str] | None = None) -> str:
    """A valid dialogue object: `{"lines": [{"speaker", "text", "kind"}]}`."""
    lines = _random(prompt).sample(_LINES, 5)
    rows = [
        {"speaker": who, "text": said, "kind": kind if not kinds or kind in kinds else kinds[0]}
        for who, said, kind in lines
    ]
    return json.dumps({"lines": rows}, ensure_ascii=False)


def fitting(prompt: str, schema: Mapping[str, object]) -> str:
    """JSON for `schema`: dialogue where it asks for lines, else the smallest object that fits."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and "lines" in properties:
        return dialogue(prompt, _kinds(properties["lines"]))
    return json.dumps(_instance(schema), ensure_ascii=False)


def pieces(text: str) -> list[str]:
    """The text as a stream would bring it: about a word a piece."""
    found = _PIECE.findall(text)
    return found if "".join(found) == text else [text[at : at + 6] for at in range(0, len(text), 6)]


def _random(prompt: str) -> random.Random:
    return random.Random(hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest())


def _kinds(lines: object) -> list[str] | None:
    match lines:
        case {"items": {"properties": {"kind": {"enum": [*kinds]}}}}:
            return [str(kind) for kind in kinds]
    return None


def _instance(schema: Mapping[str, object]) -> object:
    match schema:
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"properties": Mapping() as properties}:
            return {name: _instance(part) for name, part in properties.items()}
        case {"type": "array", "items": Mapping() as items}:
            return [_instance(items)]
    simple = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None, "array": [], "object": {}}
    return simple.get(str(schema.get("type", "string")), "text")
