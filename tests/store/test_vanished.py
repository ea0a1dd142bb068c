"""The database file deleted, replaced or moved while it is open: what was acknowledged is in a file afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.domain.errors import StorageError
from studio.store import blobs
from studio.store.database import Store


async def keep(store: Store, text: str) -> None:
    await store.transact(lambda tx: blobs.put(tx, text))


async def texts_in(database: Path) -> set[str]:
    store = await Store.open(database)
    found = await store.read(lambda tx: {row[0] for row in tx.all("SELECT text FROM blobs")})
    await store.aclose()
    return found


@pytest.mark.parametrize("what", ["the file", "the log", "both", "the folder"])
async def test_a_deleted_database_is_written_again(database: Path, what: str) -> None:
    store = await Store.open(database)
    await keep(store, "before")
    if what in ("the file", "both"):
        database.unlink()
    if what in ("the log", "both"):
        database.with_name("studio.duckdb.wal").unlink()
    if what == "the folder":
        shutil.rmtree(database.parent)
    await keep(store, "after")
    assert await store.read(lambda tx: len(tx.all("SELECT text FROM blobs"))) == 2
    await keep(store, "later")
    await store.aclose()
    assert await texts_in(database) == {"before", "after", "later"}


async def test_one_deleted_after_the_last_change_is_written_again_at_the_end(database: Path) -> None:
    store = await Store.open(database)
    await keep(store, "before")
    database.unlink()
    await store.aclose()
    assert await texts_in(database) == {"before"}


async def test_one_that_was_replaced_is_kept_beside_the_other(database: Path, tmp_path: Path) -> None:
    other = await Store.open(tmp_path / "other" / "studio.duckdb")
    await keep(other, "theirs")
    await other.aclose()
    store = await Store.open(database)
    await keep(store, "ours")
    database.unlink()
    shutil.copyfile(tmp_path / "other" / "studio.duckdb", database)
    with pytest.raises(StorageError, match="replaced by another file"):
        await keep(store, "never")
    await store.aclose()
    (rescued,) = database.parent.glob("*.rescued-*")
    assert await texts_in(rescued) == {"ours"}
    assert await texts_in(database) == {"theirs"}


async def test_one_that_was_moved_goes_on(database: Path, tmp_path: Path) -> None:
    store = await Store.open(database)
    await keep(store, "before")
    database.parent.rename(tmp_path / "moved")
    await keep(store, "after")
    assert not database.exists()
    await store.aclose()
    assert await texts_in(tmp_path / "moved" / "studio.duckdb") == {"before", "after"}
