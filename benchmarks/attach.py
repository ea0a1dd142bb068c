"""Attaching to an engine, starting one, reading over its socket, 64 drafts at once, 200 queued: `python -m benchmarks.attach`.

Each figure stands beside the same work with the engine inside the process, measured in turn, so that a busy machine meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from studio.client.attach import attach
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol.client import EngineClient
from studio.protocol.views import View
from tests.fakes.engine_process import attached, end_engine, whole
from tests.fakes.project import environment, make_project, opened
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer, running_wire_server

R = TypeVar("R", bound=View)

ATTACH_LIMIT_MS, START_LIMIT_MS, READ_LIMIT_MS, LAG_LIMIT_MS = 50.0, 300.0, 5.0, 50.0
QUEUED_WORDS, QUEUE_LIMIT_MS = 100, 100.0


def ms(seconds: float) -> float:
    return seconds * 1000


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


_INSIDE = """
import asyncio, sys
from pathlib import Path
from studio.engine.inprocess import InProcessClient
from studio.engine.opening import open_engine
from studio.protocol import queries as q
async def main():
    client = await InProcessClient.connect(lambda: open_engine(Path(sys.argv[1])), "ana")
    await client.query(q.GetProject())
    print("answered", flush=True)
    await client.aclose()
asyncio.run(main())
"""
_STARTED = """
import asyncio, sys
from pathlib import Path
from studio.client.attach import attach
from studio.protocol import queries as q
async def main():
    client = await attach(Path(sys.argv[1]))
    await client.query(q.GetProject())
    print("answered", flush=True)
    await client.aclose()
asyncio.run(main())
"""


async def starts(root: Path, env: dict[str, str], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from a fresh program to its first answer: with the engine inside it, and with one that it starts as a process."""
    inside, process = [], []
    for _ in range(rounds):
        inside.append(await answered(_INSIDE, root, env))
        process.append(await answered(_STARTED, root, env))
        await end_engine(root)
    return inside, process


async def answered(script: str, root: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(root), env=whole(env), stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    await child.stdout.readline()
    took = time.perf_counter() - began
    await child.wait()
    return took


async def attaching(root: Path, rounds: int) -> list[float]:
    """Seconds from nothing to the first answer of an engine that runs."""

    async def once() -> None:
        client = await attach(root, spawn=False)
        await client.query(q.GetProject())
        await client.aclose()

    return [await timed(once) for _ in range(rounds)]


async def reading(client: EngineClient, query: q.Query[R], rounds: int) -> list[float]:
    return [await timed(lambda: client.query(query)) for _ in range(rounds)]


async def a_page(client: EngineClient, number: int = 0) -> str:
    if not (await client.query(q.GetProject())).chapters:
        await client.execute(c.AddChapter(title="The Crossing"))
    done = await client.execute(c.AddPage(chapter="1", title=f"Page {number}", brief="Ilse counts the rings."))
    assert done.page is not None
    return done.page


async def streaming(
    client: EngineClient, server: WireServer, drafts: int, words: int, rate: float
) -> tuple[list[float], int, int]:
    """Seconds that a question to the loop alone waits while drafts stream; how many came in whole, and gaps that were seen."""
    pages = [await a_page(client, number) for number in range(drafts)]
    text = tuple(f"word{number} " for number in range(words))
    server.play(*(Step(deltas=text, delta_delay=1 / rate) for _ in range(drafts)))
    lengths: dict[str, int] = {}
    ended: list[e.RunEnded] = []
    gaps = 0
    lags: list[float] = []

    async def follow() -> None:
        nonlocal gaps
        async with client.subscribe() as events:
            async for event in events:
                if isinstance(event, e.Delta):
                    gaps += event.offset != lengths.get(event.run, 0)
                    lengths[event.run] = event.offset + len(event.text)
                elif isinstance(event, e.RunEnded):
                    ended.append(event)
                    if len(ended) == drafts:
                        return

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    for page in pages:
        await client.execute(c.Generate(page=page))
    while not following.done():
        lags.append(await timed(lambda: client.query(q.GetPresence())))
        await asyncio.sleep(0.02)
    await following
    wanted = len("".join(text))
    return lags, sum(lengths.get(one.run) == wanted for one in ended), gaps


def report(name: str, mine: float, inside: float | None, limit: float, unit: str = "ms") -> bool:
    beside = "" if inside is None else f", in process {inside:.2f} {unit}: {mine / inside:.2f} times"
    kept = mine <= limit
    print(f"{name}: {mine:.2f} {unit}{beside} (limit {limit:.0f} {unit}{'' if kept else ', MISSED'})")
    return kept


async def measure(rounds: int, drafts: int, words: int, queued: int, rate: float) -> bool:
    with tempfile.TemporaryDirectory() as folder, running_wire_server() as server:
        place = Path(folder)
        root = make_project(place)
        env = environment(server, place)
        inside, process = await starts(root, env, rounds)
        kept = [
            report("start to the first answer", ms(min(process)), ms(min(inside)), START_LIMIT_MS + ms(min(inside)))
        ]
        async with opened(root, env) as client:
            page = q.GetPage(page=await a_page(client))
            row_here, page_here = await reading(client, q.GetPlace(), 1_000), await reading(client, page, 200)
        async with attached(root, env) as client:
            row, whole_page = await reading(client, q.GetPlace(), 1_000), await reading(client, page, 200)
            kept.append(
                report("one row, p50", ms(statistics.median(row)), ms(statistics.median(row_here)), READ_LIMIT_MS)
            )
            kept.append(report("one row, p99", ms(p99(row)), ms(p99(row_here)), READ_LIMIT_MS))
            middle = ms(statistics.median(page_here))
            kept.append(report("a page, p50", ms(statistics.median(whole_page)), middle, middle + READ_LIMIT_MS))
            attached_in = ms(statistics.median(await attaching(root, 20)))
            kept.append(report("attach to the first answer", attached_in, None, ATTACH_LIMIT_MS))
            kept.append(await together(client, server, (drafts, words), rate, LAG_LIMIT_MS))
            kept.append(await together(client, server, (queued, QUEUED_WORDS), rate, QUEUE_LIMIT_MS))
            return all(kept)


async def together(client: EngineClient, server: WireServer, work: tuple[int, int], rate: float, limit: float) -> bool:
    """Report `work`, a number of drafts and their words, all handed in at once. At most 64 stream; the others wait in the queue."""
    drafts, words = work
    lags, came, gaps = await streaming(client, server, drafts, words, rate)
    print(f"{drafts} drafts of {words} tokens at {rate:.0f} a second: {came} came whole, {gaps} gaps")
    report("the loop's answer meanwhile, p50", ms(statistics.median(lags)), None, limit)
    return report("the loop's answer meanwhile, p99", ms(p99(lags)), None, limit) and came == drafts and gaps == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drafts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--queued", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50.0)
    given = parser.parse_args()
    return 0 if asyncio.run(measure(given.rounds, given.drafts, given.tokens, given.queued, given.rate)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
