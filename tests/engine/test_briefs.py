"""A brief that is changed when there are texts: the answer says which of them were made from the earlier one."""

from __future__ import annotations

from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from tests.fakes.project import add_page, draft


async def said(client: InProcessClient, page: str, text: str) -> str:
    return (await client.execute(c.SetBrief(page=page, text=text))).message


async def test_a_new_brief_says_which_texts_do_not_follow_it_and_what_to_do(client: InProcessClient) -> None:
    page = await add_page(client)
    assert await said(client, page, "Bram rows.") == "Brief saved."
    await draft(client, page)
    assert await said(client, page, "Bram sleeps.") == (
        "Brief saved. The narration was made from the earlier brief; to have it follow the new one, revise it, or draft it again."
    )
    assert await said(client, page, "Bram sleeps.") == "Brief saved."
    await client.execute(c.Approve(page=page))
    assert "The narration was made from the earlier brief" in await said(client, page, "Bram wakes.")
    await draft(client, page)
    await client.execute(c.Approve(page=page))
    assert await said(client, page, "Bram is gone.") == (
        "Brief saved. The narration and dialogue were made from the earlier brief; to have them follow the new one, "
        "undo the approval, then revise or draft again."
    )


async def test_the_first_brief_of_a_page_whose_texts_a_person_wrote_says_nothing_of_an_earlier_one(
    client: InProcessClient,
) -> None:
    page = await add_page(client, brief="")
    assert await said(client, page, "Bram rows.") == "Brief saved."
