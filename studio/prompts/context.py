"""Assembling the prompt of one call: what goes in under the budget, in which order, with the ledger that says why.

Order, from most stable to least: shared opening with the canon that is always in, prior pages oldest first, each with the canon
that it named first, the page's own canon, the stage's messages. No provider is known here: tokens are counted by a function that
the caller brings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from studio.domain.canon import CanonDocument, LedgerEntry
from studio.domain.text import digest
from studio.prompts import budget as sums
from studio.prompts.catalog import Template, TemplateProblem
from studio.prompts.ledger import ledger
from studio.prompts.material import (
    AFTER_TEXT,
    Material,
    Placed,
    Request,
    document_data,
    place,
    prior_data,
    project_data,
    stage_data,
)
from studio.prompts.render import Job, Rendered, Renderer
from studio.prompts.samples import MENTIONED, PREFIX, PRIOR_PAGE
from studio.prompts.selection import Selection
from studio.prompts.source import Role

MESSAGE_TOKENS = 4
"""What the wire adds to each message for its role and ends."""
_DOCUMENT_TOKENS = 20
"""What a template writes around one document: its tags, name and type."""
_TRIES = 12

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """`cache` marks a message that later calls repeat word for word as long as nothing before it changes."""

    role: Role
    text: str
    cache: bool = False


@dataclass(frozen=True, slots=True)
class Assembly:
    """A prompt ready to be sent. `tokens` is the estimate of all messages and the sum of the ledger's included rows."""

    messages: tuple[PromptMessage, ...]
    ledger: tuple[LedgerEntry, ...]
    tokens: int
    budget: int
    template: str
    template_digest: str
    problems: tuple[TemplateProblem, ...] = ()

    @property
    def fits(self) -> bool:
        """False when not even the request itself fits: nothing can be left out any more."""
        return self.tokens <= self.budget

    @property
    def prompt_text(self) -> str:
        """The exact messages as JSON, for the blob that a run keeps."""
        rows = [{"role": message.role, "text": message.text} for message in self.messages]
        return json.dumps(rows, ensure_ascii=False, indent=1)

    @property
    def prompt_digest(self) -> str:
        return digest(self.prompt_text)


@dataclass(frozen=True, slots=True)
class Kept:
    """Indexes of what goes in: into the selection's `always` and `mentioned`, the prior pages, the summaries."""

    always: tuple[int, ...]
    mentioned: tuple[int, ...]
    prior: tuple[int, ...]
    summaries: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Estimated tokens of each part, and bytes where cuts must not move with the estimate."""

    opening: int
    opening_bytes: int
    request: int
    always: tuple[int, ...]
    mentioned: tuple[int, ...]
    prior: tuple[int, ...]
    prior_bytes: tuple[int, ...]
    summaries: tuple[int, ...]


async def assemble(
    renderer: Renderer, template: Template, request: Request, material: Material, *, count: Count, budget: int
) -> Assembly:
    """The prompt of one call of at most `budget` tokens by `count`; check `fits` before sending it.

    Raises RenderError when the template fails on this page's data, RendererFailed when nothing can be rendered.
    """
    press = _Press(renderer, template, request, material, count)
    placed = place(request, material)
    sizes = await press.sizes(placed)
    start = _first_page(sizes, placed, budget)
    if start:
        placed = place(request, material, start)
        sizes = press.resized(sizes, placed)
    kept = _choose(sizes, placed.chosen, material, start, budget)
    messages = await press.messages(placed, kept)
    tokens = _total(messages, count)
    for _ in range(_TRIES):
        smaller = _less(kept, sizes, placed.chosen, tokens - budget)
        if tokens <= budget or smaller == kept:
            break
        kept = smaller
        messages = await press.messages(placed, kept)
        tokens = _total(messages, count)
    return Assembly(
        messages=messages,
        ledger=ledger(template, request, material, placed.chosen, kept, count=count, tokens=tokens),
        tokens=tokens,
        budget=budget,
        template=template.name,
        template_digest=template.digest,
        problems=template.problems,
    )


@dataclass(frozen=True, slots=True)
class _Press:
    """Renders the parts of one prompt."""

    renderer: Renderer
    template: Template
    request: Request
    material: Material
    count: Count

    async def sizes(self, placed: Placed) -> _Sizes:
        shared = self.template.shared
        bare = [self._stage_job(stage_data(self.request, (), (), (), ()))]
        if shared:
            bare.append(self._prefix_job(()))
            bare += [self._prior_job(index) for index in range(len(self.material.prior_pages))]
        rendered = await self.renderer.render(self.template.sources, bare)
        opening = _texts(rendered[1]) if shared else ()
        prior = (
            [_texts(part) for part in rendered[2:]] if shared else [(page.text,) for page in self.material.prior_pages]
        )
        documents = [pick.document for pick in placed.chosen.always]
        return _Sizes(
            opening=self._count(opening),
            opening_bytes=sum(map(_bytes, opening)) + sum(_bytes(item.body) for item in documents),
            request=self._count(_texts(rendered[0])),
            always=tuple(self.count(item.body) + _DOCUMENT_TOKENS for item in documents),
            mentioned=self._mentioned_sizes(placed),
            prior=tuple(self._count(texts) for texts in prior),
            prior_bytes=tuple(sum(map(_bytes, texts)) for texts in prior),
            summaries=tuple(self.count(item.text) + _DOCUMENT_TOKENS for item in self.material.summaries),
        )

    def resized(self, sizes: _Sizes, placed: Placed) -> _Sizes:
        return replace(sizes, mentioned=self._mentioned_sizes(placed))

    def _mentioned_sizes(self, placed: Placed) -> tuple[int, ...]:
        return tuple(self.count(pick.document.body) + _DOCUMENT_TOKENS for pick in placed.chosen.mentioned)

    async def messages(self, placed: Placed, kept: Kept) -> tuple[PromptMessage, ...]:
        always = [placed.chosen.always[index].document for index in kept.always]
        prior = [self.material.prior_pages[index] for index in kept.prior]
        summaries = [self.material.summaries[index] for index in kept.summaries]
        mentioned = [placed.chosen.mentioned[index].document for index in kept.mentioned]
        jobs = self._shared_jobs(placed, kept, always) if self.template.shared else []
        stage = self._stage_job(stage_data(self.request, always, mentioned, prior, summaries))
        *before, last = await self.renderer.render(self.template.sources, [*jobs, stage])
        stable = [PromptMessage(item.role, item.text, cache=True) for part in before for item in part]
        return (*stable, *(PromptMessage(item.role, item.text) for item in last))

    def _shared_jobs(self, placed: Placed, kept: Kept, always: Sequence[CanonDocument]) -> list[Job]:
        """The opening, then prior pages and documents, each in its place."""
        here = len(self.material.prior_pages)
        groups: dict[tuple[int, int], list[CanonDocument]] = {}
        for index in kept.mentioned:
            groups.setdefault(placed.places[index], []).append(placed.chosen.mentioned[index].document)
        jobs = [self._prefix_job(always)]
        for page in range(here + 1):
            steps = sorted(where for where in groups if where[0] == page)
            jobs += [self._mentioned_job(always, groups[where]) for where in steps]
            if page in kept.prior:
                jobs.append(self._prior_job(page))
        return jobs

    def _stage_job(self, data: Mapping[str, object]) -> Job:
        return Job(self.template.name, self._defaults(self.template.name, data))

    def _prefix_job(self, always: Sequence[CanonDocument]) -> Job:
        data = {"project": project_data(self.request), "canon": {"always": document_data(always)}}
        return self._shared_job(PREFIX, data)

    def _prior_job(self, index: int) -> Job:
        data = {"project": project_data(self.request), "prior_page": prior_data(self.material.prior_pages[index])}
        return self._shared_job(PRIOR_PAGE, data)

    def _mentioned_job(self, always: Sequence[CanonDocument], mentioned: Sequence[CanonDocument]) -> Job:
        canon = {"always": document_data(always), "mentioned": document_data(mentioned)}
        return self._shared_job(MENTIONED, {"project": project_data(self.request), "canon": canon})

    def _shared_job(self, part: str, data: Mapping[str, object]) -> Job:
        name = self.template.shared[part]
        return Job(name, self._defaults(name, data))

    def _defaults(self, name: str, data: Mapping[str, object]) -> Mapping[str, object]:
        return {**self.template.sources[name].front.defaults, **data}

    def _count(self, texts: Sequence[str]) -> int:
        return sum(self.count(text) + MESSAGE_TOKENS for text in texts)


def _first_page(sizes: _Sizes, placed: Placed, budget: int) -> int:
    """The oldest prior page that stays. A page is as large as itself with the documents that came in with it."""
    here = len(sizes.prior)
    weights = list(sizes.prior_bytes)
    need = sizes.request
    for pick, (page, step), size in zip(placed.chosen.mentioned, placed.places, sizes.mentioned, strict=True):
        owner = page - 1 if step == AFTER_TEXT else page
        if owner < here:
            weights[owner] += _bytes(pick.document.body)
        else:
            need += size
    size = sum(sizes.prior_bytes)
    ratio = sum(sizes.prior) / size if size else 1.0
    return sums.cut(weights, budget=budget, opening_bytes=sizes.opening_bytes, need=need, ratio=ratio)


def _choose(sizes: _Sizes, chosen: Selection, material: Material, start: int, budget: int) -> Kept:
    """What goes in by the estimates: always-in canon, then mentioned canon by priority, then prior pages, newest kept."""
    fixed = sizes.opening + sizes.request
    always = sums.greedy(sizes.always, range(len(sizes.always)), budget - fixed)
    room = budget - fixed - sum(sizes.always[index] for index in always)
    # The page just before this one is worth more than the last of many documents, as long as it is not a monster.
    newest = min(sizes.prior[-1], room // 4) if sizes.prior else 0
    by_priority = sorted(
        range(len(sizes.mentioned)), key=lambda index: (-chosen.mentioned[index].document.priority, index)
    )
    mentioned = sums.greedy(sizes.mentioned, by_priority, room - newest)
    prior = tuple(range(start, len(sizes.prior)))
    left = room - sum(sizes.mentioned[index] for index in mentioned) - sum(sizes.prior[index] for index in prior)
    gone = {page.chapter_number for page in material.prior_pages[:start]}
    candidates = [index for index, item in enumerate(material.summaries) if item.chapter_number in gone]
    summaries = sums.greedy(sizes.summaries, candidates[::-1], left)
    return Kept(tuple(sorted(always)), tuple(sorted(mentioned)), prior, tuple(sorted(summaries)))


def _less(kept: Kept, sizes: _Sizes, chosen: Selection, excess: int) -> Kept:
    """`kept` without what must go to save `excess` tokens: older pages, summaries, low mentions, the last page, low canon."""
    low_mentions = sorted(kept.mentioned, key=lambda index: (chosen.mentioned[index].document.priority, -index))
    queue = [("prior", index, sizes.prior[index]) for index in kept.prior[:-1]]
    queue += [("summaries", index, sizes.summaries[index]) for index in kept.summaries]
    queue += [("mentioned", index, sizes.mentioned[index]) for index in low_mentions]
    queue += [("prior", index, sizes.prior[index]) for index in kept.prior[-1:]]
    queue += [("always", index, sizes.always[index]) for index in kept.always[::-1]]
    for kind, index, size in queue:
        if excess <= 0:
            break
        remaining = tuple(item for item in getattr(kept, kind) if item != index)
        kept = replace(kept, **{kind: remaining})
        excess -= size
    return kept


def _total(messages: Sequence[PromptMessage], count: Count) -> int:
    return sum(count(message.text) + MESSAGE_TOKENS for message in messages)


def _texts(rendered: Sequence[Rendered]) -> tuple[str, ...]:
    return tuple(item.text for item in rendered)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
