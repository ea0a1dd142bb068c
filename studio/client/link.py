"""One connection to an engine: opened, greeted, one line at a time. Finding or starting the engine is in `attach`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from studio.config.files import storage_error
from studio.domain.errors import StorageError
from studio.protocol import wire
from studio.workspace.socket_path import connect, socket_path


class NobodyThere(Exception):
    """No socket, or one that nobody listens on."""


class EngineLeft(Exception):
    """The stream ended before the engine said hello: it was about to leave."""


class EngineSilent(Exception):
    """A connection was taken by the kernel, and no hello came in time."""


class Link:
    """A greeted connection. `read` is for one reader; `write` never waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: wire.Hello) -> None:
        self.hello = hello
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes | None:
        """The next frame's bytes; None when the stream has ended. Raises StorageError for a frame beyond all measure."""
        try:
            return await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, OSError):
            return None
        except asyncio.LimitOverrunError as error:
            raise StorageError("The engine sent an answer that is too large.") from error

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def ended(self) -> None:
        """Wait for the end of the stream."""
        with suppress(StorageError):
            while await self.read() is not None:
                pass

    def close(self) -> None:
        self._writer.close()

    async def aclose(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def open_link(root: Path, seconds: float = wire.HELLO_SECONDS) -> Link:
    """Connect and hear the engine's hello. Raises NobodyThere, EngineLeft, EngineSilent, or the error the engine answers instead."""
    try:
        connection = connect(root)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NobodyThere from error
    except BlockingIOError as error:  # the kernel's queue of connections is full: nobody takes them
        await asyncio.sleep(0.1)
        raise EngineSilent from error
    except OSError as error:
        raise storage_error(error, str(socket_path(root)), "opened") from error
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=wire.MAX_FRAME)
    try:
        hello = await _hello(reader, seconds)
    except BaseException:
        writer.close()
        raise
    return Link(reader, writer, hello)


async def _hello(reader: asyncio.StreamReader, seconds: float) -> wire.Hello:
    try:
        raw = await asyncio.wait_for(reader.readuntil(b"\n"), seconds)
    except TimeoutError as error:
        raise EngineSilent from error
    except (asyncio.IncompleteReadError, OSError) as error:
        raise EngineLeft from error
    frame = wire.read_frame(raw)
    if frame.err is not None:
        raise wire.as_error(frame.err)
    if frame.hello is None:
        raise StorageError("What answers on the engine's socket is not an engine.", hint="studio engine kill")
    return frame.hello
