"""Who a commit is by: what the person told git, and nothing that a repository says."""

import asyncio
from pathlib import Path

import pytest

from studio.publishers.git_repo import GitPublisher
from studio.publishers.identity import own_identity
from tests.publishers.making import FILES, git, no_keys, release, target, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_name_and_address_are_those_of_the_person_s_own_configuration(home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\tname = Ana  Example\n[include]\n\tpath = more\n")
    (home / "more").write_text("[user]\n\temail = ana@example.org\n")
    assert asyncio.run(own_identity()) == ("Ana Example", "ana@example.org")


def test_where_git_knows_no_name_there_is_none(home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\temail = ana@example.org\n")
    assert asyncio.run(own_identity()) == ("", "ana@example.org")


def test_a_repository_around_it_has_no_say(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", "shop")
    git(tmp_path / "shop", "config", "user.name", "Mallory")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "shop" / ".git"))
    assert asyncio.run(own_identity()) == ("", "")


def test_without_git_there_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert asyncio.run(own_identity()) == ("", "")


def test_the_plan_says_who_the_commit_is_by(tmp_path: Path) -> None:
    app = tmp_path / "project" / "app"
    app.mkdir(parents=True)
    write(app, FILES)
    plan = asyncio.run(GitPublisher().plan(release(app), target("git"), no_keys))
    step = next(one for one in plan.steps if one.id == "commit")
    assert step.detail == "4 files by Ada Example <ada@example.org>"
