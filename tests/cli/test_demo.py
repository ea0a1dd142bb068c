"""The demo without a terminal: a page from draft to approval, where it lies, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Studio
from tests.fakes.wire_script import SCRIPTS, Finish, Step
from tests.fakes.wire_server import WireServer


def test_headless_drafts_revises_and_approves_a_page_and_says_where_it_lies(
    outside: Studio, server: WireServer
) -> None:
    done = outside("demo", "--headless", "my-demo")
    root = outside.folder / "my-demo"
    rows = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert rows["page"].endswith("page approved")
    text = Path(rows["file"]).read_text("utf-8")
    assert text.index("## Narration") < text.index("## Dialogue")
    assert "history 1/3" in rows["history"]
    assert "$" in rows["cost"]
    assert [Path(call.path).name for call in server.calls].count(Path(server.calls[0].path).name) == 3
    inside = Studio(root, outside.env)
    stages = [(one["stage"], one["number"], one["approved"]) for one in inside.data("history", "1/3")["revisions"]]
    assert sorted(stages) == [
        ("brief", 1, False),
        ("dialogue", 1, True),
        ("narration", 1, False),
        ("narration", 2, True),
    ]
    assert inside.data("status")["chapters"][0]["approved"] == 3


def test_the_same_folder_again_goes_on_with_the_next_page(outside: Studio) -> None:
    first = outside.data("demo", "my-demo")
    again = outside.data("demo", "--headless", "my-demo")
    assert (first["ref"], again["ref"]) == ("1/3", "1/4")
    assert Path(again["file"]).is_file()
    assert again["costs"]["total"]["calls"] == 3


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(outside: Studio) -> None:
    folder = outside.folder / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine", "utf-8")
    refused = outside("demo", "--headless", "mine", code=3)
    assert len(refused.stderr.splitlines()) == 2
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    outside("new", "other")
    outside("demo", "--headless", "other", code=3)


def test_replies_of_a_weak_model_are_tried_once_more_and_taken_with_a_word(outside: Studio, server: WireServer) -> None:
    unparsed = Step(text="There is nothing to be said on this page")
    server.play(Step(text="One."), Step(text="A half", finish=Finish.LENGTH), unparsed, unparsed)
    done = outside.data("demo", "--headless", "my-demo")
    assert done["state"] == "page_approved"
    assert len(done["remarks"]) == 2
    assert "cut off" in done["remarks"][0]
    assert "unparsed" in done["remarks"][1]


def test_a_revision_that_comes_to_nothing_leaves_the_first_draft(outside: Studio, server: WireServer) -> None:
    server.play(Step(text="One."), Step(text=""), Step(text=""))
    done = outside.data("demo", "--headless", "my-demo")
    assert done["state"] == "page_approved"
    assert "first draft stands" in done["remarks"][0]


def test_a_demo_that_was_killed_half_way_goes_on(outside: Studio, server: WireServer) -> None:
    outside("demo", "--headless", "my-demo")
    inside = Studio(outside.folder / "my-demo", outside.env)
    server.play(Step(text="One two three.", fault=SCRIPTS["fin"][0].fault, after=1))
    inside("generate", "next", code=4)
    again = json.loads(outside("demo", "--headless", "my-demo", "--json").stdout)
    assert (again["ref"], again["state"]) == ("1/4", "page_approved")
