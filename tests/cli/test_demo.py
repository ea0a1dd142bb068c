"""The demo without a terminal: a page from draft to approval, where it lies, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from studio.cli import demo
from studio.cli.bootstrap import CommandHost
from studio.cli.terminal import FirstRun
from studio.config.settings import Settings
from tests.cli.conftest import Studio
from tests.fakes.project import opened
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


def test_the_same_folder_again_is_refused_and_nothing_is_asked_of_a_model(outside: Studio, server: WireServer) -> None:
    outside("demo", "my-demo")
    calls = len(server.calls)
    refused = outside("demo", "--headless", "my-demo", code=3)
    assert "There is work in my-demo already" in refused.stderr
    assert "studio -C my-demo" in refused.stderr
    assert len(server.calls) == calls


def test_a_page_that_waits_for_a_person_is_left_as_it_is(outside: Studio, server: WireServer) -> None:
    inside = _copied(outside)
    inside("generate", "1/3")
    calls = len(server.calls)
    outside("demo", "my-demo", code=3)
    assert inside.data("page", "show", "1/3")["state"] == "user_reviewing_narration"
    assert len(server.calls) == calls


def test_a_copy_in_which_a_title_was_changed_is_a_persons(outside: Studio, server: WireServer) -> None:
    _copied(outside)("page", "rename", "1/3", "Fog, again")
    outside("demo", "my-demo", code=3)
    assert not server.calls


def test_a_copy_that_was_only_looked_at_is_still_fresh(outside: Studio) -> None:
    inside = _copied(outside)
    inside("status")
    inside("show", "1/1")
    assert outside.data("demo", "my-demo")["ref"] == "1/3"
    assert not (inside.folder / ".studio" / "demo.json").exists()


def test_the_texts_of_an_application_are_exported_as_the_markdown_that_they_are(outside: Studio) -> None:
    text = _copied(outside, "corner-shop")("export", "markdown", "-o", "-").stdout
    assert "\n## " in text.split("\n#### ", 1)[1]
    assert "\n\\#" not in text


def _copied(outside: Studio, sample: str = demo.SAMPLE) -> Studio:
    """The example as a terminal opens it: copied and filled, and nothing drafted."""
    root = outside.folder / "my-demo"

    async def filled() -> None:
        async with opened(root, outside.env) as client:
            await demo.fill(client, root)

    demo.copy_to(root, sample)
    asyncio.run(filled())
    return Studio(root, outside.env)


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


def test_a_demo_that_broke_off_goes_on_with_its_own_page(outside: Studio, server: WireServer) -> None:
    _broken_off(outside, server)
    again = json.loads(outside("demo", "--headless", "my-demo", "--json").stdout)
    assert (again["ref"], again["state"]) == ("1/3", "page_approved")


def test_a_demo_that_broke_off_leaves_its_page_to_a_person_who_worked_at_it(
    outside: Studio, server: WireServer
) -> None:
    inside = _broken_off(outside, server)
    inside("resume", "1/3", "--keep")
    inside("edit", "1/3", "--stage", "narration", "--file", "-", stdin="Ilse counts.")
    calls = len(server.calls)
    outside("demo", "--headless", "my-demo", code=3)
    assert inside("show", "1/3").stdout.strip() == "Ilse counts."
    assert len(server.calls) == calls


def _broken_off(outside: Studio, server: WireServer) -> Studio:
    server.play(Step(text="One two three.", fault=SCRIPTS["fin"][0].fault, after=1))
    outside("demo", "--headless", "my-demo", code=4)
    return Studio(outside.folder / "my-demo", outside.env)


def test_the_first_screen_makes_an_application_where_one_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    host = cast(CommandHost, SimpleNamespace(model_hint=lambda settings: ""))
    first = FirstRun(host, Settings())
    assert asyncio.run(first.create("Corner shop", "app")) == tmp_path
    assert 'workflow = "app"' in (tmp_path / "studio.toml").read_text("utf-8")
    assert demo.free_folder(tmp_path, "app").name == "corner-shop"
