"""The form of `update_file` for small models: lines to choose from, and what a choice becomes."""

from __future__ import annotations

from typing import Any

import pytest

from studio.domain.tooling import BrokenCall, CallStatus, ToolCall, ToolOutcome
from studio.engine.apps import line_edits
from studio.engine.apps.line_edits import LineEdits
from studio.tools import passages
from studio.tools.catalog import specs

PAGE = """<form id="order">
  <p>
    <input id="name">
  </p>
  <p>
    <input id="size">
  </p>
  <button>Order</button>
</form>
"""


def choices(text: str = PAGE) -> dict[str, Any]:
    tool = line_edits.spec({"index.html": text})
    assert tool is not None
    properties = tool.parameters["properties"]
    assert isinstance(properties, dict)
    return properties


def changed(place: str, text: str, line: str = "<button>Order</button>", file: str = PAGE) -> str:
    """The file after the call, carried out as the tool does it."""
    given = ToolCall("1", "update_file", {"path": "index.html", "line": line, "place": place, "text": text})
    call = line_edits.as_passages(given, {"index.html": file})
    edits = call.arguments["edits"]
    assert isinstance(edits, list)
    return passages.apply(file, [(one["old"], one["new"]) for one in edits]).text


def test_only_lines_that_are_there_once_and_say_something_can_be_chosen() -> None:
    assert choices()["line"]["enum"] == [
        '<form id="order">', '<input id="name">', '<input id="size">', "<button>Order</button>"
    ]  # fmt: skip
    head = '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Shop</title>\n'
    assert choices(head)["line"]["enum"] == ["<title>Shop</title>"]
    script = "export function add() {\n  return 1;\n}\n"
    assert choices(script)["line"]["enum"] == ["export function add() {", "return 1;"]
    assert choices()["path"]["enum"] == ["index.html"]


def test_a_line_that_is_a_part_of_another_cannot_be_chosen() -> None:
    assert choices("total\ntotals\n")["line"]["enum"] == ["totals"]


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("before", "  <hr>\n  <button>Order</button>\n"),
        ("after", "  <button>Order</button>\n  <hr>\n"),
        ("instead", "  <hr>\n"),
    ],
)
def test_text_goes_before_after_or_instead_of_the_line_as_far_in_as_it_is(place: str, wanted: str) -> None:
    assert changed(place, "<hr>") == PAGE.replace("  <button>Order</button>\n", wanted)


def test_several_lines_keep_their_steps() -> None:
    made = changed("before", "<p>\n  <input>\n</p>\n")
    assert "  <p>\n    <input>\n  </p>\n  <button>Order</button>\n" in made


def test_a_call_in_another_form_is_left_as_it_is() -> None:
    whole = ToolCall("1", "update_file", {"path": "index.html", "edits": []})
    other = ToolCall("2", "create_file", {"path": "a", "line": "b", "text": "c"})
    assert line_edits.as_passages(whole, {"index.html": PAGE}) is whole
    assert line_edits.as_passages(other, {}) is other


def test_a_line_that_is_not_in_the_file_is_told_by_the_tool_itself() -> None:
    with pytest.raises(passages.Unmatched):
        changed("before", "<hr>", line="<button>Add</button>")


def test_files_of_too_many_lines_are_changed_by_passages() -> None:
    assert line_edits.spec({"a.js": "\n".join(f"const a{number} = {number};" for number in range(200))}) is None
    assert line_edits.spec({"a.js": "\n"}) is None


def test_a_whole_file_may_be_written_only_under_a_name_that_is_new() -> None:
    known = {"index.html": 1, "js/page.js": 1}
    words = "index.html loads css/note.css, page.js calls note.js. See js/page.js, e.g. at the end."
    names = line_edits.new_names(words, known)
    assert names == ("css/note.css", "note.js")
    (create,) = specs(["create_file"])
    properties = line_edits.only_new(create, names).parameters["properties"]
    assert isinstance(properties, dict)
    assert properties["path"]["enum"] == ["css/note.css", "note.js"]
    assert properties["content"] == create.parameters["properties"]["content"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("where", "place", "line"),
    [
        ("right above the Order button", "after", "<h1>Shop</h1>"),
        ("before the button named Order", "before", '<form id="order">'),
    ],
)
def test_the_words_for_a_place_count_before_the_line_that_was_chosen(where: str, place: str, line: str) -> None:
    given = {"path": "index.html", "where": where, "place": place, "line": line, "text": "<hr>"}
    call = line_edits.as_passages(ToolCall("1", "update_file", given), {"index.html": "<h1>Shop</h1>\n" + PAGE})
    assert call.arguments["edits"] == [
        {"old": "  <button>Order</button>", "new": "  <hr>\n  <button>Order</button>"}
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["above the picture", "somewhere in the form", "below id and input"])
def test_words_that_mean_no_single_line_leave_the_choice_as_it_is(where: str) -> None:
    given = {"path": "index.html", "where": where, "place": "after", "line": "<button>Order</button>", "text": "<hr>"}
    call = line_edits.as_passages(ToolCall("1", "update_file", given), {"index.html": PAGE})
    assert call.arguments["edits"] == [
        {"old": "  <button>Order</button>", "new": "  <button>Order</button>\n  <hr>"}
    ]  # fmt: skip


def edit(number: int, text: str, line: str = "<button>Order</button>") -> ToolCall:
    given = {"path": "index.html", "where": "above", "place": "before", "line": line, "text": text}
    return ToolCall(str(number), "update_file", given)


def test_the_same_lines_are_put_in_once_and_then_there_is_only_the_end() -> None:
    edits, known = LineEdits(), specs(["create_file", "update_file", "finish_app"])
    edits.shown = {"index.html": PAGE}
    assert [one.name for one in edits.tools(known, "index.html: a line", edits.shown)] == ["update_file", "finish_app"]
    assert isinstance(edits.take(edit(1, "<hr>")), ToolCall)
    assert isinstance(edits.take(edit(2, "<p>Other</p>")), ToolCall)
    again = edits.take(edit(3, "<hr>\n", line="</form>"))
    assert isinstance(again, BrokenCall)
    assert "finish_app" in again.reason
    assert [one.name for one in edits.tools(known, "index.html: a line", edits.shown)] == ["finish_app"]


def test_one_file_changed_is_enough_until_the_checks_find_a_fault() -> None:
    edits, known = LineEdits(), specs(["update_file", "finish_app"])
    edits.shown = {"index.html": PAGE}

    def offered() -> list[str]:
        return [one.name for one in edits.tools(known, "", edits.shown)]

    edits.came([ToolOutcome("1", "update_file", CallStatus.ERROR, "no such passage")])
    assert offered() == ["update_file", "finish_app"]
    edits.came([ToolOutcome("2", "update_file", CallStatus.OK, "Updated.")])
    assert offered() == ["finish_app"]
    edits.mend()
    assert offered() == ["update_file", "finish_app"]
    edits.shown = {"index.html": PAGE, "page.js": "const page = 1;\n"}
    edits.came([ToolOutcome("3", "update_file", CallStatus.OK, "Updated.")])
    assert offered() == ["update_file", "finish_app"]


def test_a_task_that_names_a_new_file_may_write_it_and_no_other() -> None:
    edits, known = LineEdits(), specs(["create_file", "update_file", "finish_app"])
    edits.shown = {"index.html": PAGE}
    tools = edits.tools(known, "note.js, loaded by index.html", edits.shown)
    assert [one.name for one in tools] == ["update_file", "create_file", "finish_app"]


def test_where_no_lines_can_be_chosen_the_tools_are_as_they_were() -> None:
    known = specs(["update_file", "finish_app"])
    made = LineEdits().tools(known, "", {})
    assert [one.name for one in made] == ["update_file", "finish_app"]
    assert made[0] == known[0]
