"""`studio context`: exactly what the next draft would send, and its price, without calling anything; or what a past one was sent."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import TEXT, describe, page_argument, read_given
from studio.cli.commands.show import revision_ref
from studio.cli.host import Host
from studio.cli.outline import word
from studio.cli.output import table
from studio.domain.errors import BadInput
from studio.domain.page import BRIEF
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.tui.presenters.warnings import told


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Print the exact messages of the next call, what went in and why, what was left out, tokens and price. Nothing is called. Of a\n"
        "draft under review that is a revision, with the open notes; with --again it is another draft from the start, without them.\n"
        "With --revision or --run it is what the model was sent for that one.",
        "studio context next", "studio context 1/1 --again", "studio context 1/1 --stage narration --revision 2",
        'studio context 2/14 --feedback "Colder." --model openai:gpt-6.1-terra',
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--stage", help="the stage (default: where the page stands)")
    parser.add_argument("--model", metavar="REF", help="for this model")
    parser.add_argument("--feedback", metavar="TEXT", help=f"of a revision from this feedback: {TEXT}")
    parser.add_argument("--again", action="store_true", help="of another draft, from the start")
    parser.add_argument("--revision", metavar="N|ID", help="what was sent for this revision: its number, or id")
    parser.add_argument("--run", metavar="ID", dest="of_run", help="what was sent for this run, as in history --json")
    parser.add_argument("--ledger", action="store_true", help="only what went in and what was left out")


def run(args: argparse.Namespace, host: Host) -> int:
    feedback = None if args.feedback is None else read_given(args.feedback)
    if args.again and feedback is not None:
        raise BadInput(
            "--again is of a draft from the start, which is given no feedback.", hint="Leave one of them out."
        )
    query = q.GetContext(page=args.page, stage=args.stage, model=args.model, feedback=feedback, likely=not args.again)
    if not (args.of_run or args.revision):
        return host.run(_print(query, args.ledger, host))
    if (args.of_run and args.revision) or args.again or feedback is not None or args.model:
        raise BadInput(
            "--revision and --run are each of a call that was made; nothing else goes with them but --stage and --ledger."
        )
    return host.run(_print(query, args.ledger, host, revision=args.revision or "", run=args.of_run or ""))


async def _print(query: q.GetContext, ledger_only: bool, host: Host, *, revision: str = "", run: str = "") -> int:
    async with host.session() as client:
        if revision:
            page = await client.query(q.GetPage(page=query.page))
            revision = revision_ref(page, query.stage or page.stage, revision)
        found = await client.query(q.GetAsked(revision=revision, run=run) if revision or run else query)
        project = await client.query(q.GetProject())
    if host.out.as_json:
        host.out.json(found)
        return 0
    if not ledger_only:
        host.out.lines(_messages(found))
    host.out.lines(_ledger(found, word(project, BRIEF)))
    host.out.say(found.line)
    for warning in found.warnings:
        host.out.say(told(warning))
    return 0


def _messages(found: v.ContextView) -> Iterator[str]:
    for message in found.messages:
        cached = ", end of the cached part" if message.cache else ""
        yield f"=== {message.role} ({message.tokens:,} tokens{cached})"
        yield message.text
        yield ""


def _ledger(found: v.ContextView, brief: str) -> Iterator[str]:
    yield f"=== {found.kind} of {found.stage} with {found.model or 'no model'}"
    template = f"{found.template} ({found.template_digest[:12]})" if found.template else found.template_digest[:12]
    yield f"template {template}, prompt {found.prompt_digest[:12]}"
    if found.budget:
        yield f"{found.tokens:,} of {found.budget:,} tokens in, up to {found.output_tokens:,} out"
    yield ""
    yield from table([_row(row, brief) for row in found.ledger])


def _row(row: v.LedgerView, brief: str) -> tuple[str, ...]:
    """`brief` is what the project's workflow calls one."""
    why = row.reason if row.included else f"left out: {row.left_out or row.reason}"
    kind, name = (brief, brief) if row.kind == BRIEF else (row.kind, row.name)
    return ("+" if row.included else "-", kind, name, f"{row.tokens:,}", why, row.detail)
