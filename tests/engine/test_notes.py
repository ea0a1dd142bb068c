"""Notes for the next revision: changed and dismissed while no draft has been given them, and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.errors import BadInput, Conflict, NotFound, Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.workspace import scaffold
from tests.fakes.project import add_page, draft, opened
from tests.fakes.wire_script import status
from tests.fakes.wire_server import WireServer


async def drafted(client: InProcessClient) -> str:
    page = await add_page(client)
    await draft(client, page)
    return page


async def note(client: InProcessClient, page: str, text: str = "No moths.") -> str:
    head = (await client.query(q.GetPage(page=page))).cells[0].head
    assert head is not None
    return (await client.execute(c.Comment(revision=head.id, text=text))).feedback or ""


async def known(client: InProcessClient, page: str) -> dict[str, v.FeedbackView]:
    return {one.id: one for one in (await client.query(q.GetHistory(page=page))).feedback}


async def test_a_note_is_changed_and_its_earlier_words_stay_in_the_journal(client: InProcessClient) -> None:
    page = await drafted(client)
    one = await note(client, page)
    done = await client.execute(c.EditComment(feedback=one, text=" No moths here.\n", seen="No moths."))
    assert (done.message, (await known(client, page))[one].text) == ("Note changed.", "No moths here.")
    async with client.subscribe(done.seq - 1) as events:
        event = await anext(aiter(events))
    assert isinstance(event, e.FeedbackChanged)
    assert (event.what, event.before) == ("edit", "No moths.")


async def test_a_note_that_somebody_else_changed_meanwhile_is_a_conflict(client: InProcessClient) -> None:
    one = await note(client, await drafted(client))
    await client.execute(c.EditComment(feedback=one, text="No owls."))
    with pytest.raises(Conflict) as caught:
        await client.execute(c.EditComment(feedback=one, text="No bats.", seen="No moths."))
    assert caught.value.data["theirs"] == "No owls."
    with pytest.raises(BadInput):
        await client.execute(c.EditComment(feedback=one, text="  "))
    with pytest.raises(NotFound):
        await client.execute(c.EditComment(feedback="nobody", text="No bats."))


async def test_a_dismissed_note_is_given_to_no_draft_and_comes_back(
    client: InProcessClient, server: WireServer
) -> None:
    page = await drafted(client)
    one = await note(client, page)
    await client.execute(c.ResolveComment(feedback=one))
    assert (await known(client, page))[one].state == "dismissed"
    with pytest.raises(Refused, match="dismissed"):
        await client.execute(c.EditComment(feedback=one, text="No owls."))
    await draft(client, page, c.Revise(page=page, feedback="Colder."))
    assert "No moths." not in str(server.calls[-1].body)
    await client.execute(c.ResolveComment(feedback=one, resolved=False))
    assert (await known(client, page))[one].state == "open"
    await draft(client, page, c.Revise(page=page, feedback="Colder still."))
    assert "No moths." in str(server.calls[-1].body)


async def test_what_a_draft_was_given_stays_as_it_was_given(client: InProcessClient) -> None:
    page = await drafted(client)
    one = await note(client, page)
    await draft(client, page, c.Revise(page=page, feedback="Colder."))
    asked = next(key for key, value in (await known(client, page)).items() if value.kind == "revise")
    for command in (c.EditComment(feedback=one, text="No owls."), c.ResolveComment(feedback=one),
                    c.EditComment(feedback=asked, text="Warmer."), c.ResolveComment(feedback=asked)):  # fmt: skip
        with pytest.raises(Refused):
            await client.execute(command)
    found = await known(client, page)
    assert {(value.text, value.state) for value in found.values()} == {("No moths.", "used"), ("Colder.", "used")}


async def test_an_approval_says_how_many_notes_stay_open(client: InProcessClient) -> None:
    page = await drafted(client)
    first = await note(client, page)
    await note(client, page, "No owls.")
    done = await client.execute(c.Approve(page=page))
    assert done.message == "Narration approved; 2 notes stay open."
    await client.execute(c.ResolveComment(feedback=first))
    await draft(client, page)
    assert (await client.execute(c.Approve(page=page))).message == "Dialogue approved; 1 note stays open."


async def test_an_approval_tells_notes_from_a_request_whose_revision_never_came(
    client: InProcessClient, server: WireServer
) -> None:
    page = await drafted(client)
    await note(client, page)
    server.play(status(400))
    await draft(client, page, c.Revise(page=page, feedback="Colder."))
    done = await client.execute(c.Approve(page=page))
    assert done.message == "Narration approved; 1 note and 1 request stay open."


async def test_the_sample_has_no_open_note_on_a_page_that_is_approved(tmp_path: Path, env: dict[str, str]) -> None:
    root = tmp_path / "ferry"
    scaffold.copy_sample("lantern-ferry", root)
    async with opened(root, env) as client:
        await client.execute(c.ImportBook(path=scaffold.BOOK_FILE))
        states = [one.state for page in ("1/1", "1/2") for one in (await known(client, page)).values()]
    assert states.count("dismissed") == 1
    assert set(states) == {"dismissed", "used"}
