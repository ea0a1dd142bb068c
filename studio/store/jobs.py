"""Queued jobs. A key acts once: a second delivery is counted and changes nothing; taking and ending one is compare-and-set."""

from __future__ import annotations

import json
from collections.abc import Sequence

from studio.domain.job import Job, JobStatus
from studio.store import sql
from studio.store.transaction import Row, Tx

_SELECT = "SELECT key, kind, payload FROM jobs"


def submit(tx: Tx, job: Job) -> bool:
    """Queue a job. False when its key is known: the delivery is counted, nothing else happens."""
    if tx.one("UPDATE jobs SET deliveries = deliveries + 1 WHERE key = $1 RETURNING key", job.key) is not None:
        return False
    tx.run(
        "INSERT INTO jobs (key, kind, payload, status, deliveries, attempts, created_at, updated_at) "
        "VALUES ($1, $2, $3, 'queued', 1, 0, $4, $4)",
        job.key,
        job.kind,
        json.dumps(dict(job.payload), sort_keys=True),
        tx.now,
    )
    return True


def claim(tx: Tx, kinds: Sequence[str], limit: int) -> list[Job]:
    """Take up to `limit` queued jobs, oldest first; each is given to one worker only."""
    condition, args = sql.among("kind", kinds)
    waiting = tx.all(
        f"SELECT key FROM jobs WHERE status = 'queued' AND {condition} ORDER BY created_at, key LIMIT ${len(args) + 1}",
        *args,
        limit,
    )
    if not waiting:
        return []
    rows = tx.all(
        "UPDATE jobs SET status = 'running', attempts = attempts + 1, updated_at = $2 "
        "WHERE status = 'queued' AND key = ANY($1::text[]) RETURNING key, kind, payload, created_at",
        [row[0] for row in waiting],
        tx.now,
    )
    return [_job(row[:3]) for row in sorted(rows, key=lambda row: (row[3], row[0]))]


def finish(tx: Tx, key: str, status: JobStatus) -> bool:
    """End a queued or running job. False, and nothing changes, when it has ended already or is unknown."""
    row = tx.one(
        "UPDATE jobs SET status = $2, updated_at = $3 WHERE key = $1 AND status IN ('queued', 'running') RETURNING key",
        key,
        status,
        tx.now,
    )
    return row is not None


def status(tx: Tx, key: str) -> JobStatus | None:
    row = tx.one("SELECT status FROM jobs WHERE key = $1", key)
    return None if row is None else JobStatus(row[0])


def deliveries(tx: Tx, key: str) -> int:
    """How often the key was handed in."""
    row = tx.one("SELECT deliveries FROM jobs WHERE key = $1", key)
    return 0 if row is None else int(row[0])


def pending(tx: Tx) -> list[Job]:
    """Queued ones, oldest first."""
    return [_job(row) for row in tx.all(f"{_SELECT} WHERE status = 'queued' ORDER BY created_at, key")]


def reset_running(tx: Tx) -> list[Job]:
    """Queue again what a process that is gone had taken; returns those jobs."""
    rows = tx.all(
        "UPDATE jobs SET status = 'queued', updated_at = $1 WHERE status = 'running' RETURNING key, kind, payload",
        tx.now,
    )
    return [_job(row) for row in rows]


def _job(row: Row) -> Job:
    return Job(row[0], row[1], json.loads(row[2]))
