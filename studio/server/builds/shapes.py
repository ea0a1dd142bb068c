"""What the workflow API reads and answers. Roles and phases come in capitals; the phase routes speak snake_case, the orchestrator
camelCase. A body knows no state that could be set: `current_state` only says what the sender believes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from studio.protocol.tagged import View
from studio.server.refusals import ErrorBody

Said = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(max_length=200)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is sent."""


class CamelBody(Body, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of what is sent to the orchestrator."""


class Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what the orchestrator answers."""


class AppProject(CamelBody, frozen=True, kw_only=True):
    """What is wanted. Either a description or requirements are needed."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: str = ""
    type: Literal["web", "mobile", "api", "fullstack"] = "web"
    requirements: Annotated[tuple[str, ...], Meta(max_length=200)] = ()


class Orchestration(CamelBody, frozen=True, kw_only=True):
    """`chapterId` is the release that the change belongs to (default: the newest); `model` is asked instead of the roles' own."""

    project: AppProject
    user_id: Name = ""
    chapter_id: str | None = None
    model: str = ""


class Beginning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`generate=true` has the studio's own agent begin; else the phases wait for what agents outside hand in."""

    generate: bool = False


class Assignment(Camel, frozen=True, kw_only=True):
    """A phase as a task of its role. `estimatedTime` in seconds: what changes of this project took, else a default."""

    task_id: str
    agent_id: str
    specialization: str
    estimated_time: int


class Orchestrated(Camel, frozen=True, kw_only=True):
    """`taskId` is the change: its progress is at `/api/progress`, its phases at `/api/ai-workflows`."""

    task_id: str
    assignments: tuple[Assignment, ...]
    message: str
    success: bool = True
    run_id: str | None = None
    draft_error: ErrorBody | None = None


class Initialize(Body, frozen=True, kw_only=True):
    """`project_id` and `build_id` are the sender's own: the same pair names the same change again."""

    project_id: Annotated[str, Meta(min_length=1, max_length=200)]
    build_id: Annotated[str, Meta(min_length=1, max_length=200)]
    requirements: Said | Annotated[tuple[str, ...], Meta(min_length=1, max_length=200)]
    user_id: Name = ""
    model: str = ""


class Initialized(View, frozen=True, kw_only=True):
    """For a build that was begun earlier, `current_state` and what follows it speak of where that stands now. With a
    `prompt_error` the build stands, and `system_prompt` is empty: mend what it names and ask for the prompt again."""

    workflow_id: str
    initial_state: str
    current_state: str
    system_prompt: str
    next_role: str | None
    next_action: str
    message: str
    success: bool = True
    prompt_error: ErrorBody | None = None


class CompletePhaseBody(Body, frozen=True, kw_only=True):
    """`phase_result` is kept; `tasks` of a plan, `files` (`[{path, content}]`), `findings` with a `verdict`, or a `changelog` in it
    are what the phase made. `current_state` is the phase that the sender completes: refused when it is another's turn."""

    workflow_id: Said
    ai_response: Said
    phase_result: dict[str, object] = {}
    current_state: str | None = None
    agent: Name = ""


class PhaseCompleted(View, frozen=True, kw_only=True):
    """The same request is answered the same, also later. `revision_id` names the text that was made of the response."""

    workflow_id: str
    previous_state: str
    new_state: str
    next_role: str | None
    next_action: str
    is_complete: bool
    message: str
    revision_id: str
    success: bool = True


class BuildStatus(View, frozen=True, kw_only=True):
    """`progress` from 0 to 100 of the change as a whole; `state` is the page's own state; `seq` the journal's at this moment."""

    workflow_id: str
    current_state: str
    progress: int
    completed_phases: tuple[str, ...]
    next_role: str | None
    next_action: str
    is_complete: bool
    state: str
    stage: str
    operation: str
    message: str
    seq: int
    success: bool = True


class PromptMessage(View, frozen=True, kw_only=True):
    role: str
    content: str


class BuildPrompt(View, frozen=True, kw_only=True):
    """What the role whose turn it is would be asked: system with the state, its history, then the question. `max_tokens` of
    output; `model` is empty when none is set up."""

    workflow_id: str
    current_state: str
    role: str
    model: str
    messages: tuple[PromptMessage, ...]
    max_tokens: int
    temperature: float | None
    tools: tuple[str, ...]
    success: bool = True


class NoBuildBody(Body, frozen=True, kw_only=True):
    """Nothing is needed."""
