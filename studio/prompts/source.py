"""One template file as data: its front matter, its messages split at role lines, its text. Where files lie is not here (`files`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, cast

from studio.domain.errors import BadInput
from studio.domain.text import clean, digest, one_line

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

MAX_BYTES = 256 * 1024
# ruamel's pure parser takes about 10 ms a KB: the front matter gets its own, smaller limit.
MAX_FRONT = 16 * 1024
MAX_DEPTH = 20

Role = Literal["system", "user", "assistant"]
ROLE_LINE = re.compile(r"^(system|user|assistant):[ \t]*$")
_FENCE = re.compile(r"^---[ \t]*$")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


class TemplateError(BadInput):
    """A template that cannot be used: `name`, `line` (0 when no line is to blame) and `reason`, a phrase without full stop."""

    def __init__(self, name: str, line: int, reason: str, *, hint: str = "") -> None:
        place = f"{name}, line {line}" if line else name
        super().__init__(f"{place}: {reason}.", hint=hint, data={"template": name, "line": line, "reason": reason})
        self.name = name
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Block:
    """The source of one message. `line` is where its text starts in the file, counted from 1."""

    role: Role
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Front:
    """Front matter under Prompty-2 names (https://prompty.ai); `role`, `output` and `prefix` stand under `metadata.studio`.

    `defaults` holds the inputs that bring a default of their own. `prefix` is `shared` (the workflow's opening, prior pages and
    mentioned canon come before this template's messages) or `none` (the template does all of it in its own body).
    """

    name: str = ""
    description: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    role: str = ""
    output: str = "prose"
    prefix: Literal["shared", "none"] = "shared"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed template or partial. `roles` is False when the body had no role line, so that it may be included."""

    name: str
    text: str
    digest: str
    front: Front
    blocks: tuple[Block, ...]
    roles: bool


def decode(name: str, raw: bytes) -> str:
    """The text of a template file; raises TemplateError for a file that is too big, binary, or not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise TemplateError(name, 0, f"the file is larger than {MAX_BYTES // 1024} KB")
    if b"\x00" in raw:
        raise TemplateError(name, 0, "the file is not text", hint="Save it as plain text in UTF-8.")
    try:
        return clean(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TemplateError(name, line, "the text is not UTF-8", hint="Save it in the encoding UTF-8.") from None


@lru_cache(maxsize=256)
def parse(name: str, text: str) -> Source:
    """Read a template's text; raises TemplateError with the line that is to blame. Kept, because YAML takes 4 ms of it."""
    if not text.strip():
        hint = "To make a part say nothing, leave a comment in it: {# nothing #}"
        raise TemplateError(name, 0, "the file is empty", hint=hint)
    lines = text.split("\n")
    front_lines, start = _front_lines(name, lines)
    front = _front(name, "\n".join(front_lines)) if front_lines else Front()
    blocks, roles = _blocks(name, lines, start)
    if not any((bare := _without_comments(block.text)).strip() or bare != block.text for block in blocks):
        raise TemplateError(name, 0, "there is no text below the front matter")
    return Source(name, text, digest(text), front, blocks, roles)


def is_part(name: str) -> bool:
    """Whether a file is only ever included: it lies in a folder whose name starts with `_`."""
    return any(folder.startswith("_") for folder in name.split("/")[:-1])


def _front_lines(name: str, lines: list[str]) -> tuple[list[str], int]:
    """The YAML lines and the index of the first line of the body."""
    if not _FENCE.match(lines[0]):
        return [], 0
    for index in range(1, len(lines)):
        if _FENCE.match(lines[index]):
            return lines[1:index], index + 1
    raise TemplateError(name, 1, "the front matter that starts here is never closed by a line of `---`")


def _blocks(name: str, lines: list[str], start: int) -> tuple[tuple[Block, ...], bool]:
    marks = [index for index in range(start, len(lines)) if ROLE_LINE.match(lines[index])]
    if not marks:
        return (Block("user", "\n".join(lines[start:]), start + 1),), False
    if is_part(name):
        raise role_in_part(name, lines, marks[0] + 1)
    before = _without_comments("\n".join(lines[start : marks[0]])).strip()
    if before:
        line = next(index for index in range(start, marks[0]) if lines[index].strip()) + 1
        hint = "Each message is rendered by itself: move the text below a line `system:`, `user:` or `assistant:`."
        raise TemplateError(name, line, "there is text before the first role line", hint=hint)
    ends = [*marks[1:], len(lines)]
    found = [
        Block(cast(Role, lines[mark].strip()[:-1]), "\n".join(lines[mark + 1 : end]), mark + 2)
        for mark, end in zip(marks, ends, strict=True)
    ]
    return tuple(found), True


def role_in_part(name: str, lines: list[str], line: int) -> TemplateError:
    reason = f"a part that is included cannot start a message with `{lines[line - 1].strip()}`"
    return TemplateError(name, line, reason, hint="Only a template that is not included has role lines.")


def _front(name: str, text: str) -> Front:
    data = _yaml(name, text)
    studio = _mapping(name, _mapping(name, data, "metadata"), "studio", "metadata.")
    options = _mapping(name, _mapping(name, data, "model"), "options", "model.")
    prefix = studio.get("prefix", "shared")
    if prefix != "shared" and prefix != "none":
        raise TemplateError(name, _line(text, "prefix"), "metadata.studio.prefix must be `shared` or `none`")
    kind = _format(data)
    if kind != "jinja2":
        raise TemplateError(name, _line(text, "template"), f"the format {one_line(kind, 40)!r} is not Jinja2")
    return Front(
        name=one_line(str(data.get("name") or ""), 80),
        description=one_line(str(data.get("description") or ""), 400),
        options={key: value for key, value in options.items() if isinstance(value, str | int | float | bool | list)},
        defaults=_defaults(name, data.get("inputs"), _line(text, "inputs")),
        role=one_line(str(studio.get("role") or ""), 60),
        output=one_line(str(studio.get("output") or "prose"), 60),
        prefix="none" if prefix == "none" else "shared",
    )


def _yaml(name: str, text: str) -> Mapping[str, object]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_FRONT:
        raise TemplateError(name, 1, f"the front matter is larger than {MAX_FRONT // 1024} KB")
    try:
        if not _is_plain(text):
            _refuse_bombs(name, YAML(typ="safe", pure=True).parse(text))
        data = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        # The mark counts from 0 and the fence above is a line of the file.
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        reason = one_line(str(error.problem or "cannot be read"), 160)
        raise TemplateError(name, line, f"the front matter is not valid YAML: {reason}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise TemplateError(name, 1, f"the front matter is not valid YAML: {one_line(str(error), 160)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise TemplateError(name, 2, "the front matter must be a list of `key: value` lines")
    return {str(key): value for key, value in data.items()}


def _is_plain(text: str) -> bool:
    """Whether the text can hold no alias and no deep nesting, whatever it means: a level takes a bracket, a dash, or one column more
    in a list or a mapping. That spares reading it twice."""
    lines = text.split("\n")
    columns = max(len(line) - len(line.lstrip()) for line in lines)
    dashes = max(line.count("- ") + line.count("? ") for line in lines)
    brackets = text.count("[") + text.count("{")
    return "*" not in text and 2 * (columns + 1) + dashes + brackets <= MAX_DEPTH


def _refuse_bombs(name: str, events: Iterable[Event]) -> None:
    """Aliases multiply, and ruamel takes 12 s for 3,000 nested lists; the events come one by one, so this stops in time."""
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        line = event.start_mark.line + 2 if event.start_mark else 1
        if isinstance(event, AliasEvent):
            raise TemplateError(name, line, "the front matter uses a YAML alias (`*name`), which is not allowed here")
        if depth > MAX_DEPTH:
            raise TemplateError(name, line, f"the front matter is nested more than {MAX_DEPTH} levels deep")


def _mapping(name: str, data: Mapping[str, object], key: str, above: str = "") -> Mapping[str, object]:
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TemplateError(name, 1, f"`{above}{key}` in the front matter must hold `key: value` lines")
    return {str(inner): item for inner, item in value.items()}


def _format(data: Mapping[str, object]) -> str:
    template = data.get("template")
    kind = template.get("format") if isinstance(template, dict) else template
    if isinstance(kind, dict):
        kind = kind.get("kind")
    return str(kind or "jinja2")


def _defaults(name: str, inputs: object, line: int) -> Mapping[str, object]:
    if inputs is None:
        return {}
    if not isinstance(inputs, list) or not all(isinstance(item, dict) and item.get("name") for item in inputs):
        raise TemplateError(name, line, "`inputs` must be a list of entries that each have a `name`")
    found = {str(item["name"]): item["default"] for item in inputs if "default" in item}
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError):
        raise TemplateError(
            name, line, "a `default` must be text, a number, true, false, or lists and keys of these"
        ) from None
    return found


def _without_comments(text: str) -> str:
    """The text without `{# comments #}`. What stands after the last `#}` is not looked at: each `{#` would be read to its end."""
    end = text.rfind("#}") + 2
    return _COMMENT.sub("", text[:end]) + text[end:] if end > 1 else text


def _line(text: str, key: str) -> int:
    pattern = re.compile(rf"^\s*{re.escape(key)}\s*:")
    return next((number for number, line in enumerate(text.split("\n"), 2) if pattern.match(line)), 1)
