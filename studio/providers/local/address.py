"""Weights from the model's official address: one streamed HTTPS download, redirects judged, nothing trusted but the digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from studio.domain.text import one_line
from studio.providers.local.part_file import PartFile, SourceFailed
from studio.providers.local.progress import Progress, Step, Tell
from studio.providers.local.weights import Weights

if TYPE_CHECKING:
    import httpx2

_MAX_REDIRECTS = 5
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection and for the next bytes."""

    connect: float = 5.0
    read: float = 30.0


async def download(weights: Weights, url: str, part: PartFile, tell: Tell, patience: Patience) -> None:
    """Stream `url` into `part`. Raises SourceFailed with the reason; cancelling the task hangs up."""
    import httpx2

    timeout = httpx2.Timeout(patience.read, connect=patience.connect)
    try:
        async with httpx2.AsyncClient(timeout=timeout, follow_redirects=False) as client:
            await _follow(client, weights, url, part, tell)
    except httpx2.ConnectTimeout as error:
        raise SourceFailed(f"no connection to {_host(url)} within {patience.connect:g} seconds") from error
    except httpx2.TimeoutException as error:
        raise SourceFailed(f"{_host(url)} sent nothing for {patience.read:g} seconds") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = one_line(str(error)) or type(error).__name__
        raise SourceFailed(f"the connection to {_host(url)} failed ({reason})") from error


async def _follow(client: httpx2.AsyncClient, weights: Weights, url: str, part: PartFile, tell: Tell) -> None:
    for _ in range(_MAX_REDIRECTS + 1):
        if not _may_ask(url):
            raise SourceFailed(f"{one_line(url)} is not an https address")
        tell(Progress(Step.CONNECTING, note=_host(url)))
        async with client.stream("GET", url, headers={"accept-encoding": "identity"}) as answer:
            if not answer.is_redirect:
                await _receive(answer, weights, url, part, tell)
                return
            url = _redirected(url, answer.headers.get("location", ""))
    raise SourceFailed(f"{_host(url)} redirects without end")


async def _receive(answer: httpx2.Response, weights: Weights, url: str, part: PartFile, tell: Tell) -> None:
    if answer.status_code != 200:
        raise SourceFailed(f"{_host(url)} answered {answer.status_code}")
    if "html" in answer.headers.get("content-type", "").lower():
        raise SourceFailed(f"{_host(url)} sent a web page instead of the model")
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length) != weights.size:
        raise SourceFailed(f"{_host(url)} offers {length} bytes, not the expected {weights.size}")
    async for chunk in answer.aiter_raw(1 << 20):
        part.write(chunk)
        tell(Progress(Step.DOWNLOADING, note=_host(url), done=part.written, total=weights.size))


def _redirected(origin: str, location: str) -> str:
    """The next address. From https only to https; from loopback (a mirror in a test) only to loopback."""
    target = urljoin(origin, location)
    same_kind = _is_loopback(target) if _is_loopback(origin) else urlsplit(target).scheme == "https"
    if not location or not same_kind or not _may_ask(target):
        raise SourceFailed(f"{_host(origin)} redirects to {one_line(location, 80) or 'nowhere'}, which is not followed")
    return target


def _may_ask(url: str) -> bool:
    return urlsplit(url).scheme == "https" or (urlsplit(url).scheme == "http" and _is_loopback(url))


def _is_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in _LOOPBACK


def _host(url: str) -> str:
    return one_line(urlsplit(url).netloc, 80) or "the address"
