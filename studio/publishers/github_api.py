"""The few calls of GitHub's REST API that publishing needs, and its refusals in words. The key is in one header, nowhere else.

Contract: https://docs.github.com/rest/repos/repos, /rest/users/users, /rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio import __version__
from studio.domain.errors import (
    AuthenticationFailed,
    BadInput,
    BadReply,
    ConnectionFailed,
    Overloaded,
    RateLimited,
    Refused,
    RequestRejected,
    StudioError,
    TimedOut,
)
from studio.domain.text import one_line
from studio.publishers.remote import LOOPBACK

if TYPE_CHECKING:
    import httpx2

API = "https://api.github.com"
DEADLINE_S = 30.0
"""Of silence."""
TOTAL_S = 90.0
"""For a whole reply."""
_REPLY_LIMIT = 2_000_000
_LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and its JSON."""

    status: int
    headers: Mapping[str, str]
    data: object

    def text(self, name: str) -> str:
        value = self.data.get(name) if isinstance(self.data, dict) else None
        return one_line(value, 400) if isinstance(value, str) else ""


def api_base(text: str) -> str:
    """The address of an API, without a slash at its end. Raises BadInput for one that a key should not go to."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not plain or not host or parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput("api is not an https address that a key may go to")
    return text.rstrip("/")


def web_base(api: str) -> str:
    """Where the repositories of an API are: github.com, or the server's own address (https://HOST/api/v3)."""
    return "https://github.com" if api == API else api.removesuffix("/api/v3")


class GithubApi:
    """Calls with one key. Redirects are not followed: they could take the key elsewhere."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._token = token
        self.host = urlsplit(base).hostname or ""

    async def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        """One request. Raises what stands between a question and its answer; 404 and 422 are answers."""
        import httpx2

        try:
            async with (
                asyncio.timeout(TOTAL_S),  # a service that sends a byte now and then never runs into the other limit
                httpx2.AsyncClient(timeout=DEADLINE_S, follow_redirects=False, headers=self._headers()) as client,
                client.stream(method, self._base + path, json=body) as response,
            ):
                data = await _bounded(response)
                reply = Reply(response.status_code, dict(response.headers), _json(data))
        except (httpx2.TimeoutException, TimeoutError) as error:
            within = TOTAL_S if isinstance(error, TimeoutError) else DEADLINE_S
            raise TimedOut(f"{self.host} did not answer within {within:.0f} seconds.", hint="Go on later.") from error
        except httpx2.HTTPError as error:
            raise ConnectionFailed(
                f"{self.host} could not be reached: {self.words(error)}.", hint="Go on later."
            ) from error
        self._refusals(reply, f"{method} {path}")
        return reply

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": f"studio/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def words(self, text: object) -> str:
        """Text of the service on one line, without the key."""
        return one_line(str(text).replace(self._token, "[key removed]"), 300).rstrip(".")

    def _refusals(self, reply: Reply, what: str) -> None:
        said = self.words(reply.text("message"))
        status = reply.status
        if status in (200, 201, 404, 422):
            if not isinstance(reply.data, dict | list):
                raise BadReply(f"{self.host} answered {what} with something that is not JSON.", status=status)
            return
        raise self._error(reply, what, said)

    def _error(self, reply: Reply, what: str, said: str) -> StudioError:
        status, wait = reply.status, _wait(reply)
        if status in (403, 429) and wait is not None:
            return RateLimited(
                f"{self.host} asks to wait {wait:.0f} seconds before more requests: {said or 'its limit is reached'}.",
                hint="Publish again after that: it goes on where it stopped.",
                retry_after=wait,
                status=status,
            )
        if status == 401:
            return AuthenticationFailed(
                f"{self.host} does not accept the key: {said or 'Bad credentials'}.",
                hint="Make a new token and set it again.",
                status=status,
            )
        if status == 403:
            return AuthenticationFailed(
                f"{self.host} does not allow {what} with this key: {said or 'Forbidden'}.",
                hint="The token needs the right to create and write repositories (repo; or Administration and Contents).",
                status=status,
            )
        if 300 <= status < 400:
            return Refused(f"{self.host} says that {what} has moved, and the key is not sent elsewhere.")
        if status >= 500:
            return Overloaded(f"{self.host} is in trouble (status {status}).", hint="Go on later.", status=status)
        return RequestRejected(f"{self.host} refused {what} (status {status}): {said}.", status=status)


async def _bounded(response: httpx2.Response) -> bytes:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > _REPLY_LIMIT:
            raise BadReply("The reply is larger than such a reply can be.")
    return data


def _json(data: bytes) -> object:
    try:
        found: object = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError):
        return None
    return found


def _bounded_wait(seconds: float) -> float:
    if math.isnan(seconds):
        raise ValueError("not a number of seconds")
    return min(max(seconds, 1.0), _LONGEST_WAIT_S)


def _wait(reply: Reply) -> float | None:
    """Seconds that the service asks to wait, by `retry-after` or by the end of the limit; None when it asks for nothing."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    try:
        if "retry-after" in headers:
            return _bounded_wait(float(headers["retry-after"]))
        if headers.get("x-ratelimit-remaining") == "0":
            return _bounded_wait(float(headers.get("x-ratelimit-reset", "0")) - time.time())
    except ValueError:
        return 60.0
    limited = reply.status == 429 or "rate limit" in reply.text("message").casefold()
    return 60.0 if limited else None
