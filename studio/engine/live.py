"""Runs in flight: their text as it grows, its copy in `.studio/streams/`, and the coalesced deltas that subscribers see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from studio.domain.run import Run
from studio.protocol.events import AnyEvent, Delta, RunProgress, RunSnapshot
from studio.protocol.views import LiveRun as LiveRunView

# 40 ms joins two or three tokens of a fast model into one event and is below what a reader notices.
COALESCE_SECONDS = 0.04
PROGRESS_SECONDS = 0.5


class LiveRun:
    """One run's growing text. `append` is the only way in; nothing here awaits, so a delta is never half taken."""

    def __init__(self, run: Run, write: Callable[[str], None], publish: Callable[[AnyEvent], None], text: str) -> None:
        self.run = run
        self.output_tokens = 0
        self.cost_usd: float | None = None
        self.waiting = ""
        self.started = time.monotonic()
        self._write = write
        self._publish = publish
        self._parts: list[str] = [text] if text else []
        self._length = len(text)
        self._pending: list[str] = []
        self._pending_at = self._length
        self._timer: asyncio.TimerHandle | None = None
        self._told = 0.0

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def append(self, text: str) -> None:
        """Take one delta: to the stream file first, then to memory, then (soon) to subscribers."""
        try:
            self._write(text)
        finally:  # what a full disk does not take is kept as long as this process lives
            self._take(text)

    def _take(self, text: str) -> None:
        self._parts.append(text)
        self._pending.append(text)
        self._length += len(text)
        self.output_tokens += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            offset, self._pending_at = self._pending_at, self._length
            self._publish(Delta(run=self.run.id, page=self.run.page_id, stage=self.run.stage, offset=offset, text=text))
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self.tell()

    def tell(self, waiting: str | None = None) -> None:
        """Publish the figures now; `waiting` says what the run waits for, empty when it does not."""
        if waiting is not None:
            self.waiting = waiting
        self._told = time.monotonic()
        self._publish(
            RunProgress(
                run=self.run.id,
                page=self.run.page_id,
                stage=self.run.stage,
                elapsed=self.elapsed,
                output_tokens=self.output_tokens,
                cost_usd=self.cost_usd,
                waiting=self.waiting,
            )
        )

    def snapshot(self) -> RunSnapshot:
        self.flush()
        return RunSnapshot(
            run=self.run.id,
            page=self.run.page_id,
            stage=self.run.stage,
            kind=self.run.kind.value,
            model=self.run.model,
            text=self.text,
            elapsed=self.elapsed,
            output_tokens=self.output_tokens,
        )

    def view(self) -> LiveRunView:
        return LiveRunView(
            id=self.run.id,
            page=self.run.page_id,
            stage=self.run.stage,
            kind=self.run.kind.value,
            model=self.run.model,
            status=self.run.status.value,
            text=self.text,
            elapsed=self.elapsed,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
            waiting=self.waiting,
        )


class LiveRuns:
    """The runs in flight, by id."""

    def __init__(self) -> None:
        self._runs: dict[str, LiveRun] = {}

    def add(self, live: LiveRun) -> None:
        self._runs[live.run.id] = live

    def remove(self, run_id: str) -> None:
        self._runs.pop(run_id, None)

    def get(self, run_id: str) -> LiveRun | None:
        return self._runs.get(run_id)

    def of_page(self, page_id: str) -> LiveRun | None:
        return next((live for live in self._runs.values() if live.run.page_id == page_id), None)

    def snapshots(self) -> list[RunSnapshot]:
        return [live.snapshot() for live in self._runs.values()]

    def all(self) -> list[LiveRun]:
        return list(self._runs.values())
