"""Keeping an author's place in the book, telling others about it, and the questions about both."""

from __future__ import annotations

import msgspec

from studio.domain.errors import NotFound
from studio.domain.text import one_line
from studio.engine.open_project import Call, OpenProject
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.store import pages, places
from studio.store.transaction import Tx


async def keep_place(project: OpenProject, command: c.KeepPlace, call: Call) -> c.Done:
    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        if not call.view:
            stage = one_line(command.stage, 60) if command.stage else None
            place = v.PlaceView(page=page.id, stage=stage, paragraph=command.paragraph, scroll=max(command.scroll, 0))
            places.keep(tx, tx.actor, msgspec.json.encode(place).decode())
        return c.Done(seq=0, page=page.id)

    done = await project.act(call, work)
    project.presence.look(call.client, done.page)
    return done


async def get_place(project: OpenProject, query: q.GetPlace, actor: str) -> v.PlaceView:
    def read(tx: Tx) -> v.PlaceView:
        kept = places.get(tx, actor)
        if kept is None:
            return v.PlaceView()
        place = msgspec.json.decode(kept, type=v.PlaceView)
        try:
            return place if place.page is None or not pages.get(tx, place.page).archived else v.PlaceView()
        except NotFound:
            return v.PlaceView()

    return await project.store.read(read)


async def get_presence(project: OpenProject, query: q.GetPresence, actor: str) -> v.PresenceView:
    return v.PresenceView(people=project.presence.people(""))
