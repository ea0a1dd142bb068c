"""Publishing in prepared lines: targets, what was published, offers; and the plan of a target. No Textual."""

from __future__ import annotations

from datetime import datetime

from studio.protocol.build_views import FollowUpView, PublicationsView, PublicationView, PublishPlanView, TargetView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.ages import age
from studio.tui.presenters.lines import BLANK, Line, line, spread, wrap

NO_TARGET = (
    "No target is named yet. A table in studio.toml makes one, for instance [publish.folder] with publisher = "
    '"folder" and path = "../site".'
)


def rows(view: PublicationsView, width: int, glyphs: Glyphs, now: datetime) -> list[Line]:
    """Targets, publications, offers, each under its name. Stops are `("target", name)` and so on."""
    found = [line(("TARGETS", "head"))]
    found += [_target(one, width, glyphs) for one in view.targets]
    if not view.targets:
        found += [line((row, "dim")) for row in wrap(NO_TARGET, width)]
    if view.publications:
        found += [BLANK, line(("PUBLISHED", "head"))]
        found += [_publication(one, width, glyphs, now) for one in view.publications]
    if view.follow_ups:
        found += [BLANK, line(("OFFERS", "head"))]
        found += [line(("  ", "text"), (one.title, "text"), stop=("offer", one.id)) for one in view.follow_ups]
    return found


def _target(one: TargetView, width: int, glyphs: Glyphs) -> Line:
    sign = (glyphs.failed, "error") if one.problem else (glyphs.here, "accent")
    return spread(
        (sign, (f" {one.name}", "strong")), (((one.problem and "not usable") or one.publisher, "dim"),), width,
        ("target", one.name),
    )  # fmt: skip


def _publication(one: PublicationView, width: int, glyphs: Glyphs, now: datetime) -> Line:
    signs = {
        "done": (glyphs.approved, "ok"),
        "failed": (glyphs.failed, "error"),
        "interrupted": (glyphs.failed, "warn"),
    }
    sign = signs.get(one.status, (glyphs.drafting, "accent"))
    steps = "" if one.status == "done" else f" {one.steps_done} of {one.steps} steps"
    left = (sign, (f" {one.version} to {one.target}", "text"), (steps, "dim"))
    return spread(left, ((age(one.created_at, now), "dim"),), width, ("publication", one.id))


def target_story(one: TargetView, width: int, plan_key: str) -> list[Line]:
    found = [line((f"{one.name}  ", "strong"), (one.publisher, "dim"))]
    found += _wrapped(one.detail, width, "dim") if one.detail else []
    if one.problem:
        return [*found, BLANK, *_wrapped(one.problem, width, "error")]
    return [
        *found,
        BLANK,
        *_wrapped(f"{plan_key} shows what publishing would do. Nothing is sent for that.", width, "dim"),
    ]


def publication_story(one: PublicationView, width: int) -> list[Line]:
    found = [line((f"{one.version} to {one.target}  ", "strong"), (f"{one.status}, {one.publisher}", "dim"))]
    found += _wrapped(f"by {one.actor}, {one.steps_done} of {one.steps} steps done", width, "dim")
    for words, style in ((one.detail, "text"), (one.url, "accent"), (one.error, "error")):
        found += [BLANK, *_wrapped(words, width, style)] if words else []
    return found


def offer_story(one: FollowUpView, width: int, key: str) -> list[Line]:
    found = [*_wrapped(one.title, width, "strong"), BLANK, *_wrapped(one.why, width, "text")]
    found += [BLANK, *_wrapped(one.action.strip(), width, "quote")] if one.action else []
    last = (
        f"{key} makes a change of it, to be looked at first."
        if makes_a_change(one)
        else "These lines go into studio.toml."
    )
    return [*found, BLANK, *_wrapped(last, width, "dim")]


def makes_a_change(one: FollowUpView) -> bool:
    """Whether an offer is work on the application; another is a table of settings for publishing."""
    return not one.action.lstrip().startswith("[")


def plan_lines(plan: PublishPlanView, width: int, glyphs: Glyphs, apply_key: str) -> list[Line]:
    """What would be done, step by step, with warnings and the difference to what is there."""
    found = [line((f"{plan.version} to {plan.target}  ", "strong"), (plan.publisher, "dim"))]
    found += _wrapped(plan.summary, width, "text")
    for warning in plan.warnings:
        found += _wrapped(f"{glyphs.failed} {warning}", width, "warn")
    found.append(BLANK)
    for number, step in enumerate(plan.steps, start=1):
        sign = (glyphs.approved, "ok") if step.done else (glyphs.empty, "dim")
        found.append(line(sign, (f" {number}. {step.title}", "text"), stop=("step", number)))
        found += [
            line(("     ", "text"), (row, "dim"), stop=("step", number)) for row in _split(step.detail, width - 5)
        ]
    if any(not step.done for step in plan.steps):
        found += [BLANK, *_wrapped(f"{apply_key} carries it out, after asking once more.", width, "dim")]
    return [*found, *_difference(plan.diff, width)] if plan.diff else found


def _difference(text: str, width: int) -> list[Line]:
    styles = {"+": "add", "-": "del", "@": "dim"}
    found = [BLANK, line(("DIFFERENCE", "head"))]
    for number, raw in enumerate(text.split("\n")[:4000]):
        style = "strong" if raw.startswith(("+++", "---")) else styles.get(raw[:1], "text")
        found += [line((row, style), stop=("diff", number)) for row in wrap(raw, width)]
    return found


def _wrapped(text: str, width: int, style: str) -> list[Line]:
    return [line((row, style)) for row in _split(text, width)]


def _split(text: str, width: int) -> list[str]:
    return [row for part in text.split("\n") for row in wrap(part, width)] if text else []
