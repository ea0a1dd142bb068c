"""The engine: takes commands, answers queries, emits events, for one open project. No screen, no socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from studio.domain.errors import BadInput, NotFound, StorageError, StudioError
from studio.domain.words import words_of
from studio.engine.handlers import book, drafts, mirror, places, review, settings, texts
from studio.engine.open_project import Call, OpenProject
from studio.engine.presence import Presence
from studio.engine.views import asked, canon, machinery, outline, page
from studio.engine.views import texts as text_views
from studio.engine.watching import Watching
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol.events import AnyEvent
from studio.protocol.views import View
from studio.store import jobs, journal
from studio.workspace.lock import ProjectLock

log = logging.getLogger(__name__)

R = TypeVar("R", bound=View)

# `Any` because a handler takes its own command; `tests/engine/test_dispatch.py` holds each against its annotation.
Handler = Callable[[OpenProject, Any, Call], Awaitable[c.Done]]
Answer = Callable[[OpenProject, Any, str], Awaitable[Any]]

HANDLERS: dict[type[c.Command], Handler] = {
    c.AddChapter: book.add_chapter,
    c.RenameChapter: book.rename_chapter,
    c.MoveChapter: book.move_chapter,
    c.AddPage: book.add_page,
    c.SetBrief: book.set_brief,
    c.MovePage: book.move_page,
    c.RenamePage: book.rename_page,
    c.ArchivePage: book.archive_page,
    c.UnarchivePage: book.unarchive_page,
    c.Generate: drafts.generate,
    c.Revise: drafts.revise,
    c.Stop: drafts.stop,
    c.Resume: drafts.resume,
    c.Deliver: drafts.deliver,
    c.Comment: review.comment,
    c.EditComment: review.edit_comment,
    c.ResolveComment: review.resolve_comment,
    c.Approve: review.approve,
    c.Reopen: review.reopen,
    c.Edit: texts.edit,
    c.Restore: texts.restore,
    c.KeepWords: texts.keep_words,
    c.KeepPlace: places.keep_place,
    c.PinCanon: settings.pin_canon,
    c.SetModel: settings.set_model,
    c.SetSpending: settings.set_spending,
    c.SaveTemplate: settings.save_template,
    c.CopyCanon: settings.copy_canon,
    c.SyncMirror: mirror.sync_mirror,
    c.ImportBook: mirror.import_book,
}

ANSWERS: dict[type[q.Query[Any]], Answer] = {
    q.GetProject: outline.get_project,
    q.GetPage: page.get_page,
    q.GetRevision: page.get_revision,
    q.GetHistory: page.get_history,
    q.GetRun: page.get_run,
    q.GetAsked: asked.get_asked,
    q.GetContext: canon.get_context,
    q.GetCanon: canon.get_canon,
    q.GetCanonText: canon.get_canon_text,
    q.GetTemplates: machinery.get_templates,
    q.GetTemplate: machinery.get_template,
    q.GetModels: machinery.get_models,
    q.GetDoctor: machinery.get_doctor,
    q.GetCosts: text_views.get_costs,
    q.Search: text_views.search,
    q.GetBook: text_views.get_book,
    q.GetPlace: places.get_place,
    q.GetPresence: places.get_presence,
}


def handler_of(command: type[c.Command]) -> Handler:
    """Who carries out a command. Those of the app workflow come with tools and validators: 75 ms that a story does not pay."""
    found = HANDLERS.get(command)
    if found is None:
        from studio.engine import build_tables

        found = build_tables.HANDLERS[command]
    return found


def answer_of(query: type[q.Query[Any]]) -> Answer:
    """Who answers a query."""
    found = ANSWERS.get(query)
    if found is None:
        from studio.engine import build_tables

        found = build_tables.ANSWERS[query]
    return found


AT_ONCE: frozenset[type[q.Query[Any]]] = frozenset({q.GetProject, q.GetPage, q.GetPlace})
"""Answered from the store alone, before canon and manuscript were read: what the first screen shows."""

# A command that waits for something slow at the end of the engine is left: its rows are whole either way.
_REQUESTS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Drafts that run and that wait, and the journal's head."""

    running: int
    queued: int
    last_seq: int


class Engine:
    """Made by `engine.opening.open_engine`, which hands over the lock it holds; lives on one event loop."""

    def __init__(self, project: OpenProject, lock: ProjectLock, watching: Watching) -> None:
        self._project = project
        self._lock = lock
        self._watching = watching
        self._closed = False
        self._requests: dict[str, asyncio.Task[c.Done]] = {}

    @property
    def presence(self) -> Presence:
        return self._project.presence

    @property
    def idle_minutes(self) -> float:
        return self._project.settings.engine.idle_minutes

    @property
    def shared(self) -> bool:
        """Whether members of the project's group may attach."""
        return self._project.settings.engine.shared

    async def standing(self) -> Standing:
        """What is going on; a few milliseconds at most."""
        running = len(self._project.live.all())
        return await self._project.store.read(lambda tx: Standing(running, len(jobs.pending(tx)), journal.head(tx)))

    async def execute(self, command: c.AnyCommand, call: Call) -> c.Done:
        """Carry out one command; raises the tree of `domain.errors`, and nothing else.

        A request that is sent again while it is carried out joins the first; what was begun goes on when nobody waits any more.
        """
        if call.request is None:
            return await self._carry_out(command, call)
        task = self._requests.get(call.request)
        if task is None:
            task = asyncio.create_task(self._carry_out(command, call), name=call.request)
            self._requests[call.request] = task
            task.add_done_callback(self._answered)
        return await asyncio.shield(task)

    def _answered(self, task: asyncio.Task[c.Done]) -> None:
        self._requests.pop(task.get_name(), None)
        if not task.cancelled():
            task.exception()  # looked at: nobody may be waiting for it any more

    async def _carry_out(self, command: c.AnyCommand, call: Call) -> c.Done:
        if not isinstance(command, c.KeepWords):
            # The database is open where the folder is now: typed words are still kept.
            self._project.check_place()
        await self._project.settled()
        done: c.Done = await self._guarded(self._once(command, call))
        return done

    async def _once(self, command: c.AnyCommand, call: Call) -> c.Done:
        """A repeated request is answered before its handler looks: what made it right the first time may be gone."""
        if call.request:
            known = await self._project.store.read(lambda tx: self._project.recalled(tx, call))
            if known is not None:
                return known
        return await handler_of(type(command))(self._project, command, call)

    async def query(self, query: q.Query[R], actor: str) -> R:
        if type(query) not in AT_ONCE:
            await self._project.settled()
        answer: R = await self._guarded(answer_of(type(query))(self._project, query, actor))
        return answer

    def subscribe(self, after: int | None) -> AbstractAsyncContextManager[AsyncIterator[list[AnyEvent]]]:
        return self._project.bus.subscribe(after)

    async def _guarded(self, work: Awaitable[Any]) -> Any:
        try:
            return await work
        except (BadInput, NotFound) as error:
            workflow = self._project.workflow
            words = words_of(workflow.labels, writes_files=workflow.writes_files)
            error.message, error.hint = words.put_around_names(error.message), words.put_around_names(error.hint)
            raise
        except StudioError:
            raise
        except Exception as error:
            log.exception("unexpected")
            raise StorageError(
                f"Something went wrong inside the engine ({type(error).__name__}); nothing of yours was changed by it.",
                hint="The details are in .studio/engine.log.",
            ) from error

    async def settle(self) -> None:
        """Stop what runs (partial texts are kept) and let what was begun come to its end. Nothing new may be asked any more."""
        await self._project.settled()
        await self._watching.aclose()
        await self._project.scheduler.aclose()
        if self._requests:
            await asyncio.wait(self._requests.values(), timeout=_REQUESTS_SECONDS)
        await (
            self._project.app.rest()
        )  # a thread that writes files cannot be stopped, and nobody else may begin before its end
        await self._project.manuscript.settled()

    async def aclose(self) -> None:
        """Settle, write what is owed, close the store, free the lock."""
        if self._closed:
            return
        self._closed = True
        await self.settle()
        self._project.bus.close()
        await self._project.models.aclose()
        await self._project.desk.aclose()
        await self._project.store.aclose()
        self._lock.release()
