"""A clock that is set back or forward while a book is written: what is newest is decided by order, not by time."""

from __future__ import annotations

from datetime import timedelta

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.project import add_page, draft
from tests.fakes.wire_script import Fault, Step
from tests.fakes.wire_server import WireServer


async def test_the_newest_text_and_the_newest_partial_stay_the_newest(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    writer = client._engine._project.store._writer
    clock = writer._clock
    for days in (0, 4_000, -40_000):
        writer._clock = lambda days=days: clock() + timedelta(days=days)  # type: ignore[misc]
        await client.execute(c.Edit(page=page, stage="narration", text=f"Written on day {days}."))
        server.play(Step(text=f"Drafted on day {days}, and on, and on.", fault=Fault.RESET, after=4))
        run = await draft(client, page, c.Generate(page=page))
        cell = (await client.query(q.GetPage(page=page))).cells[0]
        assert cell.head is not None
        assert cell.head.text == f"Written on day {days}."
        assert cell.partial is not None
        assert cell.partial.run == run.id
        await client.execute(c.Resume(page=page, action="keep"))
        history = (await client.query(q.GetHistory(page=page, stage="narration"))).revisions
        assert history[0].run == run.id
        numbers = [one.number for one in history]
        assert numbers == sorted(numbers, reverse=True)
