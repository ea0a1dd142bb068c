"""A project that is shared: members of its group attach under their own names, nobody else does. Needs root, to be others."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.client import attach
from studio.domain.errors import Refused
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.workspace import scaffold
from studio.workspace.socket_path import socket_path
from tests.fakes.engine_process import attached, end_engine, kill_engine, whole
from tests.fakes.project import environment
from tests.fakes.wire_server import WireServer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

GROUP, MEMBER, STRANGER = 61_234, 61_235, 61_236


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may walk through, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="studio-shared-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def root(place: Path) -> AsyncIterator[Path]:
    root = place / "book"
    scaffold.create(root, title="Ours")
    os.chown(root, 0, GROUP)
    root.chmod(0o2770)
    yield root
    await end_engine(root)
    kill_engine(root)


def as_user(root: Path, uid: int, groups: list[int], *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """What the engine answers another user: its hello, then one frame for each request; or the error's name."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(uid)
            os.setuid(uid)
            os.write(into, json.dumps(_spoken(root, requests)).encode())
        except BaseException as error:
            os.write(into, json.dumps([{"failed": type(error).__name__}]).encode())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())
    os.waitpid(child, 0)
    return found


def _spoken(root: Path, requests: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(socket_path(root)))
        with line.makefile("rwb") as both:
            frames = [json.loads(both.readline() or b"{}")]
            for request in requests:
                both.write(json.dumps(request).encode() + b"\n")
                both.flush()
                frames.append(json.loads(both.readline() or b"{}"))
    return frames


INTRODUCTION = {"id": 1, "op": "hello", "args": {"author": "ana", "kind": "command"}}
CHAPTER = {"id": 2, "op": "chapter.add", "args": {"title": "By a member"}}


async def test_a_member_of_the_group_writes_under_the_name_that_the_kernel_gives(
    root: Path, place: Path, server: WireServer
) -> None:
    env = whole(environment(server, place)) | {"STUDIO_ENGINE_SHARED": "true"}
    async with attached(root, env, stays=True) as client:
        asked = {"id": 3, "op": "page.add", "args": {"chapter": "1", "title": "Fog", "brief": "Hers."}}
        frames = await asyncio.to_thread(as_user, root, MEMBER, [GROUP], INTRODUCTION, CHAPTER, asked)
        assert len(frames) == 4, frames
        hello, _, chapter, added = frames
        assert hello["hello"]["you"]["uid"] == MEMBER
        assert "ok" in chapter, chapter
        view = await client.query(q.GetPage(page=added["ok"]["page"]))
        assert view.brief is not None
        assert view.brief.author == str(MEMBER)
        assert stat.S_IMODE((root / ".studio").stat().st_mode) == 0o2770
        assert stat.S_IMODE(socket_path(root).stat().st_mode) == 0o660
        assert not stat.S_IMODE((root / ".studio" / "studio.duckdb").stat().st_mode) & 0o007
        assert await asyncio.to_thread(as_user, root, STRANGER, []) == [{"failed": "PermissionError"}]


async def test_without_the_setting_a_member_of_the_group_is_not_let_in(
    root: Path, place: Path, server: WireServer
) -> None:
    (root / "studio.toml").write_text((root / "studio.toml").read_text() + "\n[engine]\nshared = true\n")
    async with attached(root, whole(environment(server, place)), stays=True) as client:
        await client.execute(c.AddChapter(title="Mine"))
        assert stat.S_IMODE((root / ".studio").stat().st_mode) == 0o700
        assert await asyncio.to_thread(as_user, root, MEMBER, [GROUP]) == [{"failed": "PermissionError"}]
        os.chmod(root / ".studio", 0o777)
        os.chmod(socket_path(root), 0o777)
        (refused,) = await asyncio.to_thread(as_user, root, MEMBER, [GROUP])
        assert refused["err"]["message"] == "This engine belongs to another user."


def test_only_the_owner_starts_the_engine_of_a_shared_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: MEMBER)
    with pytest.raises(Refused, match="only the project's owner starts it"):
        attach._take_place(root, True, {})
