"""Commands and views as they are: every command and query of the protocol in tagged JSON, and each view at an address of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from studio.protocol.commands import AnyCommand, Done
from studio.protocol.queries import AnyQuery, Query
from studio.protocol.views import View
from studio.protocol.wire import ANSWERS, QUERIES
from studio.server.asked import Asked, Endpoint

TAG = "engine"


async def execute(asked: Asked) -> Done:
    command: AnyCommand = asked.body(AnyCommand)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]  # a union is a type form
    return await asked.client.execute(command, request=asked.key)


async def ask(asked: Asked) -> View:
    query: AnyQuery = asked.body(AnyQuery)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]  # a union is a type form
    return await _answer(asked, query)


async def view(asked: Asked, kind: type[Query[Any]]) -> View:
    return await _answer(asked, asked.parameters(kind))


async def _answer(asked: Asked, query: Query[Any]) -> View:
    found: View = await asked.client.query(query)
    return found


def _first_line(kind: type[msgspec.Struct], otherwise: str) -> str:
    return (kind.__doc__ or otherwise).strip().splitlines()[0]


def endpoints() -> tuple[Endpoint, ...]:
    views = tuple(ANSWERS.values())
    fixed = (
        Endpoint(
            "POST", "/api/commands", "execute", "Carry out a command.", execute, Done, TAG, body=AnyCommand
        ),
        Endpoint(
            "POST", "/api/queries", "query", "Answer a query; changes nothing.", ask, views, TAG, body=AnyQuery
        ),
    )  # fmt: skip
    each = (
        Endpoint(
            "GET", f"/api/views/{tag}", f"view.{tag}", _first_line(ANSWERS[tag], f"The view {tag}."),
            partial(view, kind=kind), ANSWERS[tag], TAG, parameters=kind,
        )
        for tag, kind in QUERIES.items()
    )  # fmt: skip
    return (*fixed, *each)
