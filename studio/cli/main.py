"""The console script: parse, carry out, exit. What a command needs is imported after its command line was understood.

At the top nothing but the standard library is imported: a Ctrl-C during an import ends the program like any other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; never raises, never shows a traceback."""
    try:
        return _carry_out(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return INTERRUPTED


def _carry_out(words: list[str]) -> int:
    from studio.cli.parser import parse
    from studio.domain.errors import StudioError

    try:
        args = parse(words)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except StudioError as error:
        from studio.cli import edge

        return edge.report(error, as_json="--json" in words)
    except BrokenPipeError:
        from studio.cli import edge

        return edge.closed_pipe()
    from studio.cli import edge

    return edge.carry_out(args)


if __name__ == "__main__":
    sys.exit(main())
