"""What the Story API does to a page: each act is one or two commands of the protocol, and the answer is made from theirs."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from studio.domain.errors import BadInput, Conflict, NotFound, Refused, StudioError
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.protocol.commands import Done
from studio.server.asked import Asked, NoParameters
from studio.server.refusals import ErrorBody, failure
from studio.server.story import shapes as s


class Decision(Protocol):
    """An act about one stage."""

    def __call__(self, asked: Asked, stage: str) -> Awaitable[s.Written]: ...


NARRATION = "narration"
DIALOGUE = "dialogue"


async def start_page(asked: Asked) -> s.Written:
    wanted = asked.body(s.StartPage)
    drafting = asked.parameters(s.Drafting)
    if not wanted.user_input.strip():
        raise BadInput("The userInput is empty.", hint="Say in a sentence or two what happens on the page.")
    command = c.AddPage(chapter=wanted.chapter_id, title=wanted.title, brief=wanted.user_input)
    done = await asked.client.execute(command, request=asked.key_for("page"))
    return await _then_draft(asked, done, drafting.generate, wanted.model)


async def deliver_narration(asked: Asked) -> s.Written:
    given = asked.body(s.Narration)
    return await _deliver(asked, NARRATION, given.narration_text, given.agent_model, given.tokens_used)


async def deliver_dialogue(asked: Asked) -> s.Written:
    given = asked.body(s.DialogueBody)
    return await _deliver(asked, DIALOGUE, _dialogue_text(given), given.agent_model, given.tokens_used)


def _dialogue_text(given: s.DialogueBody) -> str:
    if (given.dialogue_text is None) == (given.lines is None):
        raise BadInput("Dialogue comes as dialogueText or as lines.", hint="Send one of the two.")
    if given.lines is None:
        return given.dialogue_text or ""
    if not given.lines or any(not line.text.strip() for line in given.lines):
        raise BadInput("A line of dialogue is empty.", hint="Leave it out, or give it a text.")
    return msgspec.json.encode({"lines": given.lines}).decode()


async def _deliver(asked: Asked, stage: str, text: str, model: str | None, tokens: int | None) -> s.Written:
    asked.parameters(NoParameters)
    page = await find_page(asked)
    command = c.Deliver(page=page.id, stage=stage, text=text, agent=model or "", model=model, tokens_used=tokens)
    return await written(asked, await asked.client.execute(command, request=asked.key_for("text")))


async def approve(asked: Asked, stage: str) -> s.Written:
    """Approves this stage and no other: the command names the revision, which belongs to one stage alone."""
    given = asked.optional_body(s.Approval)
    drafting = asked.parameters(s.Drafting)
    page = await find_page(asked)
    seen = given.revision_id or _newest(page, stage).id
    command = c.Approve(page=page.id, revision=seen, anyway=given.anyway, draft=False)
    done = await _decide(asked, command, page, stage, "approval")
    return await _then_draft(asked, done, drafting.generate)


async def revise(asked: Asked, stage: str) -> s.Written:
    given = asked.body(s.Revision)
    drafting = asked.parameters(s.Drafting)
    if not given.feedback_text.strip():
        raise BadInput("The feedbackText is empty.", hint="Say what should change.")
    page = await find_page(asked)
    command = c.Revise(
        page=page.id, feedback=given.feedback_text, quote=given.quote, model=given.model,
        revision=given.revision_id or _newest(page, stage).id, generate=drafting.generate,
    )  # fmt: skip
    return await written(asked, await _decide(asked, command, page, stage, "revision"))


async def stop(asked: Asked) -> s.Written:
    asked.parameters(NoParameters)
    asked.optional_body(s.NoBody)
    page = await find_page(asked)
    return await written(asked, await asked.client.execute(c.Stop(page=page.id), request=asked.key_for("stop")))


async def restore(asked: Asked) -> s.Written:
    asked.parameters(NoParameters)
    given = asked.body(s.Restoring)
    page = await find_page(asked)
    ref = given.revision_id
    if ref is None:
        if given.stage is None or given.version is None:
            raise BadInput("Say which revision: revisionId, or stage and version.")
        ref = f"{page.id}@{given.stage}:{given.version}"
    revision = await asked.client.query(q.GetRevision(revision=ref))
    if revision.page != page.id:
        raise NotFound("That revision belongs to another page.", hint="The page's own are in its history.")
    return await written(
        asked, await asked.client.execute(c.Restore(revision=revision.id), request=asked.key_for("restore"))
    )


async def find_page(asked: Asked) -> v.PageView:
    return await asked.client.query(q.GetPage(page=asked.path("id")))


def cell_of(page: v.PageView, stage: str) -> v.StageCell:
    for cell in page.cells:
        if cell.name == stage:
            return cell
    raise Refused(f"This project's workflow has no {stage}.", hint="Use /api/commands, which works for every workflow.")


def _newest(page: v.PageView, stage: str) -> v.RevisionView:
    head = cell_of(page, stage).head
    if head is None:
        raise Refused(
            f"There is no {stage} yet: the page is in state {page.state}.",
            hint="Draft it, or hand in a text.",
            data={"state": page.state},
        )
    return head


async def _decide(asked: Asked, command: c.AnyCommand, page: v.PageView, stage: str, step: str) -> Done:
    """Carry it out. A page that stands at another stage refuses in words about that, and not about a revision."""
    try:
        return await asked.client.execute(command, request=asked.key_for(step))
    except (Conflict, Refused) as error:
        if page.stage == stage:
            raise
        raise Refused(
            f"The {stage} is not under review: the page is in state {page.state}.",
            hint='To open it again: POST /api/commands {"op": "review.reopen", "page": ...}.',
            data={"state": page.state},
        ) from error


async def _then_draft(asked: Asked, done: Done, generate: bool, model: str | None = None) -> s.Written:
    """Start the next draft where one is awaited and wanted. What is done stays done when the draft cannot start: the answer says why."""
    if not generate or done.page is None or not (done.state or "").startswith("generating_"):
        return await written(asked, done)
    try:
        drafted = await asked.client.execute(c.Generate(page=done.page, model=model), request=asked.key_for("draft"))
    except StudioError as error:
        return await written(asked, done, draft_error=failure(error).error)
    return await written(asked, done, run=drafted)


async def written(
    asked: Asked, done: Done, *, run: Done | None = None, draft_error: ErrorBody | None = None
) -> s.Written:
    latest = run or done
    message = done.message if draft_error is None else f"{done.message} No draft was started: {draft_error.message}"
    number = None
    if done.revision is not None:
        revision = await asked.client.query(q.GetRevision(revision=done.revision))
        number = revision.number if revision.stage != "brief" else None
    return s.Written(
        state=latest.state or "",
        message=message or latest.message,
        page_id=done.page or "",
        version=number,
        revision_id=done.revision if number is not None else None,
        feedback_id=done.feedback,
        run_id=latest.run,
        data=s.WrittenData(seq=latest.seq, price=latest.price, draft_error=draft_error),
    )
