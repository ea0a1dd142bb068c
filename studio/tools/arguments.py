"""Arguments of a call against the tool's own fields: JSON Schema in the strict subset, and the whole check before anything happens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from studio.domain.text import one_line
from studio.tools.base import Action, failed

_Act = TypeVar("_Act", bound=Action)

_DROPPED = frozenset({"title", "default"})
_NESTING = 12
_EDIT_NAMES = {
    "old": ("old", "old_str", "old_string", "old_text", "search"),
    "new": ("new", "new_str", "new_string", "new_text", "replace"),
}


@lru_cache(maxsize=64)
def schema_text(action: type[Action]) -> str:
    """The JSON Schema of a tool's arguments: no reference, every property required, the optional ones nullable."""
    schema = msgspec.json.schema(action)
    parts = schema.get("$defs", {})
    return json.dumps(_strict(parts[action.__name__], parts))


def schema_of(action: type[Action]) -> dict[str, object]:
    found: dict[str, object] = json.loads(schema_text(action))
    return found


def required(action: type[Action]) -> tuple[str, ...]:
    """The arguments that a call must give."""
    return tuple(one.name for one in msgspec.structs.fields(action) if one.required)


def _strict(schema: object, parts: Mapping[str, object]) -> object:
    if isinstance(schema, list):
        return [_strict(one, parts) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return _strict(parts[str(schema["$ref"]).rpartition("/")[2]], parts)
    strict = {str(key): _strict(value, parts) for key, value in schema.items() if key not in _DROPPED}
    if "enum" in strict:
        strict["type"] = "string"  # strict services ask for it
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        strict["properties"] = {str(key): _strict(value, parts) for key, value in properties.items()}
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
        strict.pop("description", None)
    return strict


def read(action: type[_Act], given: object, limit: int) -> _Act:
    """The arguments as an action. Raises Declined with words that name the argument at fault and those there are."""
    arguments = normal(action, unpacked(given, limit))
    try:
        return msgspec.convert(arguments, action)
    except msgspec.ValidationError as error:
        raise _bad(action, _said(str(error))) from error
    except RecursionError as error:
        raise _bad(action, "They are nested too deep.") from error


def unpacked(given: object, limit: int) -> Mapping[str, object]:
    """An object out of what came; JSON inside a string is opened. Raises Declined."""
    for _ in range(2):
        if not isinstance(given, str):
            break
        given = _decoded(given, limit)
    if isinstance(given, Mapping):
        if _depth(given) > _NESTING:
            raise _unusable("They are nested too deep.")
        return given
    kind = {list: "an array", str: "a string", type(None): "null"}.get(type(given), "a single value")
    raise _unusable(f"They are {kind}, and must be one JSON object.")


def _decoded(text: str, limit: int) -> object:
    if len(text) > limit:
        raise _unusable(f"They have {len(text)} characters, and at most {limit} are read.")
    if not text.strip():
        raise _unusable("They are empty.")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise _unusable("They are nested too deep.") from error
    except ValueError as error:
        raise _unusable(f"They are not JSON: {one_line(str(error))}.") from error


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        deepest = max(deepest, level)
        if level > _NESTING:
            return level
        inner = one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ()
        waiting += [(value, level + 1) for value in inner if isinstance(value, Mapping | list)]
    return deepest


def normal(action: type[Action], given: Mapping[str, object]) -> dict[str, object]:
    """The arguments under their own names: those that models use for the same (`old_str`, a single edit) are renamed."""
    arguments = dict(given)
    if "edits" not in action.__struct_fields__:
        return arguments
    edits = arguments.get("edits")
    if isinstance(edits, str):
        try:
            edits = json.loads(edits)
        except (ValueError, RecursionError):
            return arguments
    if isinstance(edits, Mapping):
        edits = [edits]
    single = _renamed(arguments)
    if edits is None and {"old", "new"} & single.keys():
        rest = {key: value for key, value in single.items() if key not in ("old", "new", "edits")}
        return {**rest, "edits": [{key: single[key] for key in ("old", "new") if key in single}]}
    if isinstance(edits, list):
        arguments["edits"] = [_renamed(edit) if isinstance(edit, Mapping) else edit for edit in edits]
    return arguments


def _renamed(given: Mapping[str, object]) -> dict[str, object]:
    names = {other: name for name, others in _EDIT_NAMES.items() for other in others if name not in given}
    return {names.get(key, key): value for key, value in given.items()}


def _said(message: str) -> str:
    """msgspec's sentence without its path notation: `Expected `str`, got `null` - at `$.path``."""
    what, _, where = message.partition(" - at `$")
    place = where.rstrip("`").lstrip(".")
    what = what.replace("Object missing required field", "There is no").replace(
        "Object contains unknown field", "There is no argument"
    )
    what = what.replace("Expected", "It must be").replace(", got", " and is")
    return f"{one_line(what)}{f' (in {one_line(place, 60)})' if place else ''}."


def _bad(action: type[Action], why: str) -> Exception:
    fields = msgspec.structs.fields(action)
    named = ", ".join(f"{one.name}{'' if one.required else ' (optional)'}" for one in fields)
    return failed(
        f"Nothing was done: the arguments of {action.tool} are wrong. {why} It takes: {named or 'nothing'}.",
        f"{action.tool}: wrong arguments",
        reason="arguments",
    )


def _unusable(why: str) -> Exception:
    return failed(
        f"Nothing was done: the arguments of this call cannot be used. {why} Send the call again with one JSON object.",
        "unusable arguments",
        reason="arguments",
    )
