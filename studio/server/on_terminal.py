"""Started by `terminal`: makes the pseudo-terminal on standard input this session's own, then becomes the command that follows."""

from __future__ import annotations

import os
import sys


def main() -> None:
    # A session leader without a terminal gets the first one it opens (Linux, BSD): signals of the line then reach the command.
    os.close(os.open(os.ttyname(0), os.O_RDWR))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
