"""Limits as rules asked before each call: model revisions per stage, and money per run, day and project."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from studio.domain.errors import BudgetExceeded, LimitReached
from studio.domain.run import RunKind
from studio.protocol.views import SpendView
from studio.store import executions, revisions, runs
from studio.store.transaction import Tx

if TYPE_CHECKING:
    from studio.config.settings import Limits
    from studio.engine.open_project import OpenProject


def check_revisions(project: OpenProject, tx: Tx, page_id: str, stage: str, kind: RunKind) -> None:
    """Raises LimitReached when the stage of the page has had its model revisions; the first draft is not counted.

    A draft asked for again while a revision stands counts too: it replaces a text as a revision does.
    """
    if kind is RunKind.CONTINUE:
        return
    if kind is RunKind.DRAFT and revisions.head(tx, page_id, stage) is None:
        return
    limit = project.settings.limits.revisions
    if runs.revisions_count(tx, page_id, stage) >= limit:
        raise LimitReached(
            f"This {stage} has had its {limit} model revisions.",
            hint="Edit it yourself (that is never limited), or raise `[limits] revisions` in studio.toml.",
            data={"setting": "limits.revisions", "limit": limit},
        )


def spend(tx: Tx, limits: Limits) -> SpendView:
    """What was spent so far, in US dollars; a day begins at midnight UTC."""
    midnight = datetime(tx.now.year, tx.now.month, tx.now.day)
    day, _ = executions.spent(tx, since=midnight)
    total, unknown = executions.spent(tx)
    return SpendView(
        day=day,
        project=total,
        run_limit=limits.run_usd,
        day_limit=limits.day_usd,
        project_limit=limits.project_usd,
        unknown=unknown,
    )


async def money_left(project: OpenProject) -> float | None:
    """US dollars that a run may still spend under every limit that is set; None without one."""
    limits = project.settings.limits
    spent = await project.store.read(lambda tx: spend(tx, limits))
    rows = ((limits.run_usd, 0.0), (limits.day_usd, spent.day), (limits.project_usd, spent.project))
    return min((limit - used for limit, used in rows if limit is not None), default=None)


def check_money(spent: SpendView, expected: float | None, *, so_far: float = 0.0) -> None:
    """Raises BudgetExceeded when a call that may cost `expected` dollars could pass a limit.

    A call without a known price is refused while any limit is set: a limit that cannot be kept is none.
    """
    rows = (
        ("run_usd", so_far, spent.run_limit),
        ("day_usd", spent.day, spent.day_limit),
        ("project_usd", spent.project, spent.project_limit),
    )
    for name, used, limit in rows:
        if limit is None:
            continue
        if expected is None:
            raise BudgetExceeded(
                f"The price of this model is unknown, so `[limits] {name}` cannot be kept.",
                hint=f"Choose a model with a known price, or remove `[limits] {name}` from studio.toml.",
                data={"setting": f"limits.{name}", "limit": limit},
            )
        if used + expected > limit:
            raise BudgetExceeded(
                f"This call may cost ${expected:.4f}; with ${used:.4f} spent it could pass the limit of ${limit:.2f}.",
                hint=f"Raise `[limits] {name}` in studio.toml, or choose a cheaper model.",
                data={"setting": f"limits.{name}", "limit": limit, "spent": used, "expected": expected},
            )
