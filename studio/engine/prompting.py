"""Prompts of one project: the template catalog with its memory in the store, and assembly from what the desk gathered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.canon import CanonDocument, LedgerEntry
from studio.domain.page import Revision
from studio.domain.workflow import OutputKind, Stage
from studio.prompts.catalog import Catalog, Reload, TemplateInfo
from studio.prompts.context import assemble
from studio.prompts.material import Material as PromptMaterial
from studio.prompts.material import Note, PriorPage, Request, Section
from studio.prompts.render import Renderer
from studio.protocol.events import AnyEvent, TemplateReloaded
from studio.protocol.views import TemplateText, TemplateView, Warning
from studio.providers import tokens
from studio.providers.base import Message, ModelProfile
from studio.store import blobs, meta
from studio.store.database import Store

if TYPE_CHECKING:
    from studio.engine.material import Material
    from studio.engine.open_project import OpenProject

# A child takes 22 MB and starts in 0.1 s of the processor: worth keeping while a person reads or an agent outside works, between one
# question and the next, and not over an evening.
RENDERER_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """An assembled prompt. `options` are the template's model options (temperature, top_p)."""

    messages: tuple[Message, ...]
    ledger: tuple[LedgerEntry, ...]
    tokens: int
    budget: int
    template: str
    template_digest: str
    options: Mapping[str, object]
    fits: bool


class StoreMemory:
    """The last good text of a project's template, kept in the store so that it outlives a restart while the file is broken."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def remember(self, name: str, digest: str, text: str) -> None:
        await self._store.transact(lambda tx: meta.put(tx, f"template:{name}", blobs.put(tx, text)))

    async def recall(self, name: str) -> str | None:
        found = await self._store.read(lambda tx: meta.get(tx, f"template:{name}"))
        if found is None:
            return None
        return await self._store.read(lambda tx: blobs.get(tx, found))


def most_priors(project: OpenProject, profile: ModelProfile) -> int:
    """How many earlier pages a prompt may show. A small model takes the release notes of earlier changes for its own: measured with
    qwen2.5-coder-1.5b."""
    return 0 if profile.local and project.workflow.writes_files else project.settings.context.prior_pages


class Prompting:
    def __init__(self, catalog: Catalog, renderer: Renderer, publish: Callable[[AnyEvent], None], root: Path) -> None:
        self._catalog = catalog
        self._renderer = renderer
        self._publish = publish
        self._root = root

    @classmethod
    def open(cls, project: Path, packaged: Path, store: Store, publish: Callable[[AnyEvent], None]) -> Prompting:
        """Templates are read at their first use, which starts the render process (0.1 s): not at the opening of a project."""
        renderer = Renderer(idle_seconds=RENDERER_IDLE_SECONDS)
        catalog = Catalog(project, packaged, renderer=renderer, memory=StoreMemory(store))
        return cls(catalog, renderer, publish, project)

    async def aclose(self) -> None:
        await self._renderer.aclose()

    async def assemble(
        self,
        project: OpenProject,
        material: Material,
        *,
        profile: ModelProfile,
        ratio: float,
        words: str | None,
        continue_from: str | None,
        app: Mapping[str, object] | None = None,
        documents: Sequence[CanonDocument] = (),
        name: str | None = None,
    ) -> Prompt:
        """The exact messages for a page; `words` is feedback that is only previewed. Raises BadInput for a broken template.

        `app` is what the app workflow tells its templates, `documents` go in beside the canon; `name` is another template than
        the stage's own.
        """
        wanted = name or material.stage.template
        template = await self._catalog.get(project.workflow.name, wanted, profile.template_variant)
        settings = project.settings.context
        window = profile.context_tokens - profile.max_output_tokens - settings.reserve
        made = await assemble(
            self._renderer,
            template,
            _request(project, material, words, continue_from, app),
            _prompt_material(project, material, documents),
            count=lambda text: tokens.estimate(text, ratio=ratio),
            budget=max(min(settings.local_budget_tokens if profile.local else settings.budget_tokens, window), 500),
        )
        return Prompt(
            messages=tuple(Message(one.role, one.text, one.cache) for one in made.messages),
            ledger=made.ledger,
            tokens=made.tokens,
            budget=made.budget,
            template=made.template,
            template_digest=made.template_digest,
            options=template.front.options,
            fits=made.fits,
        )

    # Files

    async def reload(self) -> None:
        """Look at the files again and say what became of those that changed."""
        for news in await self._catalog.refresh():
            self._publish(_event(news, self._shown(news.path)))

    async def views(self, *, check: bool) -> tuple[TemplateView, ...]:
        found = await (self._catalog.check_all() if check else self._catalog.listing())
        return tuple(_view(info) for info in found)

    async def view(self, name: str) -> TemplateText:
        """The text on disk: the project's where there is one, else the packaged one."""
        full = await self._catalog.resolve(name)
        own, packaged = await self._catalog.texts(full)
        info = next(one for one in await self._catalog.listing() if one.name == full)
        return TemplateText(template=_view(info), text=own if own is not None else packaged or "")

    async def project_path(self, name: str) -> str:
        """The file's path below the project's `prompts/`; raises NotFound for a template that does not exist."""
        return await self._catalog.resolve(name)

    def _shown(self, path: Path) -> str:
        """As seen from the project; a packaged template in full."""
        below = self._root.parent
        return str(path.relative_to(below) if path.is_relative_to(below) else path)

    def warnings(self) -> tuple[Warning, ...]:
        return tuple(
            Warning(kind="template", message=one.sentence, hint=one.hint, path=self._shown(one.path), line=one.line)
            for one in self._catalog.problems()
        )


def _event(news: Reload, path: str) -> TemplateReloaded:
    problem = news.problem
    return TemplateReloaded(
        name=news.name,
        path=path,
        error=problem.sentence if problem else "",
        line=problem.line if problem else 0,
    )


def _view(info: TemplateInfo) -> TemplateView:
    problem = info.problem
    return TemplateView(
        name=info.name,
        path=str(info.path),
        source=info.origin.value,
        digest=info.digest,
        description=info.description,
        error=problem.sentence if problem else "",
        error_line=problem.line if problem else 0,
        includes=info.includes,
    )


def _request(
    project: OpenProject,
    material: Material,
    words: str | None,
    continue_from: str | None,
    app: Mapping[str, object] | None,
) -> Request:
    notes = [Note(note.text, note.quote) for note in material.notes]
    if words:
        notes.append(Note(words))
    return Request(
        project_title=project.settings.project.title,
        language=project.settings.project.language,
        chapter_number=material.chapter_number,
        chapter_title=material.chapter.title,
        page_number=material.number,
        page_title=material.page.title,
        brief=material.brief.text if material.brief else "",
        stages={stage.name: _text_now(stage, revision, app) for stage, revision in material.earlier},
        draft=_text_now(material.stage, material.head, app) if material.head else None,
        feedback=tuple(notes),
        continue_from=continue_from,
        target_words=material.stage.target_words,
        app=app,
    )


def _text_now(stage: Stage, revision: Revision, app: Mapping[str, object] | None) -> str:
    """A stage's text; a plan as its board stands, for that is what is worked at, and what a revision must not undo."""
    plan = app.get("plan") if app is not None and stage.output is OutputKind.PLAN else None
    return plan if isinstance(plan, str) and plan else revision.text


def _prompt_material(project: OpenProject, material: Material, documents: Sequence[CanonDocument]) -> PromptMaterial:
    instead = {one.path for one in documents}
    return PromptMaterial(
        documents=(*documents, *(one for one in project.canon.documents if one.path not in instead)),
        pins={path: mode for path, mode in material.pins.items() if mode in ("in", "out")},  # type: ignore[misc]
        prior_pages=tuple(
            PriorPage(
                id=one.page.id,
                chapter_number=one.chapter_number,
                number=one.number,
                title=one.page.title,
                brief=one.brief,
                sections=tuple(Section(stage.name, stage.label, revision.text) for stage, revision in one.sections),
            )
            for one in material.priors
        ),
    )
