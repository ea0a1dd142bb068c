"""Changing one key of a settings file without touching its comments, order or spacing."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from pathlib import Path

from studio.config.files import atomic_write, read_text
from studio.config.paths import PROJECT_FILE
from studio.config.schema import check_value
from studio.config.toml_file import SETTINGS_LIMIT, parse_table
from studio.domain.errors import BadInput, NotFound

Value = str | int | float | bool | Sequence[str] | None


def set_value(file: Path, key: str, value: Value) -> None:
    """Set a dotted key (`models.default`), or remove it with None; the file is made when missing, and replaced whole.

    Raises BadInput for a value the key cannot take, an unknown key or a broken file, and StorageError.
    """
    if value is not None:
        _check(file, key, value)
    text = _text(file)
    parse_table(text, str(file))
    atomic_write(file, _changed(text, key, value))


def _check(file: Path, key: str, value: Value) -> None:
    found = check_value(key, value, file.name)
    if found.problems:
        raise BadInput(f"{found.problems[0].key} {found.problems[0].message}.")
    if found.warnings:
        raise BadInput(f"{key} is not a known setting.", hint=found.warnings[0].hint)


def _text(file: Path) -> str:
    try:
        return read_text(file, limit=SETTINGS_LIMIT, where=file.name if file.name == PROJECT_FILE else "")
    except NotFound:
        return ""


def _changed(text: str, key: str, value: Value) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    *tables, last = key.split(".") if not key.startswith("endpoints.") else _endpoint_path(key)
    try:
        document = tomlkit.parse(text)
        place: MutableMapping[str, object] = document
        for name in tables:
            if value is None and name not in place:
                return text
            place = _inner(place, name, key)
        if value is None:
            place.pop(last, None)
        else:
            place[last] = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise BadInput(f"The settings file cannot be changed: {error}.") from error


def _inner(place: MutableMapping[str, object], name: str, key: str) -> MutableMapping[str, object]:
    """The table `name`, made where it is missing."""
    import tomlkit

    if name not in place:
        place[name] = tomlkit.table()
    inner = place[name]
    if not isinstance(inner, MutableMapping):
        raise BadInput(f"{name} is not a table in this file, so {key} cannot be set.")
    return inner


def _endpoint_path(key: str) -> list[str]:
    name, _, setting = key.removeprefix("endpoints.").rpartition(".")
    return ["endpoints", name, setting]
