"""Trying again: how often, how long between, and when not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from studio.domain.errors import (
    AuthenticationFailed,
    BadReply,
    ConnectionFailed,
    Overloaded,
    ProviderError,
    RateLimited,
)
from studio.providers.base import AttemptFailed, AttemptPart, AttemptStarted, Finished, Provider, TextDelta
from studio.providers.retry import RetryPolicy, stream_with_retry
from studio.providers.scripted import Pause, ScriptedProvider
from tests.fakes.wire_script import Fault, Step, status
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import APIS, asking, text_of

Make = Callable[..., Provider]


class FakeSleep:
    """Records waits instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


async def run(
    provider: Provider, policy: RetryPolicy | None = None
) -> tuple[list[AttemptPart], list[float], ProviderError | None]:
    """All parts, the waits, and the error at the end, if any."""
    sleep, parts = FakeSleep(), []
    try:
        async for part in stream_with_retry(provider, asking(), policy, sleep=sleep, rng=random.Random(1)):
            parts.append(part)
    except ProviderError as error:
        return parts, sleep.waits, error
    return parts, sleep.waits, None


async def test_an_overloaded_service_is_asked_three_times_with_growing_waits() -> None:
    provider = ScriptedProvider([[Overloaded("busy")]])

    parts, waits, error = await run(provider)

    assert isinstance(error, Overloaded)
    assert len(provider.requests) == 3
    assert [part.number for part in parts if isinstance(part, AttemptStarted)] == [1, 2, 3]
    assert [part.wait_seconds for part in parts if isinstance(part, AttemptFailed)] == [*waits, None]
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


async def test_waits_are_bounded_and_jittered() -> None:
    policy = RetryPolicy(tries=8, cap_seconds=4)

    _, waits, _ = await run(ScriptedProvider([[ConnectionFailed("gone")]]), policy)

    assert len(waits) == 7
    assert max(waits) <= 4
    assert len(set(waits)) == 7


async def test_a_second_try_that_works_is_a_whole_answer() -> None:
    provider = ScriptedProvider([[Overloaded("busy")], ["A page."]])

    parts, _, error = await run(provider)

    assert error is None
    assert [type(part) for part in parts] == [AttemptStarted, AttemptFailed, AttemptStarted, TextDelta, Finished]


async def test_nothing_is_bought_again_once_text_has_arrived() -> None:
    provider = ScriptedProvider([["Half a ", ConnectionFailed("cut")], ["never"]])

    parts, waits, error = await run(provider)

    assert isinstance(error, ConnectionFailed)
    assert waits == []
    assert len(provider.requests) == 1
    assert text_of(parts) == "Half a "  # type: ignore[arg-type]
    assert not [part for part in parts if isinstance(part, AttemptFailed)]


@pytest.mark.parametrize("error", [AuthenticationFailed("key"), BadReply("html")])
async def test_what_another_try_would_not_mend_is_not_tried(error: ProviderError) -> None:
    provider = ScriptedProvider([[error]])

    parts, _, raised = await run(provider)

    assert raised is error
    assert len(provider.requests) == 1
    assert isinstance(parts[-1], AttemptFailed)
    assert parts[-1].wait_seconds is None


async def test_the_wait_that_was_asked_for_is_kept_up_to_the_bound() -> None:
    provider = ScriptedProvider([[RateLimited("slow down", retry_after=30)], ["A page."]])

    _, waits, error = await run(provider)

    assert error is None
    assert 30 <= waits[0] <= 31


async def test_a_day_is_not_waited_for_and_the_person_is_told() -> None:
    provider = ScriptedProvider([[RateLimited("slow down", retry_after=86_400)]])

    _, waits, error = await run(provider)

    assert waits == []
    assert len(provider.requests) == 1
    assert isinstance(error, RateLimited)
    assert "86400 seconds" in error.hint


async def test_an_exception_that_no_adapter_caught_becomes_an_error_of_the_tree() -> None:
    provider = ScriptedProvider([[ValueError("odd")]])

    _, _, error = await run(provider)

    assert isinstance(error, BadReply)


async def test_cancelling_during_a_wait_ends_it() -> None:
    provider = ScriptedProvider([[Overloaded("busy")]])
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def read() -> None:
        async for _ in stream_with_retry(provider, asking(), sleep=sleep):
            pass

    task = asyncio.create_task(read())
    await asyncio.wait_for(waiting.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(provider.requests) == 1


async def test_cancelling_during_a_stream_closes_the_provider_s_stream() -> None:
    provider = ScriptedProvider([["One ", Pause(3600)]])
    seen = asyncio.Event()

    async def read() -> None:
        async for part in stream_with_retry(provider, asking()):
            if isinstance(part, TextDelta):
                seen.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(seen.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert provider.closed_early == 1


@pytest.mark.parametrize("api", APIS)
async def test_on_the_wire_each_try_is_one_request_and_the_last_one_counts(
    api: str, server: WireServer, provider_for: Make
) -> None:
    server.play(status(529), status(429, retry_after="0"))
    sleep = FakeSleep()

    parts = [part async for part in stream_with_retry(provider_for(api), asking(api), sleep=sleep)]

    assert len(server.requests) == 3
    assert isinstance(parts[-1], Finished)
    assert text_of(parts) == server.calls[-1].text  # type: ignore[arg-type]


@pytest.mark.parametrize("api", APIS)
async def test_on_the_wire_a_cut_stream_is_not_tried_again(api: str, server: WireServer, provider_for: Make) -> None:
    server.play(Step(fault=Fault.RESET, after=5))

    with pytest.raises(ConnectionFailed):
        _ = [part async for part in stream_with_retry(provider_for(api), asking(api), sleep=FakeSleep())]

    assert len(server.requests) == 1
