"""A workflow as data and `advance()`, the pure rule of what state follows. Reading TOML is not here (`studio.workflows`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from studio.domain.errors import BadInput, Refused


class Gate(StrEnum):
    REVIEW = "review"
    ADVISORY = "advisory"
    AUTO = "auto"


class OutputKind(StrEnum):
    """What a stage makes. `DOCUMENT` is Markdown; `PLAN` a plan with tasks; `CODE` files written with tools, told in words;
    `REVIEW` a report with findings; `RELEASE` a changelog with what a version is to be called."""

    PROSE = "prose"
    DIALOGUE = "dialogue"
    DOCUMENT = "document"
    PLAN = "plan"
    CODE = "code"
    REVIEW = "review"
    RELEASE = "release"

    @property
    def judges(self) -> bool:
        """Whether the text speaks of a version of the files: a new version makes it one of the past."""
        return self in (OutputKind.REVIEW, OutputKind.RELEASE)

    @property
    def ways_on(self) -> str:
        """What can be done after a run broke off: what it left on files is no text that could be kept."""
        return (
            "Continue it or discard it."
            if self is OutputKind.CODE
            else "Continue it, keep it as a revision, or discard it."
        )

    @property
    def kept_so_far(self) -> str:
        """What stays of a run that breaks off."""
        return "the files written so far stay" if self is OutputKind.CODE else "the text so far is kept"


class Phase(StrEnum):
    AWAITING = "awaiting"
    GENERATING = "generating"
    REVIEWING = "user_reviewing"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    APPROVED = "approved"


class Action(StrEnum):
    BRIEF = "brief"  # the author said what the page is about
    DRAFT_READY = "draft_ready"  # a run or someone outside delivered a text
    DRAFT_FAILED = "draft_failed"
    DRAFT_INTERRUPTED = "draft_interrupted"  # stopped by the person, or left open by a crash
    DRAFT_AGAIN = "draft_again"  # a person asks for a draft (first, repeated, or after a failure)
    REVISE = "revise"
    EDIT = "edit"  # a person's own text
    DISCARD = "discard"  # let go of a partial text
    APPROVE = "approve"
    REOPEN = "reopen"
    RETURN = "return"  # a review sends the work back to an earlier stage


@dataclass(frozen=True, slots=True)
class Stage:
    """`tools` are what its role may call; `lead` asks the lead model where one is named; `progress` is the named stage that watchers
    are shown; a review may send back to `returns_to`, at most `returns` times on a page."""

    name: str
    label: str
    role: str
    template: str
    output: OutputKind = OutputKind.PROSE
    gate: Gate = Gate.REVIEW
    target_words: int = 150
    max_output_tokens: int = 2_000
    tools: tuple[str, ...] = ()
    lead: bool = False
    progress: str = ""
    returns_to: str | None = None
    returns: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Where a page stands. `stage` is None while the brief is awaited and once everything is approved."""

    phase: Phase
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """`labels` shows other words for chapter, page and brief; `awaiting_state` and `final_state` name the two ends."""

    name: str
    title: str
    stages: tuple[Stage, ...]
    awaiting_state: str = "awaiting_user_input"
    final_state: str = "page_approved"
    labels: Mapping[str, str] = field(default_factory=dict)
    auto_draft: bool = False

    def stage(self, name: str) -> Stage:
        """The stage called `name`; raises BadInput naming those there are."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise BadInput(f"The workflow {self.name!r} has no stage {name!r}.", hint=f"Its stages are: {known}.")

    @property
    def writes_files(self) -> bool:
        """Whether one of its stages writes the files of an application."""
        return any(stage.output is OutputKind.CODE for stage in self.stages)

    def output_of(self, name: str) -> OutputKind:
        """What a stage makes; of one that the workflow's file has lost since, a text."""
        return next((stage.output for stage in self.stages if stage.name == name), OutputKind.PROSE)

    def index(self, name: str) -> int:
        return self.stages.index(self.stage(name))

    def after(self, name: str) -> Stage | None:
        following = self.index(name) + 1
        return self.stages[following] if following < len(self.stages) else None

    def before(self, name: str) -> Stage | None:
        place = self.index(name)
        return self.stages[place - 1] if place else None

    def work_of(self, role: str) -> str:
        """What people call a role: the stages that it writes, such as `dialogue`; the role's own name where it writes none."""
        return ", ".join(stage.label.lower() for stage in self.stages if stage.role == role) or role

    def state_name(self, state: State) -> str:
        """The stable public name, such as `user_reviewing_narration`."""
        if state.phase is Phase.AWAITING:
            return self.awaiting_state
        if state.phase is Phase.APPROVED:
            return self.final_state
        return f"{state.phase.value}_{state.stage}"

    def parse_state(self, name: str) -> State:
        """The state of a public name; raises BadInput for a name that this workflow cannot have."""
        if name == self.awaiting_state:
            return State(Phase.AWAITING)
        if name == self.final_state:
            return State(Phase.APPROVED)
        for phase in (Phase.GENERATING, Phase.REVIEWING, Phase.FAILED, Phase.INTERRUPTED):
            prefix = f"{phase.value}_"
            if name.startswith(prefix):
                return State(phase, self.stage(name.removeprefix(prefix)).name)
        raise BadInput(f"{name!r} is not a state of the workflow {self.name!r}.")


_WORDS = (
    (Phase.REVIEWING, "{} waits for you"),
    (Phase.GENERATING, "{} awaits a draft"),
    (Phase.FAILED, "the draft of {} failed"),
    (Phase.INTERRUPTED, "the draft of {} broke off"),
)


def state_words(name: str) -> str:
    """A public state name as a person says it: `user_reviewing_narration` is `narration waits for you`."""
    for phase, words in _WORDS:
        if name.startswith(f"{phase.value}_"):
            return words.format(name.removeprefix(f"{phase.value}_").replace("_", " "))
    return "the brief is awaited" if name == "awaiting_user_input" else name.replace("_", " ")


_DELIVERABLE = frozenset({Phase.GENERATING, Phase.FAILED, Phase.INTERRUPTED})


def advance(
    workflow: Workflow, state: State, action: Action, *, has_revision: bool = False, next_has_revision: bool = False
) -> State:
    """The state after `action`.

    `has_revision`: the current stage already has a usable revision to fall back to; `next_has_revision`: the stage that would
    follow an approval has one from before a reopening. Raises Refused when the action makes no sense in this state.
    """
    match action:
        case Action.BRIEF:
            return State(Phase.GENERATING, workflow.stages[0].name) if state.phase is Phase.AWAITING else state
        case Action.EDIT if state.phase in (Phase.REVIEWING, Phase.APPROVED):
            return state
        case Action.DRAFT_READY | Action.EDIT if state.phase in _DELIVERABLE and state.stage:
            return _delivered(workflow, state.stage, next_has_revision=next_has_revision)
        case Action.DRAFT_FAILED if state.phase is Phase.GENERATING:
            return State(Phase.FAILED, state.stage)
        case Action.DRAFT_INTERRUPTED if state.phase is Phase.GENERATING:
            return State(Phase.INTERRUPTED, state.stage)
        case Action.DRAFT_AGAIN if state.phase in _DELIVERABLE or state.phase is Phase.REVIEWING:
            return State(Phase.GENERATING, state.stage)
        case Action.REVISE if state.phase is Phase.REVIEWING or (state.phase in _DELIVERABLE and has_revision):
            return State(Phase.GENERATING, state.stage)
        case Action.DISCARD if state.phase in _DELIVERABLE:
            return State(Phase.REVIEWING if has_revision else Phase.GENERATING, state.stage)
        case Action.APPROVE if state.stage and (state.phase is Phase.REVIEWING or _stands(state, has_revision)):
            return _approved(workflow, state.stage, next_has_revision=next_has_revision)
        case Action.REOPEN:
            return _reopened(workflow, state)
        case Action.RETURN if state.phase is Phase.REVIEWING and state.stage:
            return _returned(workflow, state.stage)
        case _:
            raise _refusal(workflow, state, action)


def _stands(state: State, has_revision: bool) -> bool:
    """Whether a text waits for the person all the same: the draft that was to follow it failed without a word."""
    return state.phase is Phase.FAILED and has_revision


def _delivered(workflow: Workflow, stage: str, *, next_has_revision: bool) -> State:
    if workflow.stage(stage).gate is Gate.REVIEW:
        return State(Phase.REVIEWING, stage)
    return _approved(workflow, stage, next_has_revision=next_has_revision)


def _approved(workflow: Workflow, stage: str, *, next_has_revision: bool) -> State:
    following = workflow.after(stage)
    if following is None:
        return State(Phase.APPROVED)
    return State(Phase.REVIEWING if next_has_revision else Phase.GENERATING, following.name)


def _reopened(workflow: Workflow, state: State) -> State:
    if state.phase is Phase.APPROVED:
        return State(Phase.REVIEWING, workflow.stages[-1].name)
    earlier = workflow.before(state.stage) if state.stage else None
    if earlier is None:
        raise Refused("Nothing on this page is approved yet, so there is nothing to reopen.")
    return State(Phase.REVIEWING, earlier.name)


def _returned(workflow: Workflow, stage: str) -> State:
    target = workflow.stage(stage).returns_to
    if target is None:
        raise Refused(
            f"The stage {workflow.stage(stage).label.lower()} sends nothing back.", hint="Revise or approve its report."
        )
    return State(Phase.GENERATING, target)


_WANTED = {
    Action.APPROVE: "There is no draft waiting for approval",
    Action.REVISE: "There is no draft to revise",
    Action.DRAFT_AGAIN: "No draft can be asked for",
    Action.DRAFT_READY: "No draft is awaited",
    Action.EDIT: "There is nothing to edit",
    Action.DISCARD: "There is no partial text to discard",
    Action.RETURN: "There is no report to send back with",
}


def _refusal(workflow: Workflow, state: State, action: Action) -> Refused:
    hints = {
        Phase.AWAITING: "Write the page's brief first.",
        Phase.GENERATING: "Draft it first, or hand in a text of your own.",
        Phase.REVIEWING: "Approve it, revise it or edit it.",
        Phase.FAILED: "Try the draft again, or write it yourself.",
        Phase.INTERRUPTED: workflow.output_of(state.stage or "").ways_on,
        Phase.APPROVED: "Undo its approval first (reopen).",
    }
    name = workflow.state_name(state)
    return Refused(
        f"{_WANTED.get(action, 'That is not possible')}: {state_words(name)}.",
        hint=hints[state.phase],
        data={"state": name, "action": action.value},
    )
