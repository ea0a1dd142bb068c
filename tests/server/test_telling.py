"""Events of a change in words: titles are asked for when they are needed, and not once for each edit of a long history."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from studio.protocol.build_events import TaskChanged
from studio.protocol.client import EngineClient
from studio.server.builds import telling


@dataclass
class Board:
    """A client that knows one task, under a title of each question's own."""

    asked: list[object] = field(default_factory=list)

    async def query(self, query: object) -> object:
        self.asked.append(query)
        return SimpleNamespace(tasks=[SimpleNamespace(id="t1", title=f"Write {len(self.asked)}")])


def edited(task: str = "t1") -> TaskChanged:
    return TaskChanged(page="p1", task=task, what="edited")


async def test_many_edits_at_once_ask_for_the_titles_once() -> None:
    board = Board()
    found = telling.Telling(cast("EngineClient", board), "p1")
    assert {await found.of(edited()) for _ in range(400)} == {"Task Write 1: edited."}
    assert len(board.asked) == 1
    assert await found.of(TaskChanged(page="other", task="t1", what="edited")) is None


async def test_a_title_that_changed_is_told_with_the_next_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_ASK_AGAIN", -1.0)
    found = telling.Telling(cast("EngineClient", Board()), "p1")
    assert await found.of(edited()) == "Task Write 1: edited."
    assert await found.of(TaskChanged(page="p1", task="t1", what="started")) == "Task Write 1: started."
    assert await found.of(edited()) == "Task Write 2: edited."
