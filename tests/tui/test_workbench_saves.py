"""Keys of the workbench over a real engine: what was saved."""

from __future__ import annotations

from pathlib import Path

from textual import events

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.widgets.prompt_line import Answer
from tests.fakes.project import add_page, draft, settled
from tests.fakes.wire_script import Fault, Finish, Step
from tests.tui.bench import Bench, real
from tests.tui.desk import desk


async def _book(client: object) -> v.ProjectView:
    return await client.query(q.GetProject(archived=True))  # type: ignore[attr-defined]


def _phase(at: Bench) -> str:
    page = at.app.session.page
    return f"{page.phase} {page.stage}" if page else ""


async def test_a_page_goes_from_nothing_to_approved_by_keys_alone(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        await at.press("O")
        await at.type("The Crossing")
        await at.press("enter")
        await at.until(lambda: at.app.session.project and at.app.session.project.chapters)
        await at.press("o")
        await at.type("Fog")
        await at.press("enter")
        await at.until(lambda: at.app.session.page)
        await at.press("b")
        await at.type("Ilse counts the rings.")
        await at.press("ctrl+s")
        await at.until(lambda: _phase(at) == "generating narration")
        for stage in ("narration", "dialogue"):
            calls = len(server.calls)
            await at.press("g")
            await at.until(lambda: at.app.pending)
            assert len(server.calls) == calls  # the price comes before the first byte
            await at.press("g")
            await at.until(lambda stage=stage: _phase(at) == f"user_reviewing {stage}")
            await at.press("a")
            await at.until(lambda stage=stage: _phase(at) != f"user_reviewing {stage}")
        page = await client.query(q.GetPage(page="1/1"))
        assert page.state == "page_approved"
        assert page.title == "Fog"
        assert page.brief is not None
        assert page.brief.text.strip() == "Ilse counts the rings."
        assert all(cell.approved for cell in page.cells)


async def test_undoing_an_approval_keeps_the_text(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, _):
        page = await add_page(client)
        await client.execute(c.Deliver(page=page, stage="narration", text="Fog lay on the Throat."))
        await at.until(lambda: _phase(at) == "user_reviewing narration")
        await at.press("a")
        await at.until(lambda: _phase(at) == "generating dialogue")
        await at.press("u")
        await at.until(lambda: _phase(at) == "user_reviewing narration")
        view = await client.query(q.GetPage(page=page))
        assert view.cells[0].approved is None
        assert view.cells[0].head is not None
        assert view.cells[0].head.text.strip() == "Fog lay on the Throat."


async def test_a_text_that_is_cut_off_is_approved_by_the_second_key_only(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        server.play(Step(text="Fog lay on", finish=Finish.LENGTH))
        page = await add_page(client)
        await at.until(lambda: at.app.session.page)
        await at.press("g")
        await at.until(lambda: at.app.pending)
        await at.press("enter")
        await at.until(lambda: _phase(at) == "user_reviewing narration")
        await at.press("a")
        await at.until(lambda: at.app.pending)
        assert "cut off" in at.message
        assert (await client.query(q.GetPage(page=page))).state == "user_reviewing_narration"
        await at.press("a")
        await at.until(lambda: _phase(at) == "generating dialogue")


async def test_another_key_withdraws_the_question_and_nothing_is_sent(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        await add_page(client)
        await at.until(lambda: at.app.session.page)
        await at.press("g")
        await at.until(lambda: at.app.pending)
        await at.press("escape", "enter", "j")
        await at.pilot.pause(0.1)
        assert at.app.pending is None
        assert server.calls == []


async def test_a_page_moves_past_the_end_of_its_chapter_is_renamed_archived_and_brought_back(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, _):
        page = await add_page(client)
        await client.execute(c.AddChapter(title="The Toll"))
        await at.until(lambda: at.app.session.page and len(at.app.session.project.chapters) == 2)  # type: ignore[union-attr]
        await at.press("J")
        await at.until(lambda: at.app.session.project and at.app.session.project.chapters[1].total == 1)
        await at.press("f2")
        await at.press("end", *["backspace"] * 3)
        await at.type("Rain [x]")
        await at.press("enter")
        await at.until(lambda: at.app.session.page and at.app.session.page.title == "Rain [x]")
        assert "Rain [x]" in at.screen()
        await at.press("D")
        await at.until(lambda: at.app.session.page and at.app.session.page.archived)
        assert (await _book(client)).chapters[1].pages[0].archived
        await at.press(".")
        await at.until(lambda: at.app.session.project and at.app.session.project.chapters[1].pages)
        await at.press("D")
        await at.until(lambda: at.app.session.page and not at.app.session.page.archived)
        book = await _book(client)
        assert [line.id for line in book.chapters[1].pages if not line.archived] == [page]


async def test_a_stopped_draft_keeps_what_came_and_keeping_it_makes_a_revision(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        server.play(Step(text="Fog lay on the Throat. " * 40, delta_delay=0.02))
        page = await add_page(client)
        await at.until(lambda: at.app.session.page)
        await at.press("g")
        await at.until(lambda: at.app.pending)
        await at.press("g")
        await at.until(lambda: any(len(text.text) > 40 for text in at.app.session.running))
        await at.press("s")
        await at.until(lambda: _phase(at) == "interrupted narration")
        assert "! stopped" in at.screen()
        await at.press("w")
        await at.until(lambda: _phase(at) == "user_reviewing narration")
        view = await client.query(q.GetPage(page=page))
        assert view.cells[0].head is not None
        assert view.cells[0].head.text.startswith("Fog lay on the Throat.")
        assert view.cells[0].head.outcome == "stopped"


async def test_a_draft_is_stopped_by_the_key_that_comes_right_after_the_one_that_starts_it(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        server.play(Step(text="Fog lay on the Throat. " * 400, delta_delay=0.02), repeat=True)
        page = await add_page(client)
        await at.until(lambda: at.app.session.page and _phase(at) == "generating narration")
        for _ in range(4):
            await at.press("g")
            await at.until(lambda: at.app.pending)
            await at.press("g", "s")
            await at.until(lambda: "No draft is being written" not in at.message)
            runs = (await client.query(q.GetHistory(page=page))).runs
            assert (await settled(client, runs[0].id, 30)).status == "stopped"
            await at.until(lambda: not at.app.session.beginning and not at.app.session.running)
            if (await client.query(q.GetPage(page=page))).phase == "interrupted":
                await client.execute(c.Resume(page=page, action="discard"))
            await at.until(lambda: _phase(at) == "generating narration")


async def test_what_a_discarded_draft_left_is_made_a_revision_from_the_history(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, server):
        server.play(Step(deltas=("Rain ", "fell."), fault=Fault.RESET, after=2))
        page = await add_page(client)
        await draft(client, page)
        await at.until(lambda: _phase(at) == "interrupted narration")
        await client.execute(c.Resume(page=page, action="discard"))
        await at.until(lambda: _phase(at) == "generating narration")
        await at.press("H")
        await at.until(lambda: "words kept" in at.screen())
        await at.press("R")
        await at.until(lambda: "r1 now" in at.message)
        head = (await client.query(q.GetPage(page=page))).cells[0].head
        assert head is not None
        assert head.text == "Rain fell."


async def test_under_review_the_context_is_that_of_a_revision_with_the_notes_that_wait(tmp_path: Path) -> None:
    async with real(tmp_path, size=(160, 48)) as (at, client, _):
        page = await add_page(client)
        await at.until(lambda: at.app.session.page)
        await draft(client, page)
        await at.until(lambda: at.app.session.page.phase == "user_reviewing")  # type: ignore[union-attr]
        await at.press("1")
        inspector = at.app.workbench.inspector
        await at.until(lambda: inspector.context is not None and inspector.context.kind == "revise")
        head = at.app.session.page.cells[0].head  # type: ignore[union-attr]
        assert head is not None
        await client.execute(c.Comment(revision=head.id, text="Colder, and no dogs."))
        await at.until(lambda: inspector.context and "no dogs" in inspector.context.messages[-1].text)
        assert "revise narration" in at.screen()


async def test_a_paste_of_several_lines_into_a_title_is_one_line_with_all_words(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, _):
        await at.press("O")
        await at.until(lambda: isinstance(at.app.focused, Answer))
        assert at.app.focused is not None
        at.app.focused.post_message(events.Paste("The Crossing\r\n of the\nThroat\n"))
        await at.pilot.pause()
        await at.press("enter")
        await at.until(lambda: at.app.session.project and at.app.session.project.chapters)
        assert [chapter.title for chapter in (await _book(client)).chapters] == ["The Crossing of the Throat"]


async def test_an_empty_title_is_asked_for_in_a_sentence_and_nothing_is_renamed(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, _):
        await add_page(client)
        await at.until(lambda: at.app.session.page)
        before = (await _book(client)).chapters[0].pages[0].title
        await at.press("f2", "ctrl+u")
        assert isinstance(at.app.focused, Answer)
        assert at.app.focused.value == ""
        await at.press("enter")
        assert at.message == "A title is needed; esc leaves it as it was."
        assert at.app.workbench.drawer is not None
        await at.type("x" * 201)
        await at.press("enter")
        assert at.message.startswith("The title has 201 characters; at most 200 are allowed")
        await at.press("escape")
        assert at.app.workbench.drawer is None
        assert (await _book(client)).chapters[0].pages[0].title == before


async def test_a_dialogue_for_an_earlier_narration_says_so_with_the_keys_that_settle_it(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(80, 24)) as at:
        await at.client.execute(c.Approve(page=at.page, draft=False))
        await at.client.execute(c.Deliver(page=at.page, stage="dialogue", text="ILSE: Nine."))
        await at.client.execute(c.Edit(page=at.page, stage="narration", text="Ice lay on the Throat."))

        def rows() -> list[str]:
            return [row.text for row in at.app.workbench.page_view.lines]

        await at.until(lambda: "~ Written for an earlier narration." in rows())
        assert "a approves it as it is, r revises it." in rows()
        await at.until(lambda: at.app.session.page and at.app.session.page.stage == "dialogue")
        await at.pilot.press("a")
        await at.until(lambda: at.app.session.page and at.app.session.page.phase == "approved")
        await at.until(lambda: not any("Written for" in row for row in rows()))
        await at.client.execute(c.Edit(page=at.page, stage="narration", text="Snow."))
        await at.until(lambda: "i edits it, u opens it again." in rows())
        assert (await at.view()).cells[1].outdated == ("narration",)
