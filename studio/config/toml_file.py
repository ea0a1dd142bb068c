"""Reading a TOML file whole, with words for what is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from studio.config.files import read_text
from studio.domain.errors import BadInput, NotFound

SETTINGS_LIMIT = 200_000
"""Bytes of a settings or workflow file."""


def read_table(path: Path, where: str) -> tuple[dict[str, object], str]:
    """The table in a TOML file and the file's text; both empty when there is no such file.

    Raises BadInput with the line, or StorageError.
    """
    try:
        text = read_text(path, limit=SETTINGS_LIMIT, where=where)
    except NotFound:
        return {}, ""
    return parse_table(text, where), text


def parse_table(text: str, where: str) -> dict[str, object]:
    """The table in TOML text. Raises BadInput with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its message ends with "(at line 3, column 5)".
        raise BadInput(f"{where} is not valid TOML: {error}.", hint="Mend that line and try again.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not valid TOML: it is nested too deeply or holds a bad number.") from error
