"""Tools that touch no file: a word of progress, a snapshot, the end of a task."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from studio.domain.text import clean, one_line
from studio.tools.base import Action, Done, ToolContext, failed

SUMMARY_CHARACTERS = 8_000


class BroadcastProgress(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "broadcast_progress"
    about: ClassVar[str] = "Tell the person in one sentence what you are doing now."

    message: Annotated[str, Meta(description="One short sentence.")]
    stage: Literal["analyzing", "planning", "coding", "reviewing", "deploying"] | None = None
    percent: Annotated[int | None, Meta(description="0 to 100 of this task.")] = None

    async def carry_out(self, at: ToolContext) -> Done:
        message = one_line(self.message, 300)
        percent = None if self.percent is None else min(100, max(0, self.percent))
        await at.hooks.progress(self.stage or "", percent, message)
        return Done("Told.", message)


class CreateVersionSnapshot(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "create_version_snapshot"
    about: ClassVar[str] = (
        "Keep the application as it is now, before a larger change. Each file's old text is kept anyway."
    )
    waits: ClassVar[bool] = True

    label: Annotated[str, Meta(description="What the application can do at this point, in a few words.")]

    async def carry_out(self, at: ToolContext) -> Done:
        label = one_line(self.label, 120)
        kept = one_line(await at.hooks.snapshot(label), 200)
        return Done(f"Kept{f' as {kept}' if kept else ''}.", f"snapshot: {label}", data={"snapshot": kept})


class FinishApp(Action, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: ClassVar[str] = "finish_app"
    about: ClassVar[str] = "End your task when all of it is done. Call it alone, after the answers to your other calls."
    waits: ClassVar[bool] = True

    summary: Annotated[str, Meta(description="What was done, in a few sentences.")]
    changelog: Annotated[
        str | None, Meta(description="One line for each change that a user of the application notices.")
    ] = None
    follow_ups: Annotated[list[str] | None, Meta(description="What could be done next, one sentence each.")] = None

    async def carry_out(self, at: ToolContext) -> Done:
        summary = clean(self.summary).strip()[:SUMMARY_CHARACTERS]
        if not summary:
            raise failed(
                "The task is not ended: summary is empty. Say in a sentence what was done.", "finish_app: no summary"
            )
        data: dict[str, object] = {
            "summary": summary,
            "changelog": clean(self.changelog or "").strip()[:SUMMARY_CHARACTERS],
            "follow_ups": [one_line(one, 300) for one in (self.follow_ups or [])[:20] if one.strip()],
        }
        return Done("The task is ended.", one_line(summary, 120), finished=True, data=data)
