"""Where the program's log goes: a file only, without keys; never the terminal. Warnings of libraries end there too."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

from studio.config.paths import state_folder, user_state_dir
from studio.config.redaction import HANDED_OUT, RedactingFilter

LOG_FILE = "engine.log"
_BYTES = 2_000_000
_SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_QUIET = ("openai", "anthropic", "httpx2", "httpcore2", "httpx", "asyncio", "watchfiles", "textual")


def log_file(root: Path | None) -> Path:
    """The project's log, or the person's own where there is no project."""
    return (state_folder(root) if root is not None else user_state_dir()) / LOG_FILE


def start_logging(root: Path | None, env: Mapping[str, str] | None = None) -> Path | None:
    """Send all logging to the file; a second call moves it. None when no file can be written: then nothing is logged.

    The handler stands on the root logger before any SDK is imported, so that `OPENAI_LOG` adds no handler on standard error.
    """
    path = log_file(root)
    handler: logging.Handler
    try:
        if path.is_symlink() or (root is not None and path.parent.is_symlink()):
            raise OSError("the log is a link")  # a project from elsewhere must not have it written into another file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
        path.chmod(0o600)
    except OSError:
        handler = logging.NullHandler()
    for value in _secrets(os.environ if env is None else env):
        HANDED_OUT.add(value)
    handler.addFilter(RedactingFilter(HANDED_OUT))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"))
    top = logging.getLogger()
    for old in list(top.handlers):
        if isinstance(old, RotatingFileHandler | logging.NullHandler):
            top.removeHandler(old)
            old.close()
    top.addHandler(handler)
    top.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    return path if isinstance(handler, RotatingFileHandler) else None


def _secrets(env: Mapping[str, str]) -> list[str]:
    return [value for name, value in env.items() if name.upper().endswith(_SECRET_ENDINGS)]
