"""What an application's pages and lists are drawn from: readable plans, Markdown, tasks, differences of files. No widgets."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from studio.domain.errors import BadInput
from studio.domain.words import OURS, Words
from studio.protocol.build_views import FileDiff, FileLine, FilesView, FindingView, TasksView, TaskView, VersionView
from studio.tui.glyphs import ASCII, UNICODE
from studio.tui.presenters import files, findings, task_form, versions
from studio.tui.presenters.board import BoardLook, board_lines, counts, task_story
from studio.tui.presenters.code_diff import file_lines
from studio.tui.presenters.inspector import context_lines, costs_lines
from studio.tui.presenters.markdown import markdown_lines
from studio.tui.presenters.stream import StreamLines
from studio.tui.presenters.structured import closed, readable

PLAN = json.dumps(
    {
        "summary": 'A "shop" with a\ntab\\ and é.',
        "approach": "Plain HTML.",
        "tasks": [
            {"id": "page", "title": "Write page", "type": "ui", "description": "The page.", "priority": 1, "needs": []},
            {"id": "cart", "title": "Write cart", "type": "logic", "description": "It adds.", "priority": 2, "needs": ["page"]},
        ],
    }
)  # fmt: skip
REVIEW = json.dumps(
    {"verdict": "return", "summary": "One fault.", "findings": [
        {"severity": "error", "path": "a.js", "line": 3, "rule": "r", "message": "No total.", "suggestion": "", "quote": ""}]}
)  # fmt: skip


@pytest.mark.parametrize("whole", [PLAN, json.dumps(json.loads(PLAN), indent=2), REVIEW, json.dumps([1, {"a": True}])])
def test_json_that_broke_off_anywhere_is_closed_to_json(whole: str) -> None:
    for end in range(1, len(whole) + 1):
        made = closed(whole[:end])
        assert made == "" or json.loads(made) is not None, whole[:end]


def test_no_beginning_of_a_plan_or_review_is_shown_as_json() -> None:
    for output, whole in (("plan", PLAN), ("review", REVIEW)):
        for end in range(1, len(whole) + 1):
            text = readable(output, whole[:end])
            assert not any(sign in text for sign in ('{"', '":', "[{")), text
    assert "### 2. Write cart" in readable("plan", PLAN)
    assert "Verdict: return" in readable("review", "```json\n" + REVIEW)


def test_text_that_is_no_json_is_shown_as_it_is() -> None:
    assert readable("plan", "## Tasks\n\n### 1. Write page") == "## Tasks\n\n### 1. Write page"


def test_a_streaming_document_ends_in_the_same_rows_however_it_is_cut() -> None:
    text = "# Needs\n\nA page.\n\n- goods\n- a cart that\n  adds\n\n```js\nlet a = 1\n```\n\nEnd **here**.\n"
    whole = [line.text for line in markdown_lines(text, "discovery", 40)]
    for step in (1, 3, 7):
        stream = StreamLines("discovery", "document", 40)
        for end in range(step, len(text) + step, step):
            stream.feed(text[:end])
        rows = [line.text for line in stream.lines]
        while rows and not rows[-1]:
            rows.pop()
        assert rows == whole


def test_a_log_shows_whole_lines_and_no_json() -> None:
    stream = StreamLines("implementation", "code", 60)
    stream.feed('Version 1.0.0: 2 tasks\ncart · Created cart.js\n{"verdict": "pass",\nlead · {"a": 1}\ncart · do')
    assert [line.text for line in stream.lines] == ["Version 1.0.0: 2 tasks", "cart  Created cart.js"]
    start, rows = stream.feed("Version 1.0.0: 2 tasks\ncart · Created cart.js\n{\ncart · done\n")
    assert start == 2 or rows[-1].text == "cart  done"


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _task(key: str, **fields: object) -> TaskView:
    known = TaskView(
        id=f"id-{key}", page="p", key=key, position=1, title=f"Write {key}", type="logic", description="", priority=2, needs=(),
        status="planned", attempts=0, model="", summary="", error="", elapsed=None,
    )  # fmt: skip
    return replace(known, **fields)


def test_rows_of_the_board_have_one_width_and_their_columns_stay_where_they_are() -> None:
    planned = _task("cart", needs=("data",))
    running = replace(planned, status="running", live=True, elapsed=3.0, activity="Created cart.js", model="x:y/sonnet")
    late = replace(
        running, attempts=2, elapsed=900.0, cost_usd=0.0123, activity="Updated a very long name of a file.js"
    )
    for width in (40, 56, 72, 120):
        rows = [
            board_lines(
                TasksView(page="p", tasks=(one,), editable=True, types={}, workers=3), BoardLook(width, UNICODE), "i"
            )[0]
            for one in (planned, running, late)
        ]
        assert {row.width for row in rows} == {width}
        assert len({row.text.index(" logic") for row in rows}) == 1
    assert "after data" in rows[0].text
    data = _task("data", status="dropped")
    board = TasksView(page="p", tasks=(planned, data), editable=True, types={}, workers=3)
    assert "after" not in board_lines(board, BoardLook(72, UNICODE), "i")[0].text
    assert "after data (dropped)" in "\n".join(row.text for row in task_story(planned, 72, board))
    assert "x2" in rows[2].text
    assert "15:00" in rows[2].text


def test_a_version_whose_run_was_stopped_is_not_called_failed() -> None:
    stopped = VersionView(
        id="v", number="1.1.0", status="failed", reason="stopped", origin="run", page="p", title="Cart", operation="update",
        summary="", changelog="", error="Stopped before it was finished.", approved=False, started_at=NOW, finished_at=NOW,
        cost_usd=None, files=3, added=0, modified=0, deleted=0, parent="1.0.0",
    )  # fmt: skip
    for one, word in ((stopped, "stopped"), (replace(stopped, reason=""), "failed")):
        rows = (*versions.version_rows(one, 80, NOW, ASCII, marked=False), versions.story(one, 80, ASCII)[0])
        assert [row.text.split(" - ")[0].split()[-1] for row in rows[1:]] == [word, word]
        assert versions.state(one) == word


def test_a_task_that_ended_early_is_called_by_its_state() -> None:
    tasks = (_task("a", status="interrupted"), _task("b", status="dropped"))
    rows = board_lines(TasksView(page="p", tasks=tasks, editable=True, types={}, workers=3), BoardLook(72, ASCII), "i")
    assert [row.text.split()[:4] for row in rows] == [
        ["!", "Write", "a", "interrupted"], ["-", "Write", "b", "dropped"],
    ]  # fmt: skip


def test_the_board_counts_what_was_dropped_as_nothing() -> None:
    tasks = (_task("a", status="done"), _task("b", status="failed"), _task("c", status="dropped"))
    assert counts(TasksView(page="p", tasks=tasks, editable=True, types={}, workers=3)) == "1 of 2 tasks done, 1 failed"


def test_a_task_comes_back_from_its_form_as_it_was() -> None:
    task = _task(
        "cart", needs=("data", "page"), description="First: it adds.\n\nTitle: not this.", priority=1, type="ui"
    )
    form = task_form.read(task_form.render(task))
    assert (form.title, form.type, form.priority, form.needs) == (task.title, "ui", 1, ("data", "page"))
    assert form.description == task.description


@pytest.mark.parametrize(
    ("text", "words"),
    [("Title:\nType: ui", "needs a title"), ("Title: a\nType: magic", "not a type"), ("Title: a\nPriority: 7", "not a priority")],
)  # fmt: skip
def test_a_form_that_cannot_be_read_names_its_line(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        task_form.read(text)


UNIFIED = "--- a/cart.js\n+++ b/cart.js\n@@ -3,3 +3,4 @@\n function add(cart) {\n-  return sum(cart, 0;\n+  return sum(cart, 0);\n }\n+\n"


def _diff(unified: str) -> FileDiff:
    return FileDiff(path="cart.js", change="modified", before="", after="", unified=unified, added=2, removed=1)


def test_a_changed_line_is_numbered_on_both_sides_and_marked_by_its_words() -> None:
    rows = file_lines(_diff(UNIFIED), 60, UNICODE)
    assert [row.text.rstrip() for row in rows[2:]] == [
        "    3   function add(cart) {", "    4 -   return sum(cart, 0;", "    4 +   return sum(cart, 0);", "    5   }", "    6 +",
    ]  # fmt: skip
    added = [text for text, style in rows[4].spans if style == "add"]
    assert added == [")"]


def test_without_unicode_changed_words_are_bracketed() -> None:
    rows = file_lines(_diff(UNIFIED), 60, ASCII)
    assert any("{+)+}" in row.text for row in rows)


def test_a_long_line_of_code_is_broken_within_the_width() -> None:
    unified = f"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+{'word ' * 40}{'x' * 90}\n"
    assert all(row.width <= 60 for row in file_lines(_diff(unified), 60, UNICODE))


def test_the_tree_names_folders_once_and_counts_what_changed() -> None:
    known = (
        FileLine(path="index.html", size=10, mark="M", findings=2),
        FileLine(path="src/a.js", size=20, mark="A"),
        FileLine(path="src/b/c.js", size=30, mark=""),
        FileLine(path="src/b/d.js", size=0, mark="D"),
    )
    rows = [row.text.rstrip() for row in files.tree_rows(known, 40, UNICODE)]
    assert [row.strip() for row in rows if row.endswith("/")] == ["src/", "b/"]
    assert "2 findings" in rows[0]
    assert files.summary(FilesView(version="1.0.0", files=known)) == "3 files, 3 changed, 2 findings"


def test_the_worst_open_finding_comes_first_and_settled_ones_last() -> None:
    def one(name: str, severity: str, state: str = "open") -> FindingView:
        return FindingView(
            id=name, page="p", source="rule", rule="r", path="a.js", line=1, message="m", severity=severity, suggestion="",
            quote="", state=state, stage="", task="", version="", by="", reason="", created_at=datetime.now(UTC),
        )  # fmt: skip

    every = [one("n", "note"), one("w", "error", "waived"), one("e", "error"), one("v", "warning")]
    assert [found.id for found in findings.in_order(every, every=True)] == ["e", "v", "n", "w"]
    assert [found.id for found in findings.in_order(every, every=False)] == ["e", "v", "n"]


def test_sentences_take_the_workflow_s_words_and_a_story_keeps_its_own() -> None:
    words = Words(
        {"page": "change", "pages": "changes", "chapter": "release", "chapters": "releases", "brief": "request"}
    )
    assert words.put("No chapter yet. Pages are archived; a brief is asked.") == (
        "No release yet. Changes are archived; a request is asked."
    )
    assert OURS.put("No chapter yet.") == "No chapter yet."


def test_costs_say_what_the_work_at_tasks_came_to() -> None:
    tasks = [_task("a", cost_usd=0.5), _task("b", cost_usd=0.25), _task("c")]
    assert [row.text.split() for row in costs_lines(None, None, None, 40, OURS, tasks)] == [
        ["its", "2", "tasks", "$0.75"]
    ]


def test_an_application_has_phases_and_a_story_has_stages() -> None:
    app = Words({"page": "change", "brief": "request", "stage": "phase"})
    assert app.put("Every stage of this page is approved.") == "Every phase of this change is approved."
    assert [row.text for row in costs_lines(None, None, None, 40, app)] == ["No call was made yet."]
    told = [row.text for row in context_lines(None, 60, UNICODE, app)]
    assert " ".join(told).endswith("once a change has a request.")
    assert "a page has a brief" in context_lines(None, 90, UNICODE)[0].text
