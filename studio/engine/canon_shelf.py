"""The project's canon in memory: read from `canon/`, recorded version by version in the store, looked up by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from studio.config.paths import packaged
from studio.domain.canon import CanonDocument, CanonWarning
from studio.domain.errors import NotFound
from studio.protocol.events import AnyEvent, CanonReloaded
from studio.store import canon
from studio.store.database import Store
from studio.workspace.canon_files import CanonFolder
from studio.workspace.canon_links import LinkIndex


class CanonShelf:
    def __init__(self, root: Path, store: Store, publish: Callable[[AnyEvent], None]) -> None:
        self._folder = CanonFolder(root)
        self._store = store
        self._publish = publish
        self._index = LinkIndex(())
        self._scanning = asyncio.Lock()
        self.documents: tuple[CanonDocument, ...] = ()
        self.warnings: tuple[CanonWarning, ...] = ()

    async def rescan(self, *, quiet: bool = False) -> None:
        """Read the folder again, record changed versions, and tell subscribers."""
        async with self._scanning:
            scan = await asyncio.to_thread(self._folder.scan)
            self.documents, self.warnings = scan.documents, scan.warnings
            self._index = LinkIndex(scan.documents)
            changed = await self._store.transact(lambda tx: canon.record(tx, scan.documents)) if scan.changed else []
        if changed and not quiet:
            self._publish(
                CanonReloaded(documents=len(scan.documents), warnings=len(scan.warnings), changed=tuple(changed))
            )

    def find(self, name: str) -> CanonDocument:
        """A document by path, name or alias; raises NotFound with near names."""
        by_path = next((one for one in self.documents if one.path in (name, f"{name}.md")), None)
        found = by_path or self._index.resolve(name)
        if found is None:
            raise NotFound(f"There is no canon document {name!r}.", hint="See `studio canon list`.")
        return found

    def text(self, path: str) -> str:
        return self._folder.text(path)

    @staticmethod
    def packaged() -> tuple[str, ...]:
        """Documents that come with the program and can be copied into a project."""
        root = packaged("canon")
        return tuple(sorted(file.relative_to(root).as_posix() for file in root.rglob("*.md")))
