"""The edge of the program: errors become one sentence and an exit code here, and only here."""

from __future__ import annotations

import argparse
import json
import sys

from studio.domain import errors
from studio.domain.errors import StudioError
from studio.domain.text import clean

INTERRUPTED = 130
_CODES: tuple[tuple[type[StudioError], int], ...] = (
    (errors.BudgetExceeded, 5),
    (errors.Refused, 3),
    (errors.Conflict, 3),
    (errors.BadInput, 2),
    (errors.NotFound, 2),
    (errors.ProviderError, 4),
    (errors.Interrupted, INTERRUPTED),
)


def exit_code(error: StudioError) -> int:
    """The most specific row of the table that `error` belongs to; everything else has failed (1)."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def report(error: StudioError, *, as_json: bool) -> int:
    """Say the error where it belongs and return its exit code."""
    message, hint = clean(error.message), clean(error.hint)
    if error.data.get("anyway"):  # what the screen does by a second key
        hint = f"{hint} Add --anyway for that.".strip()
    try:
        sys.stdout.flush()
        if as_json:
            body = {"code": error.code, "message": message, "hint": hint, "data": error.data}
            sys.stdout.write(f"{json.dumps({'error': body}, ensure_ascii=False, default=str)}\n")
            sys.stdout.flush()
        _say(f"studio: {message}", hint)
    except BrokenPipeError:
        closed_pipe()
    return exit_code(error)


def _say(*sentences: str) -> None:
    for sentence in filter(None, sentences):
        sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def carry_out(args: argparse.Namespace) -> int:
    """Run the command that was parsed."""
    from studio.cli import bootstrap

    host = bootstrap.host(args)
    try:
        code: int = args.run(args, host)
        sys.stdout.flush()
    except StudioError as error:
        return report(error, as_json=args.json)
    except BrokenPipeError:
        return closed_pipe()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        return report(_unexpected(error, bootstrap.log_unexpected(host)), as_json=args.json)
    return code


def _unexpected(error: Exception, log: str) -> StudioError:
    where = f"The details are in {log}." if log else ""
    return StudioError(f"Something unexpected went wrong ({type(error).__name__}).", hint=where)


def closed_pipe() -> int:
    """The reader of standard output has gone: nothing to say, and nothing failed."""
    from studio.cli.output import drop

    drop(sys.stdout)
    return 0
