"""A board that was changed: the plan's cell says so, and every role is told the board's tasks instead of the old ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at, begun, through
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened
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
        assert (await client.query(bq.GetTasks(page=page))).differs == "1 edited, 1 left out, 1 added"
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
        assert board.differs == "1 edited, 1 left out, 1 added"
        assert saved.message == "Planning saved as revision 2."
        bare = await client.execute(c.Edit(page=page, stage="planning", text="Just do it.", revision=saved.revision))
        assert bare.message == "Planning saved as revision 3. It names no task: the board keeps its 9 tasks."
        assert (await client.query(bq.GetTasks(page=page))).differs == "its tasks are those of an earlier text"
