"""The log of tool calls: who called what, with which arguments, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from studio.domain.build import ToolUse
from studio.domain.text import clean, one_line
from studio.engine.open_project import OpenProject
from studio.protocol import build_queries as q
from studio.protocol import build_views as v
from studio.store import build_tasks, pages, tool_uses
from studio.store.transaction import Tx

LIMIT = 5_000
# A call may hold a whole file; its digest names the rest.
ARGUMENTS_LIMIT = 4_000
RESULT_LIMIT = 4_000
PATH_LIMIT = 400
"""A refused path may be anything that a model wrote."""


async def get_tool_log(project: OpenProject, query: q.GetToolLog, actor: str) -> v.ToolLogView:
    limit = max(1, min(query.limit, LIMIT))

    def read(tx: Tx) -> v.ToolLogView:
        page = pages.resolve(tx, query.page, final_state=project.workflow.final_state).id if query.page else None
        uses = tool_uses.listing(tx, page, query.run, limit=limit)
        texts = tool_uses.arguments(tx, uses, ARGUMENTS_LIMIT + 1)
        keys = build_tasks.keys(tx, page)
        return v.ToolLogView(
            calls=tuple(call_view(use, texts, keys) for use in uses), total=tool_uses.count(tx, page, query.run)
        )

    return await project.store.read(read)


def call_view(use: ToolUse, texts: Mapping[str, str], keys: Mapping[str, str]) -> v.ToolCallView:
    return v.ToolCallView(
        id=use.id,
        page=use.page_id,
        run=use.run_id,
        task=keys.get(use.task_id or "", ""),
        role=use.role,
        iteration=use.iteration,
        name=use.name,
        arguments=_cut(texts.get(use.arguments_digest, ""), ARGUMENTS_LIMIT),
        arguments_digest=use.arguments_digest,
        status=use.status.value,
        path=one_line(use.path or "", PATH_LIMIT),
        line=one_line(use.line),
        result=_cut(use.result, RESULT_LIMIT),
        elapsed_ms=use.elapsed_ms,
        created_at=use.created_at,
    )


def _cut(text: str, limit: int) -> str:
    return clean(text if len(text) <= limit else f"{text[: limit - 1]}…")
