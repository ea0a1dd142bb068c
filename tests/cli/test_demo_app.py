"""The application's demo without a terminal: the sample's waiting change through all phases, and what is said at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Studio, clean_environment
from tests.fakes.app_roles import Roles
from tests.fakes.wire_server import WireServer, running_wire_server


@pytest.fixture
def roles() -> Roles:
    return Roles()


@pytest.fixture
def server(roles: Roles) -> Iterator[WireServer]:
    with running_wire_server(respond=roles) as running:
        yield running


@pytest.fixture
def outside(tmp_path: Path, server: WireServer) -> Studio:
    folder = tmp_path / "here"
    folder.mkdir()
    return Studio(folder, clean_environment(server, tmp_path))


def test_headless_takes_the_waiting_change_to_an_approved_version(outside: Studio) -> None:
    done = outside("demo", "--headless", "my-shop", "--workflow", "app")
    rows = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert rows["change"] == "2/1 A note with the order: complete"
    number = rows["version"].split(":")[0]
    assert number == "1.2.0"
    assert rows["files"] == f"{outside.folder / 'my-shop' / 'app'}: README.md"
    assert "Changed: note 1." in (outside.folder / "my-shop" / "app" / "README.md").read_text("utf-8")
    inside = Studio(outside.folder / "my-shop", outside.env)
    assert inside.data("versions", "show", number)["version"]["approved"]


def test_a_report_that_asks_to_send_back_is_approved_anyway_with_a_word(outside: Studio, roles: Roles) -> None:
    roles.verdicts = ["return", "return"]
    done = outside.data("demo", "--headless", "--workflow", "app", "my-shop")
    assert (done["ref"], done["state"], done["version"]) == ("2/1", "complete", "1.2.0")
    assert done["tool_calls"] > 0
    assert any("approved anyway" in remark for remark in done["remarks"])
    again = outside("demo", "--headless", "my-shop", code=3)
    assert "There is work in my-shop already" in again.stderr
