"""Run as a program: saves texts under a file-size limit, which DuckDB meets as a full disk; then lifts it.

Arguments: database, bytes. Prints JSON: what was acknowledged, refusals, readable digests during and after, and after reopening.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

from studio.domain.errors import StudioError
from studio.store import blobs
from studio.store.database import Store
from studio.store.transaction import Tx


def digests(tx: Tx) -> list[str]:
    return sorted(row[0] for row in tx.all("SELECT digest FROM blobs"))


async def save(store: Store, text: str, saved: list[str], refused: list[str]) -> None:
    try:
        saved.append(await store.transact(lambda tx: blobs.put(tx, text)))
    except StudioError as error:
        refused.append(f"{error.code}: {error.message}")


async def main(path: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await Store.open(path)
    size = await asyncio.to_thread(os.path.getsize, path)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + limit, hard))
    saved: list[str] = []
    refused: list[str] = []
    for number in range(30):
        await save(store, os.urandom(100_000).hex(), saved, refused)
        if number % 10 == 9:
            try:
                await store.checkpoint()
            except StudioError as error:
                refused.append(f"checkpoint {error.code}: {error.message}")
    during = await store.read(digests)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    after_saved: list[str] = []
    after_refused: list[str] = []
    await save(store, "room again", after_saved, after_refused)
    await store.aclose()
    again = await Store.open(path)
    report = {
        "saved": sorted(saved),
        "refused": refused,
        "during": during,
        "after": [after_saved, after_refused],
        "reopened": await again.read(digests),
    }
    await again.aclose()
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
