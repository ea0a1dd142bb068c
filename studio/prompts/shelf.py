"""Which versions of all template files go together: what includes what, trying each template, and stepping back from broken ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.domain.text import digest
from studio.prompts.files import SUFFIXES, Origin
from studio.prompts.render import Inspection, Job, Renderer, RenderError
from studio.prompts.samples import KNOWN, SHARED, sample_data
from studio.prompts.source import ROLE_LINE, Source, TemplateError, is_part, role_in_part


@dataclass(frozen=True, slots=True)
class Version:
    """One text of one file that parses, with what it includes."""

    source: Source
    path: Path
    origin: Origin
    inspection: Inspection

    @property
    def name(self) -> str:
        return self.source.name


Shelf = Mapping[str, Version]


def shared_names(name: str, shelf: Shelf) -> dict[str, str]:
    """The files that come before this template's messages: `{"_prefix": "story/_prefix.md.j2", ...}`, those that exist.

    A template's variant (`planning.small`) takes the part of that variant where there is one; a project's file of either kind
    wins over packaged ones, as it does for the template itself.
    """
    folder, _, file = name.rpartition("/")
    stem = next((file.removesuffix(suffix) for suffix in SUFFIXES if file.endswith(suffix)), file)
    variant = stem.partition(".")[2]
    found: dict[str, str] = {}
    for part in SHARED:
        stems = [f"{part}.{variant}", part] if variant else [part]
        names = [f"{folder}/{one}{suffix}".lstrip("/") for one in stems for suffix in SUFFIXES]
        present = [other for other in names if other in shelf]
        if present:
            own = [other for other in present if shelf[other].origin is Origin.PROJECT]
            found[part] = (own or present)[0]
    return found


def wants_shared(source: Source) -> bool:
    stem = source.name.rpartition("/")[2].partition(".")[0]
    return source.front.prefix == "shared" and stem not in SHARED and not is_part(source.name)


def closure(name: str, shelf: Shelf) -> dict[str, Version | None]:
    """`name` and all it needs, by include or as shared opening; None for what does not exist."""
    found: dict[str, Version | None] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        version = shelf.get(current)
        found[current] = version
        if version is None:
            continue
        waiting += [item.name for item in version.inspection.references if item.required or item.name in shelf]
        if wants_shared(version.source):
            waiting += shared_names(current, shelf).values()
    return found


def closure_digest(name: str, shelf: Shelf) -> str:
    rows = sorted(f"{key}\t{version.source.digest}" for key, version in closure(name, shelf).items() if version)
    return digest("\n".join([name, *rows]))


def _misuse(name: str, shelf: Shelf) -> TemplateError | None:
    """What can be said about a template and its parts without rendering."""
    version = shelf[name]
    if wants_shared(version.source):
        missing = [part for part in SHARED if part not in shared_names(name, shelf)]
        if missing:
            hint = "Or write `prefix: none` under metadata.studio and let the template say everything itself."
            folder = name.rpartition("/")[0] or "the prompts folder"
            return TemplateError(
                name, 0, f"it needs {missing[0]}.md.j2 in {folder}, and there is no usable one", hint=hint
            )
    known = KNOWN | set(version.source.front.defaults)
    for word, line in version.inspection.undeclared:
        if word not in known:
            return TemplateError(
                name, line, f"'{word}' is not defined", hint=f"Known names: {', '.join(sorted(known))}."
            )
    for member in closure(name, shelf).values():
        for reference in member.inspection.references if member else ():
            if error := _bad_reference(
                member.name if member else name, reference.name, reference.line, reference.required, shelf
            ):
                return error
    return None


def _bad_reference(name: str, target: str, line: int, required: bool, shelf: Shelf) -> TemplateError | None:
    version = shelf.get(target)
    if version is None:
        reason = f"it includes {target!r}, and there is no usable file of that name"
        return TemplateError(name, line, reason, hint="Names are relative to the prompts folder.") if required else None
    if not version.source.roles:
        return None
    lines = version.source.text.split("\n")
    mark = next(number for number, text in enumerate(lines, 1) if ROLE_LINE.match(text))
    return role_in_part(target, lines, mark)


class Tryer:
    """Renders templates with sample inputs, once per closure."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._passed: set[str] = set()

    def forget(self) -> None:
        self._passed.clear()

    async def failure(self, name: str, shelf: Shelf) -> TemplateError | None:
        """Why the template `name` cannot be used with the versions on the shelf, or None."""
        key = closure_digest(name, shelf)
        if key in self._passed:
            return None
        if error := _misuse(name, shelf):
            return error
        source = shelf[name].source
        sources = {key: version.source for key, version in closure(name, shelf).items() if version}
        try:
            await self._renderer.render(sources, [Job(name, data) for data in sample_data(source)])
        except RenderError as failed:
            return failed
        self._passed.add(key)
        return None


@dataclass(slots=True)
class Choice:
    """The versions of one file, the wanted one first (None: the file is gone), and which of them is tried now."""

    versions: list[Version | None]
    at: int = 0
    error: TemplateError | None = None

    @property
    def current(self) -> Version | None:
        return self.versions[self.at] if self.at < len(self.versions) else None

    @property
    def more(self) -> bool:
        return self.at + 1 < len(self.versions)


async def settle(choices: Mapping[str, Choice], tryer: Tryer) -> dict[str, Version]:
    """The newest versions that work together. A choice that was stepped back from carries the `error` that made it so."""
    await _step_back(choices, tryer)
    for name, choice in choices.items():
        await _restore(name, choice, choices, tryer)
    return newest(choices)


async def _step_back(choices: Mapping[str, Choice], tryer: Tryer) -> None:
    while True:
        shelf = newest(choices)
        failures = await _failures(shelf, tryer)
        if not failures:
            return
        blamed = {key: error for name, error in reversed(failures) for key in _blame(name, error, choices, shelf)}
        for key, error in blamed.items():
            choices[key].error = choices[key].error or error
            choices[key].at += 1


async def _restore(name: str, choice: Choice, choices: Mapping[str, Choice], tryer: Tryer) -> None:
    """A file may have been blamed for another's fault: it is back in use when everything also works with it."""
    if not choice.at or not choice.versions:
        return
    before, choice.at = choice.at, 0
    working = set(newest(choices)) | {name}
    if await _failures({key: value for key, value in newest(choices).items() if key in working}, tryer):
        choice.at = before
    else:
        choice.error = None


def newest(choices: Mapping[str, Choice]) -> dict[str, Version]:
    """The versions that the choices stand at."""
    return {name: version for name, choice in choices.items() if (version := choice.current)}


async def _failures(shelf: Shelf, tryer: Tryer) -> list[tuple[str, TemplateError]]:
    found: list[tuple[str, TemplateError]] = []
    for name in sorted(shelf):
        if not is_part(name) and (error := await tryer.failure(name, shelf)):
            found.append((name, error))
    return found


def _blame(name: str, error: TemplateError, choices: Mapping[str, Choice], shelf: Shelf) -> Sequence[str]:
    """The file where it went wrong if there is another version of it, else the files it draws on that have one, else itself."""
    if error.name in choices and choices[error.name].more:
        return (error.name,)
    others = [key for key in closure(name, shelf) if key in choices and choices[key].more]
    return others or (name,)
