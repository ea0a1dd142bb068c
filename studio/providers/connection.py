"""How a service is reached: address, key, headers, timeouts; and the HTTP client that refuses redirects. No API's words here."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio import __version__
from studio.domain.errors import BadReply
from studio.domain.text import one_line
from studio.providers.base import ModelProfile
from studio.providers.classify import CallSite, error_in_body, from_fault, missing_key, unusable_key

if TYPE_CHECKING:
    import httpx2

MODEL_LIST_LIMIT = 2_000
_LARGEST_STRAY_REPLY = 64 * 1024
_SDK_HEADERS = ("x-stainless-", "anthropic-version", "anthropic-beta", "idempotency-key")
_HTTP_HEADERS = frozenset(
    ("host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length", "authorization")
)
_NO_KEY = "not-needed"  # both SDKs insist on one; servers without keys ignore it


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `read` is the longest silence between two pieces of a reply; the SDKs' default would be 600."""

    connect: float = 5.0
    read: float = 90.0
    write: float = 30.0
    pool: float = 5.0


@dataclass(frozen=True, slots=True)
class Connection:
    """One endpoint with one set of credentials. `key` is asked at each call (it may block), so a new key needs no restart.

    `native` says that the endpoint is the SDK's own (api.openai.com, api.anthropic.com, or what the SDK's base-URL variable
    names): only there may headers that the SDK takes from the environment (OPENAI_ORG_ID, ANTHROPIC_CUSTOM_HEADERS) be sent.
    """

    name: str
    base_url: str
    key: Callable[[], str | None]
    profile: Callable[[str], ModelProfile]
    key_env: str = ""
    key_required: bool = True
    native: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=Timeouts)
    uds: str | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def site(self, model: str = "", key: str = "") -> CallSite:
        """Who is asked, for errors."""
        secret = "" if key == _NO_KEY else key
        return CallSite(provider=self.name, host=self.host, model=model, key_env=self.key_env, secret=secret)

    async def current_key(self) -> str:
        """The key as it is now, or a placeholder where none is needed. Raises MissingKey, AuthenticationFailed.

        Asked in a thread: a command that prints it may take seconds, or a finger on a reader.
        """
        key = (await asyncio.to_thread(self.key) or "").strip()
        if not (key.isascii() and key.isprintable()):
            raise unusable_key(self.site())
        if key:
            return key
        if self.key_required:
            raise missing_key(self.site())
        return _NO_KEY


def user_agent(note: str) -> str:
    """`studio/<version> (<note>)`, in the characters that a header may hold."""
    plain = one_line(note, 60).encode("ascii", "ignore").decode()
    return f"studio/{__version__} ({plain})" if plain else f"studio/{__version__}"


def is_loopback(base_url: str) -> bool:
    """Whether the address is this computer itself."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_client(connection: Connection) -> httpx2.AsyncClient:
    """An HTTP client that follows no redirect, so that neither the prompt nor the key goes to a host nobody named.

    Proxies of the environment are used except for this computer.
    """
    import httpx2

    waits = connection.timeouts
    # llama.cpp's server closes a connection at the end of every stream, and an idle one after 5 s, without a word before: a request
    # that is sent at that moment is lost (1 of 150 in a row). Without TLS a new connection for each costs one round trip.
    kept = 20 if urlsplit(connection.base_url).scheme == "https" else 0
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=kept, keepalive_expiry=4.0)
    return httpx2.AsyncClient(
        follow_redirects=False,
        timeout=httpx2.Timeout(connect=waits.connect, read=waits.read, write=waits.write, pool=waits.pool),
        limits=limits,
        trust_env=not is_loopback(connection.base_url),
        transport=httpx2.AsyncHTTPTransport(uds=connection.uds, limits=limits) if connection.uds else None,
        event_hooks={} if connection.native else {"request": [_only_own_headers(connection)]},
    )


def _only_own_headers(connection: Connection) -> Callable[[httpx2.Request], Awaitable[None]]:
    """Drops what the SDKs add from the environment: an organisation's id or a custom header is not this endpoint's business."""
    own = {name.lower() for name in connection.headers}

    async def strip(request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name not in _HTTP_HEADERS and name not in own and not name.startswith(_SDK_HEADERS):
                del request.headers[name]

    return strip


async def require_stream(response: httpx2.Response, site: CallSite) -> None:
    """Raises unless the reply may be an event stream: a sign-in page or a bare JSON object would pass as an empty success."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "html" in kind:
        raise BadReply(
            f"{site} answered with a web page instead of a model's reply.",
            hint="Check the base URL, and whether a proxy or a sign-in page stands between.",
        )
    if "json" not in kind:
        return
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_STRAY_REPLY:
            break
    try:
        error = error_in_body(json.loads(body))
    except (ValueError, RecursionError):
        error = None
    if error is not None:
        raise from_fault(response.status_code, *error, site)
    raise BadReply(f"{site} sent its reply in one piece instead of a stream.", hint="Check the base URL and its API.")


def request_id(response: httpx2.Response) -> str | None:
    """The service's id of the request, for its support."""
    found = response.headers.get("request-id") or response.headers.get("x-request-id")
    return found[:100] if found else None
