"""`studio --help` against a bare Python's start: CPU time of whole processes, side by side. `python -m benchmarks.help_start`"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

ROUNDS = 15
LIMIT = 5.0


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run of `command`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "COLUMNS": "80"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def measure(rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians (bare, help) in seconds, interleaved so that a busy machine meets both."""
    bare = [sys.executable, "-c", "pass"]
    shown = [sys.executable, "-c", "import sys; from studio.cli.main import main; sys.exit(main(['--help']))"]
    for command in (bare, shown):
        cpu_seconds(command)
    pairs = [(cpu_seconds(bare), cpu_seconds(shown)) for _ in range(rounds)]
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


def main() -> int:
    bare, shown = measure()
    ratio = shown / bare
    print(
        f"bare python {bare * 1000:.1f} ms, studio --help {shown * 1000:.1f} ms: {ratio:.2f} times (limit {LIMIT:.0f})"
    )
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
