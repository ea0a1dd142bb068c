"""The money of one run: shares that workers reserve before they start, so that together they cannot pass a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from studio.domain.errors import BudgetExceeded
from studio.engine.limits import run_limit

if TYPE_CHECKING:
    from studio.engine.open_project import OpenProject


class Purse:
    """`limit` is what the run may cost in US dollars, None without a limit. Lives on one event loop.

    What other runs spend meanwhile changes a day's and a project's limit: `renew` is told what this run has spent and answers with
    the limit as it is now; `promise` hears what is reserved, which others may not count on.
    """

    def __init__(
        self,
        limit: float | None,
        *,
        renew: Callable[[float], Awaitable[float | None]] | None = None,
        promise: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.limit = limit
        self._renew, self._promise = renew, promise
        self.spent = 0.0
        self._held: dict[str, float] = {}
        self._waiting: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def free(self) -> float:
        """What nobody has reserved."""
        return float("inf") if self.limit is None else self.limit - self.spent - sum(self._held.values())

    def has(self, holder: str, expected: float) -> bool:
        """Whether the holder could reserve this much at once."""
        return expected - self._held.get(holder, 0.0) <= self.free

    async def take(self, holder: str, expected: float | None) -> None:
        """Reserve what the holder's next step may cost, beside what it has. Waits while others hold what is missing.

        Raises BudgetExceeded when it can not fit, or when a price is unknown and a limit has to be kept.
        """
        await self._look_again()
        if self.limit is None:
            return
        if expected is None:
            raise BudgetExceeded(
                "The price of this model is unknown, so the money limit of this run cannot be kept.",
                hint="Choose a model with a known price, or remove the limit from `[limits]` in studio.toml.",
            )
        while not self.has(holder, expected):
            if not any(self._will_give_back(other) for other in self._held if other != holder):
                raise BudgetExceeded(
                    f"The next call may cost ${expected:.4f}; ${max(self.limit - self.spent, 0.0):.4f} are left for this run.",
                    hint="Raise `[limits]` in studio.toml, or choose a cheaper model.",
                    data={"spent": self.spent, "expected": expected, "limit": self.limit},
                )
            await self._wait(holder)
            await self._look_again()
            if self.limit is None:
                return
        self._held[holder] = max(self._held.get(holder, 0.0), expected)
        self._promise(sum(self._held.values()))

    async def _look_again(self) -> None:
        if self._renew is not None:
            self.limit = await self._renew(self.spent)

    def _will_give_back(self, holder: str) -> bool:
        """Whether somebody holds money and is at work with it: two who wait for each other would wait for ever."""
        return self._held[holder] > 0 and holder not in self._waiting

    async def _wait(self, holder: str) -> None:
        self._waiting.add(holder)
        self._changed.clear()
        try:
            await self._changed.wait()
        finally:
            self._waiting.discard(holder)

    def pay(self, holder: str, cost: float | None) -> None:
        """A call has ended. One without a known price is taken for what was reserved."""
        held = self._held.get(holder, 0.0)
        paid = held if cost is None else cost
        self.spent += paid
        self._held[holder] = max(0.0, held - paid)
        self._promise(sum(self._held.values()))
        self._changed.set()

    def close(self, holder: str) -> None:
        """Give back what is left of a share."""
        self._held.pop(holder, None)
        self._promise(sum(self._held.values()))
        self._changed.set()


async def purse_of(project: OpenProject, run: str) -> Purse:
    """The money of a run under the project's limits, which other runs draw on too."""

    async def renew(spent: float) -> float | None:
        return await run_limit(project, run, spent)

    return Purse(await renew(0.0), renew=renew, promise=partial(project.promises.keep, run))
