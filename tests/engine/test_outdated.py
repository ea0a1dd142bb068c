"""A text that was written for an earlier text of the stage before it is marked, and nothing of it is thrown away."""

from __future__ import annotations

from pathlib import Path

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from tests.fakes.project import add_page, draft, opened, settled, until
from tests.fakes.wire_script import Step
from tests.fakes.wire_server import WireServer

COLDER = "Ice lay on the Throat."


async def page_of(client: InProcessClient, page: str) -> v.PageView:
    return await client.query(q.GetPage(page=page))


async def marks(client: InProcessClient, page: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the page says of its dialogue, and what its row in the outline says of the page."""
    dialogue = next(cell for cell in (await page_of(client, page)).cells if cell.name == "dialogue")
    (chapter,) = (await client.query(q.GetProject())).chapters
    (row,) = [row for row in chapter.pages if row.id == page]
    return dialogue.outdated, row.outdated


async def with_dialogue(client: InProcessClient, *, approved: bool) -> str:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    await draft(client, page)
    if approved:
        await client.execute(c.Approve(page=page))
    return page


MARKED, CLEAR = (("narration",), ("dialogue",)), ((), ())


async def test_an_approved_dialogue_is_marked_once_its_narration_is_edited_and_stays_as_it_was(
    client: InProcessClient, root: Path, env: dict[str, str]
) -> None:
    page = await with_dialogue(client, approved=True)
    assert await marks(client, page) == CLEAR
    before = (await page_of(client, page)).cells[1].head
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    assert await marks(client, page) == MARKED
    after = await page_of(client, page)
    assert (after.state, after.cells[1].head, after.cells[1].approved) == (
        "page_approved",
        before,
        before and before.id,
    )
    await client.aclose()
    async with opened(root, env) as again:
        assert await marks(again, page) == MARKED


async def test_a_person_who_approves_it_as_it_is_takes_the_mark_away(client: InProcessClient) -> None:
    page = await with_dialogue(client, approved=False)
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    assert await marks(client, page) == MARKED
    await client.execute(c.Approve(page=page))
    assert await marks(client, page) == CLEAR
    await client.execute(c.Edit(page=page, stage="narration", text="Snow."))
    assert await marks(client, page) == MARKED
    await client.execute(c.Reopen(page=page))
    assert await marks(client, page) == MARKED
    await client.execute(c.Approve(page=page))
    assert await marks(client, page) == CLEAR


async def test_a_revision_and_an_edit_are_written_for_the_text_as_it_is_now(client: InProcessClient) -> None:
    page = await with_dialogue(client, approved=False)
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    await draft(client, page, c.Revise(page=page, feedback="For the ice."))
    assert await marks(client, page) == CLEAR
    await client.execute(c.Edit(page=page, stage="narration", text="Snow."))
    assert await marks(client, page) == MARKED
    await client.execute(c.Edit(page=page, stage="dialogue", text="ILSE: Snow."))
    assert await marks(client, page) == CLEAR
    await client.execute(c.Restore(revision=f"{page}@dialogue:1"))
    assert await marks(client, page) == MARKED, "what comes back was written for the first narration"


async def test_a_narration_that_is_put_back_as_it_was_leaves_no_mark(client: InProcessClient) -> None:
    page = await with_dialogue(client, approved=True)
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    await client.execute(c.Restore(revision=f"{page}@narration:1"))
    assert await marks(client, page) == CLEAR


async def test_a_draft_that_was_under_way_while_the_narration_was_edited_is_marked(
    client: InProcessClient, server: WireServer
) -> None:
    page = await add_page(client)
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    server.play(Step(first_byte_delay=1.0))
    begun = await client.execute(c.Generate(page=page))
    await until(lambda: len(server.calls) == 2)
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    await settled(client, begun.run or "")
    assert await marks(client, page) == MARKED


async def test_a_narration_that_is_open_again_marks_the_dialogue_once_another_text_is_approved(
    client: InProcessClient,
) -> None:
    page = await with_dialogue(client, approved=False)
    await client.execute(c.Reopen(page=page))
    await client.execute(c.Edit(page=page, stage="narration", text=COLDER))
    assert await marks(client, page) == CLEAR
    approved = await client.execute(c.Approve(page=page))
    assert approved.state == "user_reviewing_dialogue"
    assert await marks(client, page) == MARKED
