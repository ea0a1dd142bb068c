"""`FakeEngine`: an `EngineClient` in memory with a small book, drafts streamed by script, and the story's order of states.

It knows enough for the screen's tests and benchmarks; what is saved is asserted on the real engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.text import word_count
from studio.protocol import commands as c
from studio.protocol import events as e
from studio.protocol import queries as q
from studio.protocol import views as v
from tests.fakes.fake_book import MODEL, STAGES, FakeBook, FakePage, now

NARRATION = (
    "Teodor Caul stood at the rail with his grey gloves folded. Rain came slantwise off the Throat and he let it.\n\n"
    '"Which ring?" he said.\n\n'
    "Bram coughed. The pole went out of his hands, and Ilse had it before it struck, in her left.\n"
)
DIALOGUE = (
    "TEODOR (speech): Which ring?\nILSE (speech): Forty-four.\nBRAM (thought): She counts too loud.\nSFX (sfx): KNOCK"
)


@dataclass
class Script:
    """How a draft arrives: `text` in pieces of about `chars` characters, `rate` pieces a second (0: at once, yielding); `before` is
    waited for before the first of them, `pause` after the last."""

    text: str = NARRATION
    chars: int = 5
    rate: float = 0.0
    outcome: str = "complete"
    fail: str = ""
    pause: Callable[[], Any] | None = None
    before: Callable[[], Any] | None = None


class FakeEngine(FakeBook):
    """Every command that came is in `commands`, but for the place, which is in `place`; `scripts` are used one per draft, then `script`."""

    def __init__(self, title: str = "The Lantern Ferry") -> None:
        super().__init__(title)
        self.commands: list[c.AnyCommand] = []
        self.script = Script()
        self.scripts: list[Script] = []
        self.place = v.PlaceView()
        self.people: tuple[v.PresentPerson, ...] = ()
        self.closed = False
        self._ids = 0
        self._queues: list[asyncio.Queue[e.AnyEvent]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # Making a book for tests

    def chapter(self, title: str) -> str:
        self.chapters.append({"id": self._id("chapter"), "title": title})
        return self.chapters[-1]["id"]

    def page(
        self, chapter: str, title: str, brief: str = "", narration: str = "", dialogue: str = "", approved: bool = False
    ) -> str:
        page = FakePage(self._id("page"), chapter, title)
        self.pages.append(page)
        if brief:
            self._set_brief(page, brief)
        for stage, text in (("narration", narration), ("dialogue", dialogue)):
            if text:
                self._deliver(page, stage, text)
                if approved or (stage == "narration" and dialogue):
                    self._approve(page, stage)
        return page.id

    def _id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"

    # EngineClient

    async def execute(self, command: c.AnyCommand, *, request: str | None = None) -> c.Done:
        if not isinstance(command, c.KeepPlace):
            self.commands.append(command)
        name = "_do_" + type(command).__name__.lower()
        handler = getattr(self, name, None)
        if handler is None:
            raise Refused(f"The fake engine knows no {type(command).__name__}.")
        done = handler(command)
        return c.Done(seq=self._seq, **done)

    async def query(self, query: q.Query[Any]) -> Any:
        await asyncio.sleep(0)
        name = "_get_" + type(query).__name__.removeprefix("Get").lower()
        return getattr(self, name)(query)

    @asynccontextmanager
    async def subscribe(self, after: int | None = None) -> AsyncIterator[AsyncIterator[e.AnyEvent]]:
        queue: asyncio.Queue[e.AnyEvent] = asyncio.Queue()
        self._queues.append(queue)
        for page in self.pages:
            if page.live:
                live = page.live
                queue.put_nowait(
                    e.RunSnapshot(
                        run=live.id, page=page.id, stage=live.stage, kind=live.kind, model=live.model, text=live.text,
                        elapsed=live.elapsed, output_tokens=live.output_tokens,
                    )
                )  # fmt: skip

        async def events() -> AsyncIterator[e.AnyEvent]:
            while not self.closed:
                yield await queue.get()

        try:
            yield events()
        finally:
            self._queues.remove(queue)

    async def aclose(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self.closed = True

    def emit(self, event: e.AnyEvent) -> None:
        for queue in self._queues:
            queue.put_nowait(event)

    # Commands

    def _do_addchapter(self, command: c.AddChapter) -> dict[str, Any]:
        chapter = self.chapter(command.title)
        self._book_changed()
        return {"message": f"Chapter {command.title} added.", "chapter": chapter}

    def _do_addpage(self, command: c.AddPage) -> dict[str, Any]:
        page = self.page(command.chapter, command.title, command.brief)
        self._book_changed()
        return {"message": f"Page {command.title} added.", "page": page}

    def _do_renamepage(self, command: c.RenamePage) -> dict[str, Any]:
        self._find(command.page).title = command.title
        self._book_changed()
        return {}

    def _do_renamechapter(self, command: c.RenameChapter) -> dict[str, Any]:
        next(chapter for chapter in self.chapters if chapter["id"] == command.chapter)["title"] = command.title
        self._book_changed()
        return {}

    def _do_movepage(self, command: c.MovePage) -> dict[str, Any]:
        page = self._find(command.page)
        page.chapter = command.chapter or page.chapter
        self.pages.remove(page)
        siblings = [other for other in self.pages if other.chapter == page.chapter]
        before = siblings[command.position - 1] if command.position <= len(siblings) else None
        self.pages.insert(self.pages.index(before) if before else len(self.pages), page)
        self._book_changed()
        return {}

    def _do_movechapter(self, command: c.MoveChapter) -> dict[str, Any]:
        chapter = next(chapter for chapter in self.chapters if chapter["id"] == command.chapter)
        self.chapters.remove(chapter)
        self.chapters.insert(command.position - 1, chapter)
        self._book_changed()
        return {}

    def _do_archivepage(self, command: c.ArchivePage) -> dict[str, Any]:
        self._find(command.page).archived = True
        self._book_changed()
        return {"message": "Archived; nothing is deleted."}

    def _do_unarchivepage(self, command: c.UnarchivePage) -> dict[str, Any]:
        self._find(command.page).archived = False
        self._book_changed()
        return {"message": "The page is back."}

    def _do_setbrief(self, command: c.SetBrief) -> dict[str, Any]:
        page = self._find(command.page)
        self._set_brief(page, command.text)
        self._page_changed(page, "brief")
        return {"page": page.id}

    def _do_generate(self, command: c.Generate) -> dict[str, Any]:
        return self._start(self._find(command.page), "draft")

    def _do_revise(self, command: c.Revise) -> dict[str, Any]:
        page = self._find(command.page)
        page.notes.append(self._note(page, page.stage or "", "revise", command.feedback, command.quote))
        return self._start(page, "revise")

    def _do_stop(self, command: c.Stop) -> dict[str, Any]:
        for page in self.pages:
            if page.live and command.run in (None, page.live.id) and command.page in (None, page.id):
                self._end(page, "stopped", Script(outcome="stopped"))
        return {"message": "Stopped; what was written is kept."}

    def _do_resume(self, command: c.Resume) -> dict[str, Any]:
        page = self._find(command.page)
        partial, page.partial = page.partial, None
        if command.action == "continue":
            return self._start(page, "continue")
        if command.action == "keep" and partial is not None:
            self._deliver(page, partial.stage, partial.text, "stopped")
        else:
            page.phase = "generating"
        self._page_changed(page, command.action)
        return {"message": "Done."}

    def _do_approve(self, command: c.Approve) -> dict[str, Any]:
        page = self._find(command.page)
        if page.phase != "user_reviewing" or page.stage is None:
            raise Refused("There is no draft waiting for approval.")
        head = page.revisions[page.stage][-1]
        if head.outcome != "complete" and not command.anyway:
            raise Refused("The draft is not complete.")
        label = page.stage.capitalize()
        self._approve(page, page.stage)
        self._page_changed(page, "approve")
        return {"message": f"{label} approved.", "price": "about $0.01", "state": page.phase}

    def _do_reopen(self, command: c.Reopen) -> dict[str, Any]:
        page = self._find(command.page)
        if not page.approved:
            raise Refused("Nothing on this page is approved yet, so there is nothing to reopen.")
        stage = list(page.approved)[-1]
        del page.approved[stage]
        page.phase, page.stage = "user_reviewing", stage
        self._page_changed(page, "reopen")
        return {"message": "Approval undone; no text changed."}

    def _do_comment(self, command: c.Comment) -> dict[str, Any]:
        for page in self.pages:
            for stage, revisions in page.revisions.items():
                if any(revision.id == command.revision for revision in revisions):
                    note = self._note(page, stage, "note", command.text, command.quote)
                    page.notes.append(note)
                    self._page_changed(page, "comment")
                    return {"feedback": note.id, "message": "Noted."}
        raise NotFound("No such revision.")

    def _do_edit(self, command: c.Edit) -> dict[str, Any]:
        page = self._find(command.page)
        self._deliver(page, command.stage, command.text, origin="person")
        self._page_changed(page, "edit")
        return {"revision": page.revisions[command.stage][-1].id, "message": "Saved."}

    def _do_restore(self, command: c.Restore) -> dict[str, Any]:
        revision = self._get_revision(q.GetRevision(revision=command.revision))
        page = self._find(revision.page)
        self._deliver(page, revision.stage, revision.text, origin="restore")
        self._page_changed(page, "restore")
        return {"revision": page.revisions[revision.stage][-1].id, "message": "Restored."}

    def _do_keepwords(self, command: c.KeepWords) -> dict[str, Any]:
        page = self._find(command.page)
        page.kept.pop(command.place, None)
        if command.text:
            page.kept[command.place] = v.KeptWords(
                place=command.place, text=command.text, base_revision=command.base_revision, updated_at=now()
            )
        return {}

    def _do_keepplace(self, command: c.KeepPlace) -> dict[str, Any]:
        self.place = v.PlaceView(
            page=command.page, stage=command.stage, paragraph=command.paragraph, scroll=command.scroll
        )
        return {"page": command.page}

    def _get_place(self, query: q.GetPlace) -> v.PlaceView:
        return self.place

    def _get_presence(self, query: q.GetPresence) -> v.PresenceView:
        return v.PresenceView(people=self.people)

    def _do_setmodel(self, command: c.SetModel) -> dict[str, Any]:
        self.emit(e.SettingsChanged(what="model"))
        return {"message": f"The next draft uses {command.model}."}

    # The story's order

    def _set_brief(self, page: FakePage, text: str) -> None:
        page.brief = self._revision(page, "brief", text, "complete", "person", 1)
        if page.phase == "awaiting":
            page.phase, page.stage = "generating", STAGES[0][0]
        page.version += 1

    def _deliver(self, page: FakePage, stage: str, text: str, outcome: str = "complete", origin: str = "agent") -> None:
        revisions = page.revisions.setdefault(stage, [])
        revisions.append(self._revision(page, stage, text, outcome, origin, len(revisions) + 1))
        page.phase, page.stage = "user_reviewing", stage
        page.version += 1

    def _approve(self, page: FakePage, stage: str) -> None:
        page.approved[stage] = page.revisions[stage][-1].id
        names = [name for name, _, _ in STAGES]
        after = names[names.index(stage) + 1 :]
        if not after:
            page.phase, page.stage = "approved", None
        else:
            page.phase, page.stage = ("user_reviewing" if after[0] in page.revisions else "generating"), after[0]
        page.version += 1

    def _revision(
        self, page: FakePage, stage: str, text: str, outcome: str, origin: str, number: int
    ) -> v.RevisionView:
        return v.RevisionView(
            id=self._id("revision"), page=page.id, stage=stage, number=number, text=text, data=None, origin=origin,
            author="you" if origin != "agent" else "typewriter", outcome=outcome, created_at=now(), words=word_count(text),
            model=MODEL if origin == "agent" else None,
        )  # fmt: skip

    def _note(self, page: FakePage, stage: str, kind: str, text: str, quote: str | None) -> v.FeedbackView:
        head = page.revisions[stage][-1]
        return v.FeedbackView(
            id=self._id("feedback"), stage=stage, revision=head.id, revision_number=head.number, kind=kind, text=text, quote=quote,
            author="you", created_at=now(), used=kind == "revise", resolved=False,
        )  # fmt: skip

    def _start(self, page: FakePage, kind: str) -> dict[str, Any]:
        if page.stage is None:
            raise BadInput("The page has no brief yet.", hint="Write the page's brief first.")
        run = self._id("run")
        page.live = v.LiveRun(
            id=run,
            page=page.id,
            stage=page.stage,
            kind=kind,
            model=MODEL,
            status="running",
            text="",
            elapsed=0,
            output_tokens=0,
        )
        page.version += 1
        script = self.scripts.pop(0) if self.scripts else self.script
        self.emit(e.RunStarted(seq=self._next(), run=run, page=page.id, stage=page.stage, kind=kind, model=MODEL))
        self._tasks[run] = asyncio.get_running_loop().create_task(self._stream(page, script))
        return {"run": run, "page": page.id}

    async def _stream(self, page: FakePage, script: Script) -> None:
        if script.before is not None:
            await script.before()
        loop = asyncio.get_running_loop()
        began, sent, told = loop.time(), 0, 0.0
        pieces = [script.text[at : at + script.chars] for at in range(0, len(script.text), script.chars)]
        for number, piece in enumerate(pieces, start=1):
            await asyncio.sleep(max(began + number / script.rate - loop.time(), 0) if script.rate else 0)
            live = page.live
            if live is None:
                return
            elapsed = loop.time() - began
            page.live = v.LiveRun(
                id=live.id, page=page.id, stage=live.stage, kind=live.kind, model=MODEL, status="running",
                text=live.text + piece, elapsed=elapsed, output_tokens=number,
            )  # fmt: skip
            self.emit(e.Delta(run=live.id, page=page.id, stage=live.stage, offset=sent, text=piece))
            sent += len(piece)
            if elapsed - told > 0.5:
                told = elapsed
                self.emit(
                    e.RunProgress(
                        run=live.id,
                        page=page.id,
                        stage=live.stage,
                        elapsed=elapsed,
                        output_tokens=number,
                        cost_usd=number * 1e-5,
                    )
                )
        if script.pause is not None:
            await script.pause()
        self._end(page, "failed" if script.fail else "completed", script)

    def _end(self, page: FakePage, status: str, script: Script) -> None:
        live, page.live = page.live, None
        if live is None:
            return
        if task := self._tasks.pop(live.id, None):
            task.cancel() if status == "stopped" else None
        if status == "completed":
            self._deliver(page, live.stage, live.text, script.outcome)
        else:
            page.phase = "failed" if status == "failed" else "interrupted"
            page.partial = v.PartialText(
                run=live.id, stage=live.stage, text=live.text, status=status, error=script.fail, hint="", model=MODEL
            )
            page.version += 1
        self.emit(
            e.RunEnded(
                seq=self._next(), run=live.id, page=page.id, stage=live.stage, status=status, outcome=script.outcome,
                error=script.fail or None, elapsed=live.elapsed, output_tokens=live.output_tokens, cost_usd=0.001,
            )
        )  # fmt: skip
        self._page_changed(page, "draft_ready")

    def _page_changed(self, page: FakePage, what: str) -> None:
        page.version += 1
        self.emit(e.PageChanged(seq=self._next(), page=page.id, state=page.phase, what=what, stage=page.stage))

    def _book_changed(self) -> None:
        self.emit(e.BookChanged(seq=self._next()))

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def ferry() -> FakeEngine:
    """The book of the tests: two chapters, pages in every state but the broken ones."""
    engine = FakeEngine()
    one, two = engine.chapter("The Crossing"), engine.chapter("The Toll")
    for title in ("Fog", "The green lantern", "Teodor boards"):
        engine.page(one, title, "Someone crosses.", NARRATION, DIALOGUE, approved=True)
    engine.page(two, "A price", "A price is named.", NARRATION, DIALOGUE, approved=True)
    brief = "Bram drops the pole; Ilse catches it with her left hand. Teodor asks for the ring. She tells him the true number."
    engine.page(two, "Ilse counts the rings", brief, NARRATION)
    engine.page(two, "Forty-four", "They row on.")
    engine.page(two, "")
    return engine
