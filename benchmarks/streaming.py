"""Terminal bytes and CPU per streamed token, against a plain Textual app that does the same: `python -m benchmarks.streaming`.

1,000 tokens at 60 a second in a pty of 120x40: once on a page of the tests' book, once with 100 more pages in the book, and in a
Textual app that updates one Static with the whole text ten times a second, the plainest way to show it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.pty_program import PtyProgram

PLAIN = """
import sys
from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Static
from benchmarks.fake_workbench import prose
class Plain(App):
    def compose(self):
        self.text = Static("ready to stream", markup=False)
        self.scroll = VerticalScroll(self.text)
        yield self.scroll
    def on_key(self):
        self.pieces, self.at = prose({tokens}), 0
        self.clock = self.set_interval(0.1, self.more)
    def more(self):
        self.at += {rate} // 10
        self.text.update("".join(self.pieces[: self.at]))
        self.scroll.scroll_end(animate=False)
        if self.at >= len(self.pieces):
            self.clock.stop()
Plain().run()
"""
END = "END-OF-STREAM"


@dataclass(frozen=True)
class Cost:
    """Per token: bytes to the terminal; CPU seconds per 1,000 tokens."""

    bytes: float
    cpu: float


def stream(command: Sequence[str], ready: str, keys: Sequence[str], tokens: int) -> Cost:
    """Wait for `ready`, type `keys` one by one, and count until the end of the stream."""
    program = PtyProgram(command)
    try:
        program.wait_for(ready)
        program.settle()
        began, cpu = program.now(), program.cpu()
        for number, key in enumerate(keys):
            if number:
                program.settle(0.5)
            program.type(key)
        program.wait_for(END, limit=60)
        program.settle(0.5)
        return Cost(program.bytes_since(began) / tokens, (program.cpu() - cpu) / tokens * 1000)
    finally:
        program.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=60)
    given = parser.parse_args()
    ours = [sys.executable, "-m", "benchmarks.fake_workbench", "--page", "page-22", "--tokens", str(given.tokens)]
    ours += ["--rate", str(given.rate)]
    plain = [sys.executable, "-c", PLAIN.format(tokens=given.tokens, rate=given.rate)]
    found = {
        "plain Textual app (one Static)": stream(plain, "ready to stream", [" "], given.tokens),
        "workbench": stream(ours, "Teodor boards", ["g", "g"], given.tokens),
        "workbench, 100 pages more": stream([*ours, "--pages", "100"], "Teodor boards", ["g", "g"], given.tokens),
    }
    base = found["plain Textual app (one Static)"]
    for name, cost in found.items():
        print(f"{name:32} {cost.bytes:8.1f} bytes a token   {cost.cpu:6.2f} CPU s per 1,000 tokens")
    mine = found["workbench"]
    print(
        f"ratio {mine.bytes / base.bytes:.3f} of the bytes, {mine.cpu / base.cpu:.2f} of the CPU  (at most 100 bytes and 0.5 s)"
    )


if __name__ == "__main__":
    main()
