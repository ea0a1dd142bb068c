"""Walking through a plan's steps: those that are done and still hold are passed over, each other one is done and reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from studio.domain.errors import Conflict
from studio.domain.text import one_line
from studio.publishers.base import Done, PublishPlan, Release, Report, StepData

Action = Callable[[Done], Awaitable[StepData]]
"""Does one step; given the reports of those before it. Doing it again over what is there changes nothing."""

Check = Callable[[Done], Awaitable[bool]]
"""Whether what a finished step left behind is still there; reads only."""


def hold_to(release: Release, plan: PublishPlan, publisher: str) -> None:
    """Raises Conflict when a plan is not for this release and publisher."""
    if plan.version_id != release.version_id or plan.target.publisher != publisher:
        raise Conflict(
            f"The plan is for version {one_line(plan.version, 40)}, not for {one_line(release.version, 40)}.",
            hint="Plan again.",
            data={"expected": plan.version_id, "actual": release.version_id},
        )


async def carry_out(
    plan: PublishPlan,
    done: Done,
    report: Report,
    actions: Mapping[str, Action],
    checks: Mapping[str, Check] | None = None,
) -> dict[str, StepData]:
    """The reports of all steps. A step's report is kept before the next one begins.

    From the first step on that is not done, or whose check says that it does not hold any more, every one is done (again):
    what comes after stands on it. A done step without a check is taken to hold.
    """
    found: dict[str, StepData] = dict(done)
    standing = True
    for step in plan.steps:
        check = (checks or {}).get(step.id)
        standing = standing and step.id in done and (check is None or await check(found))
        if standing:
            continue
        data = dict(await actions[step.id](found))
        await report(step.id, data)
        found[step.id] = data
    return found
