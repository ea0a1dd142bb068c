"""Any commands in any order, with good and bad replies, edits of the files and reopenings: what must hold after every step.

The examples are the same on every run (`derandomize`); `STUDIO_STATEFUL_EXAMPLES` asks for more of them.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from studio.domain import workflow as w
from studio.domain.errors import StorageError, StudioError
from studio.domain.page import BRIEF, Page, Revision, StageHead
from studio.domain.text import digest
from studio.engine.inprocess import InProcessClient
from studio.engine.opening import open_engine
from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.store import chapters, journal, pages, revisions, runs, state, words
from studio.store.transaction import Tx
from studio.workspace import streams
from tests.fakes.project import environment, make_project, settled
from tests.fakes.wire_script import SCRIPTS, Fault, Finish, Step, status
from tests.fakes.wire_server import WireServer, running_wire_server

T = TypeVar("T")

EXAMPLES = int(os.environ.get("STUDIO_STATEFUL_EXAMPLES", "10"))
STAGES = ("narration", "dialogue")
REPLIES = {
    "good": Step(),
    "cut off": Step(finish=Finish.LENGTH),
    "refused": Step(finish=Finish.REFUSAL),
    "empty": Step(text=""),
    "hostile": SCRIPTS["hostile"][0],
    "unparsed": SCRIPTS["unparsed"][0],
    "reset": Step(fault=Fault.RESET, after=20),
    "silent end": Step(fault=Fault.SILENT_END, after=20),
    "error frame": Step(fault=Fault.ERROR_FRAME, after=5),
    "key refused": status(401),
    "hangs": Step(fault=Fault.STALL, after=12),
}
"""The last one never ends by itself: the draft runs until it is stopped or its page is left."""

WORDS = st.sampled_from(
    (
        "Ilse lowers the lamp.",
        "BRAM: Hold on.\nILSE (thought): He is late.",
        "## Dialogue\nnot a heading of ours",
        "  two blanks before\n\n\n[bold]brackets[/]\n",
        "彼女は言った。 — «ναί»",
        "---\nid: forged\n---\ntext",
        "",
    )
)
PLACE = st.integers(min_value=0, max_value=7)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows that the rules are about, read in one transaction."""

    pages: dict[str, Page]
    heads: dict[str, dict[str, StageHead]]
    states: dict[str, state.PageState]
    revisions: dict[str, Revision]
    live: tuple[str, ...]
    partials: dict[str, str]
    journal: tuple[int, int]
    kept: dict[tuple[str, str], str]


def snapshot(tx: Tx) -> Snapshot:
    listed = {page.id: page for page in pages.listing(tx, archived=True)}
    texts = [one for page in listed for one in revisions.listing(tx, page)]
    return Snapshot(
        pages=listed,
        heads={page: pages.heads(tx, page) for page in listed},
        states={page: state.get(tx, page) for page in listed},
        revisions={one.id: one for one in texts},
        live=tuple(run.id for run in runs.live(tx)),
        partials={run.id: run.partial for page in listed for run in runs.listing(tx, page)},
        journal=(journal.head(tx), journal.count(tx)),
        kept={(one.page_id, one.place): one.text for page in listed for one in words.listing(tx, "ana", page)},
    )


@dataclass(slots=True)
class Known:
    """What was promised so far and has to be found at every later look."""

    revisions: dict[str, Revision] = field(default_factory=dict)
    partials: dict[str, str] = field(default_factory=dict)
    heads: dict[tuple[str, str], int] = field(default_factory=dict)
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    seq: int = 0


class Book(RuleBasedStateMachine):
    """One project, its engine and the scripted server. Every rule is one command or one deed of the person beside it."""

    server: WireServer

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="stateful-")))
        self.root = make_project(self.folder)
        self.env = environment(self.server, self.folder)
        self.loop = asyncio.new_event_loop()
        self.known = Known()
        self.running: list[str] = []
        self.said: list[str] = []
        self.client = self.wait(self.connect())
        self.wait(self.client.execute(c.AddChapter(title="The Crossing")))

    def teardown(self) -> None:
        self.wait(self.client.aclose())
        self.loop.close()
        self.stack.close()

    # Ways in

    def wait(self, work: Awaitable[T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(60):
                return await work

        return self.loop.run_until_complete(bounded())

    async def connect(self) -> InProcessClient:
        return await InProcessClient.connect(lambda: open_engine(self.root, env=self.env, watch=False), "ana")

    def do(self, command: c.AnyCommand) -> c.Done | None:
        """Carry it out; a refusal is an answer, a failure inside is not."""
        try:
            return self.wait(self.client.execute(command))
        except StorageError:
            raise
        except StudioError as error:
            self.said.append(error.message)
            return None

    def read(self, work: Callable[[Tx], T]) -> T:
        store = self.client._engine._project.store
        return self.wait(self.client._thread.call(store.read(work)))

    def page(self, place: int) -> str:
        listed = self.read(lambda tx: pages.listing(tx, archived=True))
        return listed[place % len(listed)].id if listed else "none"

    def start(self, command: c.AnyCommand, reply: str) -> None:
        self.server._steps.clear()
        self.server.play(REPLIES[reply])
        done = self.do(command)
        if done is None or done.run is None:
            return
        if reply == "hangs":
            self.running.append(done.run)
        else:
            self.wait(settled(self.client, done.run))

    # Rules: the outline

    @rule(title=WORDS)
    def add_chapter(self, title: str) -> None:
        self.do(c.AddChapter(title=title))

    @rule(place=PLACE, text=WORDS)
    def add_page(self, place: int, text: str) -> None:
        listed = self.read(chapters.listing)
        self.do(c.AddPage(chapter=listed[place % len(listed)].id, title=text[:12], brief=text))

    @rule(place=PLACE, to=PLACE, other=PLACE)
    def move_page(self, place: int, to: int, other: int) -> None:
        listed = self.read(chapters.listing)
        self.do(c.MovePage(page=self.page(place), position=to, chapter=listed[other % len(listed)].id))

    @rule(place=PLACE, archived=st.booleans())
    def archive(self, place: int, archived: bool) -> None:
        page = self.page(place)
        self.do(c.ArchivePage(page=page) if archived else c.UnarchivePage(page=page))

    @rule(place=PLACE, title=WORDS)
    def rename(self, place: int, title: str) -> None:
        self.do(c.RenamePage(page=self.page(place), title=title))

    # Rules: drafts and reviews

    @rule(place=PLACE, text=WORDS)
    def set_brief(self, place: int, text: str) -> None:
        self.do(c.SetBrief(page=self.page(place), text=text))

    @rule(place=PLACE, reply=st.sampled_from(tuple(REPLIES)))
    def generate(self, place: int, reply: str) -> None:
        self.start(c.Generate(page=self.page(place)), reply)

    @rule(place=PLACE, reply=st.sampled_from(tuple(REPLIES)), text=WORDS, outside=st.booleans())
    def revise(self, place: int, reply: str, text: str, outside: bool) -> None:
        self.start(c.Revise(page=self.page(place), feedback=text, generate=not outside), reply)

    @rule(place=PLACE, reply=st.sampled_from(tuple(REPLIES)), action=st.sampled_from(("continue", "keep", "discard")))
    def resume(self, place: int, reply: str, action: str) -> None:
        self.start(c.Resume(page=self.page(place), action=action), reply)  # type: ignore[arg-type]

    @rule(place=PLACE)
    def stop(self, place: int) -> None:
        self.do(c.Stop(page=self.page(place)))

    @rule(place=PLACE, anyway=st.booleans())
    def approve(self, place: int, anyway: bool) -> None:
        self.do(c.Approve(page=self.page(place), anyway=anyway))

    @rule(place=PLACE)
    def reopen(self, place: int) -> None:
        self.do(c.Reopen(page=self.page(place)))

    @rule(place=PLACE, stage=st.sampled_from((BRIEF, *STAGES)), text=WORDS)
    def edit(self, place: int, stage: str, text: str) -> None:
        self.do(c.Edit(page=self.page(place), stage=stage, text=text))

    @rule(place=PLACE, stage=st.sampled_from(STAGES), text=WORDS)
    def deliver(self, place: int, stage: str, text: str) -> None:
        self.do(c.Deliver(page=self.page(place), stage=stage, text=text, agent="somebody"))

    @precondition(lambda self: self.known.revisions)
    @rule(place=st.integers(min_value=0, max_value=40), text=WORDS, restore=st.booleans())
    def restore_or_comment(self, place: int, text: str, restore: bool) -> None:
        found = list(self.known.revisions)[place % len(self.known.revisions)]
        self.do(c.Restore(revision=found) if restore else c.Comment(revision=found, text=text))

    @rule(place=PLACE, text=WORDS, where=st.sampled_from(("brief", "feedback:narration", "edit:dialogue")))
    def keep_words(self, place: int, text: str, where: str) -> None:
        page = self.page(place)
        if self.do(c.KeepWords(page=page, place=where, text=text)) is not None:
            self.known.kept[(page, where)] = text

    # Rules: beside the program

    @rule(place=PLACE, text=WORDS)
    def edit_a_file(self, place: int, text: str) -> None:
        """An editor saves a file of the manuscript, with a line more at its end."""
        files = sorted((self.root / "manuscript").rglob("*.md"))
        if not files:
            return
        file = files[place % len(files)]
        file.write_text(file.read_text() + f"\n{text}\n")
        self.do(c.SyncMirror())

    @rule()
    def quit_and_open(self) -> None:
        self.wait(self.client.aclose())
        self.running.clear()
        self.client = self.wait(self.connect())
        assert streams.left_over(self.root) == ()

    # What holds

    @invariant()
    def rows_hold(self) -> None:
        now = self.read(snapshot)
        head, count = now.journal
        assert head == count, "the journal has a gap"
        assert head >= self.known.seq
        self.known.seq = head
        for page in now.pages.values():
            self.page_holds(now, page)
        for ident, text in self.known.partials.items():
            assert now.partials[ident].startswith(text), "a partial text was shortened"
        self.known.partials = {ident: text for ident, text in now.partials.items() if ident not in now.live}
        for ident, before in self.known.revisions.items():
            assert now.revisions[ident] == before, "a revision was changed or lost"
        for revision in now.revisions.values():
            assert revision.digest == digest(revision.text)
        self.known.revisions = now.revisions
        assert {key: text for key, text in self.known.kept.items() if text} == now.kept

    def page_holds(self, now: Snapshot, page: Page) -> None:
        project = self.client._engine._project
        stands = project.workflow.parse_state(page.state)
        mirrored = now.states[page.id]
        assert (mirrored.state, mirrored.stage) == (page.state, stands.stage)
        heads = now.heads[page.id]
        approved = [stage for stage in STAGES if stage in heads and heads[stage].approved_id]
        if stands.phase is w.Phase.APPROVED:
            assert approved == list(STAGES)
        elif stands.stage is not None:
            assert approved == list(STAGES[: STAGES.index(stands.stage)])
        if stands.phase is w.Phase.REVIEWING:
            assert stands.stage in heads, "nothing to review"
        for stage, one in heads.items():
            assert one.revision_id is not None, "a head was lost"
            number = now.revisions[one.revision_id].number
            assert number >= self.known.heads.get((page.id, stage), 0), "a head went back"
            self.known.heads[(page.id, stage)] = number

    @invariant()
    def files_hold(self) -> None:
        manuscript = self.client._engine._project.manuscript
        assert self.wait(self.client._thread.call(manuscript.differences())) == []

    @invariant()
    def refusals_are_sentences(self) -> None:
        assert all(words and "\n" not in words for words in self.said)

    @invariant()
    def nothing_runs_without_a_task(self) -> None:
        live = set(self.read(snapshot).live)
        assert live <= set(self.running)
        project = self.wait(self.client.query(q.GetProject()))
        assert {page.live for chapter in project.chapters for page in chapter.pages if page.live} <= live


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with running_wire_server() as running:
        Book.server = running
        yield


TestBook = Book.TestCase
TestBook.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),  # shrinking a history of forty steps takes minutes
    suppress_health_check=list(HealthCheck),
)
