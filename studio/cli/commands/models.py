"""`studio models`: which models there are, which one is used; choose one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping

from studio.cli.arguments import describe
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.errors import NotFound
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.presenters.models import stage_names


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "List the models that could be used, with prices in US dollars per million tokens and where the key comes from.\n"
        "Outside a project: those of your own settings. --check asks each service that has a key for its list (nothing is\n"
        "generated); exit code 4 if one does not answer.",
        "studio models", "studio models --check", "studio models --set anthropic:claude-sonnet-5-5 --role narrator",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="ask the services whether they answer")
    parser.add_argument("--all", action="store_true", help="also models that cannot be used now, with the reason")
    parser.add_argument(
        "--set", metavar="REF", help="write the project's model to studio.toml; an empty REF removes it"
    )
    parser.add_argument("--role", help="with --set: for this role alone")


def run(args: argparse.Namespace, host: Host) -> int:
    if args.set is not None:
        return host.run(_set(c.SetModel(model=args.set, role=args.role), host))
    if not (args.project or os.environ.get("STUDIO_PROJECT") or _in_project(host)):
        return host.run(_print_own(args.check, args.all, host))
    return host.run(_print(args.check, args.all, host))


def _in_project(host: Host) -> bool:
    try:
        host.root()
    except NotFound:
        return False
    return True


async def _set(command: c.SetModel, host: Host) -> int:
    async with host.session() as client:
        return print_done(await client.execute(command), host.out)


async def _print(check: bool, everything: bool, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(q.GetModels(check=check))
        names = stage_names(await client.query(q.GetProject()))
    return _show(found, names, host, check=check, everything=everything)


async def _print_own(check: bool, everything: bool, host: Host) -> int:
    found = await host.own_models(check=check)
    code = _show(found, {}, host, check=check, everything=everything)
    host.out.say("There is no project here: these are the models of your own settings.")
    return code


def _show(found: v.ModelsView, names: Mapping[str, str], host: Host, *, check: bool, everything: bool) -> int:
    code = 4 if any(one.ok is False and _counts(one, found) for one in found.providers) else 0
    if host.out.as_json:
        host.out.json(found)
        return code
    host.out.lines(_lines(found, names, host.out.width, check=check, everything=everything))
    if found.current is None:
        host.out.say(found.hint)
    return code


def _lines(
    found: v.ModelsView, names: Mapping[str, str], width: int, *, check: bool, everything: bool
) -> Iterator[str]:
    shown = [one for one in found.models if one.available or one.current_for or everything]
    yield from table([_row(one, names, found.current) for one in shown], width, whole=_REF_AND_PRICE)
    if check:
        asked = [one for one in found.providers if one.ok is not None]
        yield ""
        yield from table([(_answer(one, found), one.name, one.base_url, one.message) for one in asked], width)


_REF_AND_PRICE = (1, 2)


def _counts(service: v.ProviderLine, found: v.ModelsView) -> bool:
    """A service that is not meant to be there (no key, not in use) may be absent: that is no failure."""
    used = any(one.provider == service.name and (one.current_for or one.ref == found.current) for one in found.models)
    return bool(service.key) or used


def _answer(service: v.ProviderLine, found: v.ModelsView) -> str:
    if service.ok:
        return "ok"
    return "failed" if _counts(service, found) else "-"


def _row(one: v.ModelLine, names: Mapping[str, str], current: str | None) -> tuple[str, ...]:
    price = "price unknown"
    if one.input_price is not None and one.output_price is not None:
        price = f"${one.input_price:g} in, ${one.output_price:g} out"
    if one.provider == "local" or price == "$0 in, $0 out":
        price = "free"
    mark = "*" if one.current_for or one.ref == current else ""
    why = f"for {', '.join(names.get(role, role) for role in one.current_for)}" if one.current_for else one.reason
    if mark and not one.current_for:
        why = f"for a new project{f': {one.reason}' if one.reason else ''}"
    return (mark, one.ref, price, f"{one.context_tokens:,} tokens", one.key and f"key: {one.key}", why)
