"""The demo without its screen: copying the sample, the local model where no key is set, and a page from draft to approval."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli import demo_mark
from studio.cli.following import Drafted, draft, sentence
from studio.cli.outline import page_ref
from studio.config.paths import PROJECT_FILE
from studio.domain.errors import BadReply, NotFound, Refused
from studio.domain.text import counted, one_line
from studio.domain.workflow import state_words
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.workspace import scaffold

if TYPE_CHECKING:
    from studio.cli.output import Output
    from studio.protocol.client import EngineClient

STORY, APP = "story", "app"
SAMPLES = {STORY: "lantern-ferry", APP: "corner-shop"}
"""By workflow."""
SAMPLE = SAMPLES[STORY]
FEEDBACK = "Keep every beat. Cut one sentence of description, and end on something a person does."


@dataclass(frozen=True, slots=True)
class Finished:
    """A page that the demo brought to its end; `remarks` says where a draft was taken although it was not whole."""

    page: v.PageView
    costs: v.CostsView
    remarks: tuple[str, ...]


def copy_to(root: Path, sample: str = SAMPLE) -> bool:
    """Copy a sample to a new or empty folder; False when that demo is there already. Raises Refused for any other folder."""
    if _is_the_demo(root, sample):
        return False
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refused(
            f"{one_line(str(root))} is not empty, and the demo overwrites nothing.",
            hint="Name a new folder: studio demo DIR",
        )
    scaffold.copy_sample(sample, root)
    return True


def shown(root: Path) -> str:
    """The folder as `-C` takes it from here."""
    return shlex.quote(os.path.relpath(root))


def workflow_at(root: Path) -> str | None:
    """The workflow of the demo that lies in a folder already, None when there is none."""
    return next((workflow for workflow, sample in SAMPLES.items() if _is_the_demo(root, sample)), None)


def _is_the_demo(root: Path, name: str) -> bool:
    sample = next((one for one in scaffold.samples() if one.name == name), None)
    if sample is None or not (root / PROJECT_FILE).is_file():
        return False
    try:
        return (root / scaffold.BOOK_FILE).read_bytes() == (sample.path / scaffold.BOOK_FILE).read_bytes()
    except OSError:
        return False


async def fill(client: EngineClient, root: Path) -> None:
    """Import the sample's chapters and history, unless they are there."""
    project = await client.query(q.GetProject())
    if not project.chapters:
        await client.execute(c.ImportBook(path=scaffold.BOOK_FILE))
        demo_mark.keep(root, demo_mark.Mark(seq=(await client.query(q.GetProject())).seq))


def free_folder(start: Path, workflow: str = STORY) -> Path:
    """Where the demo goes when it is opened from `start`: there, if it is empty, else a folder with the demo's name in it."""
    if not any(start.iterdir()):
        return start
    return start / SAMPLES[workflow]


async def finish_a_page(client: EngineClient, root: Path, model: str | None, out: Output) -> Finished:
    """Bring the page that is the demo's to take from where it stands to its approval: draft, revise once, approve each stage.

    Raises Refused where a person has worked.
    """
    page = await client.query(q.GetPage(page=await demo_mark.page_to_take(client, root, shown(root))))
    demo_mark.keep(root, demo_mark.Mark(page=page.id, feedback=FEEDBACK))
    out.say(f"Page {page.chapter_number}/{page.number} {page.title}: {page.brief.text if page.brief else ''}")
    if page.phase == "awaiting":
        raise Refused("The next page has no brief.", hint=f'Write one: studio page brief {page_ref(page)} "..."')
    if page.phase in ("failed", "interrupted"):
        await client.execute(c.Resume(page=page.id, action="discard"))
        page = await client.query(q.GetPage(page=page.id))
    remarks: list[str] = []
    for number, cell in enumerate(page.cells):
        if cell.status == "approved":
            continue
        remarks += await _finish_stage(client, page.id, cell, model, out, revise=number == 0)
    page = await client.query(q.GetPage(page=page.id))
    demo_mark.forget(root)
    costs = await client.query(q.GetCosts(by="model", page=page.id, executions=True))
    return Finished(page, costs, tuple(remarks))


async def _finish_stage(
    client: EngineClient, page: str, cell: v.StageCell, model: str | None, out: Output, *, revise: bool
) -> list[str]:
    now = await client.query(q.GetPage(page=page))
    if now.phase != "user_reviewing":
        out.say(f"Drafting the {cell.label.lower()}.")
        await _drafted(client, c.Generate(page=page, model=model), out)
    remarks: list[str] = []
    if revise:
        out.say(f"Asking for a revision: {FEEDBACK}")
        try:
            await _drafted(client, c.Revise(page=page, feedback=FEEDBACK, model=model), out)
        except BadReply as error:
            remarks.append(f"The revision failed ({error.message}); the first draft stands.")
            await client.execute(c.Resume(page=page, action="discard"))
    head = await _head(client, page, cell.name)
    done = await client.execute(c.Approve(page=page, revision=head.id, anyway=head.outcome != "complete"))
    if head.outcome != "complete":
        remarks.append(f"The {cell.label.lower()} is {head.outcome.replace('_', ' ')} and was approved anyway.")
    out.say(done.message)
    for remark in remarks:
        out.say(remark)
    return remarks


async def _drafted(client: EngineClient, command: c.Generate | c.Revise, out: Output) -> Drafted:
    """A draft, and one more try where the model answered nothing that could be used."""
    try:
        first = await draft(client, command, out)
    except BadReply as error:
        out.say(f"{error.message} One more try.")
        first = await draft(client, c.Resume(page=command.page, action="continue", model=command.model), out)
    if first.revision is not None and first.revision.outcome == "unparsed":
        out.say("The reply could not be read as dialogue. One more try.")
        first = await draft(client, c.Generate(page=command.page, model=command.model), out)
    out.say(sentence(first))
    return first


async def _head(client: EngineClient, page: str, stage: str) -> v.RevisionView:
    now = await client.query(q.GetPage(page=page))
    head = next((cell.head for cell in now.cells if cell.name == stage), None)
    if head is None:
        raise NotFound(f"There is no {stage} to approve.", hint=f"See: studio history {page}")
    return head


def lines(root: Path, finished: Finished) -> list[tuple[str, ...]]:
    """Where everything lies, for the end of the demo."""
    page, total = finished.page, finished.costs.total
    ref = f"{page.chapter_number}/{page.number}"
    where = shown(root)
    unknown = f" + {total.unknown} of unknown price" if total.unknown else ""
    revisions = sum(cell.revisions for cell in page.cells)
    return [
        ("page", f"{ref} {page.title}: {state_words(page.state)}"),
        ("file", str(root / page.mirror)),
        ("history", f"{revisions} revisions: studio -C {where} history {ref}"),
        (
            "cost",
            f"${total.cost_usd:.4f}{unknown} in {counted(total.calls, 'call')}: studio -C {where} costs --page {ref} --calls",
        ),
        ("open", f"studio -C {where}"),
    ]


def as_data(root: Path, finished: Finished) -> dict[str, object]:
    page = finished.page
    return {
        "root": str(root),
        "page": page.id,
        "ref": f"{page.chapter_number}/{page.number}",
        "title": page.title,
        "state": page.state,
        "file": str(root / page.mirror),
        "revisions": {cell.name: cell.revisions for cell in page.cells},
        "database": str(root / ".studio" / "studio.duckdb"),
        "costs": finished.costs,
        "remarks": list(finished.remarks),
    }
