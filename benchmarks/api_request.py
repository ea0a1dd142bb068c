"""A Story API request against the same question put to the engine's socket, interleaved.

    python benchmarks/api_request.py [--rounds 500]

Three processes, as in use: the engine, the gateway, and this one, which asks both over loopback and over the socket. A read is
the status of a page with a narration under review (`GetPage` on the socket); a write is a new page with its brief (`AddPage`).
Prints p50 and p99 in milliseconds and the ratio of the p50s. No model is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from studio.client.attach import attach
from studio.client.socket_client import SocketClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.wire import Introduction
from studio.server.auth import Token
from studio.server.limits import Limits
from studio.server.serving import listen, serve
from studio.workspace import scaffold

TOKEN = "a-token-for-the-benchmark"
TEXT = "The rain went on over the harbour, and nobody in the house had slept. " * 14
BRIEF = "Ilse counts the rings; one is missing."


async def gateway(root: Path) -> None:
    """The process in the middle: prints its port once it answers."""
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    client = await attach(root, Introduction(kind="gateway"))
    limits = Limits(rate=1e6, burst=1e6)
    await serve(listening, Token(TOKEN, "here"), client, limits=limits, started=lambda _: print(port, flush=True))


class Asker:
    """One kept-alive connection to the gateway."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> object:
        raw = None if body is None else json.dumps(body)
        self._line.request(method, f"/api/orchestrator/{path}", raw, self._headers)
        answer = self._line.getresponse()
        told: object = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {told}")
        return told


async def measure(client: SocketClient, asker: Asker, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every operation, by name."""
    found: dict[str, list[float]] = {name: [] for name in ("socket read", "api read", "socket write", "api write")}
    page = (await client.execute(c.AddPage(chapter="1", brief=BRIEF))).page or ""
    await client.execute(c.Deliver(page=page, stage="narration", text=TEXT))
    started = {"chapterId": "1", "userInput": BRIEF}
    for at in range(rounds):
        begun = time.perf_counter()
        await client.query(q.GetPage(page=page))
        _note(found["socket read"], begun)
        begun = time.perf_counter()
        asker.ask("GET", f"page/{page}/status")
        _note(found["api read"], begun)
        if at % 5 == 0:
            begun = time.perf_counter()
            await client.execute(c.AddPage(chapter="1", brief=BRIEF))
            _note(found["socket write"], begun)
            begun = time.perf_counter()
            asker.ask("POST", "start-page?generate=false", started)
            _note(found["api write"], begun)
    return found


def _note(times: list[float], begun: float) -> None:
    times.append((time.perf_counter() - begun) * 1_000)


def show(found: dict[str, list[float]]) -> None:
    print(f"{'':14}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    for name, times in found.items():
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        base = statistics.median(found[name.replace("api", "socket")])
        print(f"{name:14}{p50:9.2f}{p99:9.2f}{p50 / base:8.2f}")


async def run(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "book"
        scaffold.create(root, title="Benchmark")
        client = await attach(root, Introduction(kind="command"))
        middle = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--gateway", str(root), stdout=asyncio.subprocess.PIPE
        )
        try:
            await client.execute(c.AddChapter(title="One"))
            assert middle.stdout is not None
            show(await measure(client, Asker(int(await middle.stdout.readline())), rounds))
        finally:
            middle.kill()
            await middle.wait()
            await client.stop_engine()
            await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A Story API request against the same question over the engine's socket."
    )
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--gateway", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    asyncio.run(gateway(args.gateway) if args.gateway else run(args.rounds))


if __name__ == "__main__":
    main()
