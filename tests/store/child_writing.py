"""Run as a program: writes without end and says on stdout what was acknowledged. Arguments: database, number of writers."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from studio.protocol.events import BookChanged
from studio.store import blobs
from studio.store.database import Store
from studio.store.transaction import Tx


def work(tx: Tx, text: str) -> tuple[str, int]:
    return blobs.put(tx, text), tx.emit(BookChanged(what=text[:8]))


async def writer(store: Store) -> None:
    while True:
        text = os.urandom(200).hex()
        digest, seq = await store.transact(partial(work, text=text))
        os.write(1, f"{seq} {digest}\n".encode())


async def main(path: Path, writers: int) -> None:
    store = await Store.open(path)
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(writer(store))
        while True:
            await asyncio.sleep(0.05)
            await store.checkpoint()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
