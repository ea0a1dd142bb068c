"""Acts on an application's files that meet one another: handing in, saving, restoring and publishing while something is at work."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path

import pytest

from studio.domain.build import Operation, VersionStatus
from studio.domain.errors import BadInput, Conflict, Refused, StorageError
from studio.engine.apps import outside
from studio.engine.handlers import app_versions, phases
from studio.engine.inprocess import InProcessClient
from studio.engine.open_project import OpenProject
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import commands as c
from studio.store import pages, publications, versions
from studio.store.transaction import Tx
from studio.workspace.app_files import AppFiles
from tests.engine.app_project import ANA, add_change, app_project, reopened
from tests.engine.test_app_limits import settings
from tests.fakes.app_at import app_at, begun, through
from tests.fakes.app_roles import FILES, Roles
from tests.fakes.project import environment, opened, settled, until
from tests.fakes.wire_server import WireServer

HANDED_IN = json.dumps({"files": [{"path": "other.js", "content": "let a = 1;\n"}, {"path": ".env", "content": "A=1"}]})

WHOLE = json.dumps({"files": [{"path": "other.js", "content": "let a = 1;\n"}]})
TASK = {"id": "count", "title": "Count", "type": "logic", "description": "other.js", "priority": 1, "needs": []}
PLANNED = json.dumps({"approach": "One file.", "tasks": [TASK]})


class Agents:
    """Agents outside, each with its own words."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    async def hand_in(self, page: str, words: str, result: str = "{}") -> c.Done:
        command = b.CompletePhase(page=page, response=words, result=result)
        return await phases.complete_phase(self._project, command, ANA)


def tree(root: Path) -> dict[str, bytes]:
    return {str(one.relative_to(root / "app")): one.read_bytes() for one in (root / "app").rglob("*") if one.is_file()}


async def at_work(client: InProcessClient, root: Path, page: str) -> str:
    """Start the workers of a change; the run's id once they have written a file."""
    started = await client.execute(c.Generate(page=page))
    await until(lambda: (root / "app" / "index.html").exists())
    return started.run or ""


@pytest.mark.parametrize("same", [True, False], ids=["the same change", "another change"])
async def test_files_handed_in_while_workers_write_are_refused_and_take_nothing_away(
    tmp_path: Path, same: bool
) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        other = page if same else await begun(client, "Something else.")
        if not same:
            await through(client, other, to="generating_implementation")
        run = await at_work(client, root, page)
        with pytest.raises(Refused):
            await client.execute(b.CompletePhase(page=other, response="Done.", result=HANDED_IN))
        assert (await settled(client, run)).status == "completed"
        assert tree(root) == {path: text.encode() for path, text in FILES.values()}
        assert [one.number for one in (await client.query(bq.GetVersions())).versions] == ["1.0.0"]


async def test_of_different_answers_at_the_same_time_one_is_taken_and_none_for_a_later_phase(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        came = await asyncio.gather(*(client.hand_in(page, f"Answer {n}.") for n in range(4)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in came) == ["Done", "Refused", "Refused", "Refused"]
        assert (await project.store.read(lambda tx: pages.get(tx, page))).state == "generating_planning"
        with pytest.raises(Refused, match="PLANNING, which writes no files"):
            await client.hand_in(page, "Code.", HANDED_IN)


async def test_a_file_that_a_person_changed_is_handed_in_over_it_only_by_who_was_told(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED), ("Files.", WHOLE)):
            await client.hand_in(page, words, result)
        path = "other.js"
        (project.app.root / path).write_text("My own words.\n")
        other = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(other, words, result)
        again = WHOLE.replace("= 1", "= 2")
        with pytest.raises(Refused, match="a person changed") as refused:
            await client.hand_in(other, "Files.", again)
        assert (project.app.root / path).read_text() == "My own words.\n"
        assert refused.value.data["paths"] == [path]
        assert (await client.hand_in(other, "Files.", again)).state == "generating_testing"
        kept = await project.store.read(lambda tx: versions.resolve(tx, str(refused.value.data["version"])))
        tree = await project.store.read(lambda tx: versions.files(tx, kept.id))
        digest = next(one.digest for one in tree if one.path == path)
        assert project.app.objects.get(digest) == b"My own words.\n"


async def test_a_hand_in_that_fails_in_the_middle_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = json.dumps({"files": [{"path": f"{n}.js", "content": f"let n = {n};\n"} for n in range(6)]})
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(page, words, result)
        files, write, written = project.app.files, project.app.files.write, 0

        def fills_up(path: str, *args: object, **kwargs: object) -> object:
            nonlocal written
            written += 1
            if written > 3:
                raise StorageError("There is no room left on the disk.")
            return write(path, *args, **kwargs)  # type: ignore[arg-type]

        with monkeypatch.context() as full:
            full.setattr(files, "write", fills_up)
            with pytest.raises(StorageError):
                await client.hand_in(page, "Files.", many)
        assert await project.app.scan() == {}
        assert (await client.hand_in(page, "Files.", WHOLE)).state == "generating_testing"
        assert set(await project.app.scan()) == {"other.js"}


async def test_files_whose_phase_cannot_be_recorded_are_taken_back_with_their_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED), ("Files.", WHOLE)):
            await client.hand_in(page, words, result)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(page, words, result)
        lay = {path: state.digest for path, state in (await project.app.scan()).items()}

        def full(*_: object) -> None:
            raise StorageError("There is no room left on the disk.")

        other = json.dumps(
            {"files": [{"path": "other.js", "content": "let other = 2;\n"}, {"path": "b.js", "content": "2;"}]}
        )
        with monkeypatch.context() as patch:
            patch.setattr(outside, "settle_tasks", full)
            with pytest.raises(StorageError):
                await client.hand_in(page, "Files.", other)
        assert {path: state.digest for path, state in (await project.app.scan()).items()} == lay
        newest = await project.store.read(lambda tx: versions.listing(tx)[0])
        assert (newest.status, newest.page_id) == (VersionStatus.FAILED, page)
        assert (await client.hand_in(page, "Files.", other)).state == "generating_testing"
        assert set(await project.app.scan()) == {"other.js", "b.js"}


@pytest.mark.parametrize(
    ("path", "content", "note"),
    [
        ("b.js", "\ud800", ""), ("b.js", "2;", "\ud800"), ("a.js", "2;", ""), ("./a.js", "2;", ""), ("A.js", "2;", ""),
    ],
)  # fmt: skip
async def test_files_that_cannot_be_kept_are_refused_before_one_is_written(
    tmp_path: Path, path: str, content: str, note: str
) -> None:
    given = [{"path": "a.js", "content": "1;\n"}, {"path": path, "content": content}]
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(page, words, result)
        with pytest.raises(BadInput):
            await client.hand_in(page, "Files.", json.dumps({"files": given, "note": note}))
        assert await project.app.scan() == {}
        assert await project.store.read(versions.listing) == []


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("./a.js", "a.js"), "names a.js twice"),
        (("A.js", "a.js"), "names A.js and a.js, which are one file"),
        (("\u00e9.js", "e\u0301.js"), "which are one file"),
    ],
)
async def test_two_names_of_one_file_are_said(tmp_path: Path, paths: tuple[str, ...], said: str) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(page, words, result)
        with pytest.raises(BadInput, match=said):
            await client.hand_in(
                page, "Files.", json.dumps({"files": [{"path": one, "content": "1;"} for one in paths]})
            )


async def test_a_refused_hand_in_says_once_that_nothing_was_written(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED)):
            await client.hand_in(page, words, result)
        for path, content in (("big.txt", "x" * 1_500_000), (".env", "A=1")):
            with pytest.raises(Refused) as caught:
                await client.hand_in(page, "Files.", json.dumps({"files": [{"path": path, "content": content}]}))
            assert len(re.findall("Nothing was (?:written|done)", str(caught.value))) == 1
            assert "None of the files was kept." in caught.value.hint


async def test_a_version_that_is_named_to_be_undone_must_be_the_newest(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        made = []
        for name in ("a.txt", "b.txt", "c.txt"):
            project.app.root.mkdir(exist_ok=True)
            (project.app.root / name).write_text("1\n")
            made.append((await app_versions.save_version(project, b.SaveVersion(summary=name), ANA)).version)
        with pytest.raises(Conflict, match="is the newest by now"):
            await app_versions.undo_version(project, b.UndoVersion(version=made[1]), ANA)
        await app_versions.undo_version(project, b.UndoVersion(version=made[2]), ANA)
        assert sorted(await project.app.scan()) == ["a.txt", "b.txt"]


async def test_a_hand_in_that_was_killed_leaves_no_file_of_its_own_and_every_file_of_a_person(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        client = Agents(project)
        page = (await add_change(project)).id
        for words, result in (("Wanted.", "{}"), ("Plan.", PLANNED), ("Files.", WHOLE)):
            await client.hand_in(page, words, result)
        told = {"other.js": "let a = 2;\n", "new.js": "let b = 1;\n", "mine.js": "let c = 1;\n"}
        wanted = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in told.items()}
        await project.app.begin(page, "run-1", Operation.UPDATE, "patch", files=wanted)
        for path, text in (told | {"mine.js": "My own words.\n", "notes.txt": "Mine.\n"}).items():
            (project.app.root / path).write_text(text)
        assert len(await project.store.read(versions.open)) == 1
        await project.app.recover()
        lying = {path: (project.app.root / path).read_text() for path in await project.app.scan()}
        assert lying == {"other.js": "let a = 1;\n", "mine.js": "My own words.\n", "notes.txt": "Mine.\n"}
        by_hand, failed, _ = await project.store.read(versions.listing)
        assert (by_hand.origin, failed.origin, failed.status.value) == ("person", "run", "failed")
        changed = await project.store.read(lambda tx: [one.path for one in versions.changes(tx, by_hand.id)])
        assert changed == ["mine.js", "notes.txt"]
        assert await project.store.read(lambda tx: versions.changes(tx, failed.id)) == []


async def test_what_workers_have_half_written_cannot_be_saved_as_a_version(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.3)
    root, page = await app_at(tmp_path, "generating_implementation", roles)
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        run = await at_work(client, root, page)
        with pytest.raises(Refused, match="being made"):
            await client.execute(b.SaveVersion(summary="Half"))
        assert (await settled(client, run)).status == "completed"


async def test_a_version_with_a_damaged_or_missing_file_is_not_restored_by_half(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        project.app.root.mkdir(exist_ok=True)
        (project.app.root / "a.js").write_text("let a = 1;\n")
        (project.app.root / "b.js").write_text("let b = 1;\n")
        first = await project.app.save("First", "ana")
        assert first is not None
        (project.app.root / "a.js").write_text("let a = 2;\n")
        (project.app.root / "b.js").unlink()
        (project.app.root / "c.js").write_text("let c = 1;\n")
        await project.app.save("Second", "ana")
        before = tree(project.root)
        name = hashlib.sha256(b"let b = 1;\n").hexdigest()
        kept = project.app.objects.folder / name[:2] / name
        kept.write_bytes(b"other")
        with pytest.raises(StorageError, match="damaged"):
            await project.app.restore(first.number, anyway=False, actor="ana")
        assert tree(project.root) == before
        assert await project.store.read(versions.open) == []


async def test_a_folder_with_more_in_it_stops_a_restore_before_anything_is_changed(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        app = project.app.root
        app.mkdir(exist_ok=True)
        (app / "a").write_text("a file\n")
        (app / "z.js").write_text("let z = 1;\n")
        first = await project.app.save("First", "ana")
        assert first is not None
        (app / "a").unlink()
        (app / "a" / "inner").mkdir(parents=True)
        (app / "a" / "b.js").write_text("let b = 1;\n")
        (app / "a" / "inner" / ".env").write_text("KEY=1")
        (app / "z.js").unlink()
        await project.app.save("Second", "ana")
        before = tree(project.root)
        with pytest.raises(BadInput, match="a/inner is in its place"):
            await project.app.restore(first.number, anyway=False, actor="ana")
        assert tree(project.root) == before
        (app / "a" / "inner" / ".env").unlink()
        (app / "a" / "inner").rmdir()
        await project.app.restore(first.number, anyway=False, actor="ana")
        assert tree(project.root) == {"a": b"a file\n", "z.js": b"let z = 1;\n"}


async def test_a_version_without_a_run_does_not_keep_the_person_from_saving(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        build = await project.builds_open.ensure_build(page.id)
        left = await project.app.begin(page.id, "run-1", build.operation, "minor")
        project.app.root.mkdir(exist_ok=True)
        (project.app.root / "a.js").write_text("let a = 1;\n")
        assert await project.app.save("Mine", "ana") is None  # its end holds the file already
        closed = await project.store.read(lambda tx: versions.get(tx, left.id))
        assert closed.status == "failed"


async def test_a_version_whose_end_could_not_be_recorded_is_closed_by_the_next_one(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        build = await project.builds_open.ensure_build(page.id)
        left = await project.app.begin(page.id, "run-1", build.operation, "minor")
        made = await project.app.begin(page.id, "run-2", build.operation, "minor")
        assert [one.id for one in await project.store.read(versions.open)] == [made.id]
        closed = await project.store.read(lambda tx: versions.get(tx, left.id))
        assert (closed.status, closed.error) == ("failed", "Its end could not be recorded.")


async def test_a_plan_that_is_carried_out_twice_at_the_same_time_is_done_once(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, _ = await app_at(tmp_path, "complete", roles)
    settings(root, "publish.here", 'publisher = "folder"\npath = "published/site"')
    async with WireServer(respond=roles) as server, opened(root, environment(server, tmp_path)) as client:
        plan = await client.query(bq.GetPublishPlan(target="here"))
        order = b.Publish(target="here", plan=plan.digest)
        came = await asyncio.gather(*(client.execute(order) for _ in range(3)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in came) == ["Done", "Refused", "Refused"]
        assert [one.status for one in (await client.query(bq.GetPublications())).publications] == ["done"]
        assert (root / "published" / "site" / "index.html").exists()


async def test_a_begun_plan_that_was_changed_in_the_database_is_not_carried_out(tmp_path: Path) -> None:
    roles = Roles(failing="", broken="", pause=0.0)
    root, _ = await app_at(tmp_path, "complete", roles)
    settings(root, "publish.here", 'publisher = "folder"\npath = "published/site"')
    async with WireServer(respond=roles) as server:
        env = environment(server, tmp_path)
        async with opened(root, env) as client:
            plan = await client.query(bq.GetPublishPlan(target="here"))
            blocker = root / "published"
            blocker.write_text("in the way")
            with pytest.raises(StorageError):
                await client.execute(b.Publish(target="here", plan=plan.digest))
            blocker.unlink()

        def elsewhere(tx: Tx) -> None:
            (row,) = publications.listing(tx)
            publications.update(tx, row.id, plan=row.plan.replace("published/site", "published/evil"))

        async with reopened(root, env) as project:
            await project.store.transact(elsewhere)
        async with opened(root, env) as client:
            with pytest.raises(Conflict, match="has changed"):
                await client.execute(b.Publish(target="here", plan=plan.digest))
        assert not (root / "published" / "evil").exists()


async def test_an_import_that_the_disk_has_no_room_for_leaves_nothing_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "old"
    source.mkdir()
    for number in range(5):
        (source / f"{number}.js").write_text(f"let n = {number};\n")
    async with app_project(tmp_path) as project:
        files, written = project.app.files, 0

        def write(path: str, *args: object, **kwargs: object) -> object:
            nonlocal written
            written += 1
            if written > 3:
                raise StorageError("There is no room left on the disk.")
            return AppFiles.write(files, path, *args, **kwargs)  # type: ignore[arg-type]

        with monkeypatch.context() as full:
            full.setattr(files, "write", write, raising=True)
            with pytest.raises(StorageError, match="no room"):
                await project.app.import_from(source, "ana")
        assert await project.app.scan() == {}
        made = await project.app.import_from(source, "ana")
        assert made.summary.startswith("Imported 5 files")


async def test_an_import_says_what_it_left_out(tmp_path: Path) -> None:
    source = tmp_path / "code"
    for name in ("index.html", ".git/config", "node_modules/a/index.js", "js/.env", "js/cart.js"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("text\n")
    (source / "linked.js").symlink_to(source / "js" / "cart.js")
    async with app_project(tmp_path) as project:
        made = await project.app.import_from(source, "ana")
        assert set(await project.app.scan()) == {"index.html", "js/cart.js"}
    told, _, left = made.summary.partition("; left out: ")
    assert told == "Imported 2 files from code"
    assert left.startswith(".env, .git, node_modules, linked.js (")
