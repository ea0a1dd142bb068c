"""Which language a file is in, told by its name."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath


class Language(StrEnum):
    PYTHON = "python"
    JAVASCRIPT = "javascript"  # with or without JSX
    TYPESCRIPT = "typescript"
    TSX = "tsx"
    HTML = "html"
    CSS = "css"
    JSON = "json"
    JSONC = "jsonc"
    TOML = "toml"
    YAML = "yaml"
    MARKDOWN = "markdown"
    OTHER = "other"


_SUFFIXES = {
    ".py": Language.PYTHON,
    ".pyi": Language.PYTHON,
    ".js": Language.JAVASCRIPT,
    ".jsx": Language.JAVASCRIPT,
    ".mjs": Language.JAVASCRIPT,
    ".cjs": Language.JAVASCRIPT,
    ".ts": Language.TYPESCRIPT,
    ".mts": Language.TYPESCRIPT,
    ".cts": Language.TYPESCRIPT,
    ".tsx": Language.TSX,
    ".html": Language.HTML,
    ".htm": Language.HTML,
    ".css": Language.CSS,
    ".json": Language.JSON,
    ".webmanifest": Language.JSON,
    ".jsonc": Language.JSONC,
    ".toml": Language.TOML,
    ".yaml": Language.YAML,
    ".yml": Language.YAML,
    ".md": Language.MARKDOWN,
    ".markdown": Language.MARKDOWN,
}
# Files that tools read with comments, whatever their suffix says.
_JSONC = ("tsconfig", "jsconfig", ".eslintrc", ".babelrc", ".swcrc")
SCRIPTS = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT, Language.TSX})


def language_of(path: str) -> Language:
    """By suffix; `OTHER` for what is not checked."""
    name = PurePosixPath(path)
    found = _SUFFIXES.get(name.suffix.lower(), Language.OTHER)
    if found is Language.OTHER and name.name in (".babelrc", ".eslintrc", ".swcrc"):
        return Language.JSONC
    if found is Language.JSON and _with_comments(name):
        return Language.JSONC
    return found


def _with_comments(name: PurePosixPath) -> bool:
    first = name.name.lower()
    if ".vscode" in name.parts or ".devcontainer" in name.parts:
        return True
    return first.startswith(_JSONC)
