"""A change of an application by keys: from nothing to a finished version, its board, and the words of its workflow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio.domain.errors import Refused
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.tui.options import WorkbenchOptions
from studio.tui.presenters.status import money
from studio.tui.screens.listed import ListedScreen
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import add_page, settled
from tests.tui.app_bench import Shop, shop
from tests.tui.bench import real
from tests.tui.glass import glass

STAGES = ("discovery", "planning", "implementation", "testing", "verification", "deployment")


async def test_an_application_goes_from_nothing_to_a_finished_version_by_keys_alone(tmp_path: Path) -> None:
    async with shop(tmp_path, begin=False) as at:
        bench = at.at
        await bench.press("O")
        await bench.type("First")
        await bench.press("enter")
        await bench.until(lambda: bench.app.session.project and bench.app.session.project.chapters)
        await bench.press("o")
        await bench.type("Cart")
        await bench.press("enter")
        await bench.until(lambda: bench.app.session.page)
        await bench.press("b")
        await bench.type("A corner shop with a cart.")
        await bench.press("ctrl+s")
        await bench.until(lambda: at.state == "generating_discovery")
        for stage in STAGES:
            calls = len(at.server.calls)
            await bench.press("g")
            await bench.until(lambda: bench.app.pending)
            assert len(at.server.calls) == calls  # the price comes before the first byte
            await bench.press("g")
            await bench.until(lambda stage=stage: at.state == f"user_reviewing_{stage}", 60)  # type: ignore[misc]
            await bench.press("a")
            await bench.until(lambda stage=stage: at.state != f"user_reviewing_{stage}")  # type: ignore[misc]
        (version,) = (await at.client.query(bq.GetVersions())).versions
        assert (version.number, version.status, version.approved) == ("1.0.0", "completed", True)
        for path, text in FILES.values():
            assert (at.root / "app" / path).read_text() == text
        page = await at.client.query(q.GetPage(page="1/1"))
        assert page.state == "complete"
        assert page.brief is not None
        assert page.brief.text.strip() == "A corner shop with a cart."


async def test_the_first_change_needs_no_release_made_before_it(tmp_path: Path) -> None:
    async with shop(tmp_path, begin=False) as at:
        await at.at.until(lambda: "No change is asked for yet. o makes the first change." in at.at.screen())
        await at.at.press("o")
        await at.at.type("Cart")
        await at.at.press("enter")
        await at.at.until(lambda: at.at.app.session.page)
        project = await at.client.query(q.GetProject())
        assert [(one.title, [page.title for page in one.pages]) for one in project.chapters] == [
            ("Release 1", ["Cart"])
        ]


async def test_an_archived_change_names_the_key_that_brings_it_back_in_one_word_for_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as at:
        await at.at.press("D")
        await at.at.until(lambda: "archived" in at.at.message)
        assert at.at.message == "Change archived; nothing of it is deleted. D brings it back."
        await at.at.until(lambda: at.at.app.session.page and at.at.app.session.page.archived)
        await at.at.press("D")
        await at.at.until(lambda: at.at.message == "Change is back in its release.")


async def test_taking_an_approval_back_and_archiving_begun_work_wait_for_a_second_key(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_planning") as at:
        await at.at.press("u")
        await at.at.until(
            lambda: at.at.app.pending and "The approval of Discovery would be taken back" in at.at.message
        )
        assert (await at.view()).state == "user_reviewing_planning"
        await at.at.press("escape", "D")
        await at.at.until(lambda: at.at.app.pending and "has been begun. D again archives it" in at.at.message)
        assert not (await at.view()).archived
        await at.at.press("escape", "u", "u")
        await at.at.until(lambda: at.state == "user_reviewing_discovery")
        await at.at.press("D", "D")
        await at.at.until(lambda: at.at.app.session.page and at.at.app.session.page.archived)


async def test_a_change_in_which_a_draft_began_meanwhile_is_not_archived_by_the_second_key(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.3), stands="generating_implementation") as at:
        await at.at.press("D")
        await at.at.until(lambda: at.at.app.pending)
        begun = await at.client.execute(c.Generate(page=at.page))
        await at.at.until(lambda: at.at.app.pending is None)
        assert at.at.message == "The change has changed since this was asked; nothing was begun. D asks again."
        with pytest.raises(Refused, match="running"):
            await at.client.execute(c.ArchivePage(page=at.page))
        assert not (await at.view()).archived
        await settled(at.client, begun.run or "")


async def test_the_question_before_the_work_names_tasks_and_workers(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="generating_implementation") as at:
        await at.at.press("g")
        await at.at.until(lambda: at.at.app.pending)
        assert "8 tasks, 3 at a time" in at.at.message


async def test_of_a_stopped_implementation_screen_footer_and_keys_say_the_same(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.2)
    async with shop(tmp_path, roles=roles, stands="generating_implementation") as at:
        done = await at.client.execute(c.Generate(page=at.page))
        await at.at.until(lambda: (at.root / "app" / "index.html").exists())
        await at.client.execute(c.Stop(run=done.run))
        await at.at.until(lambda: at.phase == "interrupted")
        await at.at.press("G")
        await at.at.until(lambda: "C or g goes on with the tasks that are not done" in at.at.screen())
        assert "keep it as a revision" not in at.at.screen()
        footer = at.at.screen().split("\n")[-1]
        assert footer.index("g go on") < footer.index("C continue") < footer.index("X discard")
        assert " w keep" not in footer
        await at.at.press("w")
        assert at.at.message.startswith("What broke off is work on files, which hold what it wrote")
        await at.at.press("X")
        await at.at.until(lambda: at.at.app.pending)
        assert re.search(r"[1-8] files? would be as before: .*index.html.*\. X again does it\.", at.at.message)
        await at.at.press("escape")
        (at.root / "app" / "index.html").write_text("Mine.\n")
        await at.at.press("X")
        own = "What you changed (index.html) stays, and is made a version first. X again does it."
        await at.at.until(lambda: own in at.at.message)
        assert "index.html" not in at.at.message.partition("What you changed")[0]
        roles.pause = 0.0
        await at.at.press("C")
        await at.at.until(lambda: at.at.app.pending and "in all at most" in at.at.message)
        assert (at.root / "app" / "index.html").exists()
        await at.at.press("C")
        await at.at.until(lambda: at.state == "user_reviewing_implementation", 40)
        assert {task.status for task in await at.tasks()} == {"done"}


async def test_files_whose_tasks_are_not_all_done_are_approved_by_the_second_key_only(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.client.execute(b.AddTask(page=at.page, title="Write the imprint"))
        await at.at.press("a")
        await at.at.until(lambda: at.at.app.pending)
        assert at.at.message == (
            "1 of 9 tasks is not done: Write the imprint. g goes on with what is left; a again approves all the same."
        )
        assert (await at.view()).state == "user_reviewing_implementation"
        await at.at.press("a")
        await at.at.until(lambda: at.state == "generating_testing")


async def test_a_report_that_asks_to_return_is_approved_by_the_second_key_only(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.0, verdicts=["return"]), stands="user_reviewing_testing") as at:
        await at.through("user_reviewing_verification")
        await at.at.press("a")
        await at.at.until(lambda: at.at.app.pending)
        assert "send the work back" in at.at.message
        assert (await at.view()).state == "user_reviewing_verification"
        await at.at.press("a")
        await at.at.until(lambda: at.state == "generating_deployment")


async def test_sending_back_takes_a_note_and_makes_tasks_of_it(tmp_path: Path) -> None:
    async with shop(
        tmp_path, roles=Roles(pause=0.0, verdicts=["return", "pass"]), stands="user_reviewing_testing"
    ) as at:
        await at.through("user_reviewing_verification")
        await at.at.press("B")
        await at.at.until(lambda: "return 1 of 2" in at.at.screen())
        await at.at.type("Name the cart.")
        await at.at.press("ctrl+s")
        await at.at.until(lambda: at.state == "generating_implementation")
        build = await at.client.query(bq.GetBuild(page=at.page))
        assert build.returns == 1
        assert any("Name the cart." in one.description for one in await at.tasks())
        await at.drafted("implementation")
        assert "again after implementation is approved" in at.at.screen()


async def test_at_the_limit_of_returns_the_key_says_so_and_what_is_left_to_do(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.0, verdicts=["return"]), stands="user_reviewing_testing") as at:
        for returns in range(2):
            await at.through("user_reviewing_verification")
            await at.client.execute(b.SendBack(page=at.page, note=f"Look again, {returns}."))
        await at.through("user_reviewing_verification")
        await at.at.until(lambda: at.at.app.board.build and at.at.app.board.build.returns == 2)
        await at.at.press("B")
        assert at.at.message == (
            "This change was sent back 2 times, which is the limit; F settles the findings; a approves all the same."
        )


async def test_words_of_a_note_for_sending_back_outlive_leaving_it(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.0, verdicts=["return"]), stands="user_reviewing_testing") as at:
        await at.through("user_reviewing_verification")
        await at.at.press("B")
        await at.at.type("Half a note")
        await at.at.press("escape")
        assert "B" in at.at.message
        kept = (await at.view()).kept
        assert [words.text for words in kept if words.place == "return:verification"] == ["Half a note"]
        await at.at.press("B")
        await at.at.until(lambda: "Half a note" in at.at.screen())


async def test_live_workers_stand_on_the_board_and_nothing_above_them_moves(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.3)) as at:
        bench = at.at
        await at.through("generating_implementation")
        await bench.press("g")
        await bench.until(lambda: bench.app.pending)
        await bench.press("g")
        await bench.until(lambda: bench.app.board.board and any(t.live for t in bench.app.board.board.tasks))
        await bench.until(lambda: "Created" in bench.screen())
        view = bench.app.workbench.page_view
        rows = [line.text for line in view.lines[view.top : view.top + 10]]
        assert rows[0].startswith("IMPLEMENTATION")
        assert [name for name in ("page", "style", "data") if any(f"Write {name}" in row for row in rows)]
        before = view.top
        seen: set[str] = set()
        while at.state != "user_reviewing_implementation":
            assert view.top == before
            seen |= {task.status for task in bench.app.board.board.tasks} if bench.app.board.board else set()
            await bench.pilot.pause(0.05)
        assert {"planned", "running", "done"} <= seen


async def test_the_header_counts_what_workers_cost_while_they_are_at_it(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.3), stands="generating_implementation") as at:
        bench = at.at
        session = bench.app.session
        assert session.project is not None
        before = session.project.spend.project
        await bench.press("g")
        await bench.until(lambda: bench.app.pending)
        await bench.press("g")
        await bench.until(lambda: session.project is not None and session.project.spend.project > before)
        assert session.running
        assert session.project is not None
        amount = money(session.project.spend.project)
        assert amount != money(before)
        await bench.until(lambda: not session.running or money(session.project.spend.project) in bench.screen())  # type: ignore[union-attr]
        assert session.running


async def test_a_plan_is_read_while_it_is_written_and_never_as_json(tmp_path: Path) -> None:
    async with shop(tmp_path) as at:
        bench = at.at
        await at.through("generating_planning")
        at.server.tokens_per_second = 60.0
        await bench.press("g")
        await bench.until(lambda: bench.app.pending)
        await bench.press("g")
        seen = []
        while at.state != "user_reviewing_planning":
            seen.append("\n".join(line.text for line in bench.app.workbench.page_view.lines))
            await bench.pilot.pause(0.02)
        assert not any('"tasks"' in text or '{"' in text or "\\n" in text for text in seen)
        assert any("Write page" in text and "Write check" not in text for text in seen)


async def test_the_workbench_speaks_of_releases_and_changes(tmp_path: Path) -> None:
    async with shop(tmp_path) as at:
        screen = at.at.screen()
        assert "change 1 of 1" in screen
        assert "REQUEST" in screen
        assert "BRIEF" not in screen
        assert at.at.app.keymap.by_id["page.new"].label == "new change"
        await at.at.press("o")
        assert "New change in 1 Release 1" in at.at.screen()
        await at.at.press("escape", "]")
        assert at.at.message == "This is the last change."


async def test_a_story_says_why_the_keys_of_an_application_do_nothing(tmp_path: Path) -> None:
    async with real(tmp_path) as (at, client, _):
        await add_page(client)
        await at.until(lambda: at.app.session.page)
        for key in ("t", "f", "F", "B", "T", "V", "A", "P", "R", "5"):
            await at.press(key)
            assert at.app.screen is at.app.workbench
            assert "only an application has this" in at.message, key
        shown = at.app.workbench.footer.lines[-1].text
        assert "tasks" not in shown
        assert "files" not in shown


async def test_the_progress_tab_says_how_far_the_change_is(tmp_path: Path) -> None:
    async with shop(tmp_path, size=(160, 40), stands="user_reviewing_planning") as at:
        await at.at.press("5")
        await at.at.until(lambda: "▸ Planning" in at.at.screen())
        assert "✓ Discovery" in at.at.screen()


async def _each_screen(at: Shop) -> None:
    for key in ("t", "f", "F", "T", "V", "A", "P"):
        await at.at.press(key)
        await at.at.until(lambda: isinstance(at.at.app.screen, ListedScreen) and at.at.app.screen.loaded)
        width = at.at.app.size.width
        rows = at.at.screen().split("\n")
        assert all(len(row) <= width for row in rows)
        await at.at.press("enter", "j", "k", "tab", "escape")
        await at.at.press("escape")
        if at.at.app.screen is not at.at.app.workbench:
            await at.at.press("escape")
        await at.at.until(lambda: at.at.app.screen is at.at.app.workbench)


async def test_every_screen_stands_in_sixty_by_twenty_without_unicode(tmp_path: Path) -> None:
    options = WorkbenchOptions(ascii=True)
    async with shop(tmp_path, size=(60, 20), options=options, stands="user_reviewing_testing") as at:
        await _each_screen(at)


async def test_every_screen_opens_before_anything_is_there(tmp_path: Path) -> None:
    async with shop(tmp_path) as at:
        await _each_screen(at)


async def test_what_is_painted_while_workers_are_at_it_is_what_stands_there(tmp_path: Path) -> None:
    roles = Roles(pause=0.1)
    async with (
        shop(tmp_path, roles=roles, stands="generating_implementation") as at,
        glass(at.client, size=(100, 30)) as pane,
    ):
        app = pane.app
        await pane.until(lambda: app.board.board is not None and app.board.board.tasks)
        await pane.press("g")
        await pane.until(lambda: app.pending)
        await pane.press("g")
        await pane.until(lambda: app.session.running)
        while app.session.running:
            await pane.pilot.pause(0.2)
        await pane.until(lambda: app.session.page and app.session.page.phase == "user_reviewing")
        await pane.until(lambda: not pane.wrong())
        await pane.press("t")
        await pane.until(lambda: isinstance(app.screen, ListedScreen) and app.screen.loaded)
        await pane.press("j", "j", "enter", "escape", "escape")
        await pane.until(lambda: app.screen is app.workbench and not pane.wrong())


async def test_an_application_that_nobody_touches_paints_nothing(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_testing") as at, glass(at.client, size=(160, 40)) as pane:
        app = pane.app
        await pane.until(lambda: app.board.build is not None)
        await pane.press("5")
        for key in ("", "t"):
            if key:
                await pane.press(key)
            await pane.pilot.pause(0.6)
            painted = pane.written
            await pane.pilot.pause(2.2)
            assert pane.written == painted


async def test_a_report_that_is_done_is_read_from_its_heading_and_says_that_it_goes_on(tmp_path: Path) -> None:
    async with shop(tmp_path, size=(80, 24)) as at:
        await at.through("generating_planning")
        await at.drafted("planning")
        view = at.at.app.workbench.page_view
        await at.at.until(lambda: view.lines[view.top].text.startswith("PLANNING"))
        assert view.cursor == ("planning", "head")
        rows = at.at.screen().split("\n")
        below = len(view.lines) - view.top - view.size.height
        assert f"↓ {below} more lines" in rows[-2]
        assert rows[2].endswith("↑")
        assert rows[-3].endswith("↓")
        await at.at.press("G")
        rows = at.at.screen().split("\n")
        assert "more line" not in rows[-2]
        assert not rows[-3].endswith("↓")


async def test_one_who_reads_further_up_stays_there_when_the_plan_is_done(tmp_path: Path) -> None:
    async with shop(tmp_path, size=(80, 24)) as at:
        await at.through("generating_planning")
        at.server.tokens_per_second = 150.0
        await at.at.press("g")
        await at.at.until(lambda: at.at.app.pending)
        await at.at.press("g")
        view = at.at.app.workbench.page_view
        await at.at.until(lambda: view.top > 6)
        await at.at.press("home")
        await at.at.until(lambda: at.state == "user_reviewing_planning")
        await at.at.pilot.pause()
        assert view.top == 0
