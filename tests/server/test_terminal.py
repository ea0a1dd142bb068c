"""The terminal in a browser: the real workbench behind the gateway's guard, driven as the page of textual-serve drives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from studio.server import terminal
from studio.server.auth import Token
from studio.server.gateway import Gateway
from studio.server.limits import Limits
from studio.server.serving import listen, serve
from tests.fakes.engine_process import attached, end_engine
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.project import add_page, environment, make_project
from tests.fakes.wire_server import WireServer
from tests.server.conftest import BEARER, FAST, TOKEN

SHELL = (sys.executable, "-c")
ECHO = "import os, sys; print('size', *os.get_terminal_size(), flush=True); print('got', input(), flush=True)"


@contextlib.asynccontextmanager
async def serving(command: tuple[str, ...]) -> AsyncIterator[Gateway]:
    up: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(
        serve(
            listen("127.0.0.1", 0),
            Token(TOKEN, "the tests"),
            FakeEngine(),
            limits=Limits(**FAST),
            terminal=command,
            started=up.set_result,
        )
    )
    try:
        async with asyncio.timeout(10):
            yield await up
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def opened(gateway: Gateway, size: str = "width=80&height=24", **headers: str) -> connect:
    address = f"ws://127.0.0.1:{gateway.settings.port}/terminal/ws?{size}"
    return connect(address, additional_headers=headers or BEARER, proxy=None, max_size=None)


def reader(gateway: Gateway) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{gateway.settings.port}", headers=BEARER, trust_env=False)


async def shown(socket: ClientConnection, wanted: str, seconds: float = 30.0) -> str:
    """What the program wrote, once `wanted` stands in it."""
    text = ""
    async with asyncio.timeout(seconds):
        while wanted not in text:
            piece = await socket.recv()
            text += piece.decode("utf-8", "replace") if isinstance(piece, bytes) else ""
    return text


async def test_keys_reach_the_program_and_its_words_come_back() -> None:
    async with serving((*SHELL, ECHO)) as gateway, opened(gateway, "width=100&height=30") as socket:
        await shown(socket, "size 100 30")
        await socket.send(json.dumps(["stdin", "hello\r"]))
        await shown(socket, "got hello")
        with pytest.raises(ConnectionClosed):
            await shown(socket, "never written")


async def test_a_new_size_reaches_the_program_and_strange_frames_do_nothing() -> None:
    code = "import os\nwhile input() != 'q': print('size', *os.get_terminal_size(), flush=True)"
    async with serving((*SHELL, code)) as gateway, opened(gateway) as socket:
        for frame in (
            "x",
            "[]",
            '["stdin"]',
            '["stdin", 5]',
            '["resize", {"width": {}}]',
            '["open", "/etc"]',
            "[" * 9_000,
        ):
            await socket.send(frame)
        await socket.send(json.dumps(["resize", {"width": 60, "height": 20}]))
        await socket.send(json.dumps(["stdin", "a\r"]))
        await shown(socket, "size 60 20")
        await socket.send(json.dumps(["ping", "12"]))
        async with asyncio.timeout(10):
            while (piece := await socket.recv()) != '["pong","12"]':
                assert isinstance(piece, bytes)


async def test_a_browser_that_goes_is_a_dropped_line(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    code = (
        "import os, signal, sys, time\n"
        f"signal.signal(signal.SIGHUP, lambda *_: (open({str(kept)!r}, 'w').write(str(os.getpid())), os._exit(0)))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    async with serving((*SHELL, code)) as gateway:
        async with opened(gateway) as socket:
            await shown(socket, "ready")
        async with asyncio.timeout(10):
            while not (kept.exists() and kept.read_text()):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", ["/terminal", "/terminal/static/js/textual.js", "/terminal/static/css/xterm.css"])
async def test_the_page_and_its_parts_need_the_token(path: str) -> None:
    async with serving((*SHELL, ECHO)) as gateway, reader(gateway) as http:
        assert (await http.get(path, headers={"authorization": ""})).status_code == 401
        assert (await http.get(path)).status_code == 200
        assert (await http.get("/terminal/static/../../app_service.py")).status_code == 404
        assert (await http.get("/terminal/static/%2e%2e/app_service.py")).status_code == 404
        assert (await http.get("/terminal/static/")).status_code == 404


async def test_the_page_names_its_own_socket_and_loads_nothing_from_elsewhere() -> None:
    async with serving((*SHELL, ECHO)) as gateway, reader(gateway) as http:
        page = await http.get("/terminal")
    assert f'"ws://127.0.0.1:{gateway.settings.port}/terminal/ws"' in page.text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page.text)
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_a_stranger_gets_no_terminal() -> None:
    async with serving((*SHELL, ECHO)) as gateway:
        cookie = f"studio-{gateway.settings.port}={gateway.settings.token.cookie}"
        for headers in ({"x": "y"}, {"cookie": cookie}, {"cookie": cookie, "origin": "http://localhost:3000"}):
            with pytest.raises(InvalidStatus) as caught:
                async with opened(gateway, **headers):
                    pass
            assert caught.value.response.status_code == 403


async def test_without_a_command_there_is_no_terminal() -> None:
    async with serving(()) as gateway:
        with pytest.raises(InvalidStatus):
            async with opened(gateway):
                pass


def test_the_program_gets_no_token_and_no_editor() -> None:
    made = terminal.environment({"STUDIO_TOKEN": TOKEN, "EDITOR": "vim", "TMUX": "x", "HOME": "/home/ana"})
    assert (made["EDITOR"], made["HOME"], made["TERM"]) == ("false", "/home/ana", "xterm-256color")
    assert not {"STUDIO_TOKEN", "TMUX"} & made.keys()


async def test_the_workbench_shows_the_book_and_is_left_by_its_key(
    wire_server: WireServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, env = make_project(tmp_path), environment(wire_server, tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    try:
        async with attached(root, env, stays=True) as client:
            await add_page(client)
        command = (sys.executable, "-P", "-m", "studio.cli.main", "-C", str(root))
        async with serving(command) as gateway, opened(gateway, "width=120&height=40") as socket:
            await shown(socket, "The Crossing")
            await socket.send(json.dumps(["stdin", "q"]))
            with pytest.raises(ConnectionClosed):
                await shown(socket, "never written")
    finally:
        await end_engine(root)
