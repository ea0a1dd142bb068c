"""What an open project answers about its changes: builds, boards, files, versions, logs, the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio.config.allowed import AllowedCommands
from studio.domain.build import Operation, TaskStatus, VersionStatus
from studio.domain.errors import NotFound
from studio.domain.finding import FindingState
from studio.domain.page import Page
from studio.domain.run import RunStatus
from studio.domain.tooling import CallStatus
from studio.engine.handlers import board
from studio.engine.open_project import OpenProject
from studio.engine.texts import add_person_revision
from studio.engine.views.audit import get_audit
from studio.engine.views.board import get_tasks
from studio.engine.views.builds import get_build
from studio.engine.views.findings import get_findings
from studio.engine.views.metrics import get_metrics
from studio.engine.views.tool_log import ARGUMENTS_LIMIT, get_tool_log
from studio.engine.views.versions import get_file, get_files, get_version_diff, get_versions
from studio.protocol import build_commands as b
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.protocol.build_events import BuildProgress
from studio.store import blobs, build_tasks, builds, conversations, findings, runs, tool_uses, versions
from studio.store.transaction import Tx
from tests.engine import app_project as at
from tests.store import app_rows


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[OpenProject]:
    async with at.app_project(tmp_path) as opened:
        yield opened


@pytest.fixture
async def page(project: OpenProject) -> Page:
    return await at.add_change(project)


async def build(project: OpenProject, ref: str) -> v.BuildView:
    return await get_build(project, q.GetBuild(page=ref), "ana")


# Builds


async def test_a_new_change_stands_at_its_first_phase_and_says_what_to_do(project: OpenProject, page: Page) -> None:
    view = await build(project, "basket")
    assert (view.page, view.title, view.state, view.phase) == (page.id, "Basket", "generating_discovery", "DISCOVERY")
    assert (view.operation, view.detected) == ("create", "no files yet: a new application is created")
    assert (view.progress, view.progress_stage, view.complete) == (0, "analyzing", False)
    assert (view.role, view.requirements) == ("q_assistant", "A shop with a basket.")
    assert "Start the discovery" in view.next_action
    assert [(one.phase, one.status) for one in view.phases] == [
        ("DISCOVERY", "current"),
        ("PLANNING", "later"),
        ("IMPLEMENTATION", "later"),
        ("TESTING", "later"),
        ("VERIFICATION", "later"),
        ("DEPLOYMENT", "later"),
    ]
    assert (view.returns, view.returns_limit) == (0, 2)


async def test_a_change_without_a_request_asks_for_one(project: OpenProject) -> None:
    page = await at.add_change(project, brief="")
    view = await build(project, page.id)
    assert (view.state, view.phase, view.progress) == ("awaiting_user_input", "DISCOVERY", 0)
    assert view.next_action.startswith("Write what the application")
    assert {one.status for one in view.phases} == {"later"}


async def test_a_build_is_found_by_the_id_that_a_program_outside_gave_it(project: OpenProject, page: Page) -> None:
    made = app_rows.build(
        page.id, project_id="p-1", build_id="b-77", user_id="u-1", model="openai:gpt-6", requirements="What I asked",
        operation=Operation.UPDATE, returns=1,
    )  # fmt: skip
    await project.store.transact(lambda tx: builds.save(tx, made))
    view = await build(project, "b-77")
    assert (view.page, view.project_id, view.build_id, view.user_id) == (page.id, "p-1", "b-77", "u-1")
    assert (view.model, view.requirements, view.operation, view.returns) == (
        "openai:gpt-6",
        "What I asked",
        "update",
        1,
    )
    with pytest.raises(NotFound):
        await build(project, "b-78")


@pytest.mark.parametrize(
    ("state", "phase", "role", "words"),
    [
        ("user_reviewing_planning", "PLANNING", "q_assistant", "Look at the plan and its tasks"),
        ("generating_implementation", "IMPLEMENTATION", "code_writer", "Start the implementation (generate)"),
        (
            "user_reviewing_implementation",
            "IMPLEMENTATION",
            "code_writer",
            "Look at the changed files (1 open finding)",
        ),
        ("user_reviewing_testing", "TESTING", "test_auditor", "approve it to go on to the verification"),
        ("user_reviewing_verification", "VERIFICATION", "verification_overseer", "send it back to the implementation"),
        ("failed_testing", "TESTING", "test_auditor", "The testing failed: start it again"),
        ("interrupted_discovery", "DISCOVERY", "q_assistant", "broke off"),
        ("user_reviewing_deployment", "DEPLOYMENT", "release_manager", "approve it to complete the change"),
        ("complete", "COMPLETE", "", "The change is complete"),
    ],
)
async def test_each_state_has_its_phase_its_role_and_a_next_action(
    project: OpenProject, page: Page, state: str, phase: str, role: str, words: str
) -> None:
    await project.store.transact(lambda tx: findings.insert(tx, [app_rows.finding(page.id)]))
    await at.stand_at(project, page, state)
    view = await build(project, page.id)
    assert (view.state, view.phase, view.role) == (state, phase, role)
    assert words in view.next_action
    assert view.complete == (state == "complete")
    assert (view.progress == 100) == view.complete
    assert view.findings_open == 1


async def test_a_run_at_work_is_waited_for(project: OpenProject, page: Page) -> None:
    run = await at.add_run(project, page, "discovery")
    assert (
        await build(project, page.id)
    ).next_action == "The q_assistant is at the discovery: wait for it, or stop it."
    await project.store.transact(lambda tx: runs.finish(tx, run.id, status=RunStatus.FAILED))
    assert "wait" not in (await build(project, page.id)).next_action


async def test_progress_is_what_was_last_said_about_the_phase_at_hand(project: OpenProject, page: Page) -> None:
    async def say(percent: int, stage: str, message: str) -> None:
        event = BuildProgress(page=page.id, stage=stage, percent=percent, message=message)
        await project.store.transact(lambda tx: tx.emit(event))

    await at.stand_at(project, page, "generating_implementation")
    before = await build(project, page.id)
    await say(before.progress + 20, "coding", "3 of 8 tasks done")
    told = await build(project, page.id)
    assert (told.progress, told.progress_stage, told.message) == (before.progress + 20, "coding", "3 of 8 tasks done")
    await at.stand_at(project, page, "generating_verification")
    later = await build(project, page.id)
    assert later.progress > told.progress
    assert (later.progress_stage, later.message) == ("reviewing", "verification awaits a draft")


async def test_tasks_handoffs_versions_and_the_check_are_in_the_build(project: OpenProject, page: Page) -> None:
    tasks = await at.plan(project, page)

    def work(tx: Tx) -> None:
        builds.add_handoff(tx, app_rows.handoff(page.id))
        build_tasks.update(tx, tasks[0].id, status=TaskStatus.DONE)
        build_tasks.update(tx, tasks[1].id, status=TaskStatus.SKIPPED)
        build_tasks.update(tx, tasks[2].id, status=TaskStatus.DROPPED)

    await project.store.transact(work)
    at.write(project, "index.html", "<p>Hi</p>\n")
    await at.record(project, "1.0.0", page)
    await at.record(project, "1.0.1")
    view = await build(project, page.id)
    assert (view.tasks_total, view.tasks_done, view.tasks_failed) == (2, 1, 1)
    assert [(one.to_role, one.note) for one in view.handoffs] == [("code_writer", "Do it so.")]
    assert [one.number for one in view.versions] == ["1.0.0"]
    assert view.detected == "1 file: the application is updated"
    assert view.check == v.CheckView(command="", allowed=False)


async def test_the_check_command_is_shown_with_the_persons_answer(tmp_path: Path) -> None:
    async with at.app_project(tmp_path) as first:
        root, env = first.root, first.env
        page = await at.add_change(first)
    file = root / "studio.toml"
    file.write_text(file.read_text("utf-8").replace("[app]", '[app]\ncheck = "npm test"', 1), "utf-8")
    async with at.reopened(root, env or {}) as project:
        assert (await build(project, page.id)).check == v.CheckView(command="npm test", allowed=False)
        AllowedCommands(env=env).record(root, "npm test", allowed=True)
        assert (await build(project, page.id)).check == v.CheckView(command="npm test", allowed=True)


# Board, findings, calls, figures


async def test_the_board_shows_who_is_at_what(project: OpenProject, page: Page) -> None:
    layout, basket, _ = await at.plan(project, page)

    def work(tx: Tx) -> None:
        build_tasks.update(
            tx, layout.id, status=TaskStatus.RUNNING, started_at=tx.now, model="openai:gpt-6", attempts=1
        )
        tool_uses.insert(tx, app_rows.use(page.id, 1, task_id=layout.id, line="created index.html"))
        tool_uses.insert(tx, app_rows.use(page.id, 2, task_id=layout.id, line="updated index.html"))

    await project.store.transact(work)
    view = await get_tasks(project, q.GetTasks(page="1/1"), "ana")
    first, second, third = view.tasks
    assert (first.status, first.model, first.calls, first.activity) == (
        "running",
        "openai:gpt-6",
        2,
        "updated index.html",
    )
    assert first.elapsed is not None
    assert first.elapsed >= 0
    assert (second.status, second.elapsed, second.calls, second.needs) == ("planned", None, 0, ("layout",))
    assert (third.key, third.position, third.live) == ("tests", 3, False)
    assert (view.page, view.editable, view.workers) == (page.id, True, 3)
    assert "fix" in view.types
    assert basket.key == second.key


async def test_findings_name_their_task_and_version_as_people_do(project: OpenProject, page: Page) -> None:
    layout, *_ = await at.plan(project, page)
    version = await at.record(project, "1.0.0", page)
    mine = app_rows.finding(page.id, task_id=layout.id, version_id=version.id, stage="testing")
    fixed = app_rows.finding(page.id, second=1, state=FindingState.FIXED, by="code_writer")
    other = app_rows.finding("another", second=2)
    await project.store.transact(lambda tx: findings.insert(tx, [mine, fixed, other]))
    view = await get_findings(project, q.GetFindings(page=page.id), "ana")
    first = view.findings[0]
    assert (first.task, first.version, first.stage, first.rule) == ("layout", "1.0.0", "testing", "html.unbalanced")
    assert (first.path, first.line, first.severity, first.quote) == ("index.html", 3, "error", "<div>")
    assert (len(view.findings), view.open) == (2, 1)
    every = await get_findings(project, q.GetFindings(open_only=True), "ana")
    assert [one.id for one in every.findings] == [mine.id, other.id]


async def test_the_tool_log_shows_arguments_cut_and_clean_and_counts_all(project: OpenProject, page: Page) -> None:
    layout, *_ = await at.plan(project, page)
    arguments = '{"path": "a.js", "text": "\x1b[31m' + "x" * 9000 + '"}'

    def work(tx: Tx) -> None:
        name = blobs.put(tx, arguments)
        tool_uses.insert(tx, app_rows.use(page.id, 0, line="old"))
        tool_uses.insert(tx, app_rows.use(page.id, 1, task_id=layout.id, arguments_digest=name, path="a.js"))
        tool_uses.insert(tx, app_rows.use(page.id, 2, status=CallStatus.REFUSED, result="no " * 5000, run_id="r2"))

    await project.store.transact(work)
    view = await get_tool_log(project, q.GetToolLog(page=page.id, limit=2), "ana")
    call, refused = view.calls
    assert (call.task, call.path, call.status, refused.status, view.total) == ("layout", "a.js", "ok", "refused", 3)
    assert len(call.arguments) <= ARGUMENTS_LIMIT
    assert call.arguments.endswith("…")
    assert "\x1b" not in call.arguments
    assert len(refused.result) <= ARGUMENTS_LIMIT
    of_run = await get_tool_log(project, q.GetToolLog(run="r2"), "ana")
    assert (len(of_run.calls), of_run.total) == (1, 1)


async def test_metrics_are_rates_and_means(project: OpenProject, page: Page) -> None:
    empty = await get_metrics(project, q.GetMetrics(), "ana")
    assert (empty.changes, empty.success_rate, empty.mean_files) == (1, None, None)
    at.write(project, "a.js", "1\n")
    await at.record(project, "1.0.0", page)
    at.write(project, "b.js", "1\n")
    await at.record(project, "1.1.0", page, status=VersionStatus.FAILED)
    await at.stand_at(project, page, "complete")
    await project.store.transact(lambda tx: tool_uses.insert(tx, app_rows.use(page.id, name="list_files")))
    await project.store.transact(lambda tx: tool_uses.insert(tx, app_rows.use(page.id, 1)))
    view = await get_metrics(project, q.GetMetrics(), "ana")
    assert (view.completed, view.success_rate, view.mean_files, view.mean_versions) == (1, 0.5, 2.0, 2.0)
    assert view.patterns == (("list_files > create_file", 1),)
    assert [one.name for one in view.tools] == ["create_file", "list_files"]


# Versions and files


@pytest.fixture
async def two_versions(project: OpenProject, page: Page) -> Page:
    """1.0.0 with four files, 1.1.0 that changed, removed, renamed and added."""
    at.write(project, "index.html", "<p>One</p>\n<p>Two</p>\n")
    at.write(project, "old.css", "p {}\n")
    at.write(project, "js/app.js", "let a = 1;\n")
    at.write(project, "logo.png", b"\x89PNG\0\0one")
    await at.record(project, "1.0.0", page)
    at.write(project, "index.html", "<p>One</p>\n<p>Three</p>\n")
    (project.app.root / "old.css").unlink()
    (project.app.root / "js/app.js").rename(project.app.root / "js/main.js")
    at.write(project, "logo.png", b"\x89PNG\0\0two!")
    at.write(project, "new.md", "New")
    await at.record(project, "1.1.0", page)
    return page


async def diff(project: OpenProject, **wanted: str) -> v.VersionDiffView:
    return await get_version_diff(project, q.GetVersionDiff(**wanted), "ana")


async def test_versions_are_listed_newest_first_with_what_changed(project: OpenProject, two_versions: Page) -> None:
    view = await get_versions(project, q.GetVersions(), "ana")
    newest, oldest = view.versions
    assert (newest.number, newest.parent, newest.newest, newest.title) == ("1.1.0", "1.0.0", True, "Basket")
    assert (newest.files, newest.added, newest.modified, newest.deleted) == (4, 2, 2, 2)
    assert (oldest.number, oldest.files, oldest.added, oldest.parent, oldest.newest) == ("1.0.0", 4, 4, "", False)
    assert view.changed == ()
    at.write(project, "new.md", "Mine")
    assert (await get_versions(project, q.GetVersions(page="1/1"), "ana")).changed == ("new.md",)


async def test_a_diff_shows_each_changed_file_with_both_texts(project: OpenProject, two_versions: Page) -> None:
    view = await diff(project)
    assert (view.base, view.version) == ("1.0.0", "1.1.0")
    found = {one.path: one for one in view.files}
    assert {path: one.change for path, one in found.items()} == {
        "index.html": "modified",
        "js/main.js": "renamed",
        "logo.png": "modified",
        "new.md": "added",
        "old.css": "deleted",
    }
    page = found["index.html"]
    assert page.unified == (
        "--- a/index.html\n+++ b/index.html\n@@ -1,2 +1,2 @@\n <p>One</p>\n-<p>Two</p>\n+<p>Three</p>\n"
    )
    assert (page.added, page.removed, page.before, page.after) == (
        1, 1, "<p>One</p>\n<p>Two</p>\n", "<p>One</p>\n<p>Three</p>\n",
    )  # fmt: skip
    assert (found["js/main.js"].renamed_from, found["js/main.js"].unified) == ("js/app.js", "")
    assert (found["logo.png"].before, found["logo.png"].after) == (None, None)
    assert "not shown as text: 9 bytes -> 10 bytes" in found["logo.png"].unified
    assert found["new.md"].unified == (
        "--- /dev/null\n+++ b/new.md\n@@ -0,0 +1 @@\n+New\n\\ No newline at end of file\n"
    )
    assert (found["old.css"].after, found["old.css"].removed) == (None, 1)


async def test_any_two_versions_are_compared_also_with_the_files_as_they_lie(
    project: OpenProject, two_versions: Page
) -> None:
    back = await diff(project, version="1.0.0", base="1.1.0", path="index.html")
    assert [(one.path, one.added, one.removed) for one in back.files] == [("index.html", 1, 1)]
    first = await diff(project, version="1.0.0")
    assert (first.base, {one.change for one in first.files}) == ("", {"added"})
    at.write(project, "index.html", "<p>Mine</p>\n")
    lying = await diff(project, version="files")
    assert (lying.base, lying.version) == ("1.1.0", "files")
    assert [(one.path, one.after) for one in lying.files] == [("index.html", "<p>Mine</p>\n")]
    assert (await diff(project, version="files", path="new.md")).files == ()
    with pytest.raises(NotFound, match=r"Did you mean index\.html"):
        await diff(project, path="indx.html")
    with pytest.raises(NotFound, match=r"There are 1\.1\.0, 1\.0\.0"):
        await diff(project, version="3.0.0")


async def test_the_tree_marks_what_changed_and_what_the_person_changed(
    project: OpenProject, two_versions: Page
) -> None:
    async def marks(**wanted: str) -> dict[str, str]:
        view = await get_files(project, q.GetFiles(**wanted), "ana")
        return {line.path: line.mark for line in view.files}

    expected = {"index.html": "M", "js/main.js": "R", "logo.png": "M", "new.md": "A", "old.css": "D"}
    assert await marks(base="1.0.0") == expected
    assert await marks(version="1.1.0") == expected
    whole = dict.fromkeys(("index.html", "js/main.js", "logo.png", "new.md"), "A")
    assert await marks() == whole
    assert {one.path for one in (await diff(project, version="newest", base="change")).files} == set(whole)
    assert await marks(version="newest", base="newest") == dict.fromkeys(
        ("index.html", "js/main.js", "logo.png", "new.md"), ""
    )
    at.write(project, "index.html", "<p>Mine</p>\n")
    at.write(project, "notes.txt", "Mine")
    (project.app.root / "new.md").unlink()
    assert await marks() == whole | {"index.html": "!", "notes.txt": "!", "new.md": "!"}
    assert await marks(base="1.0.0") == expected | {"index.html": "!", "notes.txt": "!", "new.md": "!"}
    assert await marks(version="1.1.0") == expected


async def test_while_a_run_writes_its_changes_are_not_taken_for_the_persons(
    project: OpenProject, two_versions: Page
) -> None:
    newest = await project.store.read(versions.newest)
    working = app_rows.version("1.2.0", page_id="another change", parent_id=newest.id if newest else None)
    await project.store.transact(lambda tx: versions.insert(tx, working))
    at.write(project, "index.html", "<p>Worker</p>\n")
    at.write(project, "basket.js", "1;\n")
    view = await get_files(project, q.GetFiles(), "ana")
    assert {line.path: line.mark for line in view.files if line.mark} == {"index.html": "M", "basket.js": "A"}
    assert (await get_versions(project, q.GetVersions(), "ana")).changed == ()
    started = await diff(project, version="1.2.0", base="1.1.0")
    assert [(one.path, one.after) for one in started.files] == [
        ("basket.js", "1;\n"),
        ("index.html", "<p>Worker</p>\n"),
    ]


async def test_files_count_their_open_findings(project: OpenProject, two_versions: Page) -> None:
    await project.store.transact(
        lambda tx: findings.insert(tx, [app_rows.finding(two_versions.id, "new.md", n) for n in range(2)])
    )
    view = await get_files(project, q.GetFiles(), "ana")
    assert [(line.path, line.findings) for line in view.files if line.findings] == [("new.md", 2)]


async def test_a_file_is_shown_as_it_lies_and_as_it_was(project: OpenProject, two_versions: Page) -> None:
    async def file(path: str, version: str | None = None) -> v.FileView:
        return await get_file(project, q.GetFile(path=path, version=version), "ana")

    at.write(project, "index.html", "\ufeff<p>\x1b[2JMine</p>\r\n")
    now, before = await file("index.html"), await file("index.html", "1.0.0")
    assert (now.text, now.language, now.size) == ("<p>[2JMine</p>\n", "html", 20)
    assert before.text == "<p>One</p>\n<p>Two</p>\n"
    assert (await file("logo.png")).text is None
    assert (await file("js/app.js", "1.0.0")).language == "javascript"
    with pytest.raises(NotFound, match="old.css"):
        await file("old.css")
    with pytest.raises(NotFound):
        await file("../studio.toml")


async def test_a_project_without_files_has_empty_answers(project: OpenProject, page: Page) -> None:
    assert (await get_files(project, q.GetFiles(), "ana")).files == ()
    assert (await get_versions(project, q.GetVersions(), "ana")).versions == ()
    with pytest.raises(NotFound, match="none yet"):
        await diff(project)
    with pytest.raises(NotFound, match="no files yet"):
        await get_file(project, q.GetFile(path="index.html"), "ana")


# The audit trail


async def test_the_audit_trail_holds_every_kind_of_thing_in_order(project: OpenProject, page: Page) -> None:
    layout, *_ = await at.plan(project, page)

    def said(tx: Tx) -> None:
        conversations.append(tx, page.id, "code_writer", "assistant", "", data='{"calls": 1}', task_id=layout.id)
        add_person_revision(tx, page.id, "planning", "The plan as text", parent=None)

    def done(tx: Tx) -> None:
        use = app_rows.use(page.id, role="code_writer", task_id=layout.id, result="All of the file", created_at=tx.now)
        tool_uses.insert(tx, use)
        findings.insert(tx, [app_rows.finding(page.id, created_at=tx.now, id="f1", stage="implementation")])

    await project.store.transact(
        lambda tx: conversations.append(tx, page.id, "q_assistant", "system", "You plan.\nCarefully.")
    )
    await project.store.transact(said, actor="ana")
    await project.store.transact(done)
    await project.store.transact(
        lambda tx: builds.add_handoff(tx, app_rows.handoff(page.id, created_at=tx.now)), actor="ana"
    )
    await board.settle_finding(project, b.SettleFinding(finding="f1", state="waived", reason="Old"), at.ANA)
    at.write(project, "index.html", "x")
    await at.record(project, "1.0.0", page)
    await at.stand_at(project, page, "generating_implementation")
    view = await get_audit(project, q.GetAudit(page="basket"), "ana")
    lines = [(one.kind, one.who, one.line) for one in view.lines]
    assert lines == [
        ("result", "ana", "brief: revision 1, person, complete"),
        ("transition", "ana", "brief written: discovery awaits a draft"),
        ("message", "q_assistant", "system: You plan. Carefully."),
        ("message", "code_writer at layout", "assistant: calls of tools"),
        ("result", "ana", "planning: revision 1, person, complete"),
        ("tool", "code_writer at layout", "create_file ok: created index.html"),
        ("finding", "validator", "error html.unbalanced index.html:3: A div is not closed."),
        ("handoff", "q_assistant", "planning -> implementation: q_assistant to code_writer"),
        ("finding", "ana", "index.html html.unbalanced: waived"),
        ("version", "run", "1.0.0 begun (create)"),
        ("version", "run", "1.0.0 completed: Version 1.0.0"),
        ("transition", "ana", "approved: implementation awaits a draft"),
    ]
    details = {one.line: one.detail for one in view.lines}
    assert details["system: You plan. Carefully."] == "You plan.\nCarefully."
    assert details["planning: revision 1, person, complete"] == "The plan as text"
    assert "All of the file" in details["create_file ok: created index.html"]
    assert details["index.html html.unbalanced: waived"] == "Old"
    assert details["planning -> implementation: q_assistant to code_writer"] == "Do it so."
    assert [one.seq for one in view.lines] == list(range(1, 13))
    assert view.left_out == 0


async def test_a_long_trail_keeps_the_newest_lines_and_says_what_is_left_out(
    project: OpenProject, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.engine.views.audit.LINES", 5)
    monkeypatch.setattr("studio.engine.views.audit.FULL_TEXTS", 1500)

    def work(tx: Tx) -> None:
        for number in range(12):
            use = app_rows.use(page.id, result="y" * 1000, line=f"call {number}", created_at=tx.now, id=f"u{number:02}")
            tool_uses.insert(tx, use)

    await project.store.transact(work)
    view = await get_audit(project, q.GetAudit(page=page.id), "ana")
    assert [one.line for one in view.lines] == [f"create_file ok: call {number}" for number in range(7, 12)]
    assert [one.seq for one in view.lines] == [10, 11, 12, 13, 14]
    assert view.left_out == 9
    assert len(view.lines[-1].detail) > 1000
    assert "characters)" in view.lines[0].detail
    assert len(view.lines[0].detail) < 500
