"""Findings as they come in."""

from __future__ import annotations

from pathlib import Path

from studio.domain.finding import FindingState
from studio.engine.apps import recording
from studio.store import findings
from studio.store.transaction import Tx
from tests.engine.app_project import add_change, app_project
from tests.store import app_rows


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
