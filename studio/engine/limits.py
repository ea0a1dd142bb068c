"""Limits as rules asked before each call: model revisions per stage, and money per run, day and project."""

from __future__ import annotations

import asyncio
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
    midnight = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
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


class Promises:
    """What the calls under way may cost at most, in US dollars by run. Their price is a row only at their end: without this, sixty
    drafts that begin together would each find the whole budget unspent. Lives on the engine's loop."""

    def __init__(self) -> None:
        self._amounts: dict[str, float] = {}
        self._changed = asyncio.Event()

    def keep(self, run: str, amount: float) -> None:
        """What this run's calls may cost now, instead of what it said before."""
        self._amounts[run] = amount
        self._changed.set()

    def drop(self, run: str) -> None:
        """The run has ended, and what it cost is in its rows."""
        self._amounts.pop(run, None)
        self._changed.set()

    async def changed(self) -> None:
        """Return once a promise was kept or changed."""
        self._changed.clear()
        await self._changed.wait()

    def of_others(self, run: str) -> float:
        return sum(amount for other, amount in self._amounts.items() if other != run)


async def run_limit(project: OpenProject, run: str, spent: float) -> float | None:
    """US dollars that a run may cost in all under every limit that is set, None without one. `spent` is what it has cost, which
    the rows know of."""
    limits = project.settings.limits
    if limits.run_usd is None and limits.day_usd is None and limits.project_usd is None:
        return None
    known = await project.store.read(lambda tx: spend(tx, limits))
    others = project.promises.of_others(run)
    rows = (
        (limits.run_usd, 0.0),
        (limits.day_usd, max(known.day - spent, 0.0) + others),
        (limits.project_usd, max(known.project - spent, 0.0) + others),
    )
    return min((limit - used for limit, used in rows if limit is not None), default=None)


def check_money(spent: SpendView, expected: float | None, *, promised: float = 0.0) -> None:
    """Raises BudgetExceeded when a call that may cost `expected` dollars could pass a limit, with what is `promised` to others.

    A call without a known price is refused while any limit is set: a limit that cannot be kept is none.
    """
    rows = (
        ("run_usd", 0.0, spent.run_limit),
        ("day_usd", spent.day + promised, spent.day_limit),
        ("project_usd", spent.project + promised, spent.project_limit),
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
            under_way = f" or promised to drafts under way (${promised:.4f})" if promised and name != "run_usd" else ""
            raise BudgetExceeded(
                f"This call may cost ${expected:.4f}; with ${used:.4f} spent{under_way} it could pass the limit of ${limit:.2f}.",
                hint=f"Raise `[limits] {name}` in studio.toml, or choose a cheaper model.",
                data={"setting": f"limits.{name}", "limit": limit, "spent": used, "expected": expected},
            )
