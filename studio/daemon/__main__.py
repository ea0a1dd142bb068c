"""`python -m studio.daemon LOCK LISTENER ROOT`: started by `studio.client.spawn` with both descriptors open; by nobody else."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Part from the spawner at once: it waits for this process only, and the engine is a child of init."""
    if len(sys.argv) != 4 or not (sys.argv[1].isdigit() and sys.argv[2].isdigit()):
        sys.stderr.write("The engine is started by: studio engine start\n")
        return 2
    if os.fork():
        os._exit(0)
    from studio.daemon.process import serve

    return serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])


if __name__ == "__main__":
    sys.exit(main())
