"""Titles of chapters and pages: what is no title is refused, and nothing that was typed is cut behind the back."""

from __future__ import annotations

import pytest

from studio.domain.errors import BadInput
from studio.domain.text import TITLE_LIMIT
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.tagged import Command
from tests.fakes.project import add_page

LONGEST = "y" * TITLE_LIMIT


def titled(page: str, title: str) -> tuple[Command, ...]:
    return (
        c.AddChapter(title=title), c.RenameChapter(chapter="1", title=title),
        c.AddPage(chapter="1", title=title), c.RenamePage(page=page, title=title),
    )  # fmt: skip


@pytest.mark.parametrize(("title", "said"), [("  \n", "needs a title"), (f"{LONGEST}y", "at most 200 are allowed")])
async def test_a_blank_title_and_one_of_kilobytes_are_refused(client: InProcessClient, title: str, said: str) -> None:
    page = await add_page(client)
    before = await client.query(q.GetProject())
    for command in titled(page, title):
        with pytest.raises(BadInput, match=said):
            await client.execute(command)
    with pytest.raises(BadInput, match="A page needs a title"):
        await client.execute(c.RenamePage(page=page, title=""))
    assert (await client.query(q.GetProject())).chapters == before.chapters


async def test_a_title_of_the_greatest_length_is_kept_whole_and_on_one_line(client: InProcessClient) -> None:
    page = await add_page(client)
    for command in titled(page, f" {LONGEST[1:]}\n"):
        await client.execute(command)
    await client.execute(c.RenamePage(page=page, title="Fog\n at  dawn"))
    chapters = (await client.query(q.GetProject())).chapters
    assert [one.title for one in chapters] == [LONGEST[1:], LONGEST[1:]]
    assert [one.title for one in chapters[0].pages] == ["Fog at dawn", LONGEST[1:]]


async def test_a_page_may_begin_without_a_title(client: InProcessClient) -> None:
    await add_page(client)
    await client.execute(c.AddPage(chapter="1"))
    pages = (await client.query(q.GetProject())).chapters[0].pages
    assert [one.title for one in pages] == ["Fog", ""]
