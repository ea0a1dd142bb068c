"""How many threads the local model computes with: the physical cores this process may use, at most eight."""

from __future__ import annotations

import os
from pathlib import Path

MOST_THREADS = 8
_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def compute_threads(cpus: Path = _CPUS, quota: Path = _QUOTA) -> int:
    """Two threads of one core share its arithmetic unit, and llama.cpp's threads spin: more threads than cores are slower."""
    allowed = _allowed()
    cores = {_siblings(cpus, cpu) for cpu in allowed}
    return max(1, min(len(cores), _quota(quota, len(allowed)), MOST_THREADS))


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _siblings(cpus: Path, cpu: int) -> str:
    try:
        return (cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text("ascii").strip()
    except OSError:
        return str(cpu)  # macOS, or a container that hides it: each counts as a core


def _quota(path: Path, without: int) -> int:
    """A container's CPU limit (cgroup v2 `cpu.max`: quota and period in microseconds), rounded down."""
    try:
        allowed, period = path.read_text("ascii").split()
        return max(1, int(allowed) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return without
