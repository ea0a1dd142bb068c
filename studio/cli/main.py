"""The console script: parse, carry out, exit. What a command needs is imported after its command line was understood."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from studio.cli.parser import parse
from studio.domain.errors import StudioError


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; never raises, never shows a traceback."""
    words = sys.argv[1:] if argv is None else list(argv)
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
    except KeyboardInterrupt:
        return 130
    from studio.cli import edge

    return edge.carry_out(args)


if __name__ == "__main__":
    sys.exit(main())
