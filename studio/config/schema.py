"""Checking one settings table after another against `settings`: every problem at once, as a flat mapping of dotted keys."""

from __future__ import annotations

import difflib
import math
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta

from studio.config.settings import FIXED, PERSONAL, SECTIONS, Endpoint, SettingWarning
from studio.domain.text import one_line

_FREE_NAME = re.compile(r"^[\w.:+-]{1,80}\Z")
_MODEL_TYPE = Annotated[
    str, Meta(min_length=1, max_length=200, description="a model such as openai:gpt-6-sol, as text")
]
_KEYS_WORDS = "a key or a list of keys, as text"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one place. `line` counts from 1, 0 when unknown; `key` may be empty for the whole file."""

    file: str
    key: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


@dataclass(slots=True)
class Checked:
    """What a table holds, by dotted key, and what is wrong with it."""

    file: str
    values: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[SettingWarning] = field(default_factory=list)


def check(table: Mapping[str, object], file: str, text: str = "", *, personal: bool) -> Checked:
    """Check a whole settings table. `text` is the file's text, for line numbers; `personal` is the person's own file."""
    found = Checked(file)
    for section, content in table.items():
        name = str(section)
        if name not in SECTIONS:
            _warn_unknown(found, text, name, name, SECTIONS)
        elif name in PERSONAL and not personal:
            _warn(found, text, name, "only works in your own configuration.", "Move it there: `studio config path`.")
        elif not isinstance(content, Mapping):
            _problem(found, text, name, f"must be a table: write [{name}] above its keys")
        else:
            _check_section(found, text, name, content)
    return found


def check_value(key: str, value: object, file: str, *, lax: bool = False) -> Checked:
    """Check one dotted key. With `lax`, text such as `5` or `true` is read as what the key wants."""
    found = Checked(file)
    section, _, rest = key.partition(".")
    if section == "endpoints":
        name, _, inner = rest.rpartition(".")
        _field(found, "", Endpoint, f"endpoints.{name}", inner, value, lax=lax)
    elif section in FIXED:
        _field(found, "", FIXED[section], section, rest, value, lax=lax)
    elif section in SECTIONS and rest:
        _check_section(found, "", section, {rest: value})
    else:
        _warn_unknown(found, "", section, key, SECTIONS)
    return found


def _check_section(found: Checked, text: str, section: str, content: Mapping[str, object]) -> None:
    if section in FIXED:
        for key, value in content.items():
            _field(found, text, FIXED[section], section, str(key), value)
        return
    for key, value in content.items():
        dotted = f"{section}.{key}"
        if not _FREE_NAME.match(str(key)):
            _problem(found, text, dotted, "this name holds characters that a name cannot have")
        elif section == "models":
            _store(found, text, dotted, value, _MODEL_TYPE)
        elif section == "keys":
            _store_keys(found, text, dotted, value)
        elif section == "publish":
            _store_target(found, text, dotted, value)
        elif isinstance(value, Mapping):
            for inner, setting in value.items():
                _field(found, text, Endpoint, dotted, str(inner), setting)
        else:
            _problem(found, text, dotted, f"must be a table: write [{dotted}] above its keys")


def _field(
    found: Checked, text: str, struct: type[msgspec.Struct], section: str, key: str, value: object, *, lax: bool = False
) -> None:
    types = field_types(struct)
    dotted = f"{section}.{key}"
    if key not in types:
        _warn_unknown(found, text, dotted, key, types)
        return
    if key in ("key_env", "models") and isinstance(value, str):
        value = (value,)
    _store(found, text, dotted, value, types[key], lax=lax)


def field_types(struct: type[msgspec.Struct]) -> dict[str, object]:
    """The annotated type of each key that a file may set."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {name: hint for name, hint in hints.items() if name != "from_project"}


def _store(found: Checked, text: str, dotted: str, value: object, wanted: object, *, lax: bool = False) -> None:
    try:
        result: object = msgspec.convert(value, wanted, strict=not lax)
    except (msgspec.ValidationError, OverflowError, RecursionError):
        _problem(found, text, dotted, f"must be {words(wanted)}, not {_kind(value)}")
        return
    if isinstance(result, float) and not math.isfinite(result):
        _problem(found, text, dotted, f"must be {words(wanted)}, not {value}")
        return
    found.values[dotted] = one_line(result, 2_000) if isinstance(result, str) else result


def _store_keys(found: Checked, text: str, dotted: str, value: object) -> None:
    keys = (value,) if isinstance(value, str) else value
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        _problem(found, text, dotted, f"must be {_KEYS_WORDS}, not {_kind(value)}")
        return
    found.values[dotted] = tuple(one_line(str(key), 60) for key in keys)


def _store_target(found: Checked, text: str, dotted: str, value: object) -> None:
    """A destination: its publisher knows which options it takes, and checks them when it plans."""
    if not isinstance(value, Mapping):
        _problem(found, text, dotted, f"must be a table: write [{dotted}] above its keys")
        return
    for key, option in value.items():
        if not isinstance(option, str | int | float | bool) or (
            not isinstance(option, str) and not -(1 << 63) <= option < 1 << 63
        ):
            _problem(found, text, f"{dotted}.{key}", f"must be text, a number, true or false, not {_kind(option)}")
        else:
            found.values[f"{dotted}.{key}"] = one_line(option, 2_000) if isinstance(option, str) else option


def words(wanted: object) -> str:
    """What a key takes, in words: the description in its type."""
    for part in _parts(wanted):
        if isinstance(part, Meta) and part.description:
            return part.description
    return "text"


def _parts(wanted: object) -> Iterator[object]:
    for part in typing.get_args(wanted):
        yield part
        yield from _parts(part)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{one_line(value, 60)}"'
    if isinstance(value, int | float):
        return str(value) if not abs(value) >= 1e15 else "a number of that size"
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else "a date"


def _problem(found: Checked, text: str, key: str, message: str) -> None:
    found.problems.append(Problem(found.file, one_line(key), message, line_of(text, key)))


def _warn(found: Checked, text: str, key: str, message: str, hint: str) -> None:
    shown = one_line(key)
    line = line_of(text, key)
    found.warnings.append(
        SettingWarning(file=found.file, key=shown, message=f"{shown} {message}", hint=hint, line=line)
    )


def _warn_unknown(found: Checked, text: str, dotted: str, key: str, known: Iterable[str]) -> None:
    near = difflib.get_close_matches(key, list(known), n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
    _warn(found, text, dotted, "is not a known setting and has no effect.", hint)


_HEADER = re.compile(r"^\s*+\[\[?\s*+([^\[\]#]++)\]")
_KEY = re.compile(r"""^([\w.'"\s:-]++)=""")


def line_of(text: str, key: str) -> int:
    """The line, from 1, on which a dotted key (or its table) stands in TOML text; 0 when it is not found."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            if table == key:
                return number
        elif (match := _KEY.match(line)) and key == _bare(f"{table}.{match[1]}".strip(".")):
            return number
    return 0


def _bare(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
