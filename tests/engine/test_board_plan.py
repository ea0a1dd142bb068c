"""A board that was changed: the plan's cell says so, and every role is told the board's tasks instead of the old ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio.domain.errors import Refused
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import build_tasks
from tests.fakes.app_at import app_at, begun, through
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened, settled, until
from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_server import WireServer


@dataclass(slots=True)
class Listening(Roles):
    """Keeps what workers and reviewers were told."""

    told: list[str] = field(default_factory=list)

    async def __call__(self, asked: Asked) -> Answering:
        if self._role(asked) in ("worker", "testing"):
            self.told.append(asked.text)
        return await Roles.__call__(self, asked)


async def test_roles_are_told_the_boards_tasks_and_the_difference_is_named(tmp_path: Path) -> None:
    roles = Listening(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        assert (await client.query(bq.GetTasks(page=page))).differs == ""
        await client.execute(b.EditTask(task=f"{page}#page", title="Write the one page"))
        await client.execute(b.DropTask(task=f"{page}#readme"))
        await client.execute(b.AddTask(page=page, title="Write the imprint", type="docs"))
        assert (await client.query(bq.GetTasks(page=page))).differs == "1 edited, 1 dropped, 1 added"
        await client.execute(c.Approve(page=page))
        shown = await client.query(q.GetContext(page=page))
        await draft(client, page)
        await client.execute(c.Approve(page=page, anyway=True))
        await draft(client, page)
    for text in ("\n".join(one.text for one in shown.messages), *roles.told):
        assert "Write the one page" in text
        assert "Write the imprint" in text
        assert "id: readme - " not in text
        assert "Write page" not in text
        assert "One page and a few modules." in text


async def test_tasks_in_another_order_are_named_and_a_task_for_feedback_is_no_difference(tmp_path: Path) -> None:
    roles = Listening(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await draft(client, page, c.Revise(page=page, feedback="Warmer."))
        board = await client.query(bq.GetTasks(page=page))
        assert (len(board.tasks), board.differs) == (9, "")
        page = await begun(client, "Another.")
        await through(client, page, to="generating_implementation")
        assert (await client.query(bq.GetTasks(page=page))).differs == ""


async def test_a_revised_plan_is_asked_for_with_the_board_as_it_stands(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(b.EditTask(task=f"{page}#page", title="Write the one page"))
        await client.execute(b.DropTask(task=f"{page}#readme"))
        await client.execute(b.AddTask(page=page, title="Write the imprint", type="docs"))
        shown = await client.query(q.GetContext(page=page, feedback="Fewer words."))
    draft_shown = "\n".join(one.text for one in shown.messages).split("<draft>")[1].split("</draft>")[0]
    assert "Write the one page" in draft_shown
    assert "Write the imprint" in draft_shown
    assert "id: readme" not in draft_shown


async def test_what_was_done_to_the_board_outlives_a_persons_edit_of_the_plans_text(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        before = await client.query(q.GetPage(page=page))
        head = next(cell.head for cell in before.cells if cell.name == "planning")
        assert head is not None
        await client.execute(b.EditTask(task=f"{page}#page", title="Write the one page"))
        await client.execute(b.DropTask(task=f"{page}#readme"))
        await client.execute(b.AddTask(page=page, title="Write the imprint", type="docs"))
        text = head.text.replace("One page and a few modules.", "One page.").replace("Write style", "Write all styles")
        assert text.count("all styles") == 1
        saved = await client.execute(c.Edit(page=page, stage="planning", text=text, revision=head.id))
        board = await client.query(bq.GetTasks(page=page))
        titles = {one.key: one.title for one in board.tasks}
        assert (titles["page"], titles["style"]) == ("Write the one page", "Write all styles")
        assert [one.key for one in board.tasks if one.status == "dropped"] == ["readme"]
        assert [one.title for one in board.tasks][-1] == "Write the imprint"
        assert board.differs == "1 edited, 1 dropped, 1 added"
        assert saved.message == "Planning saved as revision 2."
        bare = await client.execute(c.Edit(page=page, stage="planning", text="Just do it.", revision=saved.revision))
        assert bare.message == "Planning saved as revision 3. It names no task: the board keeps its 9 tasks."
        assert (await client.query(bq.GetTasks(page=page))).differs == "its tasks are those of an earlier text"


async def planning(client: InProcessClient, page: str) -> v.RevisionView:
    view = await client.query(q.GetPage(page=page))
    head = next(cell.head for cell in view.cells if cell.name == "planning")
    assert head is not None
    return await client.query(q.GetRevision(revision=head.id))


async def write(client: InProcessClient, page: str, old: str, new: str) -> c.Done:
    """Save the plan's text with `new` in the place of `old`."""
    head = await planning(client, page)
    assert head.text.count(old) == 1
    text = head.text.replace(old, new)
    return await client.execute(c.Edit(page=page, stage="planning", text=text, revision=head.id))


async def board(client: InProcessClient, page: str) -> dict[str, bv.TaskView]:
    return {one.key: one for one in (await client.query(bq.GetTasks(page=page))).tasks}


async def test_work_that_is_done_stays_done_under_a_persons_text_and_is_not_bought_twice(tmp_path: Path) -> None:
    roles = Listening(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_verification", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(b.SendBack(page=page, note="Two of the same are counted once."))
        before = await board(client, page)
        assert "return-1-note" in before
        await write(client, page, "One page and a few modules.", "One page.")
        assert await board(client, page) == before
        assert [before["cart"].status, before["cart"].cost_usd is None] == ["done", False]
        await write(client, page, "Write the part style.", "Write the part style, in green.")
        after = await board(client, page)
        assert {**after, "style": before["style"]} == before
        style = after["style"]
        assert (style.status, style.attempts, style.summary, style.cost_usd) == ("planned", 0, "", None)
        roles.told.clear()
        await draft(client, page)
        told = "\n".join(roles.told)
        assert ('<task id="style"' in told, '<task id="return-1-note"' in told) == (True, True)
        assert '<task id="cart"' not in told
        assert {one.status for one in (await board(client, page)).values()} == {"done"}


async def test_the_plans_text_stays_as_it_is_while_workers_are_at_its_tasks(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        first = await planning(client, page)
        await write(client, page, "One page and a few modules.", "One page.")
        roles.pause = 0.2
        run = (await client.execute(c.Generate(page=page))).run
        await until(lambda: roles.at_work)
        with pytest.raises(Refused, match="^Workers are at this change"):
            await write(client, page, "One page.", "Two pages.")
        with pytest.raises(Refused, match="^Workers are at this change"):
            await client.execute(c.Restore(revision=first.id))
        await client.execute(c.Stop(page=page))
        assert (await settled(client, run or "")).status == "stopped"
        saved = await write(client, page, "One page.", "Two pages.")
        assert saved.message == "Planning saved as revision 3, approved in the place of r2."


async def test_an_earlier_plan_that_is_restored_keeps_the_board_and_its_order(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        first = await planning(client, page)
        await client.execute(b.EditTask(task=f"{page}#page", title="Write the one page"))
        await client.execute(b.DropTask(task=f"{page}#readme"))
        await client.execute(b.AddTask(page=page, title="Write the imprint", type="docs"))
        await client.execute(b.MoveTask(task=f"{page}#check", position=1))
        before = await board(client, page)
        await write(client, page, "One page and a few modules.", "One page.")
        assert list((await board(client, page)).items()) == list(before.items())
        await client.execute(c.Restore(revision=first.id))
        assert list((await board(client, page)).items()) == list(before.items())


async def test_a_text_that_does_not_go_with_the_boards_needs_says_so(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(b.EditTask(task=f"{page}#readme", needs=("style",)))
        line = "id: style - type: style - priority: 2"
        saved = await write(client, page, line, f"{line} - needs: readme")
        assert saved.message == (
            "Planning saved as revision 2. It does not go with what was changed on the board: "
            "'readme' no longer needs style."
        )
        tasks = await board(client, page)
        assert (tasks["style"].needs, tasks["readme"].needs) == (("readme",), ())


async def test_a_text_whose_tasks_and_the_boards_are_too_many_is_refused_before_it_is_saved(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_planning", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        for number in range(32):
            await client.execute(b.AddTask(page=page, title=f"Own {number}"))
        head, before = await planning(client, page), await board(client, page)
        text = f"{head.text}\n\n### 9. One more\nid: more - type: ui - priority: 2"
        with pytest.raises(Refused, match=r"^The plan has 41 tasks; at most 40 are allowed\."):
            await client.execute(c.Edit(page=page, stage="planning", text=text, revision=head.id))
        assert await planning(client, page) == head
        assert await board(client, page) == before


async def test_a_run_with_tasks_that_wait_for_each_other_skips_them_in_words_and_is_not_complete(
    tmp_path: Path,
) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        tasks = await board(client, page)
        store = client._engine._project.store
        await store.transact(lambda tx: build_tasks.update(tx, tasks["style"].id, needs=("readme",)))
        await store.transact(lambda tx: build_tasks.update(tx, tasks["readme"].id, needs=("style",)))
        await draft(client, page)
        found = await board(client, page)
        assert [key for key, one in found.items() if one.status == "skipped"] == ["style", "readme"]
        assert found["style"].error == "Tasks wait for each other: style -> readme -> style."
        view = await client.query(q.GetPage(page=page))
        head = next(cell.head for cell in view.cells if cell.name == "implementation")
        assert head is not None
        assert head.outcome == "incomplete"


async def test_a_done_task_that_a_text_calls_otherwise_is_not_bought_again(tmp_path: Path) -> None:
    roles = Listening(failing="", broken="", pause=0.0)
    root, page = await app_at(tmp_path, "user_reviewing_verification", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        await client.execute(b.SendBack(page=page, note="Two of the same are counted once."))
        before = (await board(client, page))["style"]
        await write(client, page, "### 2. Write style", "### 2. All the colours")
        after = (await board(client, page))["style"]
        assert (after.id, after.title, after.status) == (before.id, "All the colours", "done")
