"""Bounds on what a client may send and how often: body, nesting, header, time, streams, requests per second."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.server.refusals import BadRequest, TooLarge, TooMany, TooSlow

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_MOST_CLIENTS = 1_024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts and seconds. `rate` is requests a second over a long time, `burst` what may come at once, both per client."""

    body_bytes: int = 6_000_000
    nesting: int = 32
    header_bytes: int = 16_384
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    answer_seconds: float = 60.0
    streams: int = 32
    connections: int = 256
    rate: float = 100.0
    burst: float = 300.0
    failures: float = 10.0
    failures_rate: float = 1 / 6


def check_nesting(raw: bytes, most: int) -> None:
    """Raises BadRequest for JSON whose lists and objects stand deeper than `most`; looks at brackets outside of strings only."""
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > most:
            raise BadRequest(f"The JSON is nested deeper than {most} levels.")


class Rate:
    """Token buckets by client address. An address of IPv6 counts by its /64, which one machine has to itself."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one request. Raises TooMany once the client's bucket is empty."""
        left = self.left(address)
        if left < 1:
            wait = max(1, round((1 - left) / self._rate))
            raise TooMany("Too many requests.", hint=f"Try again in {wait} s.", retry_after=wait)
        key = _client(address)
        self._buckets[key] = (left - 1, self._clock())
        self._buckets.move_to_end(key)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)

    def left(self, address: str) -> float:
        """How many requests the client may send at once now."""
        left, seen = self._buckets.get(_client(address), (self._burst, 0.0))
        return min(self._burst, left + (self._clock() - seen) * self._rate)


def _client(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


class BoundedBodies:
    """ASGI: a request's body is read whole before its route sees it, within the limits of size and time."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is None:
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; None when the client went away in the middle. Raises TooLarge or TooSlow."""
        most = self._limits.body_bytes
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            raise _too_large(most)
        pieces: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    pieces.append(message.get("body", b""))
                    size += len(pieces[-1])
                    if size > most:
                        raise _too_large(most)
                    more = message.get("more_body", False)
        except TimeoutError as error:
            raise TooSlow(f"The body did not arrive within {self._limits.body_seconds:.0f} s.") from error
        return b"".join(pieces)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most / 1e6:.1f} MB.", hint="Send a shorter text.")
