"""The plain-text mirror: approved stages are written to `manuscript/`, and a person's edits of those files are read back.

A file is never overwritten before what stands in it is in the store.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio.domain import dialogue
from studio.domain.errors import BadInput, Conflict, NotFound, StudioError
from studio.domain.page import Origin, Page, Revision
from studio.domain.text import clean
from studio.domain.workflow import Action, OutputKind, Stage, Workflow, advance
from studio.engine.texts import add_revision
from studio.protocol.events import AnyEvent, MirrorConflict, Notice, PageChanged
from studio.store import chapters, mirror, pages, revisions, runs
from studio.store.database import Store
from studio.store.transaction import Tx
from studio.workspace import mirror as format_
from studio.workspace.mirror_files import MirrorFile, MirrorFolder

log = logging.getLogger(__name__)

# An editor has a file open for writing for some milliseconds; a program that keeps it open is not waited for.
_QUIET_SECONDS, _QUIET_STEP = 2.0, 0.02
# Each second try puts a file away that could not be read, so more than one is needed only while somebody keeps saving.
_WRITE_TRIES = 6
_STATE = re.compile(r"^state: .*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Approved:
    """A page with its approved revisions, and where its file belongs."""

    page: Page
    chapter_slug: str
    chapter_title: str
    sections: tuple[tuple[Stage, Revision], ...]

    @property
    def fingerprint(self) -> str:
        """Changes whenever the file would: title, place and approved revisions."""
        return _fingerprint(self.page, self.chapter_slug, self.chapter_title, [one.id for _, one in self.sections])


class Manuscript:
    def __init__(
        self,
        root: Path,
        store: Store,
        workflow: Workflow,
        publish: Callable[[AnyEvent], None],
        check_place: Callable[[], None],
    ) -> None:
        """`check_place` raises StorageError when the project's folder was moved: what stands at its path now is something else."""
        self._root = root
        self._folder = MirrorFolder(root)
        self._check_place = check_place
        self._store = store
        self._workflow = workflow
        self._publish = publish
        self._busy = asyncio.Lock()
        self._owed: set[asyncio.Task[None]] = set()
        self._wrote: dict[Path, str] = {}
        self._conflicts: dict[str, tuple[str, ...]] = {}

    def conflicts_of(self, page_id: str) -> tuple[str, ...]:
        """Sentences about edits of the page's file that met a changed page; both texts are kept."""
        return self._conflicts.get(page_id, ())

    async def write_page(self, page_id: str) -> None:
        """Bring one page's file up to date, reading edits in it first. A failure is a notice: the store has the text."""
        async with self._busy:
            try:
                self._check_place()
                await self._read_all(page_id)
            except StudioError as error:
                self._say(error)
                return
            await self._written(page_id)

    def write_soon(self, page_id: str) -> None:
        """`write_page` behind the caller's answer. What a crash prevents is written when the project is opened again."""
        task = asyncio.create_task(self.write_page(page_id), name=f"writing {page_id}")
        self._owed.add(task)
        task.add_done_callback(self._written_soon)

    def _written_soon(self, task: asyncio.Task[None]) -> None:
        self._owed.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a page's file was not written", exc_info=error)

    async def settled(self) -> None:
        """Wait for the files that are owed."""
        if self._owed:
            await asyncio.wait(self._owed)

    async def rewrite_moved(self) -> None:
        """After pages were moved or renamed: files that stand in the wrong place are written where they belong."""
        async with self._busy:
            self._check_place()
            await self._write_due()

    async def recover(self) -> None:
        """After a start: take away what a crash left half written, then `sync`."""
        async with self._busy:
            self._check_place()
            await asyncio.to_thread(self._folder.sweep)
        await self.sync("manuscript")

    async def sync(self, actor: str) -> str:
        """Read all edits, then write what is missing; answers with one sentence."""
        async with self._busy:
            self._check_place()
            taken = await self._read_all()
            written = await self._write_due()
        return f"{taken} edited section{'' if taken == 1 else 's'} read, {written} file{'' if written == 1 else 's'} written."

    async def noticed(self, changed: Iterable[Path], actor: str) -> None:
        """Files changed: `sync`, unless each holds what was written there last by this program itself."""
        paths = tuple(changed)
        async with self._busy:
            own = {path: self._wrote.get(path) for path in paths}
            mine = await asyncio.to_thread(lambda: all(self._folder.holds(path, kept) for path, kept in own.items()))
        if not mine:
            await self.sync(actor)

    async def differences(self) -> list[str]:
        """What differs between the files and the approved texts now, a few words each. Changes nothing."""
        async with self._busy:
            found = await self._store.read(lambda tx: [self._approved(tx, one) for one in self._fingerprints(tx)])
            files = {file.page_id: file for file in await asyncio.to_thread(self._folder.scan)}
            differing: list[str] = []
            for one in found:
                path = format_.relative_path(one.chapter_slug, one.page.slug)
                file = files.get(one.page.id)
                if file is None:
                    differing.append(f"{path} is missing")
                    continue
                expected = format_.render(_mirror_page(one, self._workflow))
                if _texts(await asyncio.to_thread(self._folder.read, file.path)) != _texts(expected):
                    differing.append(f"{file.path} differs from the approved text")
            return differing

    async def _read_all(self, page_id: str | None = None) -> int:
        """Take the edits of all files, or of the one page's."""
        taken = 0
        for owner, file in (await self._changed()).items():
            if page_id in (None, owner):
                taken += await self._read(file, owner)
        return taken

    async def _changed(self) -> dict[str, MirrorFile]:
        """By page, the file that differs from what was last written or read.

        A page's file is the one where the mirror put it, also when its front matter is gone, else one that carries its id: a
        copy beside it is nobody's edit, and is never overwritten either.
        """
        known = {row.page_id: row for row in await self._store.read(mirror.all)}
        files = [file for file in await self._quiet() if not (file.problem or file.busy)]
        by_path = {file.path: file for file in files}
        found: dict[str, MirrorFile] = {}
        for row in known.values():
            there = by_path.get(row.path)
            if there is not None and there.page_id in (None, row.page_id):
                found[row.page_id] = there
        for file in files:
            if file.page_id is not None:
                found.setdefault(file.page_id, file)
        return {page: file for page, file in found.items() if page not in known or known[page].digest != file.digest}

    async def _quiet(self) -> tuple[MirrorFile, ...]:
        """All files once no other program is in the middle of writing one."""
        deadline = time.monotonic() + _QUIET_SECONDS
        while True:
            files = await asyncio.to_thread(self._folder.scan)
            if time.monotonic() > deadline or not any(file.busy for file in files):
                return files
            await asyncio.sleep(_QUIET_STEP)

    async def _read(self, file: MirrorFile, page_id: str) -> int:
        """Take the edits of one file; returns how many sections became revisions."""
        try:
            text = await asyncio.to_thread(self._folder.read, file.path)
            labels = {stage.name: stage.label for stage in self._workflow.stages}
            parsed = format_.parse(text, labels)
            approved = await self._store.read(lambda tx: self._approved(tx, page_id))
        except NotFound:
            return 0
        except StudioError as error:
            self._publish(Notice(level="warning", message=f"{file.path}: {error.message}", hint=error.hint))
            return 0
        current = {stage.name: format_.Approved(revision.id, revision.text) for stage, revision in approved.sections}
        changes = format_.changes(parsed, current)
        edits = changes.edits
        if edits and changes.missing:
            # Without its heading a section has run into the one above it: a person has to say what belongs where.
            edits = tuple(replace(edit, conflict=True) for edit in edits)
            await self._keep(file, text, approved.page, f"{file.path} lacks the heading of its {changes.missing[0]}")
        elif changes.unplaced.strip() or any(edit.conflict for edit in edits):
            await self._keep(file, text, approved.page, f"{file.path} was edited while the page had changed")
        else:
            for notice in _written_again(file.path, changes):
                self._publish(notice)
        taken = 0
        for edit in edits:
            taken += await self._take(approved.page, edit, file)
        await self._store.transact(lambda tx: mirror.put(tx, page_id, file.path, file.digest, ""))
        return taken

    async def _keep(self, file: MirrorFile, text: str, page: Page, what: str) -> None:
        kept = await asyncio.to_thread(self._folder.keep_conflict, file.path, text)
        await self._tell_conflict(page.id, file.path, kept, what)

    async def _tell_conflict(self, page_id: str, path: str, kept: str, what: str) -> None:
        message = f"{what}; the file is kept as {kept}."
        self._conflicts[page_id] = (*self._conflicts.get(page_id, ()), message)
        event = MirrorConflict(page=page_id, path=path, kept=kept, message=message)
        await self._store.transact(lambda tx: tx.emit(event))

    async def _take(self, page: Page, edit: format_.SectionEdit, file: MirrorFile) -> int:
        stage = self._workflow.stage(edit.stage)
        text, data = _readable(stage, clean(edit.text))
        if not text.strip():
            return 0

        def work(tx: Tx) -> None:
            known = pages.heads(tx, page.id).get(stage.name)
            approved = known.approved_id if known else None
            note = f"edited in {file.path}" + (", in conflict with the page" if edit.conflict else "")
            following = self._following(tx, page, stage) if not edit.approved else None
            head = not edit.conflict if edit.approved else following is not None
            base = edit.base_revision if edit.base_revision and _exists(tx, edit.base_revision) else approved
            revision = add_revision(
                tx, page.id, stage.name, text, origin=Origin.MIRROR, data=data, note=note, head=head,
                parent=revisions.get(tx, base) if base else None,
            )  # fmt: skip
            if approved is not None and not edit.conflict:
                pages.set_approved(tx, page.id, stage.name, revision.id)
            now = pages.update(tx, page.id, state=following)
            tx.emit(PageChanged(page=page.id, state=now.state, what="mirror", stage=stage.name, revision=revision.id))

        await self._store.transact(work, actor="manuscript")
        return 1

    def _following(self, tx: Tx, page: Page, stage: Stage) -> str | None:
        """The state after a hand-written section of a stage that awaits its text; None when it is not that stage's turn."""
        state = self._workflow.parse_state(pages.get(tx, page.id).state)
        if state.stage != stage.name or runs.is_live(tx, page.id):
            return None
        return self._workflow.state_name(advance(self._workflow, state, Action.EDIT))

    async def _write_due(self) -> int:
        """Write each page whose file is missing or older than its approved texts."""
        wanted = await self._store.read(self._fingerprints)
        known = {row.page_id: row for row in await self._store.read(mirror.all)}
        there = {file.page_id for file in await asyncio.to_thread(self._folder.scan)}
        written = 0
        for page_id, fingerprint in wanted.items():
            row = known.get(page_id)
            if row is None or row.fingerprint != fingerprint or page_id not in there:
                written += await self._written(page_id)
        return written

    async def _written(self, page_id: str) -> bool:
        """Whether the file could be written; one that could not keeps no other from it."""
        try:
            await self._write(page_id)
        except StudioError as error:
            self._say(error)
            return False
        return True

    def _say(self, error: StudioError) -> None:
        self._publish(Notice(level="warning", message=error.message, hint=error.hint))

    async def _write(self, page_id: str) -> None:
        """Bring the file up to date. What somebody saved there meanwhile is read first; what cannot be read is put beside it."""
        for attempt in range(_WRITE_TRIES):
            try:
                await self._replace(page_id)
                return
            except Conflict:
                if attempt % 2 == 0:
                    await self._read_all(page_id)
                else:
                    await self._set_aside(page_id)
        raise Conflict(
            "A file of the manuscript changes faster than it can be written.", hint="It is tried again later."
        )

    async def _set_aside(self, page_id: str) -> None:
        one = await self._store.read(lambda tx: self._approved(tx, page_id))
        path = format_.relative_path(one.chapter_slug, one.page.slug)
        try:
            kept = await asyncio.to_thread(self._folder.set_aside, path)
        except NotFound:
            return
        await self._tell_conflict(page_id, path, kept, f"{path} held something that is no text of its page")

    async def _replace(self, page_id: str) -> None:
        """Write the file over what was last written or read there. Raises Conflict when something else stands there."""
        approved = await self._store.read(lambda tx: self._approved(tx, page_id))
        row = await self._store.read(lambda tx: mirror.get(tx, page_id))
        path = format_.relative_path(approved.chapter_slug, approved.page.slug)
        if not approved.sections and row is None:
            return
        text = format_.render(_mirror_page(approved, self._workflow))
        if row is not None and row.path != path:
            await asyncio.to_thread(self._move, row.path, path)
        over = () if row is None else (row.digest,)
        file_digest = await asyncio.to_thread(lambda: self._folder.write(path, text, over=over))
        self._wrote[self._root / path] = file_digest
        await self._store.transact(lambda tx: mirror.put(tx, page_id, path, file_digest, approved.fingerprint))

    def _move(self, old: str, new: str) -> None:
        try:
            self._folder.rename(old, new)
        except Conflict:
            raise
        except StudioError as error:
            log.warning("could not move %s to %s: %s", old, new, error)

    def _approved(self, tx: Tx, page_id: str) -> Approved:
        page = pages.get(tx, page_id)
        chapter = chapters.get(tx, page.chapter_id)
        texts = revisions.approved(tx, page_id)
        sections = [(stage, texts[stage.name]) for stage in self._workflow.stages if stage.name in texts]
        return Approved(page, chapter.slug, chapter.title, tuple(sections))

    def _fingerprints(self, tx: Tx) -> dict[str, str]:
        """Of every page with an approved text, in book order; no text is read for it."""
        approved = revisions.approved_ids(tx)
        book = {one.id: one for one in chapters.listing(tx)}
        found: dict[str, str] = {}
        for page in pages.listing(tx) if approved else ():
            chapter, ids = book.get(page.chapter_id), approved.get(page.id)
            if chapter is not None and ids:
                mine = [ids[stage.name] for stage in self._workflow.stages if stage.name in ids]
                found[page.id] = _fingerprint(page, chapter.slug, chapter.title, mine)
        return found


def _mirror_page(approved: Approved, workflow: Workflow) -> format_.MirrorPage:
    return format_.MirrorPage(
        id=approved.page.id,
        title=approved.page.title,
        chapter=approved.chapter_title,
        state=approved.page.state,
        sections=tuple(
            format_.MirrorSection(
                stage=stage.name,
                label=stage.label,
                text=revision.text,
                revision=revision.id,
                number=revision.number,
                model=revision.model or "",
            )
            for stage, revision in approved.sections
        ),
    )


def _written_again(path: str, changes: format_.MirrorChanges) -> Iterator[Notice]:
    """Of what a person saved and does not stay, since it says nothing new: every text of it is in the store."""
    if gone := (*changes.missing, *changes.emptied):
        words = f"The approved {gone[0]} was taken out of {path}; it is written there again."
        yield Notice(level="warning", message=words, hint="To change it, edit it or undo its approval.")
    if changes.older:
        words = f"{path} was saved with an older {changes.older[0]}; it is written again as the page has it now."
        hint = "To go back to the older text, restore it from the page's history."
        yield Notice(level="warning", message=words, hint=hint)


def _texts(file: str) -> str:
    """The file without the page's state, which a running draft changes and which is no text."""
    return _STATE.sub("", file, count=1)


def _fingerprint(page: Page, chapter_slug: str, chapter_title: str, revision_ids: Sequence[str]) -> str:
    names = f"{chapter_slug}/{page.slug}/{page.state}/{page.title}/{chapter_title}"
    return f"{names}/{','.join(revision_ids)}"


def _exists(tx: Tx, revision_id: str) -> bool:
    try:
        revisions.get(tx, revision_id)
    except NotFound:
        return False
    return True


def _readable(stage: Stage, text: str) -> tuple[str, str | None]:
    """Hand-edited dialogue that cannot be read as lines is kept as it was written, without data."""
    if stage.output is not OutputKind.DIALOGUE:
        return text.strip("\n"), None
    try:
        lines = dialogue.parse(text)
    except BadInput:
        return text.strip("\n"), None
    return dialogue.render(lines), dialogue.to_json(lines)
