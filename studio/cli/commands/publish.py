"""`studio publish`: list targets, show a plan, carry it out after the person's yes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from studio.cli.arguments import Group
from studio.cli.host import Host
from studio.domain.errors import Refused
from studio.domain.text import one_line
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq
from studio.protocol import build_views as bv

if TYPE_CHECKING:
    from studio.cli.output import Output
    from studio.protocol.client import EngineClient

_KEYS_LIMIT = 8
"""Keys of one target that are asked about, one after the other."""


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser,
        "Take approved versions out of here: to a folder, a zip file, git, GitHub, Appwrite, or as Supabase migrations. Targets are\n"
        "tables [publish.NAME] of studio.toml. `studio publish` alone lists them.",
        fallback="list",
    )
    group.add("list", _list, "List targets, and what was published when.", "studio publish list")
    plan = group.add(
        "plan", _plan, "Show what publishing would do: its steps, the differences there, and the plan's digest. Nothing is written.",
        "studio publish plan site", "studio publish plan site --version 1.0.0 --json",
    )  # fmt: skip
    apply = group.add(
        "apply", _apply, "Show the plan, ask, and carry it out. After a failure, the same command goes on with what is missing.",
        "studio publish apply site", "studio publish apply site --yes", "studio publish apply site --plan 5f0c1d2e9a",
    )  # fmt: skip
    for one in (plan, apply):
        _target(one)
        one.add_argument("--version", metavar="VERSION", help="an approved version (default: the newest of them)")
    way = apply.add_mutually_exclusive_group()
    way.add_argument("--yes", action="store_true", help="without asking: whatever the plan says now")
    way.add_argument(
        "--plan", metavar="DIGEST", help="without asking: this plan, as `studio publish plan` printed it, or nothing"
    )
    allow = group.add(
        "allow", _allow, "Say yes to sending a key to a host that the program does not know for it. Shows both first.",
        "studio publish allow site",
    )  # fmt: skip
    _target(allow)
    allow.add_argument("--yes", action="store_true", help="the yes, where no terminal can ask for it")


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="the name in [publish.NAME]")


# Looking


def _list(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(host))


async def _print(host: Host) -> int:
    from studio.cli.application import app_of
    from studio.domain.text import counted

    async with host.session() as client:
        await app_of(client)
        found = await client.query(bq.GetPublications())
    if host.out.as_json:
        host.out.json(found)
        return 0
    host.out.lines(_listed(found))
    if not found.targets:
        host.out.say(
            'There is no target yet. Add a table to studio.toml: [publish.site] with publisher = "folder", path = "site".'
        )
    if found.follow_ups:
        host.out.say(f"{counted(len(found.follow_ups), 'suggestion')}: studio follow-ups")
    return 0


def _listed(found: bv.PublicationsView) -> Iterator[str]:
    from studio.cli.application import at
    from studio.cli.output import table

    yield from table([(one.name, one.publisher or "-", one.problem or one.detail) for one in found.targets])
    if found.publications:
        yield ""
        yield from table([_published(one, at(one.created_at)) for one in found.publications])


def _published(one: bv.PublicationView, when: str) -> tuple[str, ...]:
    words = one.error or one.detail or one.url
    return (when, one.version, one.target, one.status, f"{one.steps_done}/{one.steps} steps", one.actor, words)


def _plan(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print_plan(bq.GetPublishPlan(target=args.target, version=args.version), host))


async def _print_plan(query: bq.GetPublishPlan, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session() as client:
        await app_of(client)
        plan = await client.query(query)
    if host.out.as_json:
        host.out.json(plan)
        return 0
    host.out.lines(_plan_lines(plan, host.out), styled=True)
    if any(not step.done for step in plan.steps):
        host.out.say(f"Nothing was done. Do it: studio publish apply {plan.target}{_named(query.version)}")
    return 0


def _named(version: str | None) -> str:
    return f" --version {version}" if version else ""


def _plan_lines(plan: bv.PublishPlanView, out: Output) -> Iterator[str]:
    """The plan as it is shown before a yes. Ready for `Output.lines(..., styled=True)`."""
    from studio.cli.file_diff import unified

    yield out.styled(f"Version {plan.version} to {plan.target} ({plan.publisher}): {plan.summary}", "strong")
    for number, step in enumerate(plan.steps, 1):
        done = " (done already)" if step.done else ""
        yield out.styled(f"  {number}. {step.title}{f': {step.detail}' if step.detail else ''}{done}", "plain")
    for warning in plan.warnings:
        yield out.styled(f"  note: {warning}", "warn")
    if plan.diff:
        yield ""
        yield from unified(plan.diff, out)
    yield ""
    yield out.styled(f"plan {plan.digest}", "plain")


# Doing


def _apply(args: argparse.Namespace, host: Host) -> int:
    return host.run(_carry_out(args, host))


async def _carry_out(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.application import app_of

    async with host.session(drafts=True) as client:
        await app_of(client)
        plan = await client.query(bq.GetPublishPlan(target=args.target, version=args.version))
        digest = _agreed(plan, args, host.out) if plan.steps else plan.digest
        done = await client.execute(b.Publish(target=args.target, plan=digest, version=plan.version))
        found = (await client.query(bq.GetPublications())).publications
    made = next((one for one in found if one.id == done.publication), None)
    if host.out.as_json:
        host.out.json(
            {
                "target": plan.target,
                "version": plan.version,
                "plan": digest,
                "publication": made,
                "message": done.message,
            }
        )
        return 0
    if made is not None:
        host.out.line(made.url or made.detail)
    host.out.say(done.message)
    return 0


def _agreed(plan: bv.PublishPlanView, args: argparse.Namespace, out: Output) -> str:
    """The digest that the person said yes to. A digest of another plan is left to the engine, which knows those that were begun."""
    from studio.cli.asking import need_yes

    wanted: str | None = args.plan
    if wanted is not None:
        return plan.digest if len(wanted) >= 8 and plan.digest.startswith(wanted) else wanted
    if not out.as_json:
        out.lines(_plan_lines(plan, out), styled=True)
    hint = f"Say yes with: studio publish apply {plan.target}{_named(args.version)} --plan {plan.digest[:12]}"
    need_yes(f"Publish version {plan.version} to {plan.target}?", given=args.yes, hint=hint)
    return plan.digest


def _allow(args: argparse.Namespace, host: Host) -> int:
    return host.run(_allowed(args.target, host, yes=args.yes))


async def _allowed(target: str, host: Host, *, yes: bool) -> int:
    from studio.cli.application import app_of
    from studio.cli.asking import need_yes

    recorded: list[str] = []
    async with host.session() as client:
        await app_of(client)
        while (text := await _asked_for(client, target)) and len(recorded) < _KEYS_LIMIT and text not in recorded:
            host.out.say(f"[publish.{one_line(target, 60)}] wants to {text}.")
            need_yes(
                "Allow this for this project on this computer?",
                given=yes,
                hint=f"Say yes with: studio publish allow {target} --yes",
            )
            await client.execute(b.AllowCheck(command=text))
            recorded.append(text)
    if host.out.as_json:
        host.out.json({"target": target, "allowed": recorded})
        return 0
    host.out.lines(recorded)
    host.out.say("Recorded." if recorded else "It asks for nothing that needs a yes.")
    return 0


async def _asked_for(client: EngineClient, target: str) -> str:
    """What the target needs a yes for, in words; empty when nothing. Any other refusal is raised."""
    try:
        await client.query(bq.GetPublishPlan(target=target))
    except Refused as error:
        text = (error.data or {}).get("allow")
        if not isinstance(text, str):
            raise
        return text
    return ""
