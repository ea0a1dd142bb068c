"""Where versions go: targets with their plans, carried out by a second key; what was published; and offers, which become changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from studio.domain.errors import Conflict
from studio.protocol.build_commands import Publish
from studio.protocol.build_events import PublicationChanged, VersionChanged
from studio.protocol.build_queries import GetPublications, GetPublishPlan
from studio.protocol.build_views import FollowUpView, PublicationsView, PublicationView, PublishPlanView, TargetView
from studio.protocol.commands import AddPage
from studio.protocol.events import AnyEvent
from studio.tui.presenters import publishing as picture
from studio.tui.presenters.lines import Line
from studio.tui.screens.framed import Acts
from studio.tui.screens.listed import ListedScreen


class PublishScreen(ListedScreen):
    """A plan is made only when it is asked for: some targets are looked at over the network for it."""

    scopes: ClassVar[tuple[str, ...]] = ("publish", "rows", "anywhere")
    part: ClassVar[float] = 0.4
    title_text = "Publish"

    def __init__(self) -> None:
        super().__init__()
        self.view: PublicationsView | None = None
        self.plans: dict[str, PublishPlanView] = {}

    async def ask(self) -> None:
        self.view = await self.app.session.query(GetPublications())

    def concerns(self, event: AnyEvent) -> bool:
        return isinstance(event, PublicationChanged | VersionChanged)

    def rows(self, width: int) -> list[Line]:
        return picture.rows(self.view, width, self.app.glyphs, datetime.now(UTC)) if self.view else []

    # What the cursor is on

    def _place(self, kind: str) -> str | None:
        here = self.here
        return here[1] if isinstance(here, tuple) and len(here) == 2 and here[0] == kind else None

    @property
    def target(self) -> TargetView | None:
        name = self._place("target")
        return next((one for one in self.view.targets if one.name == name), None) if self.view else None

    @property
    def publication(self) -> PublicationView | None:
        wanted = self._place("publication")
        return next((one for one in self.view.publications if one.id == wanted), None) if self.view else None

    @property
    def offer(self) -> FollowUpView | None:
        wanted = self._place("offer")
        return next((one for one in self.view.follow_ups if one.id == wanted), None) if self.view else None

    def detail_rows(self, width: int) -> list[Line]:
        width, shown = min(width, 100), self.app.keymap.shown
        if self.target is not None:
            plan = self.plans.get(self.target.name)
            if plan is not None:
                return picture.plan_lines(plan, width, self.app.glyphs, shown("publish.apply"))
            return picture.target_story(self.target, width, shown("publish.plan"))
        if self.publication is not None:
            return picture.publication_story(self.publication, width)
        return picture.offer_story(self.offer, width, shown("publish.take")) if self.offer is not None else []

    def said(self) -> str:
        done = sum(1 for one in self.view.publications if one.status == "done") if self.view else 0
        return f"{done} published" if done else ""

    # Keys

    def acts(self) -> Acts:
        acts = super().acts()
        target = self.target
        if target is not None and not target.problem:
            acts["publish.plan"] = lambda: self.plan(target.name)
            if target.name in self.plans and any(not step.done for step in self.plans[target.name].steps):
                acts["publish.apply"] = lambda: self.apply(self.plans[target.name])
        if self.offer is not None and picture.makes_a_change(self.offer):
            acts["publish.take"] = self.take
        return acts

    def why_not(self, action_id: str) -> str:
        target = self.target
        if action_id not in ("publish.plan", "publish.apply"):
            return ""
        if target is None:
            return "The cursor is on no target; a plan is made for one."
        if target.problem:
            return f"{target.name} cannot be used: {target.problem}"
        plan = self.app.keymap.shown("publish.plan")
        done = "is done already" if target.name in self.plans else "is not made yet"
        return f"The plan for {target.name} {done}; {plan} looks at what it would get."

    async def plan(self, target: str) -> None:
        self.app.say(f"Looking at what {target} would get...")
        self.plans[target] = await self.app.session.query(GetPublishPlan(target=target))
        self.app.clear_message()
        self.draw()

    def apply(self, plan: PublishPlanView) -> None:
        steps = sum(1 for step in plan.steps if not step.done)
        if not steps:
            self.app.say(f"Version {plan.version} is at {plan.target} already; there is nothing to do.")
            return
        key = self.app.keymap.shown("publish.apply")

        async def go() -> None:
            await self._carry_out(plan)

        what = f"{steps} step{'s' if steps != 1 else ''}"
        self.app.ask(f"Version {plan.version} goes to {plan.target} ({plan.publisher}), {what}. {key} again does it.",
                     "publish.apply", go)  # fmt: skip

    async def _carry_out(self, plan: PublishPlanView) -> None:
        self.app.say(f"Publishing {plan.version} to {plan.target}...")
        try:
            done = await self.app.session.execute(Publish(target=plan.target, plan=plan.digest, version=plan.version))
        except Conflict as error:
            await self.plan(plan.target)
            self.app.say(f"{error.message} The plan as it is now stands here.", "warning")
            return
        self.plans.pop(plan.target, None)
        await self.refresh_rows()
        self.app.say(done.message)

    async def take(self) -> None:
        """A change with the offer as its request, in the release that is on the screen; nothing is drafted."""
        offer, session = self.offer, self.app.session
        chapter = session.page.chapter if session.page else ""
        if offer is None or not chapter:
            return
        brief = f"{offer.title}\n\n{offer.why}" + (f"\n\n{offer.action}" if offer.action else "")
        done = await session.execute(AddPage(chapter=chapter, title=offer.title, brief=brief))
        if done.page:
            await self.leave()
            await session.open_page(done.page)
            await session.update()
        self.app.say(self.app.words.put("It is a page of its own now; look at its brief before the first draft."))
