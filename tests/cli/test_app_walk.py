"""An application by commands alone: from `new` to `publish apply` into a bare repository, with scripted roles on the wire."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import clean_environment
from tests.cli.here import Here
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.wire_server import WireServer, running_wire_server


@pytest.fixture
def server() -> Iterator[WireServer]:
    with running_wire_server(respond=Roles(pause=0.02)) as running:
        yield running


@pytest.fixture
def here(
    tmp_path: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Here]:
    walk = Here(monkeypatch, capsys)
    walk.enter(tmp_path, clean_environment(server, tmp_path))
    yield walk
    if (tmp_path / "shop").is_dir():
        walk("engine", "stop", "-C", str(tmp_path / "shop"))


def test_an_application_goes_by_commands_from_its_description_to_a_bare_repository(here: Here, tmp_path: Path) -> None:
    remote = tmp_path / "shop.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    _described(here, tmp_path)
    (tmp_path / "shop" / "studio.toml").open("a").write(f'\n[publish.site]\npublisher = "git"\nremote = "{remote}"\n')
    _planned(here)
    _built(here, tmp_path / "shop" / "app")
    _reviewed(here)
    _published(here, remote)
    _looked_back(here)
    _gone_back(here, tmp_path / "shop" / "app")


def _described(here: Here, tmp_path: Path) -> None:
    made = here.data(
        "new", "shop", "--workflow", "app", "--title", "Corner shop", "--description", "Sells tea.", "--requirement", "a cart"
    )  # fmt: skip
    assert made["page"]
    here.enter(tmp_path / "shop")
    here("engine", "start")
    assert "- a cart" in here("page", "brief", "next").out
    assert "0 of 1 changes complete" in here("status").out
    card = here("page", "show", "next").out
    assert "release" in card
    assert "create" in card
    here("generate", "next")
    assert "# Requirements" in here("show", "next", "--stage", "discovery").out


def _planned(here: Here) -> None:
    moved = here("approve", "next")
    assert moved.out == "planning awaits a draft\n"
    assert "q_assistant to q_assistant: Discovery approved" in moved.err
    assert "Next draft: " in moved.err
    assert "$" in moved.err
    shown = here("generate", "next").out
    assert "Plain HTML and modules." in shown
    assert "{" not in shown
    assert here("tasks", "add", "next", "Say hello", "--type", "docs", "--description", "Greet.").out == "say-hello\n"
    here("tasks", "edit", "say-hello", "--title", "Greet", "--priority", "3", "--needs", "page,style")
    here("tasks", "move", "1/1#say-hello", "1")
    assert "wait for each other" in here("tasks", "edit", "page", "--needs", "say-hello", code=2).err
    task = here.data("tasks", "show", "say-hello")
    assert (task["position"], task["title"], task["needs"], task["priority"]) == (1, "Greet", ["page", "style"], 3)
    here("tasks", "drop", "1")
    assert here("tasks").out.startswith("[-]  1  say-hello")
    handoff = here.data("approve", "next")["handoff"]
    assert handoff["to_role"] == "code_writer"
    assert "Greet" not in handoff["note"]


def _built(here: Here, app: Path) -> None:
    drafted = here("generate", "next")
    assert "list · begins again (2 of 3)" in drafted.err
    assert drafted.out.startswith("Version 1.0.0.")
    for path, text in FILES.values():
        assert (app / path).read_text("utf-8") == text
    board = {one["key"]: one for one in here.data("tasks")["tasks"]}
    assert {one["status"] for key, one in board.items() if key != "say-hello"} == {"done"}
    assert board["list"]["attempts"] == 2
    assert {one["mark"] for one in here.data("files")["files"]} == {"A"}
    assert here("files", "show", "style.css").out == FILES["style"][1]
    log = here.data("tools", "--limit", "1000")
    assert log["total"] == len(log["calls"]) >= 17
    assert "\n    > {" in here("tools", "--full").out
    assert here("check").out.startswith("Validators: nothing found in 8 files.")


def _reviewed(here: Here) -> None:
    here("approve", "next")
    here("generate", "next")
    finding = here.data("findings", "--open")["findings"][0]
    assert "ay why" in here("findings", "settle", finding["id"][-8:], "--as", "waived", code=2).err
    here("findings", "settle", finding["id"][-8:], "--as", "waived", "--reason", "The street has no name.")
    assert "waived by ana: The street has no name." in here("findings", "1/1").out
    here("approve", "next")
    here("generate", "next")
    back = here("return", "--note", "Say more in the readme.")
    assert back.out == "implementation awaits a draft\n"
    assert "The person adds: Say more in the readme." in back.err
    for stage in ("implementation", "testing", "verification", "deployment"):
        assert here.data("status")["chapters"][0]["pages"][0]["stage"] == stage
        here("generate", "next")
        done = here("approve", "next")
    assert done.out == "complete\n"
    assert "studio change" in here("generate", "next", code=2).err


def _published(here: Here, remote: Path) -> None:
    plan = here.data("publish", "plan", "site")
    refused = here("publish", "apply", "site", code=3)
    assert plan["digest"] in refused.out
    assert f"--plan {plan['digest'][:12]}" in refused.err
    assert not _git(remote, "for-each-ref")
    assert "changed since you looked" in here("publish", "apply", "site", "--plan", "0" * 64, code=3).err
    done = here.data("publish", "apply", "site", "--plan", plan["digest"][:12])
    assert done["publication"]["status"] == "done"
    assert _git(remote, "tag") == "v1.0.1"
    assert _git(remote, "show", "v1.0.1:style.css") == FILES["style"][1].strip()
    assert "Open the corner shop" in _git(remote, "log", "-1", "--format=%B", "main")
    _git(remote, "fsck", "--strict")
    listed = here.data("publish")
    assert [one["status"] for one in listed["publications"]] == ["done"]
    for how in (
        (),
        ("--yes",),
        ("--plan", plan["digest"]),
    ):  # nothing is left: no yes is asked for, and nothing recorded
        again = here("publish", "apply", "site", *how)
        assert "nothing is left to do" in again.err
        assert "is published" not in again.err
    assert len(here.data("publish")["publications"]) == 1


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _looked_back(here: Here) -> None:
    figures = here.data("metrics")
    assert (figures["changes"], figures["completed"], figures["versions_completed"], figures["tasks_retried"]) == (
        1,
        1,
        2,
        1,
    )
    assert "create_file" in here("metrics").out
    by_task = {one["key"]: one["tasks"] for one in here.data("costs", "--by", "task")["rows"]}
    assert (by_task["logic"], by_task["no task"]) == (2, 0)
    assert here("costs", "--by", "task").out.split()[:2] == ["task", "tasks"]
    assert "code_writer" in here("costs", "--by", "role").out
    trail = here.data("audit", "--kind", "handoff", "--kind", "tool")
    assert {one["kind"] for one in trail["lines"]} == {"handoff", "tool"}
    assert sum(one["kind"] == "handoff" for one in trail["lines"]) == 9
    spoken = [one["stage"] for one in here.data("audit", "--kind", "message")["lines"]]
    assert list(dict.fromkeys(spoken))[:3] == ["discovery", "planning", "implementation"]
    assert "release_manager to person" in here("audit", "--kind", "handoff", "--full").out
    assert here("follow-ups").out.startswith("Draw a logo")
    assert here("versions", "diff", "1.0.0", "1.0.1", "--stat").out.split()[-1] == "README.md"
    assert "+Changed:" in here("versions", "diff").out
    assert "{+Changed" in here("versions", "diff", "--path", "README.md", "--words").out
    assert "approved" in here("versions", "show").out


def _gone_back(here: Here, app: Path) -> None:
    (app / "README.md").write_text("By hand.\n", "utf-8")
    assert "README.md" in here("versions").err
    assert here("versions", "undo", code=3).err.startswith("studio: Changed by hand")
    assert here("versions", "save", "My words").out == "1.0.2\n"
    assert here("versions", "restore", "1.0.0").out == "1.0.3\n"
    assert (app / "README.md").read_text("utf-8") == FILES["readme"][1]
    assert here("versions", "undo").out == "1.0.4\n"
    assert (
        "The newest version is 1.0.4, which is not approved and does not go out." in here("publish", "plan", "site").out
    )
    assert "studio versions approve 1.0.4" in here("publish", "plan", "site", "--version", "1.0.4", code=3).err
    here("versions", "approve", "1.0.4")
    unsure = here("publish", "apply", "site", "--version", "1.0.4", code=3).err
    assert "studio publish apply site --version 1.0.4 --plan " in unsure
    assert (app / "README.md").read_text("utf-8") == "By hand.\n"
    begun = here("change", "Add a note to the readme.", "--title", "A note")
    assert "the application is updated" in begun.err
    assert json.loads(here("page", "show", "1/2", "--json").out)["build"]["operation"] == "update"
