"""A draft that is stopped in its first moment: it has ended, the page can be drafted again, nothing is left running."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from studio.domain.job import Job, JobStatus
from studio.domain.run import Run
from studio.engine import drafting
from studio.engine.inprocess import InProcessClient
from studio.engine.open_project import OpenProject
from studio.engine.scheduler import Scheduler
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.store import jobs
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.fakes.project import add_page, draft, settled
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer


async def test_a_draft_stopped_while_it_is_being_taken_up_has_ended(
    client: InProcessClient, server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await add_page(client)
    take_up, begun = drafting._start, asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(project: OpenProject, tx: Tx, run_id: str) -> Run | None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.3)
        return take_up(project, tx, run_id)

    monkeypatch.setattr(drafting, "_start", slowly)
    done = await client.execute(c.Generate(page=page))
    await begun.wait()
    await client.execute(c.Stop(page=page))
    assert (await settled(client, done.run or "", 10)).status == "stopped"
    assert (await client.query(q.GetPage(page=page))).state == "generating_narration"
    assert server.calls == []
    monkeypatch.undo()
    assert (await draft(client, page)).status == "completed"


async def test_stopping_at_any_moment_ends_the_draft(client: InProcessClient, server: WireServer) -> None:
    server.play(Step(deltas=("Fog ",) * 50, delta_delay=0.05), repeat=True)
    page = await add_page(client)
    for wait in (0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.04, 0.08, 0.15):
        done = await client.execute(c.Generate(page=page))
        await asyncio.sleep(wait)
        await client.execute(c.Stop(page=page))
        assert (await settled(client, done.run or "", 10)).status == "stopped"
        if (await client.query(q.GetPage(page=page))).phase == "interrupted":
            await client.execute(c.Resume(page=page, action="discard"))


async def test_a_job_cancelled_before_its_first_step_is_over_and_its_place_is_free(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "jobs.duckdb")
    scheduler = Scheduler(store)
    begun: list[str] = []

    async def work(job: Job) -> None:
        begun.append(job.key)

    scheduler.register("some", work)
    job = Job("key", "some", {})
    await store.transact(lambda tx: scheduler.submit(job, tx))
    await scheduler._claim(1)
    scheduler._begin(job)
    assert await scheduler.cancel("key")
    assert begun == []
    assert await store.read(lambda tx: jobs.status(tx, "key")) is JobStatus.CANCELLED
    assert not await scheduler.cancel("key")
    await store.aclose()
