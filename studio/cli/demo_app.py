"""The application's demo without its screen: the next change through all phases, and what lies where at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli import demo_mark
from studio.cli.demo import shown
from studio.cli.following import draft, sentence
from studio.cli.outline import page_ref
from studio.domain.errors import NotFound, Refused, StudioError
from studio.domain.text import counted, one_line
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v

if TYPE_CHECKING:
    from studio.cli.output import Output
    from studio.protocol.client import EngineClient

_TRIES = 2
_PHASES = 24
"""More than a change has with its returns: the demo never runs for ever."""


@dataclass(frozen=True, slots=True)
class FinishedChange:
    """A change that the demo brought to its end; `remarks` says where something was approved although a reviewer would not."""

    page: v.PageView
    build: bv.BuildView
    version: bv.VersionView
    changed: tuple[str, ...]
    calls: int
    costs: v.CostsView
    remarks: tuple[str, ...]


async def finish_a_change(client: EngineClient, root: Path, model: str | None, out: Output) -> FinishedChange:
    """Bring the change that is the demo's to take from where it stands to its approved version.

    Raises the error of a phase that failed twice, and Refused where a person has worked.
    """
    page = await client.query(q.GetPage(page=await demo_mark.page_to_take(client, root, shown(root))))
    demo_mark.keep(root, demo_mark.Mark(page=page.id))
    out.say(f"Change {page_ref(page)} {page.title}: {page.brief.text.strip() if page.brief else ''}")
    if page.phase == "awaiting":
        raise Refused("The next change has no request.", hint=f'Write one: studio page brief {page_ref(page)} "..."')
    if page.phase in ("failed", "interrupted"):
        await client.execute(c.Resume(page=page.id, action="discard"))
    remarks: list[str] = []
    for _ in range(_PHASES):
        page = await client.query(q.GetPage(page=page.id))
        if page.phase == "approved":
            demo_mark.forget(root)
            return await _finished(client, page, tuple(remarks))
        if page.phase == "user_reviewing":
            remarks += await _approve(client, page, out)
        else:
            await _draft(client, page, model, out)
    raise Refused("The change did not come to its end.", hint=f"Look at it: studio show {page_ref(page)}")


async def _draft(client: EngineClient, page: v.PageView, model: str | None, out: Output) -> None:
    """The stage's draft, and one more try where the first came to nothing."""
    label = _cell(page).label
    out.say(f"{label} begins.")
    for attempt in range(1, _TRIES + 1):
        try:
            drafted = await draft(client, c.Generate(page=page.id, model=model), out)
        except StudioError as error:
            if attempt == _TRIES or error.data.get("status") != "failed":
                raise
            out.say(f"{error.message} One more try.")
            await client.execute(c.Resume(page=page.id, action="discard"))
            continue
        out.say(sentence(drafted))
        if drafted.revision is None or drafted.revision.outcome != "unparsed" or attempt == _TRIES:
            return
        out.say("The answer could not be read. One more try.")


async def _approve(client: EngineClient, page: v.PageView, out: Output) -> list[str]:
    """Approve; where that is refused, approve all the same and say why."""
    cell = _cell(page)
    if cell.head is None:
        raise NotFound(f"There is no {cell.label.lower()} to approve.", hint=f"See: studio history {page_ref(page)}")
    remarks: list[str] = []
    try:
        done = await client.execute(c.Approve(page=page.id, revision=cell.head.id))
    except Refused as error:
        remarks.append(f"{cell.label}: {error.message} It was approved anyway.")
        out.say(remarks[0])
        done = await client.execute(c.Approve(page=page.id, revision=cell.head.id, anyway=True))
    out.say(done.message)
    return remarks


def _cell(page: v.PageView) -> v.StageCell:
    found = next((cell for cell in page.cells if cell.name == page.stage), None)
    if found is None:
        raise NotFound(f"The change stands at no stage: {one_line(page.state)}.")
    return found


async def _finished(client: EngineClient, page: v.PageView, remarks: tuple[str, ...]) -> FinishedChange:
    build = await client.query(bq.GetBuild(page=page.id))
    version = next((one for one in build.versions if one.approved), None)
    if version is None:
        raise NotFound("The change is complete, and has no approved version.", hint="See: studio versions list")
    diff = await client.query(bq.GetVersionDiff(version=version.id))
    log = await client.query(bq.GetToolLog(page=page.id))
    costs = await client.query(q.GetCosts(by="model", page=page.id, executions=True))
    return FinishedChange(page, build, version, tuple(one.path for one in diff.files), log.total, costs, remarks)


def lines(root: Path, finished: FinishedChange) -> list[tuple[str, ...]]:
    """Where everything lies, for the end of the demo."""
    page, version, total = finished.page, finished.version, finished.costs.total
    ref, where = page_ref(page), shown(root)
    unknown = f" + {total.unknown} of unknown price" if total.unknown else ""
    tools = f"{counted(finished.calls, 'call')}, {counted(finished.build.findings_open, 'finding')} open"
    return [
        ("change", f"{ref} {page.title}: {finished.build.phase.lower()}"),
        ("version", f"{version.number}: {one_line(version.summary)}"),
        ("files", f"{root / 'app'}: {', '.join(finished.changed) or 'none changed'}"),
        ("compare", f"studio -C {where} versions diff {version.number}"),
        ("tools", f"{tools}: studio -C {where} tools"),
        (
            "cost",
            f"${total.cost_usd:.4f}{unknown} in {counted(total.calls, 'call')}: studio -C {where} costs --page {ref} --calls",
        ),
        ("open", f"studio -C {where}"),
    ]


def as_data(root: Path, finished: FinishedChange) -> dict[str, object]:
    page, version = finished.page, finished.version
    return {
        "root": str(root),
        "page": page.id,
        "ref": page_ref(page),
        "title": page.title,
        "state": page.state,
        "version": version.number,
        "summary": version.summary,
        "app": str(root / "app"),
        "changed": list(finished.changed),
        "tool_calls": finished.calls,
        "findings_open": finished.build.findings_open,
        "database": str(root / ".studio" / "studio.duckdb"),
        "costs": finished.costs,
        "remarks": list(finished.remarks),
    }
