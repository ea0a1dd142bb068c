"""`kill -9` in the middle of a stream: every delta that reached the program is there at the next start, and the page goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.providers import tokens
from studio.workspace import streams
from tests.fakes.project import add_page, draft, opened
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

DRAFTER = """
import asyncio, json, sys
from pathlib import Path
from studio.engine.inprocess import InProcessClient
from studio.engine.opening import open_engine
from studio.protocol import commands as c
from studio.protocol.events import Delta

async def main(root, page, env):
    client = await InProcessClient.connect(lambda: open_engine(Path(root), env=env), "ana")
    async with client.subscribe() as events:
        await client.execute(c.Generate(page=page))
        async for event in events:
            if isinstance(event, Delta):
                sys.stdout.write(event.text)
                sys.stdout.flush()

asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
"""


async def killed_while_drafting(root: Path, page: str, env: dict[str, str], after: int) -> str:
    """Draft in a process of its own, kill it once `after` bytes were shown; returns what it had shown."""
    import json

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DRAFTER, str(root), page, json.dumps(env), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    shown = b""
    while len(shown) < after:
        shown += await process.stdout.read(64)
    os.kill(process.pid, signal.SIGKILL)
    shown += await process.stdout.read()
    await process.wait()
    return shown.decode()


async def test_nothing_that_was_shown_is_lost(root: Path, env: dict[str, str], server: WireServer) -> None:
    async with opened(root, env) as client:
        page = await add_page(client)
    server.play(Step(deltas=tuple(f"word{n} " for n in range(400)), delta_delay=0.01))
    shown = await killed_while_drafting(root, page, env, 300)
    async with opened(root, env) as client:
        view = await client.query(q.GetPage(page=page))
        assert view.state == "interrupted_narration"
        assert view.cells[0].partial is not None
        assert view.cells[0].partial.text.startswith(shown)
        calls = (await client.query(q.GetCosts(executions=True))).executions
        assert [call.status for call in calls] == ["interrupted"]
        asked = (await client.query(q.GetContext(page=page, stage="narration"))).tokens
        assert calls[0].input_tokens is not None
        assert abs(calls[0].input_tokens - asked) <= 0.1 * asked
        assert calls[0].output_tokens == tokens.estimate(view.cells[0].partial.text)
        assert streams.left_over(root) == ()
        server.play(Step(text="The end."))
        run = await draft(client, page, c.Resume(page=page, action="continue"))
        assert run.status == "completed"
        head = (await client.query(q.GetPage(page=page))).cells[0].head
        assert head is not None
        assert head.text.startswith(shown)
        assert head.text.endswith("The end.")


async def test_a_run_that_never_began_gives_the_page_back(root: Path, env: dict[str, str], server: WireServer) -> None:
    async with opened(root, env) as client:
        page = await add_page(client)
        server.play(Step(first_byte_delay=30.0))
        await client.execute(c.Generate(page=page))
        await asyncio.sleep(0.3)
    async with opened(root, env) as client:
        view = await client.query(q.GetPage(page=page))
        assert view.state == "interrupted_narration"
        assert (await draft(client, page)).status == "completed"
