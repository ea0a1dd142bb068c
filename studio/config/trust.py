"""The person's recorded yes to what a project would do with keys: its own services, its `.env` and its commands."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from studio.config.dotenv import read_dotenv
from studio.config.files import atomic_write, read_text, storage_error
from studio.config.paths import PROJECT_FILE, user_state_dir
from studio.config.schema import check
from studio.config.toml_file import read_table
from studio.domain.errors import StudioError
from studio.domain.text import one_line

_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a project asks to be trusted with: one sentence each for the person, and a digest that changes with any of it."""

    lines: tuple[str, ...]
    digest: str

    @property
    def empty(self) -> bool:
        return not self.lines


def claims_of(root: Path) -> Claims:
    """The claims of the project at `root` as its files stand now. A file that cannot be read claims nothing. Raises nothing."""
    try:
        table, text = read_table(root / PROJECT_FILE, PROJECT_FILE)
    except StudioError:
        table, text = {}, ""
    return claims_from(root, check(table, PROJECT_FILE, text, personal=False).values)


def claims_from(root: Path, values: Mapping[str, object]) -> Claims:
    """`claims_of` for settings that are read already, by dotted key."""
    endpoints = {key: value for key, value in sorted(values.items()) if key.startswith("endpoints.")}
    variables = _named_variables(read_dotenv(root))
    if not endpoints and not variables:
        return Claims((), "")
    content = json.dumps([list(endpoints.items()), variables], ensure_ascii=True, default=list)
    return Claims(_sentences(endpoints, variables), hashlib.sha256(content.encode()).hexdigest())


def _named_variables(found: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names, and the values of those that are addresses or options rather than keys: a changed address is a changed claim."""
    return [(name, "" if name.upper().endswith(_SECRET_ENDINGS) else value) for name, value in sorted(found.items())]


def _sentences(endpoints: Mapping[str, object], variables: list[tuple[str, str]]) -> tuple[str, ...]:
    lines: list[str] = []
    for name in dict.fromkeys(key.split(".", 1)[1].rpartition(".")[0] for key in endpoints):
        lines.append(_endpoint_sentence(name, endpoints))
        if command := endpoints.get(f"endpoints.{name}.api_key_cmd"):
            lines.append(f"Run a command on this computer to get a key for {name}: {one_line(str(command), 2_000)}")
    for variable, value in variables:
        shown = f" = {one_line(value, 300)}" if value else ""
        lines.append(f"Use {variable}{shown} from the project's .env file.")
    return tuple(lines)


def _endpoint_sentence(name: str, endpoints: Mapping[str, object]) -> str:
    address = endpoints.get(f"endpoints.{name}.base_url") or "its usual address"
    keys = endpoints.get(f"endpoints.{name}.key_env")
    given = ", ".join(str(key) for key in keys) if isinstance(keys, tuple) and keys else ""
    with_key = f" with the key in {given}" if given else ""
    return one_line(f"Send prompts for {name} to {address}{with_key}.", 1_000)


class TrustBook:
    """The record, `trust.json` in the person's state folder (mode 0600). A broken record trusts nothing."""

    def __init__(self, path: Path | None = None, *, env: Mapping[str, str] | None = None) -> None:
        self.path = path or user_state_dir(env) / "trust.json"

    def allows(self, root: Path, claims: Claims) -> bool:
        """Whether the person said yes to exactly these claims of the project at `root`. Nothing claimed needs no yes."""
        return claims.empty or self._read().get(_place(root), {}).get("digest") == claims.digest

    def record(self, root: Path, claims: Claims) -> None:
        """Keep the person's yes. Raises StorageError."""
        entry = {"digest": claims.digest, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        self._write({**self._read(), _place(root): entry})

    def forget(self, root: Path) -> None:
        """Take the yes back. Raises StorageError."""
        kept = self._read()
        if kept.pop(_place(root), None) is not None:
            self._write(kept)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            value = json.loads(read_text(self.path))
        except (StudioError, ValueError, RecursionError):
            return {}
        projects = value.get("projects") if isinstance(value, dict) else None
        if not isinstance(projects, dict):
            return {}
        return {str(root): entry for root, entry in projects.items() if isinstance(entry, dict)}

    def _write(self, projects: Mapping[str, Mapping[str, str]]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise storage_error(error, str(self.path), "written") from error
        atomic_write(self.path, json.dumps({"version": 1, "projects": projects}, indent=1) + "\n", mode=0o600)


def _place(root: Path) -> str:
    return os.path.realpath(root)
