"""The smallest HTTP/1.1 server side that the fake needs: read a request, send a whole or a chunked answer, break off."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from urllib.parse import urlsplit

REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class ClientGoneError(Exception):
    """The client hung up."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a kept connection, or None at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return HttpRequest(method, urlsplit(target).path, headers, body)


class Responder:
    """Writes one answer and notices when the client leaves (`ClientGoneError`)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def whole(self, code: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        lines = [("content-type", content_type), ("content-length", str(len(body))), *headers]
        await self._write(self._head(code, lines) + body)

    async def start_stream(self, headers: tuple[tuple[str, str], ...] = ()) -> None:
        lines = [("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked"), *headers]
        await self._write(self._head(200, lines))

    async def chunk(self, data: bytes, split_every: int = 0) -> None:
        size = split_every or len(data)
        for start in range(0, len(data), size or 1):
            piece = data[start : start + size]
            await self._write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if split_every:
                await asyncio.sleep(0)

    async def end_stream(self) -> None:
        await self._write(b"0\r\n\r\n")

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the client does. Two requests are never pipelined by the SDKs."""
        if seconds <= 0:
            return
        try:
            data = await asyncio.wait_for(self._reader.read(1), seconds)
        except TimeoutError:
            return
        except ConnectionError as error:
            raise ClientGoneError from error
        if not data:
            raise ClientGoneError

    def reset(self) -> None:
        """Leave with a TCP RST."""
        sock: socket.socket | None = self._writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """Leave with a FIN, whatever was promised."""
        self._writer.close()

    async def _write(self, data: bytes) -> None:
        if self._writer.is_closing() or self._reader.at_eof():
            raise ClientGoneError
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGoneError from error

    @staticmethod
    def _head(code: int, lines: list[tuple[str, str]]) -> bytes:
        text = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"HTTP/1.1 {code} {REASONS.get(code, 'Answer')}\r\n{text}\r\n".encode("latin-1")
