"""The table of the workflow API's routes."""

from __future__ import annotations

from studio.protocol import build_views as v
from studio.server.asked import Endpoint
from studio.server.builds import acts, answers
from studio.server.builds import shapes as s

TAG = "workflow"
BASE = "/api/ai-workflows"


def endpoints() -> tuple[Endpoint, ...]:
    return (*_acts(), *_answers())


def _acts() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            "POST", "/api/orchestrator", "orchestrate", "A new change, with a task for each role.", acts.orchestrate,
            s.Orchestrated, TAG, body=s.Orchestration, parameters=s.Beginning,
        ),
        Endpoint(
            "POST", f"{BASE}/initialize", "initialize", "Begin a change; the same ids name the same one again.",
            acts.initialize, s.Initialized, TAG, body=s.Initialize,
        ),
        Endpoint(
            "POST", f"{BASE}/complete-phase", "complete-phase", "Hand in what a role made of its phase, and go on.",
            acts.complete_phase, s.PhaseCompleted, TAG, body=s.CompletePhaseBody,
        ),
        Endpoint(
            "POST", f"{BASE}/get-ai-prompt/{{id}}", "get-ai-prompt", "What the role whose turn it is would be asked.",
            answers.prompt, s.BuildPrompt, TAG, body=s.NoBuildBody, body_required=False,
        ),
    )  # fmt: skip


def _answers() -> tuple[Endpoint, ...]:
    one = f"{BASE}/{{id}}"
    return (
        Endpoint(
            "GET", f"{BASE}/status/{{id}}", "workflow-status", "Where a change stands.", answers.status, s.BuildStatus, TAG
        ),
        Endpoint(
            "GET", f"{one}/audit", "workflow-audit", "Every transition, message, handoff and result.", answers.audit,
            v.AuditView, TAG,
        ),
        Endpoint(
            "GET", f"{one}/tasks", "workflow-tasks", "The board: what the plan was split into.", answers.tasks,
            v.TasksView, TAG,
        ),
        Endpoint(
            "GET", f"{one}/findings", "workflow-findings", "What reviewers and validators said.", answers.findings,
            v.FindingsView, TAG,
        ),
        Endpoint(
            "GET", f"{one}/versions", "workflow-versions", "The versions that the change made.", answers.versions,
            v.VersionsView, TAG,
        ),
    )  # fmt: skip
