"""`studio models`: which models there are, which one is used; choose one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from studio.cli.arguments import describe
from studio.cli.commands.answers import print_done
from studio.cli.host import Host
from studio.cli.output import table
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.presenters.models import stage_names


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "List the models that could be used, with prices in US dollars per million tokens and where the key comes from.\n"
        "--check asks each service that has a key for its list (nothing is generated); exit code 4 if one does not answer.",
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
    return host.run(_print(args.check, args.all, host))


async def _set(command: c.SetModel, host: Host) -> int:
    async with host.session() as client:
        return print_done(await client.execute(command), host.out)


async def _print(check: bool, everything: bool, host: Host) -> int:
    async with host.session() as client:
        found = await client.query(q.GetModels(check=check))
        names = stage_names(await client.query(q.GetProject()))
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
    yield from table([_row(one, names) for one in shown], width, whole=_REF_AND_PRICE)
    if check:
        asked = [one for one in found.providers if one.ok is not None]
        yield ""
        yield from table([(_answer(one, found), one.name, one.base_url, one.message) for one in asked], width)


_REF_AND_PRICE = (1, 2)


def _counts(service: v.ProviderLine, found: v.ModelsView) -> bool:
    """A service that is not meant to be there (no key, not in use) may be absent: that is no failure."""
    used = any(one.provider == service.name and one.current_for for one in found.models)
    return bool(service.key) or used


def _answer(service: v.ProviderLine, found: v.ModelsView) -> str:
    if service.ok:
        return "ok"
    return "failed" if _counts(service, found) else "-"


def _row(one: v.ModelLine, names: Mapping[str, str]) -> tuple[str, ...]:
    price = "price unknown"
    if one.input_price is not None and one.output_price is not None:
        price = f"${one.input_price:g} in, ${one.output_price:g} out"
    if one.provider == "local":
        price = "free"
    mark = "*" if one.current_for else ""
    why = f"for {', '.join(names.get(role, role) for role in one.current_for)}" if one.current_for else one.reason
    return (mark, one.ref, price, f"{one.context_tokens:,} tokens", one.key and f"key: {one.key}", why)
