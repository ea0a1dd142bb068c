"""Each request of the workflow API against the bare refusal of an unknown address, in the same three processes as in use.

    python -m benchmarks.workflow_api [--rounds 40] [--paged 200]

Engine, gateway, and this one, which asks over loopback. No model is asked. The project holds `--paged` changes that were begun
before. A round begins a change and completes its six phases (one writes two files); every other request is made in each phase.
Prints p50 and p99 in milliseconds of each, and the ratio of the p50 to that of an address where there is nothing, which passes
the same server, guard and token and asks no engine. What a build may take is 50 ms; a line above it is marked.
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
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.api_request import TOKEN, gateway
from studio.client.attach import attach
from studio.protocol import build_commands as b
from studio.protocol.wire import Introduction
from studio.workspace import scaffold

BARE = "an address where there is nothing"
MOST_MS = 50.0
FLOW = "/api/ai-workflows"
FILES = [
    {"path": "minutes.js", "content": "export const minutes = (next, now) => Math.max(0, next - now);\n"},
    {"path": "data.json", "content": '{"piers": ["Throat", "Lantern"]}\n'},
]
TASK = {"id": "minutes", "title": "Count", "type": "logic", "description": "minutes.js", "priority": 1, "needs": []}
RESULTS: dict[str, dict[str, Any]] = {
    "DISCOVERY": {},
    "PLANNING": {"approach": "One file.", "tasks": [TASK]},
    "IMPLEMENTATION": {"files": FILES},
    "TESTING": {"verdict": "pass", "summary": "It counts.", "findings": []},
    "VERIFICATION": {"verdict": "pass", "summary": "As asked.", "findings": []},
    "DEPLOYMENT": {"changelog": "- Minutes", "summary": "Counts the minutes."},
}


class Asker:
    """One kept-alive connection; every answer's time is noted under a name."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        self.times: dict[str, list[float]] = defaultdict(list)

    def ask(self, name: str, method: str, path: str, body: object = None, expected: int = 200) -> dict[str, Any]:
        raw = None if body is None else json.dumps(body)
        begun = time.perf_counter()
        self._line.request(method, path, raw, self._headers)
        answer = self._line.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        self.times[name].append((time.perf_counter() - begun) * 1_000)
        if answer.status != expected:
            raise SystemExit(f"{method} {path}: {answer.status} {told}")
        return told


def one_round(asker: Asker, number: int) -> None:
    begin = {"project_id": "ferry", "build_id": f"round-{number}", "requirements": "Minutes until the next ferry."}
    workflow = asker.ask("initialize", "POST", f"{FLOW}/initialize", begin)["workflow_id"]
    for phase, result in RESULTS.items():
        asker.ask(BARE, "GET", "/api/nothing", expected=404)
        asker.ask("get-ai-prompt", "POST", f"{FLOW}/get-ai-prompt/{workflow}")
        asker.ask("status", "GET", f"{FLOW}/status/{workflow}")
        for part in ("audit", "tasks", "findings", "versions"):
            asker.ask(part, "GET", f"{FLOW}/{workflow}/{part}")
        files = result.get("files", [])
        mended = [{**one, "content": f"{one['content']}"} for one in files]
        if mended:
            mended[0]["content"] += f"// {number}\n"
        body = {
            "workflow_id": workflow, "current_state": phase, "ai_response": f"{phase} {number}",
            "phase_result": {**result, "files": mended} if mended else result,
        }  # fmt: skip
        name = "complete-phase with files" if mended else "complete-phase"
        asker.ask(name, "POST", f"{FLOW}/complete-phase", body)
        asker.ask("complete-phase, repeated", "POST", f"{FLOW}/complete-phase", body)
    project = {
        "name": f"Ferry {number}",
        "description": "Minutes.",
        "type": "web",
        "requirements": ["Never below zero"],
    }
    asker.ask("orchestrator", "POST", "/api/orchestrator", {"project": project, "userId": "ana"})


def show(times: dict[str, list[float]]) -> None:
    base = statistics.median(times[BARE])
    print(f"{'':36}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    for name, found in times.items():
        p50, p99 = statistics.median(found), statistics.quantiles(found, n=100)[98]
        mark = "" if p50 < MOST_MS else f"  above {MOST_MS:.0f} ms"
        print(f"{name:36}{p50:9.2f}{p99:9.2f}{p50 / base:8.1f}{mark}")


async def run(rounds: int, paged: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "ferry"
        scaffold.create(root, title="Ferry", workflow="app")
        client = await attach(root, Introduction(kind="command"))
        middle = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.workflow_api", "--gateway", str(root), stdout=asyncio.subprocess.PIPE
        )
        try:
            for number in range(paged):
                await client.execute(b.StartBuild(requirements=f"Change {number}", project="p", build=f"old-{number}"))
            assert middle.stdout is not None
            asker = Asker(int(await middle.stdout.readline()))
            for number in range(rounds):
                await asyncio.to_thread(one_round, asker, number)
            show(asker.times)
        finally:
            middle.kill()
            await middle.wait()
            await client.stop_engine()
            await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description="Each request of the workflow API against a bare refusal.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--paged", type=int, default=200, help="changes that the project holds before")
    parser.add_argument("--gateway", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    asyncio.run(gateway(args.gateway) if args.gateway else run(args.rounds, args.paged))


if __name__ == "__main__":
    main()
