"""Commands on settings and context choices: models, money limits, pins, templates, packaged canon."""

from __future__ import annotations

import asyncio

from studio.config import paths, write
from studio.config.load import load
from studio.domain.errors import BadInput, NotFound, Refused
from studio.domain.text import clean, one_line
from studio.engine.open_project import Call, OpenProject
from studio.protocol import commands as c
from studio.protocol.events import SettingsChanged
from studio.store import canon, pages
from studio.store.transaction import Tx
from studio.workspace.jail import PROTECTED, Jail


async def pin_canon(project: OpenProject, command: c.PinCanon, call: Call) -> c.Done:
    document = project.canon.find(command.document)

    def work(tx: Tx) -> c.Done:
        page = pages.resolve(tx, command.page, final_state=project.workflow.final_state)
        canon.pin(tx, page.id, document.path, command.mode)
        tx.emit(SettingsChanged(what=f"context:{page.id}"))
        words = {
            "in": "goes into this page's context",
            "out": "stays out of this page's context",
            "auto": "follows the rules",
        }
        return c.Done(seq=0, message=f"{document.name} {words[command.mode]}.", page=page.id)

    return await project.act(call, work)


async def set_model(project: OpenProject, command: c.SetModel, call: Call) -> c.Done:
    workflow = project.workflow
    roles = dict.fromkeys(stage.role for stage in workflow.stages)
    if command.role is not None and command.role not in roles:
        known = "; ".join(f"{role} writes {workflow.work_of(role)}" for role in roles)
        raise NotFound(f'There is no role "{one_line(command.role, 60)}" in this workflow.', hint=f"Roles: {known}.")
    ref = str(project.models.parse(command.model)) if command.model else None
    key = f"models.{command.role or 'default'}"
    await _write_setting(project, key, ref)
    done = await _announce(project, call, key)
    whom = workflow.work_of(command.role) if command.role else "the project"
    message = f"{ref} is now the model for {whom}."
    if not ref:
        message = (
            f"The model for {whom} is the same as the project's."
            if command.role
            else "The project's model is no longer set."
        )
    return c.Done(seq=done.seq, message=message)


async def set_spending(project: OpenProject, command: c.SetSpending, call: Call) -> c.Done:
    if command.usd is not None and not 0 <= command.usd < 1_000_000:
        raise BadInput(f"{command.usd} is not a usable limit.", hint="Give US dollars, 0 or more.")
    await _write_setting(project, f"limits.{command.limit}", command.usd)
    done = await _announce(project, call, f"limits.{command.limit}")
    message = f"[limits] {command.limit} is now {command.usd:.2f}." if command.usd is not None else "Limit removed."
    return c.Done(seq=done.seq, message=message)


async def _write_setting(project: OpenProject, key: str, value: str | float | None) -> None:
    await asyncio.to_thread(write.set_value, project.root / paths.PROJECT_FILE, key, value)
    project.take_settings(await asyncio.to_thread(load, project.root, overrides=project.overrides))


async def _announce(project: OpenProject, call: Call, what: str) -> c.Done:
    def work(tx: Tx) -> c.Done:
        tx.emit(SettingsChanged(what=what))
        return c.Done(seq=0)

    return await project.act(call, work)


async def save_template(project: OpenProject, command: c.SaveTemplate, call: Call) -> c.Done:
    """Write or remove the project's copy. A removed copy is kept under `.studio/trash/`."""
    relative = await project.desk.prompting.project_path(command.name)
    await asyncio.to_thread(_save_template, project, relative, command.text)
    await project.desk.reload_templates()
    if command.text is None:
        return c.Done(seq=0, message=f"{command.name}: the packaged template is in use again.")
    return c.Done(seq=0, message=f"{command.name} is now the project's own: {project.root / 'prompts' / relative}.")


def _save_template(project: OpenProject, relative: str, text: str | None) -> None:
    with Jail(project.root, protected=PROTECTED - {".studio"}) as jail:
        place = f"prompts/{relative}"
        if text is not None:
            jail.write_text(place, text)
            return
        if not jail.exists(place):
            raise Refused(f"{relative} is not changed in this project.", hint="Nothing to reset.")
        number = 1
        while jail.exists(kept := f".studio/trash/prompts/{relative}.{number}"):
            number += 1
        jail.write_text(kept, jail.read_text(place))
        jail.remove(place)


async def copy_canon(project: OpenProject, command: c.CopyCanon, call: Call) -> c.Done:
    source = paths.packaged("canon") / command.name
    known = project.canon.packaged()
    if command.name not in known:
        raise NotFound(f"There is no packaged document {command.name!r}.", hint=f"There are: {', '.join(known)}.")
    text = clean(await asyncio.to_thread(source.read_text, "utf-8"))

    def copy() -> None:
        with Jail(project.root) as jail:
            jail.write_text(f"canon/{command.name}", text, new=True)

    await asyncio.to_thread(copy)
    await project.canon.rescan()
    return c.Done(seq=0, message=f"Copied to canon/{command.name}.")
