"""Time until the outline's rows stand on the screen, against a bare Textual app's first frame: `python -m benchmarks.first_frame`.

Both are started in turn in a pty of 120x40, so that a busy machine slows both; medians are compared. `--command` measures another
program, such as `studio -C DIR`, and `--text` names what must stand on its screen.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys

from benchmarks.pty_program import PtyProgram

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("A bare Textual application.")
Bare().run()
"""


def first(command: list[str], text: str) -> tuple[float, int, float]:
    """Milliseconds to `text`, bytes until idle, resident megabytes at idle."""
    program = PtyProgram(command)
    try:
        at = program.wait_for(text)
        program.settle()
        return at * 1e3, program.bytes_since(0), program.memory_mb()
    finally:
        program.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--command", default=f"{sys.executable} -m benchmarks.fake_workbench")
    parser.add_argument("--text", default="Teodor boards")
    given = parser.parse_args()
    bare, ours = [], []
    for run in range(given.runs + 1):
        pair = first([sys.executable, "-c", BARE], "bare Textual"), first(shlex.split(given.command), given.text)
        if run:
            bare.append(pair[0])
            ours.append(pair[1])
    base, rows = (statistics.median(ms for ms, _, _ in found) for found in (bare, ours))
    size, memory = statistics.median(n for _, n, _ in ours), statistics.median(mb for _, _, mb in ours)
    print(f"bare Textual app, first frame   {base:7.0f} ms")
    print(f"workbench, rows of the outline  {rows:7.0f} ms   {size / 1000:.1f} kB to idle   {memory:.0f} MB resident")
    print(f"ratio {rows / base:.2f}  (at most 2; goal 1.15)")


if __name__ == "__main__":
    main()
