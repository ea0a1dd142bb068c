"""Trying again before the first token: backoff with jitter, Retry-After up to a bound, never after text or a call has arrived."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from studio.domain.errors import ProviderError
from studio.providers.base import (
    AttemptFailed,
    AttemptPart,
    AttemptStarted,
    ModelRequest,
    Provider,
    TextDelta,
    ToolPart,
)
from studio.providers.classify import CallSite, classify

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from studio.providers.base import StreamPart


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`tries` counts the first one. A service that asks for more than `max_wait` seconds is not waited for."""

    tries: int = 3
    base_seconds: float = 1.0
    cap_seconds: float = 20.0
    max_wait: float = 60.0


async def stream_with_retry(
    provider: Provider,
    request: ModelRequest,
    policy: RetryPolicy | None = None,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
    rng: random.Random | None = None,
) -> AsyncIterator[AttemptPart]:
    """The provider's stream, with `AttemptStarted` before each try and `AttemptFailed` after one that failed before its first text.

    Raises the last ProviderError (after its AttemptFailed) when no try is left or another would not help, and at once when text
    or the name of a called tool had already arrived: it was paid for, and the caller keeps it. Cancelling during a wait or a
    stream ends it at once.
    """
    rules, dice = policy or RetryPolicy(), rng or random.Random()
    for number in range(1, rules.tries + 1):
        yield AttemptStarted(number)
        started, text_seen = clock(), False
        try:
            # Every provider's stream is an async generator; the protocol promises only an iterator.
            async with aclosing(cast("AsyncGenerator[StreamPart, None]", provider.stream(request))) as parts:
                async for part in parts:
                    text_seen = text_seen or isinstance(part, TextDelta | ToolPart)
                    yield part
            return
        except ProviderError as error:
            failure = error
        except Exception as error:
            failure = classify(error, CallSite(provider.name, model=request.model))
        if text_seen:
            raise failure
        wait = _wait(failure, number, rules, dice)
        if wait is None:
            failure = _final(failure, rules)
        yield AttemptFailed(number, failure, wait, (clock() - started) * 1000)
        if wait is None:
            raise failure
        await sleep(wait)


def _wait(error: ProviderError, number: int, policy: RetryPolicy, rng: random.Random) -> float | None:
    """Seconds until the next try; None when there is none."""
    if not error.retryable or number >= policy.tries:
        return None
    # Between half and all of the doubled step, so that many clients do not come back together.
    backoff = min(policy.base_seconds * 2.0 ** (number - 1), policy.cap_seconds) * (0.5 + rng.random() / 2)
    if error.retry_after is None:
        return backoff
    if error.retry_after > policy.max_wait:
        return None
    return min(error.retry_after + backoff * 0.1, policy.max_wait)


def _final(error: ProviderError, policy: RetryPolicy) -> ProviderError:
    """The error with the wait that the service asked for, where that was too long to sit out."""
    if not error.retryable or error.retry_after is None or error.retry_after <= policy.max_wait:
        return error
    return type(error)(
        error.message,
        hint=f"The service asked to wait {_spoken(error.retry_after)}; choose another model or come back then.",
        data=error.data,
        retry_after=error.retry_after,
        status=error.status,
    )


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{round(seconds)} seconds"
    return f"{round(seconds)} seconds (about {round(seconds / 60)} minutes)"
