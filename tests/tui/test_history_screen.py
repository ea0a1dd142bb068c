"""The history screen: what it compares, restores and copies. Over a real engine."""

from __future__ import annotations

from pathlib import Path

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.screens.exact import ExactScreen
from studio.tui.screens.history import HistoryScreen
from tests.fakes.project import add_page, draft
from tests.fakes.wire_script import Step
from tests.tui.bench import real
from tests.tui.desk import NARRATION, Desk, desk


async def opened(at: Desk, key: str) -> HistoryScreen:
    await at.pilot.press(key)
    screen = at.app.screen
    assert isinstance(screen, HistoryScreen)
    await at.until(lambda: screen.rows)
    return screen


async def edited(at: Desk) -> None:
    text = NARRATION.replace("grey gloves", "white gloves") + "\nNobody thanked her.\n"
    await at.client.execute(c.Edit(page=at.page, stage="narration", text=text))
    await at.until(lambda: at.app.session.page and at.app.session.page.cells[0].revisions == 2)


def shown(screen: HistoryScreen, style: str) -> str:
    return " ".join(text for row in screen.text.lines for text, name in row.spans if name == style)


async def test_d_shows_the_newest_against_the_one_it_was_made_from(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await edited(at)
        screen = await opened(at, "d")
        assert "grey" in shown(screen, "del")
        assert "white" in shown(screen, "add")
        assert "Nobody thanked her." in shown(screen, "add")
        assert "1 paragraph" not in shown(screen, "dim")
        await at.pilot.press("j")
        assert screen.text.cursor == 1
        await at.pilot.press("j")
        assert screen.text.cursor == 2
        await at.pilot.press("k")
        assert screen.text.cursor == 1


async def test_a_text_that_takes_the_place_of_the_approved_one_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 48)) as at:
        await at.pilot.press("i")
        await at.until(lambda: at.app.workbench.drawer)
        await at.type("Fog. ")
        await at.pilot.press("ctrl+s")
        await at.until(lambda: at.app.message and at.app.message.text == "Narration saved as revision 2.")
        await at.pilot.press("a", "k", "k", "k", "i")
        await at.until(lambda: at.app.workbench.drawer)
        await at.type("Rain. ")
        await at.pilot.press("ctrl+s")
        said = "Narration saved as revision 3, approved in the place of r2."
        await at.until(lambda: at.app.message and at.app.message.text == said)
        await opened(at, "H")
        await at.pilot.press("down", "down", "R")
        said = "Revision 1 restored as revision 4, approved in the place of r3."
        await at.until(lambda: at.app.message and at.app.message.text.startswith(said))
        cell = (await at.view()).cells[0]
        assert cell.head is not None
        assert (cell.approved, cell.head.text.strip()) == (cell.head.id, NARRATION.strip())


async def test_restore_makes_a_new_revision_and_u_puts_the_former_text_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await edited(at)
        screen = await opened(at, "H")
        assert not screen.can_restore()
        await at.pilot.press("down", "R")
        head = (await at.view()).cells[0].head
        assert head is not None
        assert (head.number, head.origin, head.text.strip()) == (3, "restore", NARRATION.strip())
        assert at.app.message is not None
        assert "r3" in at.app.message.text
        await at.pilot.press("u")
        head = (await at.view()).cells[0].head
        assert head is not None
        assert (head.number, "white gloves" in head.text) == (4, True)


async def test_a_marked_revision_is_what_others_are_compared_with(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await edited(at)
        await at.client.execute(c.Edit(page=at.page, stage="narration", text="All new."))
        screen = await opened(at, "H")
        await at.until(lambda: len(screen.rows) == 3)
        await at.pilot.press("down", "down", "m", "up", "up")
        assert screen.base is not None
        assert (screen.base.label, screen.against) == ("r1", "marked")


async def test_copy_says_that_the_terminal_does_not_confirm_and_writes_the_file(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await opened(at, "H")
        await at.pilot.press("y")
        assert (at.root / ".studio" / "copied.txt").read_text().strip() == NARRATION.strip()
        assert at.app.message is not None
        assert "does not confirm" in at.app.message.text


async def test_tab_goes_to_the_brief_and_escape_back_to_the_page(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        screen = await opened(at, "H")
        names = [screen.stage]
        for _ in range(3):
            await at.pilot.press("tab")
            names.append(screen.stage)
        assert names == ["narration", "dialogue", "brief", "narration"]
        await at.pilot.press("escape")
        assert at.app.screen is at.app.workbench


async def test_markup_and_odd_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    async with desk(tmp_path, text="[/nope] and [@click=app.quit]x[/]\n\n[bold]y[/bold]") as at:
        screen = await opened(at, "H")
        assert "[/nope] and [@click=app.quit]x[/]" in "".join(row.text for row in screen.text.lines)


async def test_the_mark_of_the_row_that_is_compared_with_and_the_way_out_are_whole_on_narrow_screens(
    tmp_path: Path,
) -> None:
    for size in ((60, 20), (120, 32)):
        async with desk(tmp_path, size=size) as at:
            await edited(at) if size[0] == 60 else None
            screen = await opened(at, "H")
            await at.pilot.press("m")
            await at.until(lambda screen=screen: screen.marked)
            assert any(row.text.rstrip().endswith("compare with") for row in screen.list.lines)
            assert all(row.width < screen.list.size.width for row in screen.list.lines)
            assert "esc close" in screen.footer.lines[-1].text


async def test_p_opens_what_the_model_was_sent_and_a_persons_text_has_nothing_to_open(tmp_path: Path) -> None:
    async with real(tmp_path, size=(130, 200)) as (at, client, server):
        page = await add_page(client)
        server.play(Step(text="Fog lay on the Throat."))
        await draft(client, page)
        sent = (await client.query(q.GetAsked(revision=f"{page}@narration:1"))).messages
        await client.execute(c.Edit(page=page, stage="narration", text="Fog stood."))
        await at.until(lambda: at.app.session.page and at.app.session.page.cells[0].revisions == 2)
        await at.press("H")
        history = at.app.screen
        assert isinstance(history, HistoryScreen)
        await at.until(lambda: history.rows)
        assert "history.prompt" not in history.acts()
        await at.press("down", "p")
        await at.until(lambda: isinstance(at.app.screen, ExactScreen) and at.app.screen.messages.view)
        screen = at.app.screen
        assert isinstance(screen, ExactScreen)
        assert screen.messages.view is not None
        assert screen.messages.view.messages == sent
        assert "What the model saw" in at.screen()
        await at.press("escape")
        await at.until(lambda: at.app.screen is history)
