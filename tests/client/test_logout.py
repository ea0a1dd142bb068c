"""A computer that ends a person's programs at logout is recognised by systemd's own rules (logind.conf(5))."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.client.logout import ends_at_logout

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
SCOPE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-42.scope\n"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf.d").mkdir(parents=True)
    return tmp_path


def configure(system: Path, text: str, name: str = "logind.conf") -> None:
    path = system / "etc/systemd" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[Login]\n{text}\n")


def test_it_is_said_with_the_way_out(system: Path) -> None:
    configure(system, "KillUserProcesses=yes")
    said = ends_at_logout(system, "ana", SESSION)
    assert "log out" in said
    assert "systemd-run --user --scope" in said


@pytest.mark.parametrize("text", ["", "#KillUserProcesses=yes", "KillUserProcesses=no"])
def test_nothing_is_said_where_programs_go_on(system: Path, text: str) -> None:
    configure(system, text)
    assert ends_at_logout(system, "ana", SESSION) == ""


def test_a_later_file_overrides_an_earlier_one(system: Path) -> None:
    configure(system, "KillUserProcesses=no")
    configure(system, "KillUserProcesses = true", "logind.conf.d/20-site.conf")
    assert ends_at_logout(system, "ana", SESSION)
    configure(system, "KillUserProcesses=no", "logind.conf.d/30-more.conf")
    assert ends_at_logout(system, "ana", SESSION) == ""


def test_excluded_people_and_scopes_of_their_own_go_on(system: Path) -> None:
    configure(system, "KillUserProcesses=yes\nKillExcludeUsers=root ana")
    assert ends_at_logout(system, "ana", SESSION) == ""
    assert ends_at_logout(system, "ben", SESSION)
    assert ends_at_logout(system, "ben", SCOPE) == ""
    configure(system, "KillUserProcesses=yes\nKillOnlyUsers=ben")
    assert ends_at_logout(system, "ana", SESSION) == ""
    assert ends_at_logout(system, "ben", SESSION)


def test_a_computer_without_systemd_ends_nothing(tmp_path: Path) -> None:
    configure(tmp_path, "KillUserProcesses=yes")
    assert ends_at_logout(tmp_path, "ana", SESSION) == ""
