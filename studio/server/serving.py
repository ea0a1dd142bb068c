"""Running the app: the listening socket, uvicorn with its bounds, and an end in which streams close first."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Generator, Sequence
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from studio.domain.errors import BadInput, StorageError
from studio.protocol.client import EngineClient
from studio.server.app import create_app
from studio.server.auth import Token
from studio.server.gateway import Gateway, Settings
from studio.server.limits import Limits

_GRACE_SECONDS = 5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises BadInput for a name that is none, StorageError for a port in use."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise BadInput(
            f"{host!r} is not an address of this computer.", hint="Leave --host out for 127.0.0.1."
        ) from error
    made = socket.socket(family, kind, proto)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise StorageError(
                f"Port {port} is in use.", hint="Choose another one with --port, or --port 0 for any."
            ) from error
        raise StorageError(f"{host} port {port} cannot be used: {(error.strerror or 'refused').lower()}.") from error
    made.setblocking(False)
    return made


class Timed(H11Protocol):
    """A connection whose request line and headers must be whole within `header_seconds`: uvicorn waits for ever."""

    header_seconds = Limits().header_seconds
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # `access_log=False` is forgotten where the root logger has a handler; the address of the invitation holds its code.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._arm()
        else:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """Signals belong to the command line; streams end before connections are waited for."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, announce: Callable[[Gateway], None]) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce(self._gateway)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.closing.set()
        await super().shutdown(sockets)


async def serve(
    listening: socket.socket,
    token: Token,
    client: EngineClient,
    *,
    limits: Limits | None = None,
    names: Sequence[str] = (),
    terminal: Sequence[str] = (),
    started: Callable[[Gateway], None] = lambda gateway: None,
) -> None:
    """Serve on `listening` until cancelled; `started` is called once requests are answered. The client stays open."""
    bounds = limits or Limits()
    settings = Settings(token, listening.getsockname()[1], bounds, tuple(names), tuple(terminal))
    app, gateway = create_app(settings, client)
    server = _Server(_config(app, bounds), gateway, started)
    running = asyncio.ensure_future(server.serve([listening]))
    try:
        await asyncio.shield(running)
    finally:
        server.should_exit = True
        await asyncio.gather(running, return_exceptions=True)


def _config(app: Any, limits: Limits) -> uvicorn.Config:
    protocol = type("TimedHttp", (Timed,), {"header_seconds": limits.header_seconds})
    return uvicorn.Config(
        app, http=protocol, ws="websockets-sansio", loop="asyncio", lifespan="off", interface="asgi3",
        access_log=False, log_config=None, server_header=False, proxy_headers=False,
        h11_max_incomplete_event_size=limits.header_bytes, limit_concurrency=limits.connections,
        ws_max_size=limits.body_bytes, ws_max_queue=16, timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
