"""Starting the engine: exactly one, whatever was left behind, wherever the project lies; and why it does not start."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from studio.client.attach import NotRunning, attach
from studio.domain.errors import BadInput, ProjectBusy, StorageError
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.workspace.lock import ProjectLock, holder
from studio.workspace.socket_path import LONGEST, socket_path
from tests.fakes.engine_process import attached, engine_pid, engines_of, gone, kill_engine
from tests.fakes.project import make_project, opened, until
from tests.process.conftest import ONE_START, Desk

STARTS = 20


async def test_twenty_programs_that_start_at_once_get_one_engine(desk: Desk) -> None:
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", ONE_START, str(desk.root), env=desk.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(STARTS)
    ]  # fmt: skip
    answers = await asyncio.gather(*(one.communicate() for one in started))
    assert [error for _, error in answers if error] == []
    assert len({out.strip() for out, _ in answers}) == 1
    assert engines_of(desk.root) == [int(answers[0][0])]


async def test_without_leave_to_start_one_nothing_is_started(desk: Desk) -> None:
    with pytest.raises(NotRunning):
        await attach(desk.root, spawn=False)
    assert not socket_path(desk.root).exists()


async def test_the_socket_of_an_engine_that_was_killed_is_replaced(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True) as client:
        await client.execute(c.AddChapter(title="One"))
        first = engine_pid(desk.root)
    kill_engine(desk.root)
    await gone(desk.root)
    assert socket_path(desk.root).exists()
    async with attached(desk.root, desk.env, stays=True) as client:
        assert [one.title for one in (await client.query(q.GetProject())).chapters] == ["One"]
        assert engine_pid(desk.root) != first


async def test_something_else_in_the_sockets_place_is_replaced(desk: Desk) -> None:
    socket_path(desk.root).parent.mkdir(mode=0o700, exist_ok=True)
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(socket_path(desk.root)))
    other.close()
    async with attached(desk.root, desk.env, stays=True) as client:
        assert (await client.query(q.GetProject())).seq == 0


async def test_a_path_that_is_too_long_for_a_socket_works(desk: Desk, tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["a folder with a long name"] * 6)
    deep.mkdir(parents=True)
    root = make_project(deep)
    assert len(os.fsencode(socket_path(root))) > LONGEST
    async with attached(root, desk.env) as client:
        assert (await client.query(q.GetProject())).root == str(root)


async def test_socket_and_folder_are_for_the_owner_alone(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True):
        assert socket_path(desk.root).stat().st_mode & 0o777 == 0o600
        assert socket_path(desk.root).parent.stat().st_mode & 0o777 == 0o700
        assert (desk.root / ".studio" / "engine.log").stat().st_mode & 0o777 == 0o600


async def test_the_engine_is_no_child_and_has_no_terminal_of_the_one_who_started_it(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True):
        pid = engine_pid(desk.root)
        assert pid is not None
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
        assert parent != os.getpid()
        assert session != os.getsid(0)
        assert terminal == 0
        assert os.readlink(f"/proc/{pid}/fd/0") == os.devnull
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


async def test_settings_that_cannot_be_read_are_the_answer_to_those_who_wait(desk: Desk) -> None:
    (desk.root / "studio.toml").write_text("[limits]\nretries = 'many'\n")
    with pytest.raises(BadInput, match="retries"):
        await attach(desk.root, env=desk.env)
    await until(lambda: engines_of(desk.root) == [])
    assert not socket_path(desk.root).exists()


async def test_a_module_in_the_project_is_not_imported_in_place_of_the_programs(desk: Desk) -> None:
    (desk.root / "studio").mkdir()
    (desk.root / "studio" / "__init__.py").write_text("raise SystemExit(9)")
    (desk.root / "duckdb.py").write_text("raise SystemExit(9)")
    async with attached(desk.root, desk.env, stays=True) as client:
        await client.query(q.GetProject())


async def test_a_project_held_by_a_command_is_waited_for(desk: Desk) -> None:
    async with opened(desk.root, desk.env):
        waiting = asyncio.create_task(attach(desk.root, env=desk.env))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    client = await waiting
    assert (await client.query(q.GetProject())).seq == 0
    await client.aclose()


async def test_an_engine_in_process_is_refused_with_the_pid_of_the_engine_that_lives(desk: Desk) -> None:
    async with attached(desk.root, desk.env, stays=True):
        pid = engine_pid(desk.root)
        with pytest.raises(ProjectBusy) as caught:
            async with opened(desk.root, desk.env):
                pass
        assert caught.value.data["pid"] == pid
        assert str(pid) in caught.value.message


async def test_another_computers_lock_is_a_refusal_at_once(desk: Desk) -> None:
    lock = ProjectLock.acquire(_with_state(desk.root))
    text = Path(lock.path).read_text().replace(socket.gethostname(), "another-host")
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock.release()
    Path(desk.root / ".studio" / "engine.lock").write_text(text.replace(kernel, "elsewhere"))
    with pytest.raises(ProjectBusy, match="another-host"):
        await attach(desk.root, env=desk.env)


def _with_state(root: Path) -> Path:
    (root / ".studio").mkdir(mode=0o700, exist_ok=True)
    return root


async def test_a_folder_that_cannot_be_written_is_said_with_its_name_and_nothing_is_left(desk: Desk) -> None:
    shutil.rmtree(desk.root / ".studio")
    for folder in (desk.root.parent, desk.root.parent.parent, desk.root.parent.parent.parent):
        folder.chmod(0o755)
    desk.root.chmod(0o555)
    me = os.geteuid()
    try:
        if me == 0:
            os.seteuid(65534)
        with pytest.raises(StorageError, match="book") as caught:
            await attach(desk.root, env=desk.env)
    finally:
        os.seteuid(me)
        desk.root.chmod(0o755)
    assert "you may not do that there" in str(caught.value)
    assert not (desk.root / ".studio").exists()


async def test_a_state_folder_that_is_full_of_something_else_is_said(desk: Desk) -> None:
    shutil.rmtree(desk.root / ".studio")
    (desk.root / ".studio").write_text("a file")
    with pytest.raises(BadInput, match="folder"):
        await attach(desk.root, env=desk.env)
    (desk.root / ".studio").unlink()


async def test_a_socket_that_cannot_be_made_frees_the_lock(desk: Desk) -> None:
    socket_path(_with_state(desk.root)).mkdir()
    with pytest.raises(StorageError):
        await attach(desk.root, env=desk.env)
    assert holder(desk.root) is None
    socket_path(desk.root).rmdir()


async def test_a_key_that_was_set_later_reaches_an_idle_engine(desk: Desk) -> None:
    """An engine has the environment of whoever started it: with a new key in hand, an idle one is started again."""
    bare = {name: value for name, value in desk.env.items() if not name.startswith("OPENAI_")}
    async with attached(desk.root, bare, stays=True) as client:
        assert (await client.query(q.GetProject())).model is None
        first = engine_pid(desk.root)
    async with attached(desk.root, {**desk.env, "OPENAI_API_KEY": "sk-later-0123456789"}, stays=True) as client:
        assert engine_pid(desk.root) != first
        assert (await client.query(q.GetProject())).model
        second = engine_pid(desk.root)
    async with attached(desk.root, bare, stays=True) as client:
        assert (await client.query(q.GetProject())).model, "a terminal without the key takes none away"
        assert engine_pid(desk.root) == second
