"""The templates in use: the project's over the packaged ones, reloaded when files change, the last good version in place of a broken one.

What goes into a template is decided in `context`; rendering happens in `render`; noticing a change at once is `watcher`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import NotFound, StudioError
from studio.prompts import files, shelf
from studio.prompts.files import SUFFIXES, Found, Origin
from studio.prompts.render import Renderer
from studio.prompts.saves import SETTLE_SECONDS, Saves
from studio.prompts.shelf import Choice, Tryer, Version
from studio.prompts.source import Front, Source, TemplateError, is_part
from studio.prompts.versions import Memory, Versions


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why the newest text of a file is not in use; `last_good` says whether an earlier one stands in. `line` 0: none to blame."""

    name: str
    path: Path
    line: int
    reason: str
    hint: str
    last_good: bool

    @property
    def message(self) -> str:
        place = f"{self.name}, line {self.line}" if self.line else self.name
        return f"{place}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """`message` without the place, for where path and line stand beside it."""
        use = "the last good version is in use" if self.last_good else "it cannot be used"
        return f"{self.reason}; {use}."


@dataclass(frozen=True, slots=True)
class Template:
    """A stage's template with everything it draws on, fixed at the moment it was asked for.

    `shared` names the files that come before it by their part (`_prefix`, `_prior_page`, `_mentioned`), empty for `prefix: none`;
    `digest` covers the texts of the whole closure; `problems` are those of files in it.
    """

    name: str
    path: Path
    origin: Origin
    source: Source
    sources: Mapping[str, Source]
    shared: Mapping[str, str]
    digest: str
    problems: tuple[TemplateProblem, ...] = ()

    @property
    def front(self) -> Front:
        return self.source.front


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """One line of a listing. `path` is the file on disk; `digest` that of the closure in use, empty when none is."""

    name: str
    path: Path
    origin: Origin
    digest: str
    description: str
    includes: tuple[str, ...]
    part: bool
    problem: TemplateProblem | None


@dataclass(frozen=True, slots=True)
class Reload:
    """What became of a file that changed: in use (`problem` None), broken, or gone (`digest` empty)."""

    name: str
    path: Path
    digest: str
    problem: TemplateProblem | None


class Catalog:
    """All templates of a project. Methods may be called from one event loop; they wait for each other.

    Every `get` looks at the files first, so a saved template counts at once, whether or not a watcher runs. As long as all files are
    the packaged ones, as they were at the start, only the template that is asked for is tried: all of them take 0.8 s.
    """

    def __init__(
        self,
        project: Path | None,
        packaged: Path,
        *,
        renderer: Renderer,
        memory: Memory | None = None,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.renderer = renderer
        self._project = project
        self._packaged = packaged
        self._memory = memory
        self._settle_seconds = settle_seconds
        self._saves = Saves(project, packaged, settle_seconds)
        self._versions = Versions(packaged, renderer, memory)
        self._tryer = Tryer(renderer)
        self._lock = asyncio.Lock()
        self._found: Mapping[str, Found] = {}
        self._used: dict[str, Version] = {}
        self._problems: dict[str, TemplateProblem] = {}
        self._news: dict[str, Reload] = {}
        self._unremembered: dict[str, Version] = {}
        self._loaded = False
        self._untried = False

    async def get(self, workflow: str, stage: str, variant: str | None = None) -> Template:
        """The template of a stage. A variant that does not exist falls back to the plain one; a project's file of either kind
        wins over packaged ones, so that what an author changed is what is used.

        Raises TemplateError when the only file there is cannot be used, NotFound when there is none.
        """
        async with self._lock:
            await self._refresh()
            names = [f"{workflow}/{stage}{suffix}" for suffix in SUFFIXES]
            if variant:
                names = [f"{workflow}/{stage}.{variant}{suffix}" for suffix in SUFFIXES] + names
            version = self._first(names)
            if version and self._untried and await self._tryer.failure(version.name, self._used):
                await self._refresh(whole=True)
                version = self._first(names)
            if version is None:
                raise self._absence(workflow, stage, names)
            return self._template(version, names)

    def _first(self, names: Sequence[str]) -> Version | None:
        for origin in (Origin.PROJECT, Origin.PACKAGED):
            for name in names:
                if (version := self._used.get(name)) and version.origin is origin:
                    return version
        return None

    async def refresh(self) -> tuple[Reload, ...]:
        """Look at the files again; what changed since this was last asked."""
        async with self._lock:
            await self._refresh()
            news, self._news = tuple(self._news.values()), {}
            return news

    async def listing(self) -> tuple[TemplateInfo, ...]:
        async with self._lock:
            await self._refresh(whole=True)
            return tuple(self._info(name) for name in sorted(set(self._found) | set(self._used)))

    async def check_all(self) -> tuple[TemplateInfo, ...]:
        """Like `listing`, after trying every template again with sample inputs for draft, revision and continuation."""
        async with self._lock:
            self._tryer.forget()
            self._saves.forget()
            await self._refresh(whole=True)
        return await self.listing()

    async def texts(self, name: str) -> tuple[str | None, str | None]:
        """The text on disk of the project's file and of the packaged one, as they are; raises TemplateError if unreadable."""
        project, packaged = await asyncio.to_thread(_texts, self._project, self._packaged, name)
        return project, packaged

    async def resolve(self, wanted: str) -> str:
        """The full name for `story/narration`, `narration` or `story/narration.md.j2`; raises NotFound naming what there is."""
        names = [info.name for info in await self.listing()]
        matches = [name for name in names if name == wanted]
        matches = matches or [name for name in names if any(name == wanted + suffix for suffix in SUFFIXES)]
        matches = matches or [
            name for name in names if any(name.endswith(f"/{wanted}{suffix}") for suffix in ("", *SUFFIXES))
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise NotFound(f"{wanted!r} could be {' or '.join(matches)}.", hint="Name one of them in full.")
        raise NotFound(f"There is no template {wanted!r}.", hint=f"There are: {', '.join(names)}.")

    def problems(self) -> tuple[TemplateProblem, ...]:
        """Files whose newest text is not in use, as of the last look."""
        return tuple(self._problems[name] for name in sorted(self._problems))

    def _template(self, version: Version, names: list[str]) -> Template:
        members = {key: value for key, value in shelf.closure(version.name, self._used).items() if value}
        shared = shelf.shared_names(version.name, self._used) if shelf.wants_shared(version.source) else {}
        concerned = [name for name in (*members, *names) if name in self._problems]
        return Template(
            name=version.name,
            path=version.path,
            origin=version.origin,
            source=version.source,
            sources={key: value.source for key, value in members.items()},
            shared=shared,
            digest=shelf.closure_digest(version.name, self._used),
            problems=tuple(self._problems[name] for name in dict.fromkeys(concerned)),
        )

    def _absence(self, workflow: str, stage: str, names: list[str]) -> Exception:
        for name in names:
            if problem := self._problems.get(name):
                return TemplateError(name, problem.line, problem.reason, hint=problem.hint)
        hint = f"Write prompts/{workflow}/{stage}.md.j2 in the project."
        return NotFound(f"There is no template for the stage {stage!r} of the workflow {workflow!r}.", hint=hint)

    def _info(self, name: str) -> TemplateInfo:
        found, version = self._found.get(name), self._used.get(name)
        origin = found.origin if found else version.origin if version else Origin.PACKAGED
        path = found.path if found else version.path if version else self._packaged / name
        return TemplateInfo(
            name=name,
            path=path,
            origin=origin,
            digest=shelf.closure_digest(name, self._used) if version else "",
            description=version.source.front.description if version else "",
            includes=tuple(dict.fromkeys(item.name for item in version.inspection.references)) if version else (),
            part=is_part(name),
            problem=self._problems.get(name),
        )

    async def _refresh(self, *, whole: bool = False) -> None:
        """Take what changed into use; `whole` also tries what was left untried so far."""
        if whole and self._untried:
            self._saves.forget()
        look = await self._saves.look(self._text_in_use)
        if look is None:
            await self._remember()
            return
        # A file that is broken together with others may be mended by a change of theirs, so it is looked at again.
        changed = look.changed | (set(self._problems) - look.unsettled)
        choices = await self._versions.choices(look.found, changed, self._used)
        packaged = all(one.origin is Origin.PACKAGED for one in look.found.values())
        self._untried = packaged and not whole and not self._loaded
        used = shelf.newest(choices) if self._untried else await shelf.settle(choices, self._tryer)
        before, self._used, self._found = self._used, used, look.found
        for name in sorted(changed | {name for name, choice in choices.items() if choice.error}):
            self._take(name, choices.get(name), before.get(name))
        for name in sorted(look.unsettled):
            self._report(name, self._path(name), TemplateError(name, 0, "another program is still writing it"))
        self._saves.done(look)
        self._loaded = True
        await self._remember()

    def _text_in_use(self, name: str) -> str | None:
        version = self._used.get(name)
        return version.source.text if version else None

    def _take(self, name: str, choice: Choice | None, old: Version | None) -> None:
        if choice and choice.error:
            self._report(name, self._path(name), choice.error)
            return
        mended = self._problems.pop(name, None) is not None
        new = self._used.get(name)
        if mended or (old and old.source.digest) != (new and new.source.digest):
            path = old.path if old and not new else self._path(name)
            self._tell(Reload(name, path, shelf.closure_digest(name, self._used) if new else "", None))
            if new and Origin.PROJECT in (new.origin, old.origin if old else new.origin):
                self._unremembered[name] = new

    async def _remember(self) -> None:
        """Hand over what the memory lacks; what it cannot take now is offered again by the next look."""
        for name, version in list(self._unremembered.items()):
            if self._memory:
                try:
                    await self._memory.remember(name, version.source.digest, version.source.text)
                except StudioError:
                    return
            self._unremembered.pop(name, None)

    def _path(self, name: str) -> Path:
        found, version = self._found.get(name), self._used.get(name)
        return found.path if found else version.path if version else self._packaged / name

    def _report(self, name: str, path: Path, error: TemplateError) -> None:
        elsewhere = error.name != name
        reason = f"{error.reason} (in {error.name}, line {error.line})" if elsewhere and error.line else error.reason
        problem = TemplateProblem(name, path, 0 if elsewhere else error.line, reason, error.hint, name in self._used)
        if self._problems.get(name) != problem:
            self._problems[name] = problem
            digest = shelf.closure_digest(name, self._used) if name in self._used else ""
            self._tell(Reload(name, path, digest, problem))

    def _tell(self, news: Reload) -> None:
        # The first look at all files is no news, unless one of them is broken.
        if self._loaded or news.problem:
            self._news.pop(news.name, None)
            self._news[news.name] = news


def _texts(project: Path | None, packaged: Path, name: str) -> tuple[str | None, str | None]:
    own = files.scan(project, packaged).get(name)
    theirs = files.scan(None, packaged).get(name)
    return (
        files.read_text(own) if own and own.origin is Origin.PROJECT else None,
        files.read_text(theirs) if theirs else None,
    )
