"""Structured answers become readable text with data, whoever wrote them; what cannot be used stays readable and unapproved."""

from __future__ import annotations

import json

import pytest

from studio.domain import plan, release, review
from studio.domain.build import TASKS_LIMIT, PlannedTask
from studio.domain.errors import BadInput
from studio.domain.finding import Problem
from studio.domain.run import Outcome
from studio.domain.workflow import OutputKind, Stage
from studio.engine.forms import FORMS, schema_for
from studio.engine.replies import read_partial, read_reply
from studio.engine.texts import structured
from studio.providers.base import FinishReason

PLAN = plan.Plan("Two files.", "", (PlannedTask("page", "Page", "ui", "Markup."), PlannedTask("style", "Style", "style", "", 2, ("page",))))  # fmt: skip
REVIEW = review.Review(review.Verdict.RETURN, "Not yet.", (Problem("labels", "a.js", 3, "No label."),))
RELEASE = release.Release(release.Bump.MINOR, "Search", "Found.", "- Search", "Add search")

WHOLE = [
    (OutputKind.PLAN, plan.to_json(PLAN), plan.render(PLAN)),
    (OutputKind.REVIEW, review.to_json(REVIEW), review.render(REVIEW)),
    (OutputKind.RELEASE, release.to_json(RELEASE), release.render(RELEASE)),
]
STRUCTURED = [kind for kind, _, _ in WHOLE]


def stage(kind: OutputKind) -> Stage:
    return Stage(kind.value, kind.value.title(), "role", kind.value, output=kind)


@pytest.mark.parametrize(("kind", "data", "text"), WHOLE)
def test_a_models_answer_is_read_in_both_forms(kind: OutputKind, data: str, text: str) -> None:
    for raw in (data, f"```json\n{data}\n```", f"Here it is:\n\n{data}", text):
        reply = read_reply(stage(kind), raw, FinishReason.COMPLETE)
        assert (reply.text, reply.data, reply.outcome) == (text, data, Outcome.COMPLETE), raw


@pytest.mark.parametrize(("kind", "data", "text"), WHOLE)
def test_a_persons_text_is_read_in_both_forms(kind: OutputKind, data: str, text: str) -> None:
    assert structured(stage(kind), text) == (text, data)
    assert structured(stage(kind), f"The answer is: {data}") == (text, data)


@pytest.mark.parametrize("kind", STRUCTURED)
def test_an_answer_that_cannot_be_read_stays_word_for_word(kind: OutputKind) -> None:
    reply = read_reply(stage(kind), "I cannot say {", FinishReason.COMPLETE)
    assert (reply.text, reply.data, reply.outcome) == ("I cannot say {", None, Outcome.UNPARSED)


@pytest.mark.parametrize("kind", STRUCTURED)
def test_a_refusal_is_kept_as_it_came(kind: OutputKind) -> None:
    data = next(data for one, data, _ in WHOLE if one is kind)
    assert read_reply(stage(kind), data, FinishReason.REFUSAL).text == data


def test_a_plan_that_cannot_be_worked_on_is_readable_and_says_why() -> None:
    rows = [{"id": one, "title": one, "type": "ui", "needs": [other]} for one, other in (("a", "b"), ("b", "a"))]
    raw = json.dumps({"summary": "s", "approach": "", "tasks": rows})
    reply = read_reply(stage(OutputKind.PLAN), raw, FinishReason.COMPLETE)
    assert reply.outcome is Outcome.UNPARSED
    assert reply.data is None
    assert "### 1. a" in reply.text
    assert "wait for each other" in reply.notes[0]
    with pytest.raises(BadInput, match="wait for each other"):
        structured(stage(OutputKind.PLAN), reply.text)
    mended = reply.text.replace("needs: b", "needs: none")
    assert structured(stage(OutputKind.PLAN), mended)[1] is not None


def test_what_was_mended_in_a_plan_is_said() -> None:
    raw = json.dumps(
        {"summary": "s", "approach": "", "tasks": [{"id": "A b", "title": "t", "type": "x", "needs": ["z"]}]}
    )
    reply = read_reply(stage(OutputKind.PLAN), raw, FinishReason.COMPLETE)
    assert reply.outcome is Outcome.COMPLETE
    assert len(reply.notes) == 3


@pytest.mark.parametrize(("kind", "data", "text"), WHOLE)
def test_of_an_answer_that_broke_off_no_half_json_is_shown(kind: OutputKind, data: str, text: str) -> None:
    for raw in (data[: len(data) * 3 // 4], data):
        partial = read_partial(stage(kind), raw)
        assert partial.outcome is Outcome.INTERRUPTED
        assert "{" not in partial.text
        assert partial.data is not None
    cut = read_reply(stage(kind), data[: len(data) * 3 // 4], FinishReason.LENGTH)
    assert cut.outcome is Outcome.CUT_OFF
    assert "{" not in cut.text


def test_documents_and_code_are_words() -> None:
    for kind in (OutputKind.DOCUMENT, OutputKind.CODE):
        assert structured(stage(kind), '{"a": 1}') == ('{"a": 1}', None)
        reply = read_reply(stage(kind), "```markdown\n# Requirements\n```", FinishReason.COMPLETE)
        assert (reply.text, reply.data) == ("# Requirements", None)
        assert schema_for(kind) is None


@pytest.mark.parametrize("kind", list(FORMS))
def test_every_form_has_a_schema_that_strict_modes_take(kind: OutputKind) -> None:
    for small in (False, True):
        asked = schema_for(kind, small=small)
        assert asked is not None
        todo = [asked.schema]
        while todo:
            part = todo.pop()
            inner = part.get("properties")
            if isinstance(inner, dict):
                assert part["required"] == list(inner)
                assert part["additionalProperties"] is False
                todo += inner.values()
            if isinstance(part.get("items"), dict):
                todo.append(part["items"])  # type: ignore[arg-type]


def test_a_small_model_is_asked_for_less() -> None:
    small, large = schema_for(OutputKind.PLAN, small=True), schema_for(OutputKind.PLAN)
    assert small is not None
    assert large is not None
    assert large.schema["properties"]["tasks"]["maxItems"] == TASKS_LIMIT  # type: ignore[index]
    assert small.schema["properties"]["tasks"]["maxItems"] < 8  # type: ignore[index]
