"""Who and what is refused: tokens, hosts, origins, bodies, headers, pace. Said over plain sockets where a client would not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from studio.protocol import queries as q
from tests.server.conftest import BEARER, TOKEN, Running

Limited = Callable[..., AbstractAsyncContextManager[Running]]
ADD = json.dumps({"op": "chapter.add", "title": "Two"})


async def raw(gate: Running, *pieces: bytes, pause: float = 0.0, seconds: float = 10.0) -> bytes:
    """All that the server answers until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    answer = bytearray()

    async def read() -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                answer.extend(piece)

    reading = asyncio.ensure_future(read())
    try:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        async with asyncio.timeout(seconds):
            await reading
    finally:
        reading.cancel()
        writer.close()
    return bytes(answer)


def request(*headers: str, method: str = "GET", path: str = "/api/orchestrator/chapters", body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def chapters(gate: Running) -> int:
    return len((await gate.client.query(q.GetProject())).chapters)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
        {"cookie": f"studio={TOKEN}"},
        {"cookie": "studio-1=\x7f; ="},
        {"x-token": TOKEN},
    ],
)
async def test_without_the_token_nothing_is_told_and_nothing_is_done(gate: Running, headers: dict[str, str]) -> None:
    del gate.http.headers["authorization"]
    for path in ("/api/orchestrator/chapters", "/openapi.json", "/reference", "/", "/api/events", "/no/such/path"):
        answer = await gate.http.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert "Crossing" not in answer.text
    answer = await gate.http.post("/api/commands", content=ADD, headers={**headers, "content-type": "application/json"})
    assert answer.status_code in (401, 403)
    assert await chapters(gate) == 1


async def test_the_token_in_the_address_opens_nothing(gate: Running) -> None:
    del gate.http.headers["authorization"]
    assert (await gate.http.get(f"/api/orchestrator/chapters?token={TOKEN}")).status_code == 401


async def test_guessing_is_slowed_down_and_locks_nobody_out(limited: Limited) -> None:
    async with limited(failures=3.0, failures_rate=0.01) as gate:
        wrong = {"authorization": "Bearer wrong-wrong-wrong-wrong"}
        for _ in range(3):
            await gate.refused(401, "GET", "/api/orchestrator/chapters", headers=wrong)
        answer = await gate.http.get("/api/orchestrator/chapters", headers=wrong)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert (await gate.http.get("/login?code=guess")).status_code == 429
        assert await gate.get("/api/orchestrator/chapters")


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
        ("[::1", 421),
        ("localhost:x", 421),
        ("localhost", 200),
        ("127.0.0.1:9000", 200),
        ("[::1]:8765", 200),
    ],
)
async def test_only_names_of_its_own_are_answered_to(gate: Running, host: str, wanted: int) -> None:
    answer = await raw(gate, request(f"Host: {host}", f"Authorization: Bearer {TOKEN}"))
    assert status(answer) == wanted


async def test_two_hosts_are_refused(gate: Running) -> None:
    answer = await raw(gate, request("Host: localhost", "Host: evil.example", f"Authorization: Bearer {TOKEN}"))
    assert status(answer) == 400


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "http://[", "x"]
)
async def test_a_page_of_another_origin_is_refused_even_with_the_token(gate: Running, origin: str) -> None:
    await gate.refused(403, "GET", "/api/orchestrator/chapters", headers={"origin": origin})
    answer = await gate.http.options(
        "/api/commands", headers={"origin": origin, "access-control-request-method": "POST"}
    )
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_cookie_alone_changes_nothing_unless_the_browser_says_where_from(gate: Running) -> None:
    del gate.http.headers["authorization"]
    cookie = {"cookie": f"studio-{gate.port}={gate.gateway.settings.token.cookie}", "content-type": "application/json"}
    assert (await gate.http.get("/api/orchestrator/chapters", headers=cookie)).status_code == 200
    refused: list[dict[str, str]] = [
        {},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
    ]
    for given in refused:
        answer = await gate.http.post("/api/commands", content=ADD, headers={**cookie, **given})
        assert answer.status_code == 403, given
    assert await chapters(gate) == 1
    for given in ({"origin": gate.url}, {"sec-fetch-site": "same-origin"}):
        answer = await gate.http.post("/api/commands", content=ADD, headers={**cookie, **given})
        assert answer.status_code == 200, given


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_body_that_a_form_could_send_is_refused(gate: Running, kind: str) -> None:
    answer = await gate.http.post("/api/commands", content=ADD, headers={"content-type": kind})
    assert answer.status_code == 415
    assert await chapters(gate) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"NaN",
        b'{"op": "chapter.add", "title": "\xff"}',
        b'{"op": "chapter.add", "title": "\\ud800"}',
        b'{"op": "chapter.add", "title": "a"} trailing',
        b'{"op": "chapter.add", "title": ' + b"[" * 500_000,
        b'{"a":' * 100_000,
        b"9" * 1_000_000,
        b'"' + b"\\" * 999_999,
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_command_is_refused(gate: Running, body: bytes) -> None:
    answer = await gate.http.post("/api/commands", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    assert await chapters(gate) == 1


async def test_a_body_that_is_too_large_is_refused_declared_or_not(limited: Limited) -> None:
    async with limited(body_bytes=1_000) as gate:
        await gate.refused(413, "POST", "/api/commands", {"op": "chapter.add", "title": "x" * 2_000})
        head = f"POST /api/commands HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        chunks = b"190\r\n" + b"x" * 400 + b"\r\n"
        answer = await raw(gate, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode(), chunks * 4)
        assert status(answer) == 413
        assert status(await raw(gate, f"{head}Content-Length: 99999999999999\r\n\r\n".encode())) == 413


async def test_a_stranger_does_not_get_a_body_read(limited: Limited) -> None:
    async with limited(body_seconds=30.0) as gate:
        head = b"POST /api/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        assert status(await raw(gate, head, seconds=5)) in (401, 403)


async def test_headers_that_are_too_large_are_refused(gate: Running) -> None:
    answer = await raw(gate, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
    assert answer == b"" or status(answer) in (400, 431)
    many = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    answer = await raw(gate, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + many + b"\r\n")
    assert answer == b"" or status(answer) in (400, 431)


async def test_a_request_whose_headers_do_not_end_is_cut_off(limited: Limited) -> None:
    async with limited(header_seconds=0.3) as gate:
        slow = [b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 8]
        assert await raw(gate, *slow, pause=0.1) == b""
        assert await raw(gate) == b""
        assert await gate.get("/api/orchestrator/chapters")


async def test_the_second_request_of_a_connection_is_held_to_the_same_time(limited: Limited) -> None:
    async with limited(header_seconds=0.3) as gate:
        first = f"GET /api/orchestrator/chapters HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        answer = await raw(gate, first.encode(), *[b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 8], pause=0.1)
        assert answer.count(b"HTTP/1.1") == 1


async def test_a_body_that_does_not_arrive_is_refused(limited: Limited) -> None:
    async with limited(body_seconds=0.3) as gate:
        head = request(
            "Host: localhost", f"Authorization: Bearer {TOKEN}", "Content-Type: application/json", method="POST",
            path="/api/commands", body=ADD,
        )  # fmt: skip
        answer = await raw(gate, head[:-10], seconds=10)
        assert status(answer) == 408
        assert await chapters(gate) == 1


async def test_a_client_that_asks_too_often_is_told_when_to_come_back(limited: Limited) -> None:
    async with limited(rate=0.5, burst=3.0) as gate:
        for _ in range(3):
            await gate.get("/api/orchestrator/chapters")
        answer = await gate.http.get("/api/orchestrator/chapters")
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "too_many_requests"
        assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    "first", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 1_000]
)
async def test_what_is_no_request_ends_the_connection(gate: Running, first: bytes) -> None:
    answer = await raw(gate, first, b"\r\n\r\n")
    assert answer == b"" or 400 <= status(answer) < 500
    assert await gate.get("/api/orchestrator/chapters")


async def test_every_answer_forbids_framing_scripts_and_keeping(gate: Running) -> None:
    for path in ("/reference", "/openapi.json", "/login", "/no/such", "/api/orchestrator/chapters"):
        headers = (await gate.http.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


async def test_no_secret_is_logged(gate: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = gate.gateway.invitation.code
    await gate.http.get(f"/login?code={code}")
    await gate.get("/api/orchestrator/chapters")
    await gate.http.post("/api/commands", content=b"{", headers={"content-type": "application/json"})
    await raw(gate, request("Host: localhost", "Authorization: Bearer guess-guess-guess-guess"))
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    for secret in (TOKEN, code, gate.gateway.settings.token.cookie, "guess-guess"):
        assert secret not in ours
    assert TOKEN not in repr(gate.gateway.settings)


async def test_what_goes_wrong_inside_is_told_without_details(gate: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*given: object) -> None:
        raise ZeroDivisionError("a detail")

    monkeypatch.setattr(gate.client, "query", broken)
    error = await gate.refused(500, "GET", "/api/orchestrator/chapters")
    assert "a detail" not in json.dumps(error)


def test_the_bearer_header_of_these_tests_is_the_token() -> None:
    assert BEARER["authorization"].endswith(TOKEN)
