"""What a past call was sent: its prompt word for word, and the decisions about context behind it."""

from __future__ import annotations

import json

from studio.domain.errors import NotFound, Refused
from studio.domain.page import Revision
from studio.domain.run import Execution, Run
from studio.engine.open_project import OpenProject
from studio.engine.views.canon import ledger_view
from studio.engine.views.page import find_revision
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.providers import tokens
from studio.store import blobs, executions, ledger, runs
from studio.store.transaction import Tx


async def get_asked(project: OpenProject, query: q.GetAsked, actor: str) -> v.ContextView:
    """Raises NotFound where no call was made, Refused where there were calls of several kinds."""

    def read(tx: Tx) -> v.ContextView:
        run = runs.get(tx, query.run) if query.run else _behind(tx, find_revision(project, tx, query.revision))
        calls = executions.listing(tx, run=run.id)
        prompts = {call.prompt_digest for call in calls if call.prompt_digest}
        if not prompts:
            raise NotFound("No call was made for this.", hint="What a model was sent is kept from its first call on.")
        if len(prompts) > 1:
            raise Refused("Several calls made this, each with a prompt of its own.", hint="See: studio audit")
        return _view(tx, run, calls, prompts.pop())

    return await project.store.read(read)


def _behind(tx: Tx, revision: Revision) -> Run:
    if revision.run_id is None:
        raise NotFound(f"No model wrote r{revision.number} of the {revision.stage}, so nothing was sent for it.")
    return runs.get(tx, revision.run_id)


def _view(tx: Tx, run: Run, calls: list[Execution], digest: str) -> v.ContextView:
    """`calls` are tries with the same prompt, newest first."""
    messages = tuple(
        v.MessageView(
            role=one["role"], text=one["text"], tokens=tokens.estimate(one["text"]), cache=bool(one.get("cache"))
        )
        for one in json.loads(blobs.get(tx, digest))
    )
    costs = [call.cost_usd for call in calls]
    cost = None if None in costs else sum(one or 0.0 for one in costs)
    return v.ContextView(
        page=run.page_id, stage=run.stage, kind=run.kind.value, model=run.model, messages=messages,
        ledger=tuple(ledger_view(one) for one in ledger.listing(tx, run.id)),
        tokens=calls[0].usage.input_tokens or sum(one.tokens for one in messages), budget=0,
        output_tokens=calls[0].usage.output_tokens or 0, price_low=cost, price_usual=cost, price_high=cost, template="",
        template_digest=calls[0].template_digest or "", prompt_digest=digest, line=_line(run, calls, cost),
    )  # fmt: skip


def _line(run: Run, calls: list[Execution], cost: float | None) -> str:
    usage = calls[0].usage
    figures = [
        f"{count:,} tokens {way}" for count, way in ((usage.input_tokens, "in"), (usage.output_tokens, "out")) if count
    ]
    price = "price unknown" if cost is None else f"${cost:.4f}" if cost else "free"
    tries = [f"{len(calls)} tries"] if len(calls) > 1 else []
    return f"{run.model}, {run.started_at:%Y-%m-%d %H:%M}: {', '.join([*figures, price, *tries])}"
