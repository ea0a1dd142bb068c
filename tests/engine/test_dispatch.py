"""Every command and query has exactly one handler, and its annotations fit."""

from __future__ import annotations

import typing

from studio.engine import build_tables, engine
from studio.protocol.commands import AnyCommand
from studio.protocol.queries import AnyQuery

HANDLERS = {**engine.HANDLERS, **build_tables.HANDLERS}
ANSWERS = {**engine.ANSWERS, **build_tables.ANSWERS}


def test_every_command_has_a_handler_that_takes_it() -> None:
    assert set(HANDLERS) == set(typing.get_args(AnyCommand))
    for command, handler in HANDLERS.items():
        assert typing.get_type_hints(handler)["command"] is command, handler


def test_every_query_has_an_answer_of_its_own_type() -> None:
    assert set(ANSWERS) == set(typing.get_args(AnyQuery))
    for query, answer in ANSWERS.items():
        hints = typing.get_type_hints(answer)
        assert hints["query"] is query, answer
        (view,) = typing.get_args(query.__orig_bases__[0])  # type: ignore[attr-defined]
        assert hints["return"] is view, answer
