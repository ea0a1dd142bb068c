"""The forms of structured answers: what a model is asked for, and how its words, a person's and a broken-off reply are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from studio.domain import dialogue, plan, release, review
from studio.domain.build import PlanCheck
from studio.domain.errors import BadInput
from studio.domain.workflow import OutputKind
from studio.providers.base import JsonSchema

T = TypeVar("T")

NOT_WORKABLE = "The plan cannot be worked on as it is."


@dataclass(frozen=True, slots=True)
class Read:
    """A text in its readable form with its JSON. `mended` says what was changed in it, `errors` why it cannot be used."""

    text: str
    data: str
    mended: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """`small_schema` has bounds that a model of one or two billion parameters needs, else it writes on to its limit.

    `from_model` and `from_person` raise BadInput for a text that cannot be read; `from_partial` gives None when nothing is whole.
    """

    schema: JsonSchema
    small_schema: JsonSchema
    from_model: Callable[[str], Read]
    from_person: Callable[[str], Read]
    from_partial: Callable[[str], Read | None]


def schema_for(output: OutputKind, *, small: bool = False) -> JsonSchema | None:
    """The schema that an answer of a stage is asked for by; None where it is a text."""
    form = FORMS.get(output)
    if form is None:
        return None
    return form.small_schema if small else form.schema


# Dialogue


def _dialogue(text: str) -> Read:
    lines = dialogue.parse(text)
    return Read(dialogue.render(lines), dialogue.to_json(lines))


def _partial_dialogue(raw: str) -> Read | None:
    lines = dialogue.finished(raw)
    return Read(dialogue.render(lines), dialogue.to_json(lines)) if lines else None


# Plans


def _plan(found: tuple[plan.Plan, PlanCheck]) -> Read:
    made, checked = found
    return Read(plan.render(made), plan.to_json(made), checked.mended, checked.errors)


def _plan_of_model(raw: str) -> Read:
    return _plan(plan.read_text(raw) if plan.READABLE.search(raw) else plan.parse(raw))


def _plan_of_person(text: str) -> Read:
    readable = plan.READABLE.search(text)
    read = _plan(plan.read_text(text) if readable else _json_or(text, plan.parse, plan.read_text))
    if read.errors:
        raise BadInput(f"{NOT_WORKABLE} {read.errors[0]}", hint="Mend its tasks and send it again.")
    return read


def _partial_plan(raw: str) -> Read | None:
    made = plan.finished(raw)
    return Read(plan.render(made), plan.to_json(made)) if made else None


# Reviews


def _review(made: review.Review) -> Read:
    return Read(review.render(made), review.to_json(made))


def _review_of_model(raw: str) -> Read:
    return _review(review.read_text(raw) if review.READABLE.search(raw) else review.parse(raw))


def _review_of_person(text: str) -> Read:
    readable = review.READABLE.search(text)
    return _review(review.read_text(text) if readable else _json_or(text, review.parse, review.read_text))


def _partial_review(raw: str) -> Read | None:
    made = review.finished(raw)
    return _review(made) if made else None


# Releases


def _release(made: release.Release) -> Read:
    return Read(release.render(made), release.to_json(made))


def _release_of_model(raw: str) -> Read:
    return _release(release.read_text(raw) if release.READABLE.search(raw) else release.parse(raw))


def _release_of_person(text: str) -> Read:
    readable = release.READABLE.search(text)
    return _release(release.read_text(text) if readable else _json_or(text, release.parse, release.read_text))


def _partial_release(raw: str) -> Read | None:
    made = release.finished(raw)
    return _release(made) if made else None


def _json_or(text: str, parse: Callable[[str], T], read: Callable[[str], T]) -> T:
    """A text from outside: a model's JSON where it is that, else words."""
    try:
        return parse(text)
    except BadInput:
        return read(text)


_DIALOGUE_SCHEMA = JsonSchema("dialogue", dialogue.DIALOGUE_SCHEMA)
# With room for four tasks a small model made three of one field.
# Tokens of the longest answers at about 3.5 characters each: plan 450, review 500, release 450.
_SMALL_PLAN = plan.plan_schema(tasks=2, summary=160, approach=400, title=60, description=280)
_SMALL_REVIEW = review.review_schema(findings=4, summary=300, words=140)
_SMALL_RELEASE = release.release_schema(changelog=400, message=200, follow_ups=2)

FORMS: Mapping[OutputKind, Form] = {
    OutputKind.DIALOGUE: Form(_DIALOGUE_SCHEMA, _DIALOGUE_SCHEMA, _dialogue, _dialogue, _partial_dialogue),
    OutputKind.PLAN: Form(
        JsonSchema("plan", plan.PLAN_SCHEMA), JsonSchema("plan", _SMALL_PLAN),
        _plan_of_model, _plan_of_person, _partial_plan,
    ),
    OutputKind.REVIEW: Form(
        JsonSchema("review", review.REVIEW_SCHEMA), JsonSchema("review", _SMALL_REVIEW),
        _review_of_model, _review_of_person, _partial_review,
    ),
    OutputKind.RELEASE: Form(
        JsonSchema("release", release.RELEASE_SCHEMA), JsonSchema("release", _SMALL_RELEASE),
        _release_of_model, _release_of_person, _partial_release,
    ),
}  # fmt: skip
"""By output; what is not here is a text that stands for itself."""
