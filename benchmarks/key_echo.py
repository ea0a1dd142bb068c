"""How long a key waits for its echo while a draft streams, against the same keys at rest: `python -m benchmarks.key_echo`.

At 120x40, beside a stream of 60 tokens a second: the cursor of the page moved by `j` and `k`, and words typed into a composer.
The echo of a movement is the cell's bar at its new place; that of a letter is the letter itself.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterable

from benchmarks.pty_program import PtyProgram, without_escapes

LIMIT_MS = 30.0
BAR = "▎".encode()
TYPED = "thequickbrownfoxjumpsoverthelazydog"


def workbench(rate: float) -> PtyProgram:
    command = [sys.executable, "-m", "benchmarks.fake_workbench", "--tokens", "3000", "--rate", str(rate)]
    program = PtyProgram(command)
    program.wait_for("Teodor boards")
    program.settle(1)
    return program


def start_draft(program: PtyProgram) -> None:
    program.type("g")
    program.settle(0.5)
    program.type("g")
    rest(program, 1.5)


def rest(program: PtyProgram, seconds: float) -> None:
    end = program.now() + seconds
    while program.now() < end:
        program.pump(0.01)


def echoes(program: PtyProgram, keys: Iterable[tuple[str, bytes]]) -> list[float]:
    """Milliseconds from each key to its answer; keys fall at random moments, so that they meet every part of a frame."""
    chance, found = random.Random(1), []
    for key, answer in keys:
        rest(program, chance.uniform(0.05, 0.25))
        program.type(key)
        began, seen = program.now(), b""
        while answer not in without_escapes(seen) and program.now() - began < 2:
            seen += program.pump(0.2)
        found.append((program.now() - began) * 1000)
    return found


def moving(count: int) -> list[tuple[str, bytes]]:
    return [("k" if number % 2 == 0 else "j", BAR) for number in range(count)]


def typing(count: int) -> list[tuple[str, bytes]]:
    return [(TYPED[number % len(TYPED)], TYPED[number % len(TYPED)].encode()) for number in range(count)]


def measure(count: int, rate: float, streaming: bool) -> dict[str, list[float]]:
    program = workbench(rate)
    try:
        if streaming:
            start_draft(program)
        moved = echoes(program, moving(count))
        program.type("b")  # the brief: a text that can be typed at while a draft streams
        rest(program, 1)
        return {"j and k": moved, "words in a composer": echoes(program, typing(count))}
    finally:
        program.end()


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--rate", type=float, default=60.0)
    given = parser.parse_args()
    still, beside = measure(given.keys, given.rate, False), measure(given.keys, given.rate, True)
    for name, found in beside.items():
        print(
            f"{name:22} p50 {statistics.median(found):5.1f} ms, p95 {p95(found):5.1f} ms beside a stream; "
            f"alone p95 {p95(still[name]):5.1f} ms: {p95(found) / p95(still[name]):.2f} times (limit {LIMIT_MS:.0f} ms)"
        )
    return 0 if all(p95(found) <= LIMIT_MS for found in beside.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
