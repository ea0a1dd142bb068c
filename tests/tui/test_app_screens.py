"""The screens of an application by keys: tasks, files, findings, the tool log, versions, publishing, the check. What was saved."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.tui.options import WorkbenchOptions
from studio.tui.screens.tasks import TasksScreen
from studio.tui.screens.versions import VersionsScreen
from tests.fakes.app_at import through
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import settled
from tests.fakes.wire_asked import Answering, Asked
from tests.tui.app_bench import Shop, shop


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 48)])
async def test_the_form_of_a_task_stands_under_its_row_with_one_rule_between_and_says_what_may_be_written(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shop(tmp_path, stands="generating_implementation", size=size) as at:
        await at.opened("t", "TasksScreen")
        assert at.at.screen().split("\n")[0].startswith(" Tasks   1/1 The shop")
        await at.at.press("j", "e")
        await at.at.until(lambda: "Type: style" in at.at.screen())
        rows = at.at.screen().split("\n")
        ruled = [number for number, row in enumerate(rows) if "─" * 20 in row]
        assert len(ruled) == 3  # under the head, over the form, over the footer
        form = "\n".join(rows[ruled[1] + 1 : ruled[2]])
        assert form.split("\n")[0].strip() == "Task 2, style"
        assert "Write the part style." in form
        assert "Type: setup ui style logic data api test docs fix. Priority: 1 to 3." in form
        assert any("Write style" in row for row in rows[2 : ruled[1]])
        await at.at.press("escape")
        await at.at.until(lambda: "Task 2, style" not in at.at.screen())
        assert "Write the part style." in at.at.screen()  # the text beside or under the list is there again


async def test_tasks_are_edited_dropped_moved_and_added_before_the_work(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="generating_implementation") as at:
        await at.opened("t", "TasksScreen")
        await at.at.press("j", "J")
        await at.at.until(lambda: "Write data" in at.at.screen().split("\n")[3])
        assert [task.key for task in await at.tasks()][:3] == ["page", "data", "style"]
        await at.at.press("D")
        await at.at.until(lambda: "dropped" in at.at.message)
        assert {task.key: task.status for task in await at.tasks()}["style"] == "dropped"
        await at.at.press("D")
        await at.at.until(lambda: "in again" in at.at.message)
        await at.at.press("e")
        await at.at.type(" guide")
        await at.at.press("ctrl+s")
        await at.at.until(lambda: "Write style guide" in at.at.screen())
        task = next(task for task in await at.tasks() if task.key == "style")
        assert (task.title, task.type, task.status, task.edited_by) == ("Write style guide", "style", "planned", "ana")
        await at.at.press("o")
        await at.at.type("Write the imprint")
        await at.at.press("down", "end", *["backspace"] * 5)
        await at.at.type("docs")
        await at.at.press("ctrl+s")
        await at.at.until(lambda: "Task 9 added" in at.at.message)
        new = (await at.tasks())[-1]
        assert (new.title, new.type) == ("Write the imprint", "docs")
        await at.at.press("escape")
        at.at.app.workbench.page_view.set_cursor(("planning", 0))
        differs = "The board differs from this plan: 1 edited, 1 added, in another order."
        view = at.at.app.workbench.page_view
        await at.at.until(lambda: differs in " ".join(row.text for row in view.lines))


async def test_the_first_task_moved_down_hides_no_row(tmp_path: Path) -> None:
    for size in ((80, 24), (160, 48)):
        where = tmp_path / str(size[0])
        where.mkdir()
        async with shop(where, size=size, stands="generating_implementation") as at:
            await at.opened("t", "TasksScreen")
            await at.at.press("J")
            await at.at.until(lambda: "Write page" in at.at.screen().split("\n")[3])
            assert "Write style" in at.at.screen().split("\n")[2]


async def test_a_list_and_a_text_say_how_much_of_them_is_out_of_sight(tmp_path: Path) -> None:
    async with shop(
        tmp_path, size=(80, 24), options=WorkbenchOptions(ascii=True), stands="generating_implementation"
    ) as at:
        await at.opened("t", "TasksScreen")
        screen = at.at.app.screen
        assert isinstance(screen, TasksScreen)
        rows = at.at.screen().split("\n")
        hidden = 8 - screen.list.size.height
        if hidden > 0:
            assert f"v {hidden} more line" in rows[2 + screen.list.size.height]
        await at.at.pilot.resize_terminal(80, 18)
        await at.at.until(lambda: "v 3 more lines" in at.at.screen())
        assert at.at.screen().split("\n")[1 + screen.list.size.height].endswith("v")


async def test_a_task_that_cannot_be_understood_stays_in_the_field(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="generating_implementation") as at:
        await at.opened("t", "TasksScreen")
        await at.at.press("e", "down", "end")
        await at.at.type("x")
        await at.at.press("ctrl+s")
        await at.at.until(lambda: "is not a type of task" in at.at.screen())
        assert "Type: uix" in at.at.screen()
        assert (await at.tasks())[0].type == "ui"
        await at.at.press("escape")
        assert at.at.message == "Your words for a task are kept; e opens them."
        await at.at.press("e", "ctrl+home", "down", "end")
        await at.at.press("backspace", "up", "end")
        await at.at.type("x" * 121)
        await at.at.press("ctrl+s")
        await at.at.until(lambda: "The title has 131 characters; at most 120 are allowed." in at.at.screen())
        assert (await at.tasks())[0].title == "Write page"
        await at.at.burst(*["backspace"] * 121)
        await at.at.press("ctrl+s")
        await at.at.until(lambda: at.at.app.screen.drawer is None)  # type: ignore[attr-defined]


async def test_tasks_at_work_can_be_looked_at_and_not_changed(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_testing") as at:
        await at.opened("t", "TasksScreen", lambda screen: "8 of 8 tasks done" in screen)
        assert "closed to changes" in at.at.screen()
        await at.at.press("e")
        assert at.at.message == "The board is closed to changes: the tasks of this change are done with."
        for key in ("e", "D", "J", "o"):
            await at.at.press(key)
        assert at.at.app.screen.drawer is None  # type: ignore[attr-defined]
        assert all(task.status == "done" for task in await at.tasks())


async def test_files_show_their_marks_and_the_difference_or_the_text(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.opened("f", "FilesScreen", lambda screen: "8 changed" in screen)
        assert "A README.md" in at.at.screen()
        await at.at.until(lambda: "new file +3" in at.at.screen())
        await at.at.press("t")
        await at.at.until(lambda: "bytes" in at.at.screen())
        await at.at.press("escape")
        (at.root / "app" / "README.md").write_text("# Corner shop\n\nOpen the door.\n")
        await at.opened("f", "FilesScreen", lambda screen: "! README.md" in screen)
        await at.at.until(lambda: "Open the door" in at.at.screen())
        await at.at.press(".")
        await at.at.until(lambda: "Files that changed" in at.at.message)


class OtherWords(Roles):
    """An auditor who says in other words what the lead said of the joined result."""

    @staticmethod
    def _report(asked: Asked, verdict: str, findings: list[dict[str, object]]) -> Answering:
        return Roles._report(asked, verdict, [one | {"message": f"I find: {one['message']}"} for one in findings])


async def test_findings_are_settled_with_a_reason_and_opened_again(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=OtherWords(pause=0.0)) as at:
        await at.through("user_reviewing_testing")
        await at.opened("F", "FindingsScreen", lambda screen: "2 open" in screen)
        await at.at.press("w")
        await at.at.type("A street is named elsewhere.")
        await at.at.press("enter")
        await at.at.until(lambda: "1 open" in at.at.screen())
        found = (await at.client.query(bq.GetFindings(page=at.page))).findings
        waived = [one for one in found if one.state == "waived"]
        assert [(one.reason, one.by) for one in waived] == [("A street is named elsewhere.", "ana")]
        await at.at.press("x")
        await at.at.until(lambda: "Nothing is open" in at.at.screen())
        await at.at.press(".")
        await at.at.until(lambda: "false" in at.at.screen())
        await at.at.press("u")
        await at.at.until(lambda: "open again" in at.at.message)
        states = sorted(one.state for one in (await at.client.query(bq.GetFindings(page=at.page))).findings)
        assert states.count("open") == 1


async def test_a_conflict_is_compared_and_either_text_taken_by_a_key(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(failing="", broken="", pause=0.1), stands="generating_implementation") as at:
        started = await at.client.execute(c.Generate(page=at.page))
        app = at.root / "app"
        await at.at.until(lambda: any(app.glob("*")))
        for name in ("list.js", "total.js"):
            (app / name).write_text("// mine\n")
        await settled(at.client, started.run or "")
        await at.opened("F", "FindingsScreen", lambda screen: "list.js" in screen)
        await at.at.until(lambda: "list.js" in at.at.screen())
        await at.at.press("enter")
        await at.at.until(lambda: "- // mine" in at.at.screen())
        await at.at.press("escape", "T")
        await at.at.until(lambda: at.at.app.pending)
        assert (app / "list.js").read_text() == "// mine\n"
        await at.at.press("T")
        await at.at.until(lambda: "has the worker's text" in at.at.message)
        assert (app / "list.js").read_text() == FILES["list"][1]
        await at.at.until(lambda: "list.js" not in at.at.screen())
        await at.at.press("M")
        await at.at.until(lambda: "intended" in at.at.message)
        assert (app / "total.js").read_text() == "// mine\n"
        found = (await at.client.query(bq.GetFindings(page=at.page))).findings
        states = {(one.path, one.state) for one in found if one.source == "conflict"}
        assert ("list.js", "fixed") in states
        assert ("total.js", "intended") in states


async def test_a_long_reason_is_kept_whole_and_one_that_is_too_long_stays_in_the_line(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_testing") as at:
        await at.opened("F", "FindingsScreen", lambda screen: "1 open" in screen)
        await at.at.press("w", "enter", "x")
        line = at.at.app.screen.drawer.input  # type: ignore[attr-defined]
        assert at.at.message == "Say why it is waived: the next reviewer is told so. esc leaves it open."
        assert line.value == "x"
        line.value = "x" * 2_001
        await at.at.press("enter")
        await at.at.until(lambda: "The reason has 2,001 characters; at most 2,000" in at.at.message)
        assert line.value == "x" * 2_001
        line.value = reason = "Because " + "it is so " * 60 + "END"
        await at.at.press("enter")
        await at.at.until(lambda: at.at.app.screen.drawer is None)  # type: ignore[attr-defined]
        found = (await at.client.query(bq.GetFindings(page=at.page))).findings
        assert [one.reason for one in found if one.state == "waived"] == [reason]


async def test_a_finding_leads_to_its_line(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_testing") as at:
        await at.opened("F", "FindingsScreen", lambda screen: "index.html:1" in screen)
        assert "enter open the file" in at.at.screen().split("\n")[-1]
        await at.at.press("enter")
        await at.at.until(lambda: type(at.at.app.screen).__name__ == "FilesScreen")
        screen = at.at.app.screen
        await at.at.until(lambda: screen.detail.cursor == ("index.html", 1))  # type: ignore[attr-defined]
        assert "<!doctype html>" in at.at.screen()
        assert at.at.message == "index.html:1: The title could say more."


async def test_the_tool_log_has_arguments_and_results_of_every_call(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.opened("T", "ToolLogScreen", lambda screen: "RESULT" in screen)
        total = (await at.client.query(bq.GetToolLog(page=at.page))).total
        assert f"{total} calls" in at.at.screen()
        await at.at.press("home")
        await at.at.until(lambda: "<!doctype html>" in at.at.screen() or "content" in at.at.screen())
        await at.at.press("escape")
        await at.opened("A", "AuditScreen", lambda screen: "transition" in screen)
        await at.at.press("home")
        assert "transition" in at.at.screen() or "message" in at.at.screen()


async def _two_versions(at: Shop) -> None:
    await at.through("user_reviewing_verification")
    await at.at.press("B", "ctrl+s")
    await at.at.until(lambda: at.state == "generating_implementation")
    await at.through("user_reviewing_implementation")


async def test_going_back_shows_the_difference_first_and_asks_again_about_changes_by_hand(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.0, verdicts=["return", "pass"])) as at:
        await _two_versions(at)
        readme = at.root / "app" / "README.md"
        first = "# Corner shop\n\nOpen index.html.\n"
        mine = readme.read_text() + "Mine.\n"
        readme.write_text(mine)
        await at.opened("V", "VersionsScreen", lambda screen: "your changes" in screen)
        await at.at.press("end")
        await at.at.press("R")
        await at.at.until(lambda: at.at.app.pending and "1 file would change" in at.at.message)
        assert "the files as they lie to 1.0.0" in at.at.screen()
        assert readme.read_text() == mine
        await at.at.press("R")
        await at.at.until(lambda: at.at.app.pending and "Changed by hand" in at.at.message)
        assert readme.read_text() == mine
        await at.at.press("R")
        await at.at.until(lambda: "Restored version 1.0.0" in at.at.message)
        assert readme.read_text() == first
        made = (await at.client.query(bq.GetVersions())).versions
        assert [one.origin for one in made] == ["restore", "person", "run", "run"]
        await at.at.press("u")
        await at.at.until(lambda: at.at.app.pending)
        await at.at.press("enter")
        await at.at.until(lambda: readme.read_text() == mine)


async def test_escape_withdraws_the_question_and_changes_no_file(tmp_path: Path) -> None:
    async with shop(tmp_path, roles=Roles(pause=0.0, verdicts=["return", "pass"])) as at:
        await _two_versions(at)
        before = (at.root / "app" / "README.md").read_text()
        await at.opened("V", "VersionsScreen")
        await at.at.press("u")
        await at.at.until(lambda: at.at.app.pending)
        await at.at.press("escape")
        assert at.at.app.pending is None
        assert type(at.at.app.screen).__name__ == "VersionsScreen"
        await at.at.press("escape")
        assert at.at.app.screen is at.at.app.workbench
        assert (at.root / "app" / "README.md").read_text() == before


async def test_the_question_before_undoing_is_taken_back_when_another_version_becomes_the_newest(
    tmp_path: Path,
) -> None:
    async with shop(tmp_path, stands="complete") as at:

        async def saved(name: str) -> None:
            (at.root / "app" / name).write_text("A note.\n")
            await at.client.execute(b.SaveVersion(summary=name))

        await saved("first.md")
        await at.opened("V", "VersionsScreen")
        await at.at.press("u")
        await at.at.until(lambda: at.at.app.pending)
        await saved("second.md")
        await at.at.until(lambda: "Another version is the newest by now" in at.at.message)
        assert at.at.app.pending is None
        await at.at.press("u")
        await at.at.until(lambda: at.at.app.pending and "Back to 1.0.1" in at.at.message)
        await at.at.press("u")
        await at.at.until(lambda: "Undone" in at.at.message)
        assert (at.root / "app" / "first.md").exists()
        assert not (at.root / "app" / "second.md").exists()


async def test_changes_by_hand_become_a_version_with_a_title_also_those_made_while_the_list_is_open(
    tmp_path: Path,
) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.opened("V", "VersionsScreen", lambda screen: "1 version" in screen)
        await at.at.press("S")
        await at.at.until(lambda: at.at.message == "Nothing in app/ differs from the newest version.")
        (at.root / "app" / "mine.txt").write_text("Mine.\n")
        await at.at.press("S")
        await at.at.until(lambda: at.at.app.screen.drawer is not None)  # type: ignore[attr-defined]
        await at.at.press("end")  # what is offered stands selected; a key of the cursor keeps it
        await at.at.type(", my own")
        await at.at.press("enter")
        await at.at.until(lambda: "Saved as version" in at.at.message)
        await at.at.until(lambda: "your changes" not in at.at.screen())
        assert (await at.client.query(bq.GetVersions())).versions[0].summary == "Changes made by hand, my own"
        newest = (await at.client.query(bq.GetVersions())).versions[0]
        assert (newest.origin, newest.added) == ("person", 1)


async def test_the_title_of_a_version_is_typed_over_what_is_offered_and_its_difference_is_shown(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.opened("V", "VersionsScreen", lambda screen: "1 version" in screen)
        (at.root / "app" / "mine.txt").write_text("Mine.\n")
        await at.at.press("S")
        await at.at.until(lambda: at.at.app.screen.drawer is not None, 5)  # type: ignore[attr-defined]  # a FramedScreen by now
        await at.at.type("My own note")
        await at.at.press("enter")
        await at.at.until(lambda: "Saved as version" in at.at.message, 5)
        versions = (await at.client.query(bq.GetVersions())).versions
        assert versions[0].summary == "My own note"
        screen = at.at.app.screen
        assert isinstance(screen, VersionsScreen)
        assert screen.here == versions[0].id
        shown = "\n".join(line.text for line in screen.detail.lines)
        assert f"{versions[1].number} to {versions[0].number}" in shown
        assert "mine.txt" in shown


async def test_a_version_that_was_saved_is_approved_by_the_second_key(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="complete") as at:
        (at.root / "app" / "mine.txt").write_text("Mine.\n")
        await at.opened("V", "VersionsScreen", lambda screen: "your changes" in screen)
        await at.at.press("S")
        await at.at.until(lambda: at.at.app.screen.drawer is not None)  # type: ignore[attr-defined]
        await at.at.type("Mine")
        await at.at.press("enter")
        await at.at.until(lambda: "studio versions approve 1.0.1" in at.at.message)
        await at.at.press("home", "a")
        await at.at.until(lambda: at.at.app.pending and "Version 1.0.1 would be approved" in at.at.message)
        assert not (await at.client.query(bq.GetVersions())).versions[0].approved
        await at.at.press("a")
        await at.at.until(lambda: "Version 1.0.1 is approved" in at.at.message)
        newest = (await at.client.query(bq.GetVersions())).versions[0]
        assert (newest.number, newest.approved) == ("1.0.1", True)
        await at.at.press("home", "a")
        await at.at.until(lambda: at.at.message.startswith("Version 1.0.1 is approved already"))
        await at.at.press("R")
        await at.at.until(lambda: "Version 1.0.1 is the newest" in at.at.message)


async def test_publishing_shows_its_plan_and_is_done_by_the_second_key_only(tmp_path: Path) -> None:
    settings = f'[publish.site]\npublisher = "folder"\npath = "{tmp_path / "site"}"'
    async with shop(tmp_path, settings=settings, stands="complete") as at:
        await at.opened("P", "PublishScreen", lambda screen: "site" in screen)
        await at.at.press("a")
        assert not at.at.app.pending  # without a plan that was seen nothing is carried out
        await at.at.press("p")
        await at.at.until(lambda: "8 added" in at.at.screen())
        await at.at.press("a")
        await at.at.until(lambda: at.at.app.pending)
        assert not (tmp_path / "site").exists()
        await at.at.press("a")
        await at.at.until(lambda: "is published" in at.at.message)
        assert (tmp_path / "site" / "index.html").is_file()
        (done,) = (await at.client.query(bq.GetPublications())).publications
        assert (done.version, done.status) == ("1.0.0", "done")


async def test_an_offer_becomes_a_change_with_a_request(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="complete") as at:
        await at.opened("P", "PublishScreen", lambda screen: "Draw a logo" in screen)
        await at.at.press("o")
        await at.at.until(lambda: at.at.app.session.page and at.at.app.session.page.id != at.page)
        page = at.at.app.session.page
        assert page is not None
        assert page.title == "Draw a logo"
        assert page.brief is not None
        assert page.state == "generating_discovery"


async def test_the_check_command_is_shown_and_runs_only_after_the_second_key(tmp_path: Path) -> None:
    ran = tmp_path / "ran.txt"
    script = tmp_path / "check.py"
    script.write_text(f"open({str(ran)!r}, 'w').write('x')\nprint('all is well')\n")
    async with shop(tmp_path, check=f"{sys.executable} {script}", stands="user_reviewing_implementation") as again:
        await again.at.press("R")
        await again.at.until(lambda: again.at.app.pending)
        assert "check.py" in again.at.message
        await again.at.press("escape")
        await again.at.pilot.pause(0.2)
        assert not ran.exists()
        await again.at.press("R")
        await again.at.until(lambda: again.at.app.pending)
        await again.at.press("R")
        await again.at.until(ran.exists)
        await again.at.until(lambda: "all is well" in again.at.screen() or "passed" in again.at.screen().lower())
        build = await again.client.query(bq.GetBuild(page=again.page))
        assert build.check.allowed


async def test_the_palette_opens_the_metrics(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.at.press("ctrl+p")
        await at.at.type("metrics")
        await at.at.press("enter")
        await at.at.until(lambda: type(at.at.app.screen).__name__ == "MetricsScreen")
        await at.at.until(lambda: "changes: 0 of 1 complete" in at.at.screen())
        assert "create_file: 8 calls" in at.at.screen()


async def test_the_metrics_follow_the_work(tmp_path: Path) -> None:
    async with shop(tmp_path, stands="user_reviewing_implementation") as at:
        await at.at.press("ctrl+p")
        await at.at.type("metrics")
        await at.at.press("enter")
        await at.at.until(lambda: "changes: 0 of 1 complete" in at.at.screen())
        await through(at.client, at.page)
        await at.at.until(lambda: "changes: 1 of 1 complete" in at.at.screen())
