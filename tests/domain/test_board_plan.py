"""A person's text of a plan, merged with the board of the text before: what each of them changed, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from studio.domain import plan as plans
from studio.domain.board_plan import Kept, carried, cut_words, worked
from studio.domain.build import BuildTask, PlannedTask, TaskStatus, blocked
from studio.domain.page import Origin, Revision

THEN = datetime(2026, 3, 1, tzinfo=UTC)


def task(key: str, *needs: str, priority: int = 2) -> PlannedTask:
    return PlannedTask(key, f"Write {key}", "logic", f"The part {key}.", priority, needs)


PLAN = (task("page"), task("style"), task("cart", "page"), task("readme"))


def revision(tasks: Sequence[PlannedTask]) -> Revision:
    plan = plans.Plan("A shop.", "Plain.", tuple(tasks))
    text, data = plans.render(plan), plans.to_json(plan)
    return Revision("r1", "p", "planning", 1, text, "", Origin.AGENT, "lead", THEN, data=data)


def row(one: PlannedTask, position: int = 0, status: TaskStatus = TaskStatus.PLANNED, by: str = "") -> BuildTask:
    return BuildTask(
        f"row-{one.id}", "p", "r1", one.id, position, one.title, one.type, one.description, one.priority, one.needs,
        status, edited_by=by,
    )  # fmt: skip


def board(*changed: BuildTask, tasks: Sequence[PlannedTask] = PLAN) -> list[BuildTask]:
    """The rows of the tasks, with those that were changed in their place and those that were added behind."""
    by_key = {one.key: one for one in changed}
    found = [by_key.pop(one.id, row(one)) for one in tasks]
    return [replace(one, position=place) for place, one in enumerate([*found, *by_key.values()], 1)]


def merged(rows: Sequence[BuildTask], *tasks: PlannedTask) -> dict[str, Kept]:
    return {one.task.id: one for one in carried(revision(PLAN), rows, plans.Plan("A shop, mended.", "", tasks))}


def test_tasks_that_a_text_leaves_alone_keep_their_row_and_one_that_it_changes_is_planned_anew() -> None:
    page, style, cart, readme = PLAN
    rows = board(*(row(one, status=TaskStatus.DONE) for one in PLAN))
    found = merged(rows, page, replace(style, description="Bolder."), cart, readme, task("imprint"))
    assert [(key, one.row) for key, one in found.items()] == [
        ("page", "row-page"), ("style", ""), ("cart", "row-cart"), ("readme", "row-readme"), ("imprint", ""),
    ]  # fmt: skip


def test_a_done_task_stays_done_under_another_title_or_priority_for_the_work_is_its_description() -> None:
    page, style, cart, readme = PLAN
    rows = board(*(row(one, status=TaskStatus.DONE) for one in (page, style, cart)))
    named, first = replace(page, title="The page"), replace(style, priority=1)
    found = merged(rows, named, first, replace(cart, type="ui"), replace(readme, title="Readme"))
    assert {key: one.row for key, one in found.items()} == {
        "page": "row-page", "style": "row-style", "cart": "", "readme": "",
    }  # fmt: skip
    assert (found["page"].task, found["style"].task) == (named, first)


def test_a_done_task_without_a_description_is_done_again_under_another_title() -> None:
    bare = replace(PLAN[0], description="")
    rows = [row(bare, status=TaskStatus.DONE)]
    plan = plans.Plan("A shop, mended.", "", (replace(bare, title="Write two pages"),))
    assert [one.row for one in carried(revision([bare]), rows, plan)] == [""]


def test_a_task_whose_need_went_with_the_task_it_names_is_no_changed_one() -> None:
    _, style, cart, readme = PLAN
    found = merged(board(row(PLAN[2], status=TaskStatus.DONE)), style, replace(cart, needs=()), readme)
    assert (found["cart"].row, found["cart"].task.needs, found["cart"].cut) == ("row-cart", (), ())


def test_tasks_that_the_studio_added_stay_and_one_for_the_whole_change_gives_way_until_it_is_done() -> None:
    note = row(task("return-1-note"))
    whole = row(task("change"))
    assert list(merged(board(note, whole), *PLAN)) == ["page", "style", "cart", "readme", "return-1-note"]
    done = replace(whole, status=TaskStatus.DONE)
    assert merged(board(done), *PLAN)["change"].row == "row-change"


def test_text_and_board_are_merged_field_by_field_and_the_text_wins_where_both_changed_one() -> None:
    page, style, cart, readme = PLAN
    on_board = replace(style, title="Style it", description="In colour.", priority=1, needs=("page",))
    left_out = row(readme, status=TaskStatus.DROPPED, by="ana")
    text = (page, replace(style, description="Bolder."), cart, replace(readme, title="Write the readme"))
    found = merged(board(row(on_board, by="ana"), left_out), *text)
    assert found["style"] == Kept(replace(on_board, description="Bolder."), by="ana")
    assert found["readme"] == Kept(replace(readme, title="Write the readme"), dropped=True, by="ana")
    both = merged(board(row(replace(style, title="Style it"), by="ana")), page, replace(style, title="Paint"), cart)
    assert both["style"] == Kept(replace(style, title="Paint"))


def test_a_text_that_says_what_was_done_already_is_no_change() -> None:
    page, style, cart, readme = PLAN
    named = replace(style, title="Style it")
    found = merged(board(row(named, status=TaskStatus.DONE, by="ana")), page, named, cart, readme)
    assert found["style"].row == "row-style"


def test_a_need_from_the_board_for_a_task_that_is_gone_is_cut_and_said() -> None:
    page, _, cart, readme = PLAN
    rows = board(row(replace(readme, needs=("style", "page")), by="ana"), row(task("imprint", "style"), by="ana"))
    found = merged(rows, page, cart, readme)
    assert (found["readme"].task.needs, found["readme"].cut) == (("page",), ("style",))
    assert (found["imprint"].task.needs, found["imprint"].cut) == ((), ("style",))
    said = cut_words(list(found.values()))
    assert said == (
        "It does not go with what was changed on the board: 'readme' no longer needs style; 'imprint' no longer needs style."
    )


def test_a_need_from_the_board_that_would_close_a_circle_is_cut_and_the_texts_stays() -> None:
    page, style, cart, readme = PLAN
    rows = board(row(replace(readme, needs=("style",)), by="ana"))
    found = merged(rows, page, replace(style, needs=("readme",)), cart, readme)
    assert (found["style"].task.needs, found["style"].cut) == (("readme",), ())
    assert (found["readme"].task.needs, found["readme"].cut) == ((), ("style",))
    assert cut_words(list(merged(rows, *PLAN).values())) == ""


def test_what_is_cut_is_the_boards_need_and_never_the_texts_whichever_comes_first() -> None:
    page, style, cart, readme = PLAN
    rows = board(row(replace(page, needs=("readme",)), by="ana"), row(replace(cart, needs=("page", "style")), by="ana"))
    found = merged(rows, page, style, cart, replace(readme, needs=("cart",)))
    assert {key: one.task.needs for key, one in found.items()} == {
        "page": (), "style": (), "cart": ("page", "style"), "readme": ("cart",),
    }  # fmt: skip
    assert {key: one.cut for key, one in found.items() if one.cut} == {"page": ("readme",)}


def test_the_boards_order_stays_where_the_text_leaves_its_own() -> None:
    page, style, cart, readme = PLAN
    moved = board(row(task("imprint"), by="ana"), tasks=(readme, page, style, cart))
    moved = [moved[0], moved[-1], *moved[1:-1]]
    assert list(merged(moved, page, style, replace(cart, title="Cart"), readme)) == [
        "readme", "imprint", "page", "style", "cart",
    ]  # fmt: skip
    assert list(merged(moved, task("first"), page, task("second"), style, cart, readme)) == [
        "first", "readme", "imprint", "page", "second", "style", "cart",
    ]  # fmt: skip
    assert list(merged(moved, style, page, cart, readme)) == ["style", "page", "cart", "readme", "imprint"]


def test_a_text_without_tasks_leaves_nothing_to_merge() -> None:
    assert merged(board(row(task("imprint"), by="ana"))) == {}


def test_tasks_that_can_never_start_are_named_with_the_reason() -> None:
    rows = [
        row(task("page"), status=TaskStatus.FAILED), row(task("cart", "page")), row(task("style", "nothing")),
        row(task("one", "two")), row(task("two", "one")), row(task("readme", "one")), row(task("free")),
        row(task("left"), status=TaskStatus.DROPPED), row(task("after", "left")),
    ]  # fmt: skip
    assert blocked(rows) == {
        "row-cart": "A task that it needs was not done.",
        "row-style": "It needs nothing, which the board does not have.",
        "row-one": "Tasks wait for each other: one -> two -> one.",
        "row-two": "Tasks wait for each other: one -> two -> one.",
    }


def test_a_model_s_plan_has_no_work_done_twice_and_leaves_what_the_studio_added() -> None:
    page, style, cart, readme = PLAN
    rows = board(
        row(page, status=TaskStatus.DONE), row(style, status=TaskStatus.DONE), row(cart, by="ana"),
        row(task("feedback-1"), status=TaskStatus.DONE), row(task("imprint"), by="ana"),
    )  # fmt: skip
    bolder = replace(style, description="Bolder.")
    first = replace(page, priority=1)
    found = worked(revision(PLAN), rows, plans.Plan("A shop, revised.", "", (first, bolder, cart, readme)))
    assert found[0].task == first
    assert [(one.task.id, one.row) for one in found] == [
        ("page", "row-page"), ("style", ""), ("cart", ""), ("readme", ""), ("feedback-1", "row-feedback-1"),
    ]  # fmt: skip
