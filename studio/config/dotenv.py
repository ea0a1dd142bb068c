"""Reading a project's `.env`: `NAME=value` lines. Never written, and used only once the person trusts the project."""

from __future__ import annotations

import re
from pathlib import Path

from studio.config.files import read_text
from studio.domain.errors import StudioError

DOTENV_LIMIT = 64_000
"""Bytes; a `.env` with twenty keys has about 2,000."""

_LINE = re.compile(r"^\s*+(?:export\s++)?([A-Za-z_][A-Za-z0-9_]{0,99})\s*+=(.*)$")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def read_dotenv(root: Path) -> dict[str, str]:
    """The variables of `root/.env`; empty when there is none or it cannot be read. A link is not followed."""
    path = root / ".env"
    if path.is_symlink():
        return {}
    try:
        return parse_dotenv(read_text(path, limit=DOTENV_LIMIT))
    except StudioError:
        return {}


def parse_dotenv(text: str) -> dict[str, str]:
    """`NAME=value` lines; `export`, single and double quotes and `# comments` as a shell reads them, nothing expanded."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.lstrip().startswith("#") and (match := _LINE.match(line)):
            found[match[1]] = _value(match[2].strip())
    return found


def _value(raw: str) -> str:
    if raw[:1] == "'" and (end := raw.find("'", 1)) > 0:
        return raw[1:end]
    if raw[:1] == '"' and (quoted := re.match(r'"((?:[^"\\]|\\.)*)"', raw)):
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), quoted[1])
    return re.split(r"(?<!\s)\s++#", raw, maxsplit=1)[0].strip()
