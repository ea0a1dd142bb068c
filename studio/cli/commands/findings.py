"""`studio findings`: what reviewers, validators, rules and checks found in a change, and settling it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.cli.arguments import TEXT, Group, page_argument, read_given
from studio.cli.host import Host
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

if TYPE_CHECKING:
    from studio.protocol.client import EngineClient

_SHORT = 8
STATES = ("fixed", "waived", "intended", "false", "open")


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "What was found in the files of a change, and who settled it how. `studio findings` alone lists it.",
        fallback="list",
    )  # fmt: skip
    listed = group.add(
        "list", _list, "List findings, with the end of the id of each.", "studio findings list --open", "studio findings list 1/2"
    )  # fmt: skip
    page_argument(listed, needed=False)
    listed.add_argument("--open", action="store_true", help="only those that are open")
    listed.add_argument("--all", action="store_true", help="of every change")
    settle = group.add(
        "settle", _settle, "Say what became of a finding. Waived and intended need a reason, which the next reviewer sees.",
        'studio findings settle 9f3a12bc --as waived --reason "No build step in this project."',
        "studio findings settle 9f3a12bc --as open",
    )  # fmt: skip
    settle.add_argument("finding", metavar="FINDING", help="its id, or the end of it as listed")
    settle.add_argument("--as", dest="state", required=True, choices=STATES, help="what became of it")
    settle.add_argument("--reason", metavar="TEXT", default="", help=f"why: {TEXT}")


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(args, host))


async def _print(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.application import app_of, change_of
    from studio.domain.text import counted

    async with host.session() as client:
        page = None if args.all else await change_of(client, args.page)
        await app_of(client)
        found = await client.query(bq.GetFindings(page=page, open_only=args.open))
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(_lines(found))
    host.out.say(f"{counted(len(found.findings), 'finding')}, {found.open} open.")
    return 0


def _lines(found: bv.FindingsView) -> Iterator[str]:
    """Two lines each: where and what, with the change where several are listed; the suggestion, or how it was settled."""
    from studio.cli.output import table

    several = len({one.page for one in found.findings}) > 1
    heads = table([_head(one, several=several) for one in found.findings])
    for one, head in zip(found.findings, heads, strict=True):
        yield head
        settled = f"{one.state} by {one.by}: {one.reason}" if one.state != "open" and one.reason else ""
        for words in filter(None, (one.suggestion, settled)):
            yield f"    {words}"


def _head(one: bv.FindingView, *, several: bool) -> tuple[str, ...]:
    where = f"{one.path}:{one.line}" if one.path and one.line else one.path or "-"
    who = (one.rule and f"{one.source} {one.rule}") or one.source
    change = (one.change,) if several else ()
    return (one.id[-_SHORT:], *change, one.state, one.severity, where, who, one.message)


def _settle(args: argparse.Namespace, host: Host) -> int:
    return host.run(_settled(args.finding, args.state, read_given(args.reason), host))


async def _settled(ref: str, state: str, reason: str, host: Host) -> int:
    from typing import Literal, cast

    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        finding = await _named(client, ref)
        as_state = cast("Literal['open', 'fixed', 'waived', 'intended', 'false']", state)
        done = await client.execute(b.SettleFinding(finding=finding.id, state=as_state, reason=reason))
    if host.out.as_json:
        host.out.json({"finding": finding.id, "state": state, "reason": reason, "message": done.message})
        return 0
    host.out.line(f"{finding.id[-_SHORT:]} {state}")
    host.out.say(done.message)
    return 0


async def _named(client: EngineClient, ref: str) -> bv.FindingView:
    """The finding with this id, or the only one whose id ends so. Raises NotFound or BadInput."""
    from studio.domain.errors import BadInput, NotFound
    from studio.domain.text import one_line

    wanted = ref.strip().casefold()
    every = (await client.query(bq.GetFindings())).findings
    found = [one for one in every if len(wanted) >= 4 and one.id.casefold().endswith(wanted)]
    if not found:
        raise NotFound(f"There is no finding {one_line(ref, 60)!r}.", hint="See: studio findings list --all")
    if len(found) > 1:
        raise BadInput(
            f"{len(found)} findings have an id that ends in {one_line(ref, 60)!r}.", hint="Give more of the id."
        )
    return found[0]
