"""`studio history`: every revision, feedback and unfinished run of a page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.run import NOT_WHOLE
from studio.domain.text import counted, one_line, word_count
from studio.protocol import queries as q
from studio.protocol import views as v


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "List a page's revisions, newest first, with the feedback they answer, and runs that made no revision.",
        "studio history 2/14", "studio history 2/14 --stage narration --json",
    )  # fmt: skip
    page_argument(parser)
    parser.add_argument("--stage", help="one stage alone (narration, dialogue, brief)")


def run(args: argparse.Namespace, host: Host) -> int:
    return host.run(_print(q.GetHistory(page=args.page, stage=args.stage), host))


async def _print(query: q.GetHistory, host: Host) -> int:
    async with host.session() as client:
        history = await client.query(query)
    if host.out.as_json:
        host.out.json(history)
        return 0
    host.out.lines(lines(history))
    return 0


def lines(history: v.HistoryView) -> Iterator[str]:
    """Three blocks: revisions, feedback, runs without a revision."""
    yield from table([_revision(one) for one in history.revisions])
    if history.feedback:
        yield ""
        yield "feedback"
        yield from table([_feedback(one) for one in history.feedback])
    without = [run for run in history.runs if run.revision is None]
    if without:
        yield ""
        yield "runs without a revision"
        yield from table([_run(one) for one in without])


def _revision(one: v.RevisionView) -> tuple[str, ...]:
    marks = [
        mark
        for mark, on in (
            ("approved", one.approved),
            (NOT_WHOLE.get(one.outcome, one.outcome), one.outcome != "complete"),
        )
        if on
    ]
    who = one.model if one.origin == "agent" and one.model else one.author
    return (
        f"{one.stage} r{one.number}", f"{one.created_at:%Y-%m-%d %H:%M}", counted(one.words, "word"), who, one.origin,
        ", ".join(filter(None, [*marks, one_line(one.note, 60)])),
    )  # fmt: skip


def _feedback(one: v.FeedbackView) -> tuple[str, ...]:
    quote = f'"{one_line(one.quote, 60)}": ' if one.quote else ""
    return (f"{one.stage} r{one.revision_number}", one.kind, one.state, one.author, f"{quote}{one_line(one.text)}")


def _run(one: v.RunView) -> tuple[str, ...]:
    words = counted(word_count(one.partial), "word") if one.partial.strip() else "no text"
    return (one.stage, f"{one.started_at:%Y-%m-%d %H:%M}", one.status, one.model, words, one_line(one.error or ""))
