"""Creation, migrations and refusals when the database file is opened."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from studio.domain.errors import StorageError
from studio.protocol.events import BookChanged
from studio.store import journal, meta, revisions
from studio.store.database import Store
from studio.store.migrate import Step, packaged_steps
from studio.store.transaction import Tx, bound
from tests.store import book

FIRST = packaged_steps()
NEXT = Step(
    len(FIRST) + 1, "0099_colour", "ALTER TABLE story_pages ADD COLUMN colour TEXT; CREATE TABLE swatches (id TEXT)"
)
BROKEN = Step(
    len(FIRST) + 1, "0099_broken", "CREATE TABLE swatches (id TEXT); ALTER TABLE no_such_table ADD COLUMN x TEXT"
)


async def make(path: Path) -> None:
    store = await Store.open(path)

    def fill(tx: Tx) -> None:
        book.small_book(tx)
        tx.emit(BookChanged(what="filled"))

    await store.transact(fill)
    await store.aclose()


async def pages_of(path: Path, steps: tuple[Step, ...] = FIRST) -> int:
    store = await Store.open(path, steps=steps)
    row = await store.read(lambda tx: tx.one("SELECT count(*) FROM story_pages"))
    await store.aclose()
    assert row is not None
    return int(row[0])


def files(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


async def test_a_new_database_is_one_private_file_with_every_table_and_view(database: Path) -> None:
    await (await Store.open(database)).aclose()
    assert files(database) == {"studio.duckdb"}
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    with duckdb.connect(str(database), read_only=True) as connection:
        found = {row[0] for row in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    assert found >= {
        "canonical_refs", "chapters", "story_pages", "page_stages", "page_revisions", "user_feedback", "orchestrator_state",
        "runs", "agent_execution_log", "workflow_events", "blobs", "context_ledger", "context_pins", "kept_words", "jobs",
        "requests", "token_ratios", "mirror_state", "schema_version", "project_meta",
        "v_page_status_summary", "v_chapter_progress", "v_costs",
    }  # fmt: skip


async def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert [step.version for step in packaged_steps()] == list(range(1, len(FIRST) + 1))


async def test_an_older_schema_is_migrated_after_a_copy_that_still_opens(database: Path) -> None:
    await make(database)
    assert await pages_of(database, (*FIRST, NEXT)) == 4
    assert files(database) == {"studio.duckdb", f"studio.duckdb.before-{NEXT.version}"}
    store = await Store.open(database, steps=(*FIRST, NEXT))
    versions = await store.read(lambda tx: tx.all("SELECT version, name FROM schema_version ORDER BY version"))
    assert versions[-1] == (NEXT.version, NEXT.name)
    assert await store.read(lambda tx: tx.all("SELECT DISTINCT colour FROM story_pages")) == [(None,)]
    await store.aclose()
    copy = database.parent / "elsewhere" / "studio.duckdb"
    copy.parent.mkdir()
    shutil.copy(database.with_name(f"studio.duckdb.before-{NEXT.version}"), copy)
    assert await pages_of(copy) == 4


async def test_rows_from_before_they_were_numbered_keep_their_order_under_a_clock_that_was_set_back(
    database: Path,
) -> None:
    store = await Store.open(database, steps=FIRST[:2])
    sound, dark = book.page(book.chapter("tide"), "sound", 1), ("dialogue", "narration", "dialogue")
    old = [
        book.revision(sound, stage=stage, number=at + 1, created_at=book.later(-at)) for at, stage in enumerate(dark)
    ]
    values = ", ".join(f"${number}" for number in range(1, len(revisions.COLUMNS.split()) + 1))
    for one in old:
        made = [bound(getattr(one, name)) for name in revisions.COLUMNS.split()]
        await store.transact(lambda tx, made=made: tx.run(f"INSERT INTO page_revisions VALUES ({values})", *made))
    await store.aclose()
    store = await Store.open(database)
    new = book.revision(sound, stage="narration", number=9, created_at=book.later(-99))

    def write(tx: Tx) -> None:
        tx.emit(BookChanged(what="changed"))
        revisions.insert(tx, new)

    await store.transact(write)
    wanted = [one.id for one in (*old, new)]
    assert await store.read(lambda tx: revisions.in_order(tx, sorted(wanted))) == wanted
    assert [one.id for one in await store.read(lambda tx: revisions.listing(tx, sound.id))] == wanted[::-1]
    await store.aclose()


async def test_what_stood_only_in_the_log_is_in_the_copy_too(database: Path) -> None:
    await make(database)
    shutil.copy(database, database.with_name("base"))
    store = await Store.open(database)
    await store.transact(lambda tx: meta.put(tx, "late", "yes"))
    wal = database.with_name("studio.duckdb.wal").read_bytes()
    await store.aclose()
    shutil.copy(database.with_name("base"), database)
    database.with_name("studio.duckdb.wal").write_bytes(wal)
    await pages_of(database, (*FIRST, NEXT))
    with duckdb.connect(str(database.with_name(f"studio.duckdb.before-{NEXT.version}")), read_only=True) as copy:
        assert copy.execute("SELECT value FROM project_meta WHERE key = 'late'").fetchall() == [("yes",)]


async def test_a_failing_migration_rolls_back_whole_keeps_the_copy_and_the_old_program_still_opens(
    database: Path,
) -> None:
    await make(database)
    for _ in range(2):
        with pytest.raises(StorageError, match="0099_broken") as caught:
            await Store.open(database, steps=(*FIRST, BROKEN))
        assert "Nothing was changed" in caught.value.hint
    assert files(database) == {"studio.duckdb", f"studio.duckdb.before-{BROKEN.version}"}
    store = await Store.open(database)
    tables = await store.read(lambda tx: tx.all("SELECT table_name FROM information_schema.tables"))
    assert ("swatches",) not in tables
    assert await store.read(journal.head) == 1
    await store.aclose()


async def test_of_several_migrations_a_failing_one_takes_the_others_back(database: Path) -> None:
    await make(database)
    broken = Step(NEXT.version + 1, "0100_broken", BROKEN.sql.replace("swatches", "pigments"))
    with pytest.raises(StorageError, match="0100_broken"):
        await Store.open(database, steps=(*FIRST, NEXT, broken))
    assert await pages_of(database) == 4  # which a program that knows the first steps alone still opens
    assert files(database) == {"studio.duckdb", f"studio.duckdb.before-{broken.version}"}


async def test_an_earlier_copy_that_differs_is_not_overwritten(database: Path) -> None:
    await make(database)
    with pytest.raises(StorageError):
        await Store.open(database, steps=(*FIRST, BROKEN))
    store = await Store.open(database)
    await store.transact(lambda tx: meta.put(tx, "more", "1"))
    await store.aclose()
    await pages_of(database, (*FIRST, NEXT))
    assert files(database) == {
        "studio.duckdb",
        f"studio.duckdb.before-{NEXT.version}",
        f"studio.duckdb.before-{NEXT.version}.2",
    }


async def test_a_newer_schema_is_refused_with_words_and_left_alone(database: Path) -> None:
    await make(database)
    await pages_of(database, (*FIRST, NEXT))
    before = database.read_bytes()
    with pytest.raises(StorageError, match="newer studio") as caught:
        await Store.open(database)
    assert caught.value.data == {"schema": NEXT.version, "known": len(FIRST)}
    assert database.read_bytes() == before
    assert await pages_of(database, (*FIRST, NEXT)) == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 5000, b"SQLite format 3\x00" + b"\x00" * 4080, b"[project]\ntitle = 'x'\n", bytes(range(256)) * 40],
    ids=["empty", "zeros", "sqlite", "text", "noise"],
)
async def test_a_file_that_is_no_database_is_refused_and_left_alone(database: Path, content: bytes) -> None:
    database.parent.mkdir()
    database.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        await Store.open(database)
    assert caught.value.hint
    assert database.read_bytes() == content


async def test_a_damaged_database_is_refused_with_a_hint(database: Path) -> None:
    await make(database)
    content = bytearray(database.read_bytes())
    content[:12288] = bytes(12288)
    database.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        await Store.open(database)
    assert caught.value.hint
    database.write_bytes(content[:20000])
    with pytest.raises(StorageError):
        await Store.open(database)


async def test_a_database_of_another_program_is_refused(database: Path) -> None:
    database.parent.mkdir()
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(StorageError, match="not one of studio"):
        await Store.open(database)


async def test_a_folder_or_a_dangling_link_in_its_place_is_refused(database: Path) -> None:
    database.mkdir(parents=True)
    with pytest.raises(StorageError, match="not a file"):
        await Store.open(database)
    database.rmdir()
    database.symlink_to("nowhere")
    with pytest.raises(StorageError, match="not a file"):
        await Store.open(database)


async def test_a_log_without_its_database_never_becomes_an_empty_book(database: Path) -> None:
    await make(database)
    wal = database.with_name("studio.duckdb.wal")
    database.unlink()
    wal.write_bytes(b"left behind")
    with pytest.raises(StorageError, match="missing"):
        await Store.open(database)
    assert files(database) == {wal.name}


async def test_a_copy_without_its_database_never_becomes_an_empty_book(database: Path) -> None:
    await make(database)
    await pages_of(database, (*FIRST, NEXT))
    database.unlink()
    with pytest.raises(StorageError, match="missing") as caught:
        await Store.open(database)
    assert "before-" in caught.value.hint


async def test_a_log_that_cannot_be_read_is_named_and_both_files_stay(database: Path) -> None:
    await make(database)
    store = await Store.open(database)
    for number in range(20):
        await store.transact(lambda tx, n=number: meta.put(tx, f"key-{n}", "v" * 500))
    wal = database.with_name("studio.duckdb.wal")
    content, base = bytearray(wal.read_bytes()), database.read_bytes()
    await store.aclose()
    for place in range(len(content) // 3, len(content) // 3 + 40):
        content[place] ^= 0xFF
    database.write_bytes(base)
    wal.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        await Store.open(database)
    assert wal.name in str(caught.value)
    assert wal.read_bytes() == bytes(content)
    wal.unlink()
    assert await pages_of(database) == 4


async def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as caught:
        await Store.open(tmp_path / "file" / "studio.duckdb")
    assert caught.value.hint


async def test_after_a_refusal_the_same_process_can_open_the_mended_file(database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"not a database")
    for _ in range(2):
        with pytest.raises(StorageError):
            await Store.open(database)
    database.unlink()
    await make(database)
    assert await pages_of(database) == 4


async def test_the_database_cannot_reach_other_files(database: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    store = await Store.open(database)
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY blobs TO '{tmp_path}/out.csv'",
        "INSTALL fts",
    ):
        with pytest.raises(StorageError):
            await store.transact(lambda tx, text=sql: tx.run(text))
    with pytest.raises(StorageError):
        await store.transact(lambda tx: tx.run("SET enable_external_access = true"))
    assert not (tmp_path / "out.csv").exists()
    await store.aclose()


async def test_the_views_follow_the_program_when_a_file_holds_older_ones(database: Path) -> None:
    await make(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE OR REPLACE VIEW v_costs AS SELECT 1 AS old")
        connection.execute("UPDATE project_meta SET value = 'older' WHERE key = 'views'")
    store = await Store.open(database)
    assert await store.read(lambda tx: tx.all("SELECT cost_usd FROM v_costs")) == []
    await store.aclose()


async def test_a_database_without_its_journal_is_refused(database: Path) -> None:
    await make(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("DROP TABLE workflow_events")
    with pytest.raises(StorageError):
        await Store.open(database)
