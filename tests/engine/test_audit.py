"""The audit trail of a change: examples that a prompt holds are told from what a model said, and each line has its phase."""

from __future__ import annotations

from pathlib import Path

from studio.domain.page import Origin
from studio.engine.texts import add_revision
from studio.engine.views.audit import get_audit
from studio.protocol import build_queries as q
from studio.store import conversations
from studio.store.transaction import Tx
from tests.engine.app_project import add_change, add_run, app_project


async def test_an_answer_that_the_prompt_holds_as_an_example_is_not_listed_as_the_models_own(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)
        run = await add_run(project, page, "testing")
        prompt = [(kind, f"{kind} {n}", None) for n, kind in enumerate(("system", "user", "assistant", "user"))]
        role = "test_auditor"
        await project.store.transact(lambda tx: conversations.extend(tx, page.id, role, prompt, run_id=run.id))
        answer = [("assistant", "It works.", None)]
        await project.store.transact(lambda tx: conversations.extend(tx, page.id, role, answer, run_id=run.id))
        lines = (await get_audit(project, q.GetAudit(page=page.id), "ana")).lines
        assert [one.line for one in lines if one.kind == "message"] == [
            "system: system 0", "user, an example in the prompt: user 1",
            "assistant, an example in the prompt: assistant 2", "user: user 3", "assistant: It works.",
        ]  # fmt: skip


async def test_what_an_agent_outside_handed_in_stands_at_the_phase_that_its_result_is_of(tmp_path: Path) -> None:
    async with app_project(tmp_path) as project:
        page = await add_change(project)

        def hand_in(tx: Tx) -> None:
            add_revision(tx, page.id, "planning", "One file.", origin=Origin.OUTSIDE, parent=None, author="agent")
            conversations.append(tx, page.id, "q_assistant", "assistant", "One file.")

        await project.store.transact(hand_in)
        lines = (await get_audit(project, q.GetAudit(page=page.id), "ana")).lines
        assert [one.stage for one in lines if one.kind == "message"] == ["planning"]
