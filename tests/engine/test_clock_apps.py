"""A clock that is set back while an application is made: what came later is told by order, not by time."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from studio.domain import ids
from studio.engine.inprocess import InProcessClient
from studio.protocol import build_commands as b
from studio.protocol import commands as c
from studio.protocol import queries as q
from tests.fakes.app_at import app_at
from tests.fakes.app_roles import Roles
from tests.fakes.project import draft, environment, opened
from tests.fakes.wire_server import WireServer


class FakeTime:
    """Stands in for the module `time` where ids are made."""

    @staticmethod
    def time_ns() -> int:
        return time.time_ns() - 3_600_000_000_000


def _set_back(client: InProcessClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour, for ids and for the store."""
    monkeypatch.setattr(ids, "time", FakeTime)
    writer = client._engine._project.store._writer
    clock = writer._clock
    writer._clock = lambda: clock() - timedelta(hours=1)


async def test_a_report_on_earlier_files_does_not_count_and_the_newest_handoff_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = Roles(failing="", broken="", pause=0.0, verdicts=["return", "pass"])
    root, page = await app_at(tmp_path, "user_reviewing_verification", roles)
    async with (
        WireServer(respond=roles) as server,
        opened(root, environment(server, tmp_path), watch=False) as client,
    ):
        _set_back(client, monkeypatch)
        await client.execute(b.SendBack(page=page, note="Mend the readme."))
        told = "\n".join(one.text for one in (await client.query(q.GetContext(page=page))).messages)
        assert "The person adds: Mend the readme." in told
        assert (await draft(client, page)).status == "completed"
        await client.execute(c.Approve(page=page, anyway=True))
        assert (await client.query(q.GetPage(page=page))).state == "generating_testing"
