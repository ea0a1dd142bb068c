"""What the commands of an application share: that the project has one, which change is meant, and how things are shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from studio.domain.errors import NotFound, Refused
from studio.domain.text import one_line
from studio.protocol import queries as q
from studio.protocol import views as v

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient


def is_app(project: v.ProjectView) -> bool:
    """Whether a stage of the project's workflow writes files."""
    return any(stage.output == "code" for stage in project.stages)


async def app_of(client: EngineClient) -> v.ProjectView:
    """The project, which has an application. Raises Refused for a story."""
    project = await client.query(q.GetProject())
    if not is_app(project):
        raise Refused(
            f"{one_line(project.title)} is made with the workflow {project.workflow}, which writes no files.",
            hint="Make an application: studio new DIR --workflow app",
        )
    return project


async def change_of(client: EngineClient, ref: str | None) -> str:
    """The change that is meant: the one named, else the first that is not complete, else the last. Raises NotFound, Refused."""
    project = await app_of(client)
    if ref is not None:
        return ref
    known = [page for chapter in project.chapters for page in chapter.pages]
    if not known:
        every = await client.query(q.GetProject(archived=True))
        archived = any(chapter.pages for chapter in every.chapters)
        said = "Every change is archived." if archived else "There is no change yet."
        raise NotFound(said, hint='Describe one: studio change "A page that lists our goods."')
    return next((page.id for page in known if page.phase != "approved"), known[-1].id)


def ref_of(project: v.ProjectView, page: str) -> str:
    """`1/2` for a page's id; the id of one that is not in the outline."""
    for chapter in project.chapters:
        for one in chapter.pages:
            if one.id == page:
                return f"{chapter.number}/{one.number}"
    return page


def money(usd: float | None) -> str:
    """`-` where no price is known."""
    return "-" if usd is None else f"${usd:.4f}"


def at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def size_of(size: int) -> str:
    """Bytes in the unit that a person would choose."""
    if size < 10_000:
        return f"{size} B"
    return f"{size / 1e3:.0f} kB" if size < 10_000_000 else f"{size / 1e6:.0f} MB"
