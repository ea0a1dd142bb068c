"""Token estimates: bytes, kinds of text, and what is learned from reports."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.tooling import ToolCall, ToolSpec
from studio.providers.base import JsonSchema, Message, ModelRequest
from studio.providers.tokens import (
    TextKind,
    estimate,
    estimate_messages,
    estimate_request,
    kind_of,
    learn,
    near_limit,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Rain came over the harbour.", TextKind.PROSE),
        ("彼女は港を見た。雨が降っていた。", TextKind.CJK),
        ('{"lines": [{"speaker": "MARA"}]}', TextKind.JSON),
        ("[sound of rain]", TextKind.PROSE),
        ("", TextKind.PROSE),
    ],
)
def test_the_kind_is_seen_from_the_text(text: str, kind: TextKind) -> None:
    assert kind_of(text) is kind


def test_four_bytes_are_a_token_and_rounding_is_up() -> None:
    assert estimate("") == 0
    assert estimate("abcd") == 1
    assert estimate("abcde") == 2
    assert estimate("x" * 400, TextKind.JSON) == 150
    assert estimate("x" * 400, ratio=1.1) == 111


def test_a_prompt_costs_a_little_more_than_its_texts() -> None:
    messages = (Message("system", "x" * 400), Message("user", "y" * 40))

    assert estimate_messages(messages) == 110 + 8


def test_a_handful_of_reports_brings_the_guess_within_a_few_per_cent() -> None:
    ratio, true_factor = 1.0, 1.3
    for _ in range(8):
        guessed = estimate("x" * 40_000, TextKind.PROSE, ratio=ratio)
        ratio = learn(ratio, guessed, int(10_000 * true_factor))

    assert ratio == pytest.approx(true_factor, rel=0.03)


@given(st.floats(0.4, 3.0), st.integers(-5, 10**7), st.integers(-5, 10**7))
def test_no_report_makes_the_ratio_useless(ratio: float, estimated: int, reported: int) -> None:
    assert 0.4 <= learn(ratio, estimated, reported) <= 3.0


@given(st.text())
def test_any_text_has_an_estimate(text: str) -> None:
    assert estimate(text) >= len(text.encode("utf-8", "surrogatepass")) // 4


def test_near_a_limit_the_guess_is_not_enough() -> None:
    assert near_limit(860, 1_000)
    assert not near_limit(840, 1_000)
    assert not near_limit(10, 0)


def test_tools_and_calls_count_as_tokens() -> None:
    spec = ToolSpec("create_file", "Write a new file.", {"type": "object", "properties": {"path": {"type": "string"}}})
    call = ToolCall("c1", "create_file", {"path": "a.html", "content": "word " * 400})
    plain = ModelRequest("m", (Message("user", "Go."),), 100)
    told = replace(plain, tools=(spec,))
    called = replace(told, messages=(*plain.messages, Message("assistant", "", tool_calls=(call,))))

    assert estimate_request(plain) == estimate_messages(plain.messages)
    assert 30 < estimate_request(told) - estimate_request(plain) < 80
    assert 480 < estimate_request(called) - estimate_request(told) < 600


def test_the_schema_of_an_answer_counts_too() -> None:
    plain = ModelRequest("m", (Message("user", "Go."),), 100)
    shaped = replace(plain, json_schema=JsonSchema("plan", {"type": "object", "properties": {"tasks": {}}}))

    assert estimate_request(shaped) > estimate_request(plain) + 10
