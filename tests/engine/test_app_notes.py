"""Notes on files: a run is said to have been given those that its own tasks held, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.page import Feedback, FeedbackKind
from studio.engine.apps import fix_tasks
from studio.protocol import build_commands as b
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.store.transaction import utc_now
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer


async def test_a_note_like_an_earlier_feedback_stays_open_after_a_run_that_never_saw_it(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with (
        WireServer(respond=roles) as server,
        opened(root, environment(server, tmp_path), watch=False) as client,
    ):
        await draft(client, page, c.Revise(page=page, feedback="Make the total bigger."))
        head = (await client.query(q.GetPage(page=page))).cells
        revision = next(one.head for one in head if one.name == "implementation")
        assert revision is not None
        for words in ("Make the total", "Make the total bigger."):
            await client.execute(c.Comment(revision=revision.id, text=words))
        await client.execute(b.AddTask(page=page, title="note", type="docs", description="a line"))
        assert (await draft(client, page)).status == "completed"
        history = await client.query(q.GetHistory(page=page, stage="implementation"))
        used = {one.kind: one.used for one in history.feedback}
        assert used == {"revise": True, "note": False}


@pytest.mark.parametrize(
    ("description", "given"),
    [
        ("- Warm", ["short"]),
        ("- Warmer, please", []),
        ("- Warm\nand dry", []),
        ("- Warm\n- Warm\n  (about: the sea)", ["short", "about"]),
        ("- Warm\n  (about: the sea)", ["about"]),
        ("Do as they say:\n- Warm", ["short"]),
    ],
)
def test_a_note_was_given_where_it_stands_as_a_whole_item(description: str, given: list[str]) -> None:
    notes = [_note("short", "Warm"), _note("about", "Warm", "the sea"), _note("later", "Warm")]
    assert fix_tasks.answered([description], notes) == given


def _note(note_id: str, text: str, quote: str | None = None) -> Feedback:
    return Feedback(note_id, "p", "implementation", "r", FeedbackKind.NOTE, text, "ana", utc_now(), quote)
