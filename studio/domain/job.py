"""A job: one small, idempotent piece of work, as it is queued. JSON only; its effect is unique on its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """`payload` holds ids and digests, never texts. A redelivery repeats the key; a new key press makes a new one."""

    key: str
    kind: str
    payload: Mapping[str, str]


def job_key(kind: str, page: str, stage: str, base_revision: str | None, request: str) -> str:
    """`kind:page:stage:base_revision:request`, the idempotency key of a job."""
    return ":".join((kind, page, stage, base_revision or "-", request))
