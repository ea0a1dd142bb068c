"""Errors told apart by names, status and body, without an SDK at hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from studio.domain.errors import (
    AuthenticationFailed,
    BadReply,
    ConnectionFailed,
    ContextTooLong,
    MissingKey,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRejected,
    TimedOut,
)
from studio.providers.classify import CallSite, classify, from_fault, retry_after_seconds

SITE = CallSite("openai", "api.openai.com", "gpt-6-sol", "OPENAI_API_KEY", "sk-verysecret")


class FakeStatusError(Exception):
    """Like both SDKs' APIStatusError: a status, a body, a response with headers."""

    def __init__(self, status_code: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"Error code: {status_code}")
        self.status_code = status_code
        self.body = body
        self.response = type("Response", (), {"status_code": status_code, "headers": headers or {}})()


def named(name: str, *bases: type[BaseException], message: str = "words") -> BaseException:
    return type(name, bases or (Exception,), {})(message)


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (named("ReadTimeout", type("TimeoutException", (Exception,), {})), TimedOut),
        (named("APITimeoutError"), TimedOut),
        (TimeoutError(), TimedOut),
        (named("RemoteProtocolError", type("TransportError", (Exception,), {})), ConnectionFailed),
        (named("APIConnectionError"), ConnectionFailed),
        (ConnectionResetError(104, "reset"), ConnectionFailed),
        (json.JSONDecodeError("Expecting value", "<html>", 0), BadReply),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), BadReply),
        (RuntimeError("Didn't receive a `response.completed` event."), BadReply),
        (TypeError('"Could not resolve authentication method. Expected one of api_key ..."'), MissingKey),
        (named("OpenAIError", message="The api_key client option must be set"), MissingKey),
        (TypeError("unexpected keyword"), BadReply),
        (UnicodeEncodeError("ascii", "“", 0, 1, "ordinal"), AuthenticationFailed),
        (KeyError("choices"), BadReply),
    ],
)
def test_an_exception_without_a_status_is_told_by_its_name(exc: BaseException, expected: type[ProviderError]) -> None:
    error = classify(exc, SITE)

    assert type(error) is expected
    assert "openai (api.openai.com)" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"message": "bad", "type": "invalid_request_error"}}, RequestRejected),
        (
            400,
            {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"},
            ContextTooLong,
        ),
        (
            400,
            {"error": {"message": "request (10683 tokens) exceeds the available context size (8192 tokens)"}},
            ContextTooLong,
        ),
        (
            400,
            {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}},
            RequestRejected,
        ),
        (404, {"detail": "Not Found"}, RequestRejected),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, RequestRejected),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, RequestRejected),
        (429, None, RateLimited),
        (500, "<html><body>nginx</body></html>", Overloaded),
        (200, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, Overloaded),
        (200, {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}, RateLimited),
        (200, {"type": "error", "error": {"type": "odd", "message": "?"}}, BadReply),
        (307, None, RequestRejected),
    ],
)
def test_a_status_and_a_body_are_told_together(status: int, body: object, expected: type[ProviderError]) -> None:
    error = classify(FakeStatusError(status, body), SITE)

    assert type(error) is expected
    assert error.status == status


def test_an_error_of_the_tree_is_given_back_as_it_is() -> None:
    error = RateLimited("slow")

    assert classify(error, SITE) is error


@pytest.mark.parametrize(
    "words", ["Incorrect API key: sk-verysecret", "key sk-proj-abcdefghijkl is wrong", "xai-1234567890abc"]
)
def test_nothing_that_looks_like_a_key_is_quoted(words: str) -> None:
    text = str(from_fault(401, "", words, SITE))

    assert "verysecret" not in text
    assert "abcdefghijkl" not in text
    assert "1234567890abc" not in text


def test_the_services_words_are_one_clean_line() -> None:
    text = str(from_fault(400, "", "bad\x1b[31m\nthing\u202e" + "x" * 2_000, SITE))

    assert text.isprintable()
    assert len(text) < 600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, datetime(2026, 11, 21, 12, 0, tzinfo=UTC)) == seconds
