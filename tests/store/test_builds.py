"""Builds, handoffs, conversations, tasks and tool calls as rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.domain.build import BuildTask, Operation, TaskStatus
from studio.domain.errors import BadInput, Conflict, NotFound
from studio.domain.page import Page
from studio.domain.tooling import CallStatus, ChangeKind, FileChange
from studio.protocol.events import BookChanged
from studio.store import build_tasks, builds, conversations, pages, revisions, tool_uses
from studio.store.database import Store
from studio.store.transaction import Tx
from tests.store import app_rows, book


async def test_a_build_comes_back_as_it_was_saved_and_is_replaced_by_a_second_saving(store: Store) -> None:
    made = app_rows.build("p1", project_id="shop", build_id="b-7", user_id="u", model="openai:x", requirements="A shop")
    await store.transact(lambda tx: builds.save(tx, made))
    changed = app_rows.build("p1", operation=Operation.UPDATE, returns=2, build_id="b-7", project_id="shop")
    assert await store.read(lambda tx: builds.get(tx, "p1")) == made
    await store.transact(lambda tx: builds.save(tx, changed))
    assert await store.read(lambda tx: builds.get(tx, "p1")) == changed
    assert await store.read(lambda tx: builds.get(tx, "p2")) is None


async def test_a_build_is_found_by_what_the_outside_program_called_it(store: Store) -> None:
    shop = app_rows.build("p1", project_id="shop", build_id="b-7")
    other = app_rows.build("p2", project_id="blog", build_id="b-7")
    unnamed = app_rows.build("p3")

    def work(tx: Tx) -> None:
        for made in (shop, other, unnamed):
            builds.save(tx, made)

    await store.transact(work)
    assert await store.read(lambda tx: builds.by_build_id(tx, "blog", "b-7")) == other
    assert await store.read(lambda tx: builds.by_build_id(tx, "shop", "b-8")) is None
    assert await store.read(lambda tx: builds.by_build_id(tx, "", "")) is None
    assert await store.read(lambda tx: builds.named(tx, "b-7")) == [shop, other]
    assert await store.read(lambda tx: builds.named(tx, "")) == []


async def test_handoffs_are_kept_in_the_order_they_were_made_whatever_the_clock_said(store: Store) -> None:
    made = [app_rows.handoff("p1", second) for second in (2, 0, 1)]
    made[0] = app_rows.handoff("p1", 2, revision_id="r9", note="Mind the colours.")

    def work(tx: Tx) -> None:
        for one in (*made, app_rows.handoff("p2")):
            builds.add_handoff(tx, one)
            tx.emit(BookChanged(what="handed on"))

    await store.transact(work)
    assert await store.read(lambda tx: builds.handoffs(tx, "p1")) == made


async def test_messages_are_numbered_within_their_page_and_role(store: Store) -> None:
    def work(tx: Tx) -> list[int]:
        said = [
            conversations.append(tx, "p1", "q_assistant", "system", "You plan."),
            conversations.append(tx, "p1", "q_assistant", "user", "A shop", run_id="r1"),
            conversations.append(tx, "p1", "code_writer", "user", "Task", run_id="r2", task_id="t1", data='{"a": 1}'),
            conversations.append(tx, "p2", "q_assistant", "system", "You plan."),
            conversations.append(tx, "p1", "code_writer", "assistant", "Done", run_id="r2", task_id="t2"),
        ]
        return [message.position for message in said]

    assert await store.transact(work) == [1, 2, 1, 1, 2]
    everything = await store.read(lambda tx: conversations.listing(tx, "p1"))
    assert [(one.role, one.text) for one in everything] == [
        ("code_writer", "Task"),
        ("code_writer", "Done"),
        ("q_assistant", "You plan."),
        ("q_assistant", "A shop"),
    ]
    mine = await store.read(lambda tx: conversations.listing(tx, "p1", "code_writer", task_id="t1"))
    assert [(one.kind, one.data, one.run_id, one.task_id) for one in mine] == [("user", '{"a": 1}', "r2", "t1")]
    of_run = await store.read(lambda tx: conversations.listing(tx, "p1", run_id="r1"))
    assert [one.text for one in of_run] == ["A shop"]


async def make_plan(store: Store, *keys: str, revision: str = "plan-1") -> list[BuildTask]:
    return await store.transact(
        lambda tx: build_tasks.plan(tx, "p1", revision, [app_rows.planned(key) for key in keys])
    )


async def test_a_plan_is_taken_once_and_keeps_what_people_made_of_it(store: Store) -> None:
    first = await make_plan(store, "layout", "style")
    assert [(one.key, one.position, one.status) for one in first] == [("layout", 1, "planned"), ("style", 2, "planned")]
    edited = await store.transact(
        lambda tx: build_tasks.update(tx, first[0].id, title="Frame", needs=("style",), edited_by="ana")
    )
    assert (edited.title, edited.needs, edited.edited_by) == ("Frame", ("style",), "ana")
    assert await make_plan(store, "layout", "style") == [edited, first[1]]
    assert await make_plan(store, revision="empty") == []


async def test_the_newest_plan_is_the_one_with_the_highest_revision_even_if_the_clock_went_back(store: Store) -> None:
    page = (await store.transact(book.small_book))["tide/morning"]
    old = book.revision(page, stage="planning", number=1)
    new = book.revision(page, stage="planning", number=2, id="00000000" + old.id[8:])

    def work(tx: Tx) -> None:
        revisions.insert(tx, old)
        revisions.insert(tx, new)
        build_tasks.plan(tx, page.id, new.id, [app_rows.planned("fresh")])
        build_tasks.plan(tx, page.id, old.id, [app_rows.planned("stale")])

    await store.transact(work)
    assert [one.key for one in await store.read(lambda tx: build_tasks.listing(tx, page.id))] == ["fresh"]
    assert [one.key for one in await store.read(lambda tx: build_tasks.listing(tx, page.id, old.id))] == ["stale"]
    assert await store.read(lambda tx: build_tasks.newest_plan(tx, page.id)) == new.id
    assert await store.read(lambda tx: build_tasks.newest_plan(tx, "another")) is None


async def test_a_task_comes_under_another_text_with_its_id_and_what_was_done_at_it(store: Store) -> None:
    def work(tx: Tx) -> tuple[BuildTask, list[BuildTask]]:
        cart, _ = build_tasks.plan(tx, "p1", "r1", [app_rows.planned("cart"), app_rows.planned("total", "cart")])
        done = build_tasks.update(tx, cart.id, status=TaskStatus.DONE, summary="A cart.", attempts=2, model="openai:x")
        build_tasks.carry(tx, cart.id, "r2", app_rows.planned("cart", "total"))
        return done, build_tasks.listing(tx, "p1", "r2")

    done, carried = await store.transact(work)
    assert carried == [replace(done, plan_revision="r2", needs=("total",))]
    left = await store.read(lambda tx: build_tasks.listing(tx, "p1", "r1"))
    assert [one.key for one in left] == ["total"]


async def test_a_task_is_found_by_id_key_or_number_and_never_on_another_page(store: Store) -> None:
    layout, style = await make_plan(store, "layout", "style")
    for ref in (style.id, "style", "Style", " 2 "):
        assert await store.read(lambda tx, ref=ref: build_tasks.find(tx, "p1", ref)) == style
    assert await store.read(lambda tx: build_tasks.get(tx, layout.id)) == layout
    with pytest.raises(NotFound, match="Did you mean style"):
        await store.read(lambda tx: build_tasks.find(tx, "p1", "styles"))
    with pytest.raises(NotFound, match="2 task"):
        await store.read(lambda tx: build_tasks.find(tx, "p1", "3"))
    with pytest.raises(NotFound, match="no tasks yet"):
        await store.read(lambda tx: build_tasks.find(tx, "p2", style.id))
    with pytest.raises(NotFound):
        await store.transact(lambda tx: build_tasks.update(tx, "nobody", title="x"))


async def test_a_task_is_added_behind_the_others_and_not_twice(store: Store) -> None:
    await make_plan(store, "layout", "style")
    added = await store.transact(
        lambda tx: build_tasks.append(tx, "p1", "plan-1", app_rows.planned("docs", "style", type="docs", priority=3))
    )
    assert (added.position, added.key, added.needs, added.type, added.priority) == (3, "docs", ("style",), "docs", 3)
    with pytest.raises(Conflict):
        await store.transact(lambda tx: build_tasks.append(tx, "p1", "plan-1", app_rows.planned("docs")))


async def test_tasks_at_work_are_listed_over_all_pages_and_places_can_be_changed(store: Store) -> None:
    layout, style = await make_plan(store, "layout", "style")
    started = await store.transact(
        lambda tx: build_tasks.update(
            tx, style.id, status=TaskStatus.RUNNING, run_id="r1", model="m", attempts=1, started_at=book.AT
        )
    )
    assert await store.read(build_tasks.running) == [started]
    await store.transact(lambda tx: build_tasks.reorder(tx, [style.id, layout.id]))
    assert [one.key for one in await store.read(lambda tx: build_tasks.listing(tx, "p1"))] == ["style", "layout"]
    with pytest.raises(ValueError, match="key"):
        await store.transact(lambda tx: build_tasks.update(tx, style.id, key="other"))


async def test_a_call_of_a_tool_comes_back_with_its_changes(store: Store) -> None:
    changes = (
        FileChange("a.js", ChangeKind.MODIFIED, "d1", "d2"),
        FileChange("b.js", ChangeKind.RENAMED, "d3", "d3", "c.js"),
    )
    made = app_rows.use("p1", task_id="t1", execution_id="e1", path="a.js", changes=changes)
    refused = app_rows.use("p1", 1, status=CallStatus.REFUSED, path="../x", line="refused ../x", run_id="r2")

    def work(tx: Tx) -> None:
        tool_uses.insert(tx, made)
        tool_uses.insert(tx, refused)

    await store.transact(work)
    assert await store.read(lambda tx: tool_uses.listing(tx, "p1")) == [made, refused]
    assert await store.read(lambda tx: tool_uses.listing(tx, run_id="r2")) == [refused]
    assert await store.read(lambda tx: tool_uses.listing(tx, task_id="t1")) == [made]
    assert await store.read(lambda tx: tool_uses.listing(tx, "p2")) == []


async def test_the_limit_keeps_the_newest_calls_and_the_count_has_all(store: Store) -> None:
    made = [app_rows.use("p1", n, line=f"call {n}", task_id="t1" if n < 3 else "t2") for n in range(5)]

    def work(tx: Tx) -> None:
        for one in made:
            tool_uses.insert(tx, one)

    await store.transact(work)
    assert await store.read(lambda tx: tool_uses.listing(tx, limit=2)) == made[3:]
    assert await store.read(lambda tx: tool_uses.count(tx)) == 5
    assert await store.read(lambda tx: tool_uses.count(tx, task_id="t1")) == 3
    assert await store.read(lambda tx: tool_uses.last_of_tasks(tx, "p1")) == {"t1": (3, "call 2"), "t2": (2, "call 4")}


async def test_a_build_id_that_is_another_change_s_name_too_names_neither(store: Store) -> None:
    def work(tx: Tx) -> dict[str, Page]:
        made = book.small_book(tx)
        builds.add(tx, app_rows.build(made["tide/morning"].id, project_id="p", build_id="night"))
        builds.add(tx, app_rows.build(made["tide/noon"].id, project_id="p", build_id="b 7"))
        builds.add(tx, app_rows.build(made["ebb/noon"].id, project_id="q", build_id="twice"))
        builds.add(tx, app_rows.build(made["ebb/night"].id, project_id="r", build_id="twice"))
        return made

    made = await store.transact(work)
    assert await store.read(lambda tx: pages.resolve(tx, "b\t7")) == made["tide/noon"]
    for ref in ("night", "twice"):
        with pytest.raises(BadInput, match="more than one change"):
            await store.read(lambda tx, ref=ref: pages.resolve(tx, ref))
    assert await store.read(lambda tx: pages.resolve(tx, "ebb/night")) == made["ebb/night"]
