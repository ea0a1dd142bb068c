"""A release in a local folder: whole, only over what was published there, and gone on with after a kill."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from studio.config import modes
from studio.domain.errors import BadInput, Conflict, Refused, StorageError
from studio.publishers import folder as folder_publisher
from studio.publishers.folder import MARKER, FolderPublisher, _write
from tests.publishers.making import FILES, Killed, Reports, fault, no_keys, publish, release, target


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_the_folder_holds_the_release_and_not_what_lies_in_app(app: Path, tmp_path: Path) -> None:
    (app / "later.txt").write_text("not approved")
    plan, published, _ = publish(
        FolderPublisher(), release(app, executable={"js/app.js"}), target("folder", path="../site")
    )
    assert contents(tmp_path / "site") == FILES
    assert "4 added, 0 changed, 0 removed" in plan.diff
    assert published.url == str(tmp_path / "site")
    assert os.stat(tmp_path / "site/js/app.js").st_mode & 0o777 == 0o755
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["project", "site"]


def test_a_published_folder_can_be_read_by_others_also_from_a_process_that_keeps_its_own_private(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modes, "_persons", [0o022])
    before = os.umask(0o077)
    try:
        publish(FolderPublisher(), release(app, executable={"js/app.js"}), target("folder", path="../out/site"))
    finally:
        os.umask(before)
    found = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))}
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o755}
    assert {path.name for path, mode in found.items() if path.is_file() and mode == 0o755} == {"app.js"}
    assert {mode for path, mode in found.items() if path.is_file() and path.name != "app.js"} == {0o644}


def test_a_second_release_replaces_the_first_and_the_same_one_changes_nothing(app: Path, tmp_path: Path) -> None:
    publish(FolderPublisher(), release(app), target("folder", path="../site"))
    files = {"index.html": b"new\n"}
    plan, _, _ = publish(FolderPublisher(), release(app, files, "2.0.0"), target("folder", path="../site"))
    assert contents(tmp_path / "site") == files
    assert "- js/app.js" in plan.diff.splitlines()
    assert "+new" in plan.diff
    plan, _, _ = publish(FolderPublisher(), release(app, files, "2.0.0"), target("folder", path="../site"))
    assert plan.steps == ()


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(app: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("mine")
    assert (
        "was not published by studio"
        in fault(FolderPublisher(), release(app), target("folder", path="../site"), Refused).message
    )
    assert contents(tmp_path / "site") == {"thesis.txt": b"mine"}


def test_what_changed_there_since_the_plan_is_a_conflict_and_is_kept(app: Path, tmp_path: Path) -> None:
    where = target("folder", path="../site")
    publish(FolderPublisher(), release(app), where)
    what = release(app, {"a": b"a"}, "2.0.0")
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    (tmp_path / "site" / "index.html").write_text("edited there")
    with pytest.raises(Conflict):
        asyncio.run(FolderPublisher().apply(what, plan, {}, Reports(), no_keys))
    assert (tmp_path / "site" / "index.html").read_text() == "edited there"


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("step", ["write", "swap"])
def test_a_kill_at_any_step_is_gone_on_from(app: Path, tmp_path: Path, step: str, lost: bool) -> None:
    where = target("folder", path="../site")
    publish(FolderPublisher(), release(app), where)
    what = release(app, {"a": b"a"}, "2.0.0")
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    reports = Reports(kill_before=step if lost else "", kill_after="" if lost else step)
    with pytest.raises(Killed):
        asyncio.run(FolderPublisher().apply(what, plan, dict(reports.done), reports, no_keys))
    asyncio.run(FolderPublisher().apply(what, plan, dict(reports.done), reports, no_keys))
    assert contents(tmp_path / "site") == {"a": b"a"}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["project", "site"]


def test_a_kill_between_the_two_renames_is_gone_on_from(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = target("folder", path="../site")
    publish(FolderPublisher(), release(app), where)
    what = release(app, {"a": b"a"}, "2.0.0")
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    real, reports = os.rename, Reports()

    def dies_at_the_second(source: Path, place: Path) -> None:
        if source.name.endswith("-new"):
            raise Killed
        real(source, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", dies_at_the_second)
        with pytest.raises(Killed):
            asyncio.run(FolderPublisher().apply(what, plan, {}, reports, no_keys))
    assert not (tmp_path / "site").exists()
    asyncio.run(FolderPublisher().apply(what, plan, dict(reports.done), reports, no_keys))
    assert contents(tmp_path / "site") == {"a": b"a"}


def test_what_somebody_changed_there_since_is_named_before_it_is_replaced(app: Path, tmp_path: Path) -> None:
    where, site = target("folder", path="../site"), tmp_path / "site"
    publish(FolderPublisher(), release(app), where)
    what = release(app, {**FILES, "new.css": b"a{}\n"}, "1.1.0")
    assert asyncio.run(FolderPublisher().plan(what, where, no_keys)).warnings == ()
    (site / "index.html").write_text("edited there")
    (site / "theirs.txt").write_text("added there")
    (site / "assets" / "logo.bin").unlink()
    (site / "new.css").write_bytes(b"a{}\n")  # what the release holds as well: nothing of it goes
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    assert plan.warnings == (
        f"changed in {site} since version 1.0.0 went there, and replaced: assets/logo.bin, index.html, theirs.txt",
    )
    assert f"against version 1.0.0 in {site}, as it was changed there" in plan.diff
    again = asyncio.run(FolderPublisher().plan(release(app), where, no_keys))
    assert "index.html" in again.warnings[0]


@pytest.mark.parametrize("harm", ["edited", "added", "removed", "another version", "no marker"])
def test_what_was_staged_before_a_kill_is_written_again_when_it_is_no_longer_the_release(
    app: Path, tmp_path: Path, harm: str
) -> None:
    where, what = target("folder", path="../site"), release(app)
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    reports, staged = Reports(kill_after="write"), tmp_path / ".site.studio-new"
    with pytest.raises(Killed):
        asyncio.run(FolderPublisher().apply(what, plan, {}, reports, no_keys))
    if harm == "edited":
        (staged / "index.html").write_text("evil")
    elif harm == "added":
        (staged / "more.html").write_text("evil")
    elif harm == "no marker":
        (staged / MARKER).unlink()
    else:
        shutil.rmtree(staged)
    if harm == "another version":
        _write(release(app, {"a": b"a"}, "2.0.0"), tmp_path / "site")
    again = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    asyncio.run(FolderPublisher().apply(what, again, dict(reports.done), Reports(), no_keys))
    assert again.digest == plan.digest
    assert contents(tmp_path / "site") == FILES
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["project", "site"]


def test_what_was_staged_and_changes_right_before_it_goes_in_place_does_not_go_there(app: Path, tmp_path: Path) -> None:
    where, what = target("folder", path="../site"), release(app)
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))

    async def report(step: str, data: object) -> None:
        if step == "write":
            (tmp_path / ".site.studio-new" / "index.html").write_text("evil")

    with pytest.raises(StorageError, match="changed or removed before it was put in place"):
        asyncio.run(FolderPublisher().apply(what, plan, {}, report, no_keys))
    assert not (tmp_path / "site").exists()


def test_a_folder_that_went_away_after_the_last_step_is_put_there_again(app: Path, tmp_path: Path) -> None:
    where, what = target("folder", path="../site"), release(app)
    plan = asyncio.run(FolderPublisher().plan(what, where, no_keys))
    reports = Reports(kill_after="swap")
    with pytest.raises(Killed):
        asyncio.run(FolderPublisher().apply(what, plan, {}, reports, no_keys))
    shutil.rmtree(tmp_path / "site")
    asyncio.run(FolderPublisher().apply(what, plan, dict(reports.done), Reports(), no_keys))
    assert contents(tmp_path / "site") == FILES


@pytest.mark.parametrize("path", [".studio/site", "app", "app/dist", ".", "..", "canon/x", "/"])
def test_the_projects_own_folders_and_what_holds_them_are_refused(app: Path, path: str) -> None:
    fault(FolderPublisher(), release(app), target("folder", path=path), Refused)


def test_a_marker_that_is_nested_without_end_is_not_ours(app: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / MARKER).write_text("[" * 99_000)
    fault(FolderPublisher(), release(app), target("folder", path="../site"), Refused)


def test_what_cannot_be_read_there_is_said(app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(FolderPublisher(), release(app), target("folder", path="../site"))

    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(folder_publisher, "_digest", denied)
    error = fault(FolderPublisher(), release(app, version="1.1.0"), target("folder", path="../site"), StorageError)
    assert "site/" in error.message


def test_a_link_is_resolved_before_it_is_judged(app: Path) -> None:
    (app.parent / "out").symlink_to(app)
    fault(FolderPublisher(), release(app), target("folder", path="out/x"), Refused)


def test_a_missing_path_is_said(app: Path) -> None:
    assert "path is missing" in fault(FolderPublisher(), release(app), target("folder"), BadInput).message


def test_damaged_bytes_of_the_snapshot_are_never_published(app: Path, tmp_path: Path) -> None:
    what = release(app, read=lambda digest: b"something else")
    plan = asyncio.run(FolderPublisher().plan(what, target("folder", path="../site"), no_keys))
    with pytest.raises(StorageError, match="damaged"):
        asyncio.run(FolderPublisher().apply(what, plan, {}, Reports(), no_keys))
    assert not (tmp_path / "site").exists()
