"""A release as a zip: the same bytes each time, and never over a file that is somebody's own."""

import asyncio
import contextlib
import zipfile
from pathlib import Path

import pytest

from studio.domain.errors import Conflict, Refused, StudioError
from studio.publishers.zip_file import ZipPublisher, pack
from tests.publishers.making import FILES, Killed, Reports, fault, no_keys, publish, release, target


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "app"
    folder.mkdir(parents=True)
    return folder


def test_the_zip_holds_the_release_under_a_name_of_its_own(app: Path) -> None:
    _, published, reports = publish(ZipPublisher(), release(app, executable={"js/app.js"}), target("zip"))
    path = app.parent / "published" / "project-1.0.0.zip"
    assert published.url == str(path)
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert archive.testzip() is None
        assert archive.getinfo("js/app.js").external_attr >> 16 == 0o100755
    assert reports.done["write"]["bytes"] == path.stat().st_size


def test_the_same_release_is_the_same_bytes_whatever_the_order_of_its_files(app: Path) -> None:
    turned = dict(reversed(list(FILES.items())))
    assert pack(release(app)) == pack(release(app, turned))


def test_publishing_again_has_nothing_to_do_and_a_new_version_shows_the_difference(app: Path) -> None:
    where = target("zip", path="../shop.zip")
    publish(ZipPublisher(), release(app), where)
    plan, _, _ = publish(ZipPublisher(), release(app), where)
    assert plan.steps == ()
    plan, _, _ = publish(ZipPublisher(), release(app, {**FILES, "js/app.js": b"two\n"}, "2.0.0"), where)
    assert "-console.log('one');\n+two" in plan.diff


def test_any_other_file_is_refused_and_kept(app: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.zip").write_bytes(b"my own")
    fault(ZipPublisher(), release(app), target("zip", path="../shop.zip"), Refused)
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        archive.writestr("a", "b")
    fault(ZipPublisher(), release(app), target("zip", path="../shop.zip"), Refused)


def test_a_zip_with_damaged_bytes_is_refused_in_words(app: Path, tmp_path: Path) -> None:
    where, path = target("zip", path="../shop.zip"), tmp_path / "shop.zip"
    publish(ZipPublisher(), release(app), where)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(StudioError):
            asyncio.run(ZipPublisher().plan(release(app), where, no_keys))


def test_a_change_since_the_plan_is_a_conflict(app: Path, tmp_path: Path) -> None:
    where = target("zip", path="../shop.zip")
    plan = asyncio.run(ZipPublisher().plan(release(app), where, no_keys))
    (tmp_path / "shop.zip").write_bytes(b"my own")
    with pytest.raises(Conflict):
        asyncio.run(ZipPublisher().apply(release(app), plan, {}, Reports(), no_keys))
    assert (tmp_path / "shop.zip").read_bytes() == b"my own"


@pytest.mark.parametrize("lost", [False, True])
def test_a_kill_after_the_write_is_gone_on_from(app: Path, tmp_path: Path, lost: bool) -> None:
    where = target("zip", path="../shop.zip")
    plan = asyncio.run(ZipPublisher().plan(release(app), where, no_keys))
    reports = Reports(kill_before="write" if lost else "", kill_after="" if lost else "write")
    with pytest.raises(Killed):
        asyncio.run(ZipPublisher().apply(release(app), plan, {}, reports, no_keys))
    asyncio.run(ZipPublisher().apply(release(app), plan, dict(reports.done), reports, no_keys))
    assert (tmp_path / "shop.zip").read_bytes() == pack(release(app))
