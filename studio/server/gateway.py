"""The gateway's state while it runs: its client of the engine, its token and limits, what is open. One object for one server."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from studio.domain.errors import BadInput
from studio.protocol.client import EngineClient
from studio.server.auth import Invitation, Token
from studio.server.limits import Limits, Rate
from studio.server.refusals import TooMany

_MOST_KEYS = 4_096


@dataclass(frozen=True, slots=True)
class Settings:
    """`port` names the cookie; `names` are host names that the gateway answers to beside addresses and localhost.

    `terminal` is the command that a browser gets as a terminal; empty when it gets none.
    """

    token: Token
    port: int
    limits: Limits = field(default_factory=Limits)
    names: tuple[str, ...] = ()
    terminal: tuple[str, ...] = ()


class Gateway:
    def __init__(self, settings: Settings, client: EngineClient) -> None:
        self.settings = settings
        self.client = client
        self.limits = settings.limits
        self.invitation = Invitation()
        self.requests = Rate(self.limits.rate, self.limits.burst)
        self.failures = Rate(self.limits.failures_rate, self.limits.failures)
        self.keys = UsedKeys()
        self.closing = asyncio.Event()
        self._streams = 0

    @contextmanager
    def stream(self) -> Generator[None]:
        """A place among the streams that may be open at once. Raises TooMany."""
        if self._streams >= self.limits.streams:
            raise TooMany(f"{self._streams} streams are open already.", hint="Close one of them first.")
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


class UsedKeys:
    """Which request each idempotency key was used for, so that a key used for another one is refused and not answered wrongly."""

    def __init__(self) -> None:
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def check(self, key: str, *content: bytes) -> None:
        """Raises BadInput when `key` came with other content before."""
        digest = hashlib.sha256(b"\0".join(content)).digest()
        if self._digests.setdefault(key, digest) != digest:
            raise BadInput(
                "This Idempotency-Key was used for another request.", hint="Send a new key with a new request."
            )
        self._digests.move_to_end(key)
        while len(self._digests) > _MOST_KEYS:
            self._digests.popitem(last=False)
