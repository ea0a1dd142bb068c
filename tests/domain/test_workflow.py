"""`advance()`: every state can be left, nothing leads out of the workflow, and what makes no sense is refused."""

from __future__ import annotations

from itertools import product

import pytest

from studio.domain.errors import BadInput, Refused
from studio.domain.workflow import Action, Gate, Phase, Stage, State, Workflow, advance, state_words

STORY = Workflow(
    "story",
    "Story",
    (Stage("narration", "Narration", "narrator", "narration"), Stage("dialogue", "Dialogue", "dialogist", "dialogue")),
)
STATES = [
    State(Phase.AWAITING),
    State(Phase.APPROVED),
    *(
        State(phase, stage.name)
        for phase, stage in product((Phase.GENERATING, Phase.REVIEWING, Phase.FAILED, Phase.INTERRUPTED), STORY.stages)
    ),
]


def walk(state: State, *actions: Action) -> list[str]:
    names = []
    for action in actions:
        state = advance(STORY, state, action, has_revision=True)
        names.append(STORY.state_name(state))
    return names


def test_a_page_walks_from_brief_to_approved() -> None:
    assert walk(
        State(Phase.AWAITING), Action.BRIEF, Action.DRAFT_READY, Action.REVISE, Action.DRAFT_READY, Action.APPROVE,
        Action.DRAFT_READY, Action.APPROVE,
    ) == [
        "generating_narration", "user_reviewing_narration", "generating_narration", "user_reviewing_narration",
        "generating_dialogue", "user_reviewing_dialogue", "page_approved",
    ]  # fmt: skip


def test_state_names_are_stable_and_read_back() -> None:
    for state in STATES:
        assert STORY.parse_state(STORY.state_name(state)) == state
    with pytest.raises(BadInput):
        STORY.parse_state("generating_panels")


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_left(state: State) -> None:
    left = set()
    for action in Action:
        try:
            left.add(advance(STORY, state, action, has_revision=True))
        except Refused:
            continue
    assert left - {state}


@pytest.mark.parametrize(("state", "action"), list(product(STATES, Action)))
def test_whatever_is_asked_ends_in_a_state_of_the_workflow_or_in_words(state: State, action: Action) -> None:
    refusals: list[Refused] = []
    following = state
    try:
        following = advance(STORY, state, action)
    except Refused as refusal:
        refusals.append(refusal)
    assert following in STATES
    assert all(refusal.message.endswith(".") for refusal in refusals)


def test_reopening_goes_back_to_the_latest_approval() -> None:
    assert advance(STORY, State(Phase.APPROVED), Action.REOPEN) == State(Phase.REVIEWING, "dialogue")
    assert advance(STORY, State(Phase.GENERATING, "dialogue"), Action.REOPEN) == State(Phase.REVIEWING, "narration")
    with pytest.raises(Refused):
        advance(STORY, State(Phase.REVIEWING, "narration"), Action.REOPEN)


def test_a_later_text_is_reviewed_again_not_drafted_again() -> None:
    after = advance(STORY, State(Phase.REVIEWING, "narration"), Action.APPROVE, next_has_revision=True)
    assert after == State(Phase.REVIEWING, "dialogue")


def test_a_text_can_be_approved_after_the_draft_that_was_to_follow_it_failed() -> None:
    failed = State(Phase.FAILED, "narration")
    assert advance(STORY, failed, Action.APPROVE, has_revision=True) == State(Phase.GENERATING, "dialogue")
    for state, there in ((failed, False), (State(Phase.INTERRUPTED, "narration"), True)):
        with pytest.raises(Refused):
            advance(STORY, state, Action.APPROVE, has_revision=there)


def test_discarding_goes_to_the_review_of_what_there_is() -> None:
    broken = State(Phase.INTERRUPTED, "narration")
    assert advance(STORY, broken, Action.DISCARD, has_revision=True).phase is Phase.REVIEWING
    assert advance(STORY, broken, Action.DISCARD, has_revision=False).phase is Phase.GENERATING


def test_a_stage_without_a_review_is_passed_by_its_text() -> None:
    auto = Workflow("auto", "Auto", (Stage("plan", "Plan", "lead", "plan", gate=Gate.AUTO), STORY.stages[0]))
    after = advance(auto, State(Phase.GENERATING, "plan"), Action.DRAFT_READY)
    assert after == State(Phase.GENERATING, "narration")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("user_reviewing_narration", "narration waits for you"),
        ("generating_image_prompts", "image prompts awaits a draft"),
        ("interrupted_dialogue", "the draft of dialogue broke off"),
        ("awaiting_user_input", "the brief is awaited"),
        ("page_approved", "page approved"),
    ],
)
def test_a_state_is_said_in_words(name: str, words: str) -> None:
    assert state_words(name) == words
