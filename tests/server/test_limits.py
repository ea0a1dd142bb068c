"""Nesting of JSON and the pace of a client, without a server."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.server.limits import Rate, check_nesting
from studio.server.refusals import BadRequest, TooMany

TREES = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(TREES)
def test_the_depth_of_any_json_is_found(value: object) -> None:
    raw, deep = json.dumps(value).encode(), depth(value)
    check_nesting(raw, deep)
    if deep:
        with pytest.raises(BadRequest):
            check_nesting(raw, deep - 1)


def test_brackets_in_a_text_are_no_nesting() -> None:
    check_nesting(json.dumps({"text": "[" * 1_000 + '\\"{' + "{" * 1_000}).encode(), 1)


def test_a_client_may_come_at_once_as_often_as_the_burst_and_then_at_the_rate() -> None:
    now = [0.0]
    rate = Rate(2.0, 3.0, lambda: now[0])
    for _ in range(3):
        rate.take("10.0.0.1")
    with pytest.raises(TooMany) as caught:
        rate.take("10.0.0.1")
    assert caught.value.retry_after == 1
    rate.take("10.0.0.2")
    now[0] = 0.5
    rate.take("10.0.0.1")


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    rate = Rate(0.1, 1.0, lambda: 0.0)
    rate.take("2001:db8::1")
    with pytest.raises(TooMany):
        rate.take("2001:db8::2")
    rate.take("2001:db8:0:1::1")


def test_the_memory_of_clients_is_bounded() -> None:
    rate = Rate(0.1, 1.0, lambda: 0.0)
    for number in range(5_000):
        rate.take(f"10.0.{number // 250}.{number % 250}")
    assert len(rate._buckets) <= 1_024
