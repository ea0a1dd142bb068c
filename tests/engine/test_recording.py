"""Findings as they come in."""

from __future__ import annotations

from pathlib import Path

from studio.domain.finding import FindingState, Problem
from studio.domain.review import Review
from studio.engine.apps import recording
from studio.store import findings
from studio.store.transaction import Tx
from tests.engine.app_project import add_change, app_project, record, write
from tests.store import app_rows, book


async def test_what_was_waived_in_one_change_does_not_come_back_as_open_in_the_next(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        first, second = (await add_change(project)).id, (await add_change(project, title="Total")).id
        waived = app_rows.finding(first, "index.html", state=FindingState.WAIVED)
        await project.store.transact(lambda tx: findings.insert(tx, [waived]))

        def add(tx: Tx) -> list[str]:
            rows = [app_rows.finding(second, path) for path in ("index.html", "other.html")]
            return [one.problem.path for one in recording.add(tx, rows)]

        assert await project.store.transact(add) == ["other.html"]
        assert [one.problem.path for one in await project.store.read(lambda tx: findings.listing(tx, second))] == [
            "other.html"
        ]


async def test_what_a_later_report_is_silent_about_is_mended_where_its_file_changed_and_open_where_not(
    tmp_path: Path,
) -> None:
    found = tuple(Problem("note", path, 1, f"{path} is wrong.") for path in ("changed.js", "same.js"))
    async with app_project(tmp_path) as project:
        page = await add_change(project)

        async def reported(number: str, review: Review) -> None:
            await record(project, number, page)
            report = book.revision(page, "A report.", stage="verification")
            await project.store.transact(lambda tx: recording.keep_report(tx, project.workflow, report, review))

        write(project, "changed.js", "1;\n")
        write(project, "same.js", "1;\n")
        await reported("1.0.0", Review(findings=found))
        write(project, "changed.js", "2;\n")
        await reported("1.0.1", Review())
        states = {one.problem.path: one.state for one in await project.store.read(lambda tx: findings.listing(tx))}
        assert states == {"changed.js": FindingState.FIXED, "same.js": FindingState.OPEN}
