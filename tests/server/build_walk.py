"""An application built by scripted roles outside: what each phase hands in, over the workflow API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.project import environment, make_project, opened
from tests.fakes.wire_server import WireServer
from tests.server.conftest import Running, running

BASE = "/api/ai-workflows"
PHASES = ("DISCOVERY", "PLANNING", "IMPLEMENTATION", "TESTING", "VERIFICATION", "DEPLOYMENT")
BEGIN = {
    "project_id": "shop", "build_id": "b-1", "user_id": "ana", "model": "", "requirements": "A shop with a basket.",
}  # fmt: skip
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title></head>
<body><h1>Shop</h1></body>
</html>
"""
TASKS = [
    {"id": "page", "title": "The page", "type": "ui", "description": "index.html", "priority": 1, "needs": []},
    {"id": "rows", "title": "The rows", "type": "data", "description": "data.json", "priority": 2, "needs": ["page"]},
]
RESULTS: dict[str, dict[str, Any]] = {
    "DISCOVERY": {},
    "PLANNING": {"tasks": TASKS, "approach": "One page and one file of data."},
    "IMPLEMENTATION": {
        "files": [{"path": "index.html", "content": PAGE}, {"path": "data.json", "content": '{"rows": [1]}\n'}]
    },
    "TESTING": {"verdict": "pass", "summary": "It works.", "findings": []},
    "VERIFICATION": {"verdict": "pass", "summary": "It is what was asked for.", "findings": []},
    "DEPLOYMENT": {"changelog": "- The first page", "summary": "A shop.", "title": "First", "bump": "minor"},
}
FINDING = {
    "severity": "error", "path": "index.html", "line": 2, "rule": "basket", "message": "There is no basket.",
    "suggestion": "Add one.", "quote": "<h1>Shop</h1>",
}  # fmt: skip
RETURNED = {"verdict": "return", "summary": "The basket is missing.", "findings": [FINDING]}


def handed_in(workflow: str, phase: str, **other: Any) -> dict[str, Any]:
    """The body that completes a phase."""
    body = {"workflow_id": workflow, "ai_response": f"The {phase.lower()} is done.", "phase_result": RESULTS[phase]}
    return {**body, "current_state": phase, **other}


async def begin(gate: Running, **other: Any) -> str:
    told = await gate.post(f"{BASE}/initialize", {**BEGIN, **other})
    return str(told["workflow_id"])


async def complete(gate: Running, workflow: str, phase: str, **other: Any) -> Any:
    return await gate.post(f"{BASE}/complete-phase", handed_in(workflow, phase, **other))


async def up_to(gate: Running, workflow: str, phase: str) -> None:
    """Complete every phase before this one."""
    for one in PHASES[: PHASES.index(phase)]:
        await complete(gate, workflow, one)


def make_app(tmp_path: Path) -> Path:
    return make_project(tmp_path, "shop", title="Shop", workflow="app")


@asynccontextmanager
async def app_gate(server: WireServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with opened(make_app(tmp_path), environment(server, tmp_path)) as client, running(client) as up:
        yield up
