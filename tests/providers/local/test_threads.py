"""How many threads the local model is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.providers.local.threads import compute_threads


def machine(folder: Path, monkeypatch: pytest.MonkeyPatch, siblings: list[str]) -> Path:
    for number, text in enumerate(siblings):
        topology = folder / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{text}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(len(siblings))), raising=False)
    return folder


def test_two_threads_of_a_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = machine(tmp_path, monkeypatch, ["0,2", "1,3", "0,2", "1,3"])
    assert compute_threads(cpus, tmp_path / "none") == 2


def test_eight_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = machine(tmp_path, monkeypatch, [str(number) for number in range(32)])
    assert compute_threads(cpus, tmp_path / "none") == 8


@pytest.mark.parametrize(("quota", "threads"), [("150000 100000", 1), ("300000 100000", 3), ("10000 100000", 1)])
def test_a_containers_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, threads: int) -> None:
    cpus = machine(tmp_path, monkeypatch, ["0", "1", "2", "3"])
    (tmp_path / "cpu.max").write_text(quota)
    assert compute_threads(cpus, tmp_path / "cpu.max") == threads


@pytest.mark.parametrize("quota", ["max 100000", "", "0 0", "one two three"])
def test_a_limit_that_says_nothing_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str) -> None:
    cpus = machine(tmp_path, monkeypatch, ["0", "1"])
    (tmp_path / "cpu.max").write_text(quota)
    assert compute_threads(cpus, tmp_path / "cpu.max") == 2


def test_a_system_that_hides_its_cores_still_gets_threads(tmp_path: Path) -> None:
    assert compute_threads(tmp_path / "none", tmp_path / "none") >= 1
