"""The phases of a change as the workflow API tells them: which is next after a state, for whom, and what is to be done then."""

from __future__ import annotations

from dataclasses import dataclass

from studio.protocol.build_views import BuildView, PhaseLine, TurnView

COMPLETE = "COMPLETE"
_REVIEWING = "user_reviewing_"

# What a phase's result may hold beside the response, by the named stage of its progress.
_RESULTS = {
    "planning": "`tasks` and `approach`",
    "coding": "`files` as [{path, content}]",
    "reviewing": "`verdict` (pass or return), `summary` and `findings`",
    "deploying": "`changelog` and `summary`",
}

# Seconds for a role at work, by the same names; what is measured in the project goes before.
_SECONDS = {"analyzing": 60, "planning": 90, "coding": 420, "reviewing": 90, "deploying": 45}
_OTHER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a change stands: the phase (`COMPLETE` at the end), whose turn it is (None: nobody's), and what is to be done."""

    phase: str
    role: str | None
    action: str

    @property
    def complete(self) -> bool:
        return self.phase == COMPLETE


def turn_after(state: str, build: TurnView) -> Turn:
    """The turn of a page's state, which may be older than the build's."""
    line = _line_of(state, build)
    if line is None:
        return Turn(COMPLETE, None, "The change is complete: publish it, or describe the next change.")
    if state.startswith(_REVIEWING):
        words = f"A person decides on the {line.label.lower()}: in the workbench, or with /api/commands."
        return Turn(line.phase, role_name(line), words)
    return Turn(line.phase, role_name(line), action(line))


def action(line: PhaseLine) -> str:
    """What an agent outside does for a phase."""
    asked = f"Ask your model for the {line.label.lower()} with the prompt of get-ai-prompt, then send its answer to complete-phase"
    made = _RESULTS.get(line.progress)
    return f"{asked}, with {made} in phase_result." if made else f"{asked}."


def role_name(line: PhaseLine) -> str:
    return line.role.upper()


def _line_of(state: str, build: TurnView) -> PhaseLine | None:
    """The phase of a state; None for the final state. A page that awaits its brief stands before the first."""
    fitting = [line for line in build.phases if state.endswith(f"_{line.stage}")]
    if fitting:
        return max(fitting, key=lambda line: len(line.stage))
    return build.phases[0] if state == build.state and not build.complete else None


def estimates(build: BuildView, measured: float | None) -> tuple[int, ...]:
    """Seconds for each phase: the mean time of a change, shared out as the defaults are; the defaults while none is known."""
    usual = [_SECONDS.get(line.progress, _OTHER_SECONDS) for line in build.phases]
    factor = measured / sum(usual) if measured else 1.0
    return tuple(max(1, round(seconds * factor)) for seconds in usual)
