"""`kill -9` and a full disk, against real processes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.store.database import Store

HERE = Path(__file__).parent


def child(name: str, *args: object) -> list[str]:
    return [sys.executable, "-W", "ignore::DeprecationWarning", str(HERE / name), *map(str, args)]


def test_a_kill_at_any_moment_of_the_first_creation_leaves_nothing_that_will_not_open(tmp_path: Path) -> None:
    done = subprocess.run(child("child_creation.py", tmp_path), capture_output=True, text=True, timeout=110)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.endswith("opens")] == []
    assert done.returncode == 0, done.stderr
    assert sum(" none " in line for line in lines) >= 10, "most kills should fall before the file stands"
    assert any(" whole " in line for line in lines)


def written_until_killed(database: Path, writers: int, seconds: float) -> dict[int, str]:
    """Digest by sequence of every commit that the process had acknowledged when it was killed."""
    process = subprocess.Popen(child("child_writing.py", database, writers), stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    time.sleep(seconds)
    process.kill()
    lines += process.stdout.read().splitlines(keepends=True)
    process.wait()
    pairs = [line.split() for line in lines if line.endswith(b"\n")]
    return {int(seq): digest.decode() for seq, digest in pairs}


async def kept_in(database: Path) -> tuple[set[str], list[int]]:
    """Digests of the blobs and sequence numbers of the journal."""
    store = await Store.open(database)
    kept = await store.read(lambda tx: {row[0] for row in tx.all("SELECT digest FROM blobs")})
    seqs = await store.read(lambda tx: [row[0] for row in tx.all("SELECT seq FROM workflow_events ORDER BY seq")])
    await store.aclose()
    return kept, seqs


@pytest.mark.parametrize("writers", [1, 8])
def test_a_kill_while_writing_loses_no_acknowledged_commit_and_leaves_no_gap(database: Path, writers: int) -> None:
    acknowledged: dict[int, str] = {}
    for turn in range(3):
        acknowledged |= written_until_killed(database, writers, 0.15 + 0.07 * turn)
        kept, seqs = asyncio.run(kept_in(database))
        assert set(acknowledged.values()) <= kept
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(kept) == len(seqs), "each event's row is there with it"
        assert max(acknowledged) <= len(seqs)
    assert len(acknowledged) > 20


@pytest.mark.parametrize("limit", [300_000, 1_500_000, 4_000_000])
def test_a_full_disk_refuses_with_words_keeps_reading_and_loses_nothing(database: Path, limit: int) -> None:
    done = subprocess.run(child("child_full_disk.py", database, limit), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["refused"], "the disk was never full"
    assert all("disk is full" in line and "storage" in line for line in report["refused"])
    assert set(report["saved"]) == set(report["during"])
    after_saved, after_refused = report["after"]
    assert after_refused == []
    assert set(report["reopened"]) == {*report["saved"], *after_saved}


def test_a_disk_that_is_full_at_the_first_creation_leaves_a_folder_that_opens_later(database: Path) -> None:
    code = (
        "import asyncio, resource, signal, sys\nfrom pathlib import Path\nfrom studio.domain.errors import StorageError\n"
        "from studio.store.database import Store\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        "try: asyncio.run(Store.open(Path(sys.argv[1])))\n"
        "except StorageError as error: print('refused', 'full' in error.message)\n"
    )
    for limit in (4096, 100_000, 700_000):
        done = subprocess.run(
            [sys.executable, "-c", code, str(database), str(limit)], capture_output=True, text=True, timeout=60
        )
        assert (done.stdout, done.stderr) == ("refused True\n", "")
        assert not database.exists()

    async def open_it() -> None:
        await (await Store.open(database)).aclose()

    asyncio.run(open_it())
    assert [file.name for file in database.parent.iterdir()] == [database.name]
