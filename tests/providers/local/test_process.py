"""The owner of the child process: start, failures in words, restart, stop. The child is a fake; the real one is in `test_tiny`."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from studio.domain.errors import MissingModel
from studio.providers.local import process as process_module
from studio.providers.local.process import Launch, LocalServer, ServerState, child_environment, http_client

FAKE_CHILD = Path(__file__).with_name("fake_child.py")


@pytest.fixture(autouse=True)
def _own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="st-") as short:  # tmp_path is too long for a socket
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield
        assert os.listdir(short) == []


def server_that(folder: Path, words: str, **changes: float) -> tuple[LocalServer, list[ServerState]]:
    model = folder / "model.gguf"
    model.write_text(words)
    states: list[ServerState] = []
    command = (sys.executable, "-P", str(FAKE_CHILD))
    seconds = changes.get("load_seconds", 20.0)
    launch = Launch(model, "fake", 1234, folder / "log" / "child.log", load_seconds=seconds, command=command)
    return LocalServer(launch, states.append), states


async def ask(server: LocalServer, path: str = "/health") -> dict[str, object]:
    assert server.endpoint is not None
    async with http_client(server.endpoint, seconds=10) as client:
        answer = await client.get(f"http://localhost{path}")
        told: dict[str, object] = answer.json()
        return told


def wait_until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.01)


async def crash(server: LocalServer) -> None:
    with pytest.raises(httpx2.HTTPError):
        await ask(server, "/die")
    await asyncio.to_thread(wait_until, lambda: server.pid is None)


async def test_nothing_runs_before_the_first_call(tmp_path: Path) -> None:
    server, states = server_that(tmp_path, "ready")
    assert server.endpoint is None
    assert states == []
    await server.stop()
    assert states == []


async def test_the_first_call_starts_it_and_the_second_finds_it(tmp_path: Path) -> None:
    server, states = server_that(tmp_path, "ready")
    first = await server.ensure_running()
    assert await server.ensure_running() is first
    assert states == [ServerState.LOADING, ServerState.READY]
    await server.stop()
    assert states[-1] is ServerState.STOPPED


async def test_two_first_calls_at_once_start_one_child(tmp_path: Path) -> None:
    server, states = server_that(tmp_path, "ready")
    first, second = await asyncio.gather(server.ensure_running(), server.ensure_running())
    assert first is second
    assert states == [ServerState.LOADING, ServerState.READY]
    await server.stop()


async def test_the_socket_lies_in_a_private_folder_that_goes_with_the_child(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    endpoint = await server.ensure_running()
    assert endpoint.socket is not None
    folder = Path(endpoint.socket).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await server.stop()
    assert not folder.exists()


async def test_the_key_is_not_in_the_arguments_and_other_secrets_stay_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    server, _ = server_that(tmp_path, "ready")
    endpoint = await server.ensure_running()
    told = await ask(server)
    await server.stop()
    assert endpoint.key not in str(told["argv"])
    assert endpoint.key in str(told["env"])
    assert "sk-secret" not in str(told["env"])
    assert "'OMP_WAIT_POLICY': 'PASSIVE'" in str(told["env"])
    assert "1234" in str(told["argv"])


def test_the_childs_environment_keeps_what_is_no_secret() -> None:
    kept = child_environment({"HOME": "/h", "HF_TOKEN": "x", "my_api_key": "x", "DB_PASSWORD": "x"}, "k")
    assert set(kept) == {"HOME", "STUDIO_LOCAL_KEY", "OMP_WAIT_POLICY"}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (f"signal {signal.SIGILL.value}", "AVX2", "base_url"),
        (f"signal {signal.SIGKILL.value}", "memory ran out", "setup tiny"),
        ("exit 3", "xllamacpp, is not installed", "pip install xllamacpp"),
        ("exit 4", "could not be loaded (the tensor is missing)", "log is"),
        ("exit 7", "exit code 7: error loading model: the tensor is missing", "log is"),
        (f"signal {signal.SIGSEGV.value}", "by SIGSEGV", "log is"),
    ],
)
async def test_a_child_that_does_not_start_is_explained(tmp_path: Path, words: str, message: str, hint: str) -> None:
    server, states = server_that(tmp_path, words)
    with pytest.raises(MissingModel) as caught:
        await server.ensure_running()
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert states == [ServerState.LOADING, ServerState.FAILED]
    assert server.endpoint is None


@pytest.mark.parametrize("words", ["silent", "deaf"])
async def test_a_child_that_never_gets_ready_is_ended(tmp_path: Path, words: str) -> None:
    server, states = server_that(tmp_path, words, load_seconds=0.7)
    with pytest.raises(MissingModel, match=r"not ready after 0\.7 seconds"):
        await server.ensure_running()
    assert states[-1] is ServerState.FAILED
    assert not any(str(FAKE_CHILD) in " ".join(child.cmdline()) for child in psutil.Process().children())


async def test_a_missing_file_is_named_before_anything_starts(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    server.launch.model.unlink()
    with pytest.raises(MissingModel, match="is not there any more"):
        await server.ensure_running()


async def test_after_a_crash_it_is_started_once_more(tmp_path: Path) -> None:
    server, states = server_that(tmp_path, "ready")
    first = await server.ensure_running()
    await crash(server)
    assert "memory ran out" in (server.exit_reason() or "")
    second = await server.ensure_running()
    assert second.number == first.number + 1
    assert second.key != first.key
    assert ServerState.RESTARTING in states
    await server.stop()


async def test_a_second_crash_in_a_row_is_an_error_and_a_later_try_starts_anew(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    await server.ensure_running()
    await crash(server)
    await server.ensure_running()
    await crash(server)
    with pytest.raises(MissingModel, match="restarted once already"):
        await server.ensure_running()
    await server.ensure_running()
    await server.stop()


async def test_an_answer_between_two_crashes_forgives_the_first(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    for _ in range(3):
        await server.ensure_running()
        server.proved()
        await crash(server)
    await server.ensure_running()
    await server.stop()


async def test_a_child_under_suspicion_is_asked_for_its_health(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    first = await server.ensure_running()
    server.suspect()
    assert await server.ensure_running() is first
    os.kill(server.pid or 0, signal.SIGKILL)
    await server.ensure_running()
    await server.stop()


async def test_a_socket_that_was_cleaned_away_means_a_new_child(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    first = await server.ensure_running()
    assert first.socket is not None
    os.unlink(first.socket)
    second = await server.ensure_running()
    assert second.number == first.number + 1
    await server.stop()


async def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_STOP_SECONDS", 0.2)
    server, states = server_that(tmp_path, "stubborn")
    await server.ensure_running()
    pid = server.pid
    assert pid is not None
    await server.stop()
    assert not psutil.pid_exists(pid)
    assert states[-1] is ServerState.STOPPED


async def test_cancelling_the_start_leaves_no_child(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "silent")
    task = asyncio.create_task(server.ensure_running())
    await asyncio.to_thread(wait_until, lambda: server.pid is not None)
    pid = server.pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)


async def test_the_log_is_put_aside_when_large_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    server, _ = server_that(tmp_path, "ready")
    log = server.launch.log_path
    log.parent.mkdir()
    log.write_bytes(b"x" * 1_000_001)
    await server.ensure_running()
    await server.stop()
    assert log.with_name("child.log.1").stat().st_size == 1_000_001
    assert "a word for the log" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
