"""The project's canon in memory: read from `canon/`, recorded version by version in the store, looked up by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from studio.config.paths import packaged
from studio.domain.canon import CanonDocument, CanonWarning
from studio.domain.errors import NotFound
from studio.protocol.events import AnyEvent, CanonReloaded, Notice
from studio.store import canon
from studio.store.database import Store
from studio.workspace.canon_files import CanonFolder
from studio.workspace.canon_links import LinkIndex

_LAST_READ = "The documents stay as they were last read. Put the folder canon/ back in its place."


class CanonShelf:
    def __init__(
        self, root: Path, store: Store, publish: Callable[[AnyEvent], None], check_place: Callable[[], None]
    ) -> None:
        """`check_place` raises StorageError when the project's folder was moved: its documents are not gone then."""
        self._folder = CanonFolder(root)
        self._store = store
        self._publish = publish
        self._check_place = check_place
        self._index = LinkIndex(())
        self._scanning = asyncio.Lock()
        self.documents: tuple[CanonDocument, ...] = ()
        self.warnings: tuple[CanonWarning, ...] = ()

    async def rescan(self, *, quiet: bool = False) -> None:
        """Read the folder again, record changed versions, and tell subscribers; also, once, that it cannot be read."""
        async with self._scanning:
            self._check_place()
            readable = all(warning.path for warning in self.warnings)
            scan = await asyncio.to_thread(self._folder.scan)
            self._check_place()  # moved while it was read, it would look empty
            # A document is in no prompt before its version is kept.
            changed = await self._store.transact(lambda tx: canon.record(tx, scan.documents)) if scan.changed else []
            self.documents, self.warnings = scan.documents, scan.warnings
            self._index = LinkIndex(scan.documents)
        unread = next((warning for warning in scan.warnings if not warning.path), None)
        if unread is not None and readable:
            self._publish(Notice(level="warning", message=unread.message, hint=_LAST_READ))
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
