"""The terminal in a browser: the workbench on a pseudo-terminal, shown by the page of textual-serve over a WebSocket.

Of textual-serve only what runs in the browser is used: its own server has no token, and listens where every user of the computer
can connect. Here the page and its socket stand behind the gateway's guard, and nothing else listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.config.child import kill_child
from studio.server.gateway import Gateway
from studio.server.guard import refusal
from studio.server.refusals import TooMany

PACKAGE = "textual_serve"
_PIECE = 65_536
_LARGEST = 1_000
_LEAVING_SECONDS = 10.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# What belongs to the shell that the gateway was started in, or is a secret that the workbench does not need.
_NOT_PASSED = (
    "STUDIO_TOKEN",
    "TMUX",
    "STY",
    "SSH_TTY",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "COLUMNS",
    "LINES",
    "TERM_PROGRAM",
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>studio</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/terminal/static/css/xterm.css"><script src="/terminal/static/js/textual.js"></script>
<style>html, body, #terminal {{ height: 100%; margin: 0; background: #000; overflow: hidden; }} .ended {{ display: none; }}
body.-closed .ended {{ display: block; position: absolute; z-index: 100; padding: 2rem; color: #fff; font: 16px monospace; }}
.ended a {{ color: inherit; }}</style></head>
<body><p class="ended">The terminal has ended. <a href="/terminal">Open it again</a></p>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{socket}" data-font-size="16"></div></body></html>
"""


def assets() -> Path | None:
    """The folder of what the browser needs; None where textual-serve is not installed. Imports nothing of it."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "static" if spec and spec.submodule_search_locations else None


def routes(gateway: Gateway, command: Sequence[str], static: Path) -> list[BaseRoute]:
    async def show(request: Request) -> Response:
        scheme = "wss" if request.url.scheme == "https" else "ws"
        address = escape(f"{scheme}://{request.headers['host']}/terminal/ws")
        return HTMLResponse(_PAGE.format(socket=address), headers={"content-security-policy": _POLICY})

    async def talk(socket: WebSocket) -> None:
        try:
            with gateway.stream():
                await _serve(socket, gateway, command)
        except TooMany as error:
            await socket.send_denial_response(refusal(error))

    return [
        Route("/terminal", show),
        WebSocketRoute("/terminal/ws", talk),
        Mount("/terminal/static", StaticFiles(directory=static)),
    ]


async def _serve(socket: WebSocket, gateway: Gateway, command: Sequence[str]) -> None:
    await socket.accept()
    size = (_bounded(socket.query_params.get("width"), 80), _bounded(socket.query_params.get("height"), 24))
    line = await Line.open(command, *size)
    tasks = [
        asyncio.ensure_future(_show(line, socket)),
        asyncio.ensure_future(_listen(line, socket)),
        asyncio.ensure_future(gateway.closing.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await line.aclose()
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close()


async def _show(line: Line, socket: WebSocket) -> None:
    while piece := await line.read():
        await socket.send_bytes(piece)


async def _listen(line: Line, socket: WebSocket) -> None:
    """What the page sends: `["stdin", text]`, `["resize", {width, height}]`, `["ping", time]`; anything else is ignored."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            match _read(await socket.receive_text()):
                case ["stdin", str(text)]:
                    await line.write(text.encode("utf-8", "replace"))
                case ["resize", {"width": width, "height": height}]:
                    line.resize(_bounded(width, 80), _bounded(height, 24))
                case ["ping", str(when)]:
                    await socket.send_json(["pong", when])
                case _:
                    pass


def _read(raw: str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _bounded(value: object, otherwise: int) -> int:
    """A width or height that a terminal can have."""
    try:
        return min(max(int(str(value)), 2), _LARGEST)
    except ValueError:
        return otherwise


class Line:
    """One program on a pseudo-terminal of its own. Closing it is a dropped line: the program is sent SIGHUP and saves."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self._master = master
        self._process = process
        self._reader = asyncio.StreamReader()
        self._transport: asyncio.ReadTransport | None = None

    @classmethod
    async def open(cls, command: Sequence[str], width: int, height: int) -> Line:
        master, slave = os.openpty()
        _set_size(master, width, height)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "studio.server.on_terminal", *command, stdin=slave, stdout=slave,
                stderr=slave, start_new_session=True, env=environment(os.environ),
            )  # fmt: skip
        finally:
            os.close(slave)
        line = cls(master, process)
        loop = asyncio.get_running_loop()
        line._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(line._reader), os.fdopen(master, "rb", 0)
        )
        return line

    async def read(self) -> bytes:
        """What the program wrote; empty at its end, which Linux reports as an input/output error."""
        try:
            return await self._reader.read(_PIECE)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                return

    def resize(self, width: int, height: int) -> None:
        with contextlib.suppress(OSError):
            _set_size(self._master, width, height)

    async def aclose(self) -> None:
        if self._transport is not None:
            self._transport.close()
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self._process.wait()
        except TimeoutError:
            kill_child(self._process)
            await self._process.wait()


def _set_size(master: int, width: int, height: int) -> None:
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The program's environment. An editor would be a shell for whoever has the token: the workbench has its own."""
    kept = {name: value for name, value in env.items() if name not in _NOT_PASSED}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "VISUAL": "false", "EDITOR": "false"}
