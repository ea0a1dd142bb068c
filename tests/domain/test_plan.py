"""A plan is read leniently, mended where that is safe, refused where it is not, and comes back from its readable form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.build import TASK_TYPES, TASKS_LIMIT, PlannedTask
from studio.domain.errors import BadInput
from studio.domain.plan import PLAN_SCHEMA, Plan, check, finished, from_json, parse, read_text, render, to_json

PLAN = Plan(
    "Three files, no build step.",
    "State in one module.\n\n## Files\n\n- `index.html`\n- `src/app.js`",
    (
        PlannedTask("setup", "Page and folders", "setup", "`index.html` loads `src/app.js`.", 1),
        PlannedTask("list", "The list", "ui", "Shows entries.\n\n- newest first\n\n# a note", 2, ("setup",)),
        PlannedTask("store", "Keep entries", "data", "", 3, ("setup", "list")),
    ),
)


def planned(*ids: str, needs: dict[str, tuple[str, ...]] | None = None) -> list[PlannedTask]:
    return [PlannedTask(one, f"Title of {one}", "logic", "", 2, (needs or {}).get(one, ())) for one in ids]


def test_both_forms_come_back_as_they_were() -> None:
    assert read_text(render(PLAN)) == (PLAN, check(PLAN.tasks))
    assert parse(to_json(PLAN))[0] == PLAN
    assert from_json(to_json(PLAN)) == PLAN
    assert check(PLAN.tasks).mended == ()


def test_the_readable_form_is_regular() -> None:
    lines = render(PLAN).split("\n")
    assert lines[lines.index("## Tasks") + 2] == "### 1. Page and folders"
    assert "id: list - type: ui - priority: 2 - needs: setup" in lines
    assert "id: setup - type: setup - priority: 1" in lines


WORDS = st.text(alphabet=st.sampled_from("ab1:#\\`-*. \n\t|"), max_size=40)
HEADINGS = st.sampled_from(
    ["## Tasks", "## Approach", "### 1. One", "## Other", "\\## Tasks", "id: x - type: ui", "  ## tasks ##", "```", "\\\\### 2)"]
)  # fmt: skip
TEXTS = st.lists(st.one_of(WORDS, HEADINGS, st.text(max_size=20)), max_size=6).map("\n".join)
ROWS = st.fixed_dictionaries(
    {
        "id": st.text(max_size=8),
        "title": TEXTS,
        "type": st.sampled_from([*TASK_TYPES, "", "magic"]),
        "description": TEXTS,
        "priority": st.one_of(st.integers(-2, 9), st.none(), st.sampled_from(["high", "low", ""])),
        "needs": st.lists(st.one_of(st.text(max_size=8), st.integers(0, 9)), max_size=4),
    }
)


@given(TEXTS, TEXTS, st.lists(ROWS, min_size=1, max_size=6))
def test_any_plan_that_was_read_comes_back_from_both_forms(summary: str, approach: str, rows: list[object]) -> None:
    plan, checked = parse(json.dumps({"summary": summary, "approach": approach, "tasks": rows}))
    again, rechecked = read_text(render(plan))
    assert again == plan
    assert rechecked.mended == (), "what was mended once is in order"
    assert rechecked.errors == checked.errors
    assert from_json(to_json(plan)) == plan
    assert render(again) == render(plan)


@given(TEXTS)
def test_no_word_of_an_edited_text_is_lost(text: str) -> None:
    plan, _ = read_text(text)
    kept = render(plan)
    for word in {word for word in text.split() if word.isalpha() and word not in ("Tasks", "tasks", "Approach", "ui")}:
        assert word in kept


@given(st.text(max_size=300))
def test_no_reply_does_worse_than_being_refused(reply: str) -> None:
    try:
        plan, _ = parse(reply)
    except BadInput:
        return
    assert from_json(to_json(plan)) == plan


@pytest.mark.parametrize("wrapped", ["```json\n{}\n```", "Here is the plan.\n{}\nTell me.", '{{"plan": {}}}', "[1] {}"])
def test_json_is_found_where_it_stands(wrapped: str) -> None:
    assert parse(wrapped.format(to_json(PLAN)))[0] == PLAN


def test_a_bare_list_of_tasks_is_a_plan() -> None:
    assert parse(json.dumps(json.loads(to_json(PLAN))["tasks"]))[0] == Plan(tasks=PLAN.tasks)


@pytest.mark.parametrize(
    "reply", ["", "I will make a page.", '{"tasks": "later"}', '{"tasks": [{"id": "a', "[" * 5_000]
)
def test_what_is_no_plan_is_refused(reply: str) -> None:
    with pytest.raises(BadInput):
        parse(reply)


def test_a_model_that_plans_no_task_has_planned_nothing() -> None:
    assert parse('{"summary": "s", "approach": "a", "tasks": []}')[1].errors == ("The plan has no tasks.",)


def test_a_text_without_tasks_is_a_plan_without_tasks() -> None:
    plan, checked = read_text("Just change the colour.\n\nOf all buttons.")
    assert plan == Plan("Just change the colour.", "Of all buttons.")
    assert checked.errors == ()


def test_ids_become_safe_and_unique_and_needs_follow() -> None:
    tasks = [
        PlannedTask("Set Up!", "One", "setup", "", 1),
        PlannedTask("a", "Two", "ui", "", 2, ("Set Up!",)),
        PlannedTask("b", "Three", "ui", "", 2, ("a",)),
        PlannedTask("a", "Four", "ui", "", 2, ("b", "a")),
        PlannedTask("", "Last one", "ui", "", 2, ("a", "Three", "1")),
    ]
    checked = check(tasks)
    assert [task.id for task in checked.tasks] == ["set-up", "a", "b", "a-2", "last-one"]
    assert [task.needs for task in checked.tasks] == [(), ("set-up",), ("a",), ("b", "a"), ("a-2", "b", "set-up")]
    assert checked.errors == ()
    assert any("'a-2'" in line for line in checked.mended)


def test_what_cannot_be_used_is_mended_and_said() -> None:
    checked = check([PlannedTask("a", "A", "wizardry", "", 9, ("a", "ghost"))])
    assert checked.tasks == (PlannedTask("a", "A", "logic", "", 3),)
    assert len(checked.mended) == 4
    assert check(checked.tasks).mended == ()


def test_a_title_that_is_too_long_stands_whole_in_the_description() -> None:
    title = "A page that lists " + ", ".join(f"article {number}" for number in range(12))
    text = f"# Plan\n\n## Tasks\n\n### 1. {title}\n\nid: page - type: ui - priority: 2\n\nPlain.\n"
    made, checked = read_text(text)
    assert made.tasks[0].title.startswith("A page that lists article 0")
    assert made.tasks[0].description == f"{title}\n\nPlain."
    assert "stands whole in its description" in checked.mended[0]
    assert check(made.tasks).mended == ()


def test_cycles_floods_and_nameless_tasks_are_errors() -> None:
    cycle = check(planned("a", "b", "c", needs={"a": ("c",), "b": ("a",), "c": ("b",)}))
    assert "wait for each other" in cycle.errors[0]
    many = check(planned(*(f"t{number}" for number in range(TASKS_LIMIT + 1))))
    assert f"{TASKS_LIMIT + 1} tasks" in many.errors[0]
    assert check(planned(*(f"t{number}" for number in range(TASKS_LIMIT)))).errors == ()
    assert "no title" in check([PlannedTask("a", " ", "ui", "")]).errors[0]
    needy = check(planned(*(f"t{number}" for number in range(25)), needs={"t24": tuple(f"t{n}" for n in range(24))}))
    assert "needs 24 other tasks" in needy.errors[0]


def test_a_person_may_write_tasks_by_hand() -> None:
    text = """Do it.

## Tasks

First things first.

### 1) Page
**id:** page | **type:** ui

Markup.

### 2. Style it
Dark.
### 3. Tests
needs: `page`, Style it, none

## Risks

None known."""
    plan, checked = read_text(text)
    assert plan.tasks == (
        PlannedTask("page", "Page", "ui", "Markup."),
        PlannedTask("style-it", "Style it", "logic", "Dark."),
        PlannedTask("tests", "Tests", "logic", "", 2, ("page", "style-it")),
    )
    assert "First things first." in plan.approach
    assert "## Risks\n\nNone known." in plan.approach
    assert checked.errors == ()


def test_of_a_cut_plan_the_whole_tasks_are_found() -> None:
    whole = to_json(PLAN)
    cut = finished(whole[: whole.index("Keep entries")])
    assert cut is not None
    assert (cut.summary, cut.tasks) == (PLAN.summary, PLAN.tasks[:2])
    assert finished('{"summary": "Thr') is None


def test_ten_thousand_tasks_are_told_to_be_too_many_while_the_engine_goes_on() -> None:
    rows = [
        {"id": "same", "title": f"Task {n}", "needs": ["same", f"Task {n + 1}", "nothing like it"]}
        for n in range(10_000)
    ]
    _, checked = parse(json.dumps({"tasks": rows}))
    assert any("10000 tasks" in error for error in checked.errors)
    assert len({task.id for task in checked.tasks}) == 10_000
    assert check(checked.tasks).tasks == checked.tasks


def test_the_schema_closes_and_requires_everything() -> None:
    task = PLAN_SCHEMA["properties"]["tasks"]["items"]  # type: ignore[index]  # a JSON schema is plain dicts of object
    assert task["required"] == list(task["properties"])
    assert task["additionalProperties"] is False
    assert task["properties"]["type"]["enum"] == list(TASK_TYPES)
