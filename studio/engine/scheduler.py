"""The job runner: `submit` inside a transaction, a worker that claims what is queued, `cancel` by key.

Truth is the `jobs` table; what is in memory are only the tasks of claimed jobs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from studio.domain.job import Job, JobStatus
from studio.store import jobs
from studio.store.database import Store
from studio.store.transaction import Tx

log = logging.getLogger(__name__)

# Measured: one core parses about 7,000 tokens/s of streams; 64 drafts stay well within it.
CONCURRENCY = 64

Work = Callable[[Job], Awaitable[None]]


class Scheduler:
    """Runs jobs of registered kinds. A job's work settles its own rows; whatever it raises is logged and marks the job failed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._work: dict[str, Work] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._closing = False

    def register(self, kind: str, work: Work) -> None:
        self._work[kind] = work

    def submit(self, job: Job, tx: Tx) -> bool:
        """Queue a job in the caller's transaction. False when its key is known: then nothing more will happen."""
        return jobs.submit(tx, job)

    def wake(self) -> None:
        """To be called after the transaction of a `submit` has committed."""
        self._wake.set()

    def start(self) -> None:
        self._loop_task = asyncio.create_task(self.run_worker(CONCURRENCY), name="scheduler")

    async def run_worker(self, concurrency: int) -> None:
        while not self._closing:
            self._wake.clear()
            free = concurrency - len(self._tasks)
            for job in await self._claim(free) if free > 0 else ():
                self._begin(job)
            await self._wake.wait()

    def _begin(self, job: Job) -> None:
        task = self._tasks[job.key] = asyncio.create_task(self._carry_out(job), name=job.key)
        task.add_done_callback(lambda _: self._ended(job.key))

    def _ended(self, key: str) -> None:
        """Also of a task that was cancelled before its first step."""
        self._tasks.pop(key, None)
        self._wake.set()

    async def _claim(self, most: int) -> list[Job]:
        return await self._store.transact(lambda tx: jobs.claim(tx, tuple(self._work), most))

    async def cancel(self, key: str) -> bool:
        """Cancel a claimed job and wait until its work has ended. False when it is not running here.

        Work that is cancelled in its first moment has not come to settle its rows: that is left to the caller.
        """
        task = self._tasks.get(key)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait({task})
        await self._store.transact(lambda tx: jobs.finish(tx, key, JobStatus.CANCELLED))
        return True

    async def aclose(self) -> None:
        """Cancel everything and wait: each run keeps its partial text."""
        self._closing = True
        self._wake.set()
        for task in list(self._tasks.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()))
        if self._loop_task is not None:
            await asyncio.wait({self._loop_task})

    async def _carry_out(self, job: Job) -> None:
        status = JobStatus.DONE
        try:
            await self._work[job.kind](job)
        except asyncio.CancelledError:
            status = JobStatus.CANCELLED
        except Exception:
            log.exception("job %s failed", job.key)
            status = JobStatus.FAILED
        await self._store.transact(lambda tx: jobs.finish(tx, job.key, status))
