"""The settings as a list of keys, values and where each comes from: `studio config show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from studio.config.redaction import Redactor
from studio.config.settings import FIXED, Settings

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Described:
    """`value` is ready to show (`none` where nothing is set) and holds no key even if someone wrote one into a command."""

    key: str
    value: str
    source: str


def describe(settings: Settings) -> tuple[Described, ...]:
    """Every setting with its value and source, in the order of the documentation."""
    redact = Redactor()
    return tuple(
        Described(key, redact(_shown(value)), settings.sources.get(key, BUILT_IN)) for key, value in _values(settings)
    )


def _values(settings: Settings) -> Iterator[tuple[str, object]]:
    for section in FIXED:
        yield from _below(section, msgspec.structs.asdict(getattr(settings, section)))
    yield "models.default", settings.models.default
    yield from _below("models", settings.models.roles)
    for name, endpoint in sorted(settings.endpoints.items()):
        shown = {
            key: value for key, value in msgspec.structs.asdict(endpoint).items() if value and key != "from_project"
        }
        yield from _below(f"endpoints.{name}", shown)
    yield from _below("keys", settings.keys)


def _below(section: str, values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        yield f"{section}.{key}", value


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(str(part) for part in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
