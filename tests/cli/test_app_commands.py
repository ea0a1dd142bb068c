"""Commands of an application that ask no model: making it, code that exists, checks, yeses, and refusals in a story."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from studio.cli import asking
from studio.domain.build import Operation, VersionStatus
from studio.domain.run import RunStatus
from studio.engine.apps.room import Finish
from studio.engine.handlers import builds
from studio.protocol import build_commands as b
from studio.store import findings, pages
from tests.cli.conftest import clean_environment
from tests.cli.here import Here
from tests.engine.app_project import ANA, add_conflict, add_run, plan, reopened, write
from tests.fakes.wire_server import WireServer
from tests.store import app_rows


@pytest.fixture
def here(
    tmp_path: Path, server: WireServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    walk = Here(monkeypatch, capsys)
    walk.enter(tmp_path, clean_environment(server, tmp_path))
    return walk


@pytest.fixture
def shop(here: Here, tmp_path: Path) -> Here:
    """An application made from code that exists, in which commands are given."""
    code = tmp_path / "code"
    (code / "src").mkdir(parents=True)
    (code / "index.html").write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>Tea</title></head><body>Tea</body></html>\n"
    )
    (code / "src" / "cart.js").write_text("export const cart = [];\n")
    (code / ".env").write_text("SECRET=1\n")
    here(
        "new", "shop", "--workflow", "app", "--from", "code", "--description", "Sell coffee too.", "--type", "fullstack"
    )
    here.enter(tmp_path / "shop")
    return here


def append(folder: Path, text: str) -> None:
    with (folder / "studio.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(one.relative_to(folder)): (hashlib.sha256(one.read_bytes()).hexdigest(), one.stat().st_mtime_ns)
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }


def test_new_makes_an_application_whose_settings_hold_no_words_of_a_book(here: Here, tmp_path: Path) -> None:
    made = here.data("new", "shop", "--workflow", "app", "--type", "api")
    root = tmp_path / "shop"
    assert (made["root"], made["page"], made["version"]) == (str(root), None, None)
    settings = (root / "studio.toml").read_text("utf-8")
    assert 'type = "api"' in settings
    assert "story" not in settings + (root / "canon" / "README.md").read_text("utf-8")
    assert (root / "canon" / "standards").is_dir()
    here.enter(root)
    assert here.data("config", "show")["settings"]
    assert "There is no change yet" in here("tasks", code=2).err
    assert here("versions").err == "There is no version yet.\n"
    assert here("files").out == ""
    assert here("check").out == "There is nothing to check yet: app/ holds no file.\n"
    assert here.data("files") == {"version": None, "files": []}


def test_requirements_and_type_become_the_request_of_the_first_change(here: Here) -> None:
    here(
        "new",
        "shop",
        "--workflow",
        "app",
        "--title",
        "Tea",
        "--type",
        "web",
        "--requirement",
        "a cart",
        "--requirement",
        "a sum",
    )
    brief = here("page", "brief", "next", "-C", "shop").out
    assert brief == "# Tea\n\nType: web\n\nRequirements:\n- a cart\n- a sum\n"


def test_code_that_exists_is_copied_as_the_first_version_and_not_touched(here: Here, tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "node_modules" / "x").mkdir(parents=True)
    (code / "node_modules" / "x" / "index.js").write_text("1\n")
    (code / "page.html").write_text("<!doctype html>\n")
    (code / ".env").write_text("SECRET=1\n")
    before = tree(code)
    made = here.data("new", "shop", "--workflow", "app", "--from", "code")
    assert made["version"]
    assert tree(code) == before
    assert sorted(tree(tmp_path / "shop" / "app")) == ["page.html"]
    (version,) = here.data("versions", "-C", "shop")["versions"]
    assert (version["origin"], version["status"], version["files"]) == ("import", "completed", 1)


def test_a_change_to_code_that_exists_is_an_update(shop: Here) -> None:
    card = shop("page", "show", "next").out
    assert "update" in card
    assert "Sell coffee too." in card
    (page,) = shop.data("status")["chapters"][0]["pages"]
    assert page["title"] == "Sell coffee too."


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("new", "x", "--workflow", "app", "--from", "nowhere"), 2, "no folder nowhere"),
        (("new", "x", "--workflow", "app", "--from", "."), 3, "inside the folder that is copied"),
        (("new", "x", "--description", "A tale."), 2, "--workflow app"),
        (("new", "x", "--from", "."), 2, "--from is for an application"),
        (("new", "x", "--workflow", "app", "--type", "desktop"), 2, "invalid choice"),
    ],
)
def test_what_new_cannot_do_is_said_before_anything_is_made(
    here: Here, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in here(*words, code=code).err
    assert not (tmp_path / "x").exists()


def test_a_story_has_no_command_of_an_application_and_says_so(here: Here, tmp_path: Path) -> None:
    here("new", "book")
    here.enter(tmp_path / "book")
    for words in (
        ("change", "Add a page."), ("tasks",), ("tasks", "add", "next", "x"), ("findings",), ("tools",), ("audit",), ("versions",),
        ("versions", "undo"), ("files",), ("files", "show", "a"), ("check",), ("check", "--allow", "--yes"), ("publish",),
        ("publish", "plan", "x"), ("metrics",), ("follow-ups",), ("return",), ("findings", "settle", "abcd1234", "--as", "fixed"),
    ):  # fmt: skip
        refused = here.data(*words, code=3)
        assert "--workflow app" in refused["error"]["hint"], words


def test_a_check_command_runs_only_after_a_yes_to_exactly_it(shop: Here) -> None:
    root = Path.cwd()
    assert "no check command" in shop("check", "--allow", "--yes", code=2).err
    settings = root / "studio.toml"
    settings.write_text(
        settings.read_text("utf-8").replace('type = "fullstack"', 'type = "fullstack"\ncheck = "touch ran.txt"')
    )
    refused = shop("check", code=3)
    assert "was never allowed" in refused.err
    assert refused.out.startswith("Validators: nothing found in 2 files.")
    unasked = shop("check", "--allow", code=3)
    assert "touch ran.txt" in unasked.err
    assert "needs your yes" in unasked.err
    assert shop("check", "--allow", "--yes").out == "allowed: touch ran.txt\n"
    assert not (root / "app" / "ran.txt").exists()
    assert "`touch ran.txt` passed" in shop("check").out
    assert (root / "app" / "ran.txt").exists()
    shop("check", "--forbid")
    assert "was never allowed" in shop("check", code=3).err


def test_a_standard_whose_rules_cannot_be_used_is_told_wherever_rules_are_looked_at(shop: Here) -> None:
    standards = Path.cwd() / "canon" / "standards"
    (standards / "ours.md").write_text(
        "---\nname: Ours\ntype: standards\n---\n\n```rules\n[[forbid]]\nid = \"x\"\npattern = '('\n[[nonsense]]\n```\n"
    )
    checked = shop("canon", "check", code=1)
    assert "canon/standards/ours.md:9" in checked.out  # the line of the pattern
    assert "with a problem" in checked.err
    listed = next(line for line in shop("canon", "list").out.splitlines() if line.startswith("Ours "))
    assert " always " in listed
    assert "A rule cannot be used: canon/standards/ours.md" in shop("check").out
    assert "standards/ours.md" in shop("doctor", code=1).out


def test_the_standards_in_force_are_listed_with_where_they_come_from_and_the_rules_that_hold(shop: Here) -> None:
    packaged = {one["path"]: (one["source"], len(one["rules"])) for one in shop.data("canon", "list")["standards"]}
    assert set(packaged) == {"standards/web.md", "standards/python.md"}
    assert all(source == "packaged" and rules > 5 for source, rules in packaged.values())
    assert "Web Standards" in shop("canon", "show", "standards/web.md").out
    (Path.cwd() / "app" / "AGENTS.md").write_text(
        '# For agents\n\n```rules\n[[forbid]]\nid = "x"\npattern = \'y\'\nmessage = "No y."\n```\n'
    )
    both = {one["path"]: (one["source"], len(one["rules"])) for one in shop.data("canon", "list")["standards"]}
    assert both == {**packaged, "app/AGENTS.md": ("application", 1)}
    (Path.cwd() / "canon" / "standards" / "ours.md").write_text('---\nname: Ours\n---\n\n```rules\noff = ["z"]\n```\n')
    own = {one["path"]: (one["source"], one["rules"]) for one in shop.data("canon", "list")["standards"]}
    assert own == {"canon/standards/ours.md": ("project", []), "app/AGENTS.md": ("application", ["x"])}
    assert "# For agents" in shop("canon", "show", "app/AGENTS.md").out
    assert "app/AGENTS.md" in shop("canon", "list").out


def test_a_check_that_finds_an_error_ends_with_one(shop: Here) -> None:
    (Path.cwd() / "app" / "src" / "cart.js").write_text("export const cart = [;\n")
    failed = shop.data("check", code=1)
    assert failed["passed"] is False
    assert {one["path"] for one in failed["errors"]} == {"src/cart.js"}
    for one in failed["errors"]:
        shop("findings", "settle", one["id"], "--as", "intended", "--reason", "A sample of what is wrong.")
    assert shop("check").out
    assert "src/cart.js" in shop("findings").out


def test_a_check_before_there_is_code_says_so_and_leaves_no_finding(here: Here, tmp_path: Path) -> None:
    here("new", "shop", "--workflow", "app", "--description", "A page that sells tea.")
    here.enter(tmp_path / "shop")
    assert here.data("check") == {
        "page": here.data("status")["chapters"][0]["pages"][0]["id"], "passed": True, "errors": [],
        "report": "There is nothing to check yet: app/ holds no file.",
    }  # fmt: skip
    assert here.data("findings", "list", "--all")["findings"] == []
    (tmp_path / "shop" / "app").mkdir(exist_ok=True)
    (tmp_path / "shop" / "app" / "page.css").write_text("p { color: #112233; }\n")
    assert "No file index.html is there" in here("check", code=1).out
    here("versions", "save")
    (tmp_path / "shop" / "app" / "page.css").unlink()
    assert "No file index.html is there" in here("check", code=1).out  # it was there, and is gone


def test_findings_of_several_changes_say_which_change_each_is_from(shop: Here, tmp_path: Path) -> None:
    (tmp_path / "shop" / "app" / "src" / "cart.js").write_text("export const cart = [;\n")
    shop("check", code=1)
    assert shop("findings", "list", "--all").out.split()[1:3] == [
        "open",
        "error",
    ]  # one change: it is the one asked about
    shop("change", "A second one.")
    shop("check", "1/2", code=1)
    found = [line.split()[1] for line in shop("findings", "list", "--all").out.splitlines() if "src/cart.js" in line]
    assert sorted(set(found)) == ["1/1", "1/2"]
    kept = shop.data("findings", "list", "--all")["findings"]
    assert {(one["change"], one["title"]) for one in kept} == {("1/1", "Sell coffee too."), ("1/2", "A second one.")}


def test_a_change_is_named_by_the_id_that_a_program_outside_gave_it(shop: Here, tmp_path: Path) -> None:
    shop("engine", "stop")

    async def begun() -> str:
        async with reopened(tmp_path / "shop", dict(os.environ)) as project:
            command = b.StartBuild(requirements="Sell cake.", project="p-1", build="42/b")
            page = (await builds.start_build(project, command, ANA)).page
            found = app_rows.finding(page or "")
            await project.store.transact(lambda tx: findings.insert(tx, [found]))
            await plan(project, await project.store.read(lambda tx: pages.get(tx, page or "")))
            write(project, "cake.md", "Cake.\n")
            await project.app.save("Cake", "ana", page)
            return page or ""

    page = asyncio.run(begun())
    assert shop.data("page", "show", "42/b")["build"]["build_id"] == "42/b"
    assert "build id" in shop("page", "show", "1/2").out
    board = shop.data("tasks", "list", "42/b")
    assert (board["page"], board["build_id"], len(board["tasks"])) == (page, "42/b", 3)
    assert shop.data("tasks", "show", "42/b#basket")["page"] == page
    (one,) = shop.data("findings", "list", "42/b")["findings"]
    assert (one["page"], one["build_id"]) == (page, "42/b")
    (version,) = shop.data("versions", "list", "--page", "42/b")["versions"]
    assert (version["page"], version["build_id"]) == (page, "42/b")
    assert shop.data("audit", "42/b")["page"] == page
    assert "There is no" in shop("tasks", "list", "43", code=2).err


def test_a_yes_at_the_terminal_counts_and_anything_else_is_a_no(shop: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    append(Path.cwd(), '\n[publish.out]\npublisher = "folder"\npath = "site"\n')
    asked: list[str] = []
    monkeypatch.setattr(asking, "asked", lambda question: asked.append(question) or False)
    assert "No version is approved yet" in shop("publish", "apply", "out", code=3).err
    assert asked == []
    settings = Path.cwd() / "studio.toml"
    settings.write_text(settings.read_text("utf-8").replace('type = "fullstack"', 'type = "fullstack"\ncheck = "true"'))
    shop("check", "--allow", code=3)
    monkeypatch.setattr(asking, "asked", lambda question: True)
    shop("check", "--allow")
    assert asked == ["May it run in this project on this computer?"]
    assert "`true` passed" in shop("check").out


def test_a_key_for_a_host_that_is_not_its_own_needs_a_yes_of_its_own(shop: Here) -> None:
    append(
        Path.cwd(),
        '\n[publish.odd]\npublisher = "github"\nrepository = "me/shop"\napi = "http://127.0.0.1:9/api/v3"\nkey = "MY_TOKEN"\n',
    )
    refused = shop("publish", "plan", "odd", code=3).err
    assert "studio publish allow odd" in refused
    shown = shop("publish", "allow", "odd", code=3)
    assert "send MY_TOKEN to 127.0.0.1" in shown.err


def test_targets_that_cannot_be_used_are_listed_with_the_reason(shop: Here) -> None:
    append(Path.cwd(), '\n[publish.odd]\npublisher = "carrier-pigeon"\n')
    assert "carrier-pigeon" in shop("publish").out
    assert "There is no publishing target" in shop("publish", "plan", "nope", code=2).err


def test_a_file_or_version_that_is_not_there_is_named(shop: Here) -> None:
    assert "no file" in shop("files", "show", "index.htm", code=2).err
    assert shop("versions", "show", "9.9.9", code=2).err.startswith("studio: ")
    assert shop("versions", "restore", "9.9.9", code=2).err.startswith("studio: ")
    assert "At most two" in shop("versions", "diff", "1", "2", "3", code=2).err
    assert "no finding" in shop("findings", "settle", "00000000", "--as", "fixed", code=2).err


def test_text_of_files_and_names_reaches_the_terminal_without_its_escapes(shop: Here) -> None:
    (Path.cwd() / "app" / "evil.txt").write_text("red \x1b[31m\x1b]0;t\x07 \u202etxt\n")
    shop("versions", "save", "by \x1b]0;x\x07 hand")
    for words in (
        ("files", "show", "evil.txt"), ("versions",), ("versions", "show"), ("versions", "diff"), ("versions", "diff", "--words"),
    ):  # fmt: skip
        out = shop(*words).out
        assert "red" in out or "hand" in out
        assert not {char for char in out if (ord(char) < 32 and char not in "\n\t") or char == "\u202e"}, words


def test_a_version_whose_run_was_stopped_or_interrupted_is_told_apart_from_a_failed_one(
    shop: Here, tmp_path: Path
) -> None:
    shop("engine", "stop")

    async def ended() -> None:
        async with reopened(tmp_path / "shop", dict(os.environ)) as project:
            (page,) = await project.store.read(lambda tx: pages.listing(tx))
            for status in (RunStatus.STOPPED, RunStatus.INTERRUPTED, RunStatus.FAILED):
                run = await add_run(project, page, "implementation", status)
                version = await project.app.begin(page.id, run.id, Operation.UPDATE, "patch")
                await project.app.finish(version, Finish(status=VersionStatus.FAILED))

    asyncio.run(ended())
    rows = [line.split() for line in shop("versions").out.splitlines()]
    assert [row[3] for row in rows] == ["failed", "interrupted", "stopped", "completed"]
    kept = shop.data("versions")["versions"]
    assert [(one["status"], one["reason"]) for one in kept] == [
        ("failed", ""), ("failed", "interrupted"), ("failed", "stopped"), ("completed", ""),
    ]  # fmt: skip
    assert "status     stopped" in shop("versions", "show", "1.0.1").out
    said = shop("metrics").out
    assert "3: 0 completed, 1 failed, 1 stopped, 1 interrupted\n" in said
    assert "0 of 1 complete, 1 open\n" in said
    assert ["success", "-"] in [line.split() for line in said.splitlines()]  # of the open change none is counted


def test_a_worker_s_kept_text_is_shown_compared_and_taken(shop: Here, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    shop("engine", "stop")

    async def met() -> str:
        async with reopened(root, dict(os.environ)) as project:
            (page,) = await project.store.read(lambda tx: pages.listing(tx))
            return (await add_conflict(project, page, "src/cart.js", "export const cart = {};\n")).problem.quote

    digest = asyncio.run(met())
    assert f"studio files take src/cart.js --kept {digest[:12]}" in shop("findings", "list", "--all").out
    assert shop("files", "show", "src/cart.js", "--kept", digest[:12]).out == "export const cart = {};\n"
    said = shop("files", "diff", "src/cart.js").out
    assert "-export const cart = [];" in said
    assert "+export const cart = {};" in said
    assert "Kept are" in shop("files", "show", "src/cart.js", "--kept", "123456", code=2).err
    assert "has the worker's text, as version 1.0.1." in shop("files", "take", "src/cart.js").err
    assert (root / "app" / "src" / "cart.js").read_text() == "export const cart = {};\n"
    assert "0 open." in shop("findings", "list", "--all").err
