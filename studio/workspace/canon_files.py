"""Reading `canon/`: Markdown files with front matter, as Obsidian writes them. Every oddity is a warning with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from studio.config.files import decode
from studio.domain.canon import CanonDocument, CanonWarning, Include
from studio.domain.errors import NotFound, StudioError
from studio.domain.text import clean, digest, one_line
from studio.workspace import front_matter
from studio.workspace.canon_links import link_targets
from studio.workspace.jail import Entry, Jail

FOLDER = "canon"
FILE_LIMIT = 1_000_000
"""Bytes of one document: a whole novel. A longer file is left out with a warning."""

DOCUMENTS_LIMIT = 20_000

_README = "readme.md"
_TEMPLATES = frozenset({"templates", "_templates"})
_OURS = frozenset({"name", "type", "aliases", "alias", "tags", "tag", "include", "priority"})
_KINDS = {
    "characters": "character",
    "people": "character",
    "locations": "location",
    "places": "location",
    "objects": "object",
    "standards": "standard",
    "factions": "faction",
    "events": "event",
    "species": "species",
}


@dataclass(frozen=True, slots=True)
class CanonScan:
    """All documents and warnings by path; `changed` are the paths that are new, altered or gone since the scan before."""

    documents: tuple[CanonDocument, ...]
    warnings: tuple[CanonWarning, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """One file as last read. `stamp` tells whether it has to be read again."""

    stamp: tuple[int, int, int]
    document: CanonDocument | None
    warnings: tuple[CanonWarning, ...]


class CanonFolder:
    """The canon of the project at `root`. Keeps what it read, so that a scan of 1,000 unchanged files costs their stat only.

    Not for two threads at once.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        self._known: dict[str, _Read] = {}

    def scan(self) -> CanonScan:
        """Read what changed. Raises nothing for any content; a missing folder is empty. One that cannot be read, since a file, a
        pipe or a link stands in its place, is a warning with the path "", and the documents stay as they were last read."""
        before = self._known
        try:
            with Jail(self._folder, follow=False) as jail:
                found = dict(self._read_all(jail, before))
        except NotFound:
            found = {}
        except StudioError as error:
            found = {**before, "": _Read((0, 0, 0), None, (CanonWarning("", 1, error.message),))}
        self._known = found
        documents = tuple(read.document for _, read in sorted(found.items()) if read.document)
        warnings = [warning for _, read in sorted(found.items()) for warning in read.warnings]
        return CanonScan(documents, (*warnings, *_shared_names(documents)), _changed(before, found))

    def text(self, path: str) -> str:
        """The whole file, as its `digest` was made from. Raises NotFound, BadInput or StorageError."""
        with Jail(self._folder, follow=False) as jail:
            return clean(jail.read_text(path, FILE_LIMIT))

    def _read_all(self, jail: Jail, before: Mapping[str, _Read]) -> Iterator[tuple[str, _Read]]:
        templates = _template_folders(jail)
        count = 0
        for entry in jail.walk():
            if entry.path.casefold() == _README or _is_template(entry.path, templates):
                continue
            count += 1
            if count > DOCUMENTS_LIMIT:
                words = f"There are more than {DOCUMENTS_LIMIT:,} documents; those from here on are not read."
                yield ":", _Read((0, 0, 0), None, (CanonWarning(entry.path, 1, words),))
                return
            stamp = (entry.mtime_ns, entry.size, entry.inode)
            known = before.get(entry.path)
            if known is not None and known.stamp == stamp and not entry.problem:
                yield entry.path, known
            else:
                yield entry.path, _read(jail, entry, stamp)


def _read(jail: Jail, entry: Entry, stamp: tuple[int, int, int]) -> _Read:
    path = entry.path

    def left_out(words: str, line: int = 1) -> _Read:
        return _Read(stamp, None, (CanonWarning(path, line, f"It {words}."),))

    if entry.problem:
        return left_out(entry.problem)
    try:
        text = clean(decode(jail.read_bytes(path, FILE_LIMIT), path))
    except StudioError as error:
        line = error.data.get("line")
        words = error.message.removeprefix(path).strip().rstrip(".")
        return left_out(f"{words}; it is left out", line if isinstance(line, int) else 1)
    document, warnings = parse_document(path, text)
    if not document.body.strip():
        warnings.append(CanonWarning(path, 1, "There is no text below the front matter."))
    return _Read(stamp, document, tuple(warnings))


def parse_document(path: str, text: str) -> tuple[CanonDocument, list[CanonWarning]]:
    """The document in a canon file's clean text, and what a person should mend in it. Never raises."""
    parts = front_matter.split(text)
    reader = _Fields(path, text, parts.data)
    if parts.problem:
        line, words = parts.problem
        reader.warnings.append(CanonWarning(path, line, _sentence(words)))
    file = PurePosixPath(path)
    document = CanonDocument(
        path=path,
        name=reader.words("name") or one_line(file.stem),
        type=reader.words("type") or _kind_of_folder(file),
        body=parts.body.strip("\n"),
        digest=digest(text),
        aliases=reader.several("aliases", "alias"),
        tags=tuple(tag.lstrip("#") for tag in reader.several("tags", "tag")),
        include=reader.include(),
        priority=reader.priority(),
        links=link_targets(parts.body, parts.data),
        extra={key: value for key, value in parts.data.items() if key not in _OURS},
    )
    return document, reader.warnings


@dataclass(slots=True)
class _Fields:
    """Takes known keys out of front matter; a value of the wrong kind is a warning and counts as absent."""

    path: str
    text: str
    data: Mapping[str, object]
    warnings: list[CanonWarning]

    def __init__(self, path: str, text: str, data: Mapping[str, object]) -> None:
        self.path, self.text, self.data, self.warnings = path, text, data, []

    def words(self, key: str) -> str:
        value = self.data.get(key)
        if isinstance(value, list | dict):
            self._warn(key, "must be one text")
            return ""
        return one_line(str(value)) if value is not None and not isinstance(value, bool) else ""

    def several(self, key: str, singular: str) -> tuple[str, ...]:
        """A list, or one text with commas. Obsidian's older singular key counts too; null is an empty list."""
        found: list[str] = []
        for name in (key, singular):
            value = self.data.get(name)
            if isinstance(value, dict):
                self._warn(name, "must be a list of texts")
                continue
            items = value if isinstance(value, list) else str(value).split(",") if value is not None else []
            found += [one_line(str(item)) for item in items if item is not None and not isinstance(item, list | dict)]
        return tuple(dict.fromkeys(item for item in found if item))

    def include(self) -> Include:
        value = self.data.get("include")
        if value is None:
            return Include.MENTION
        try:
            return Include(str(value).strip().casefold())
        except ValueError:
            self._warn("include", "must be always, mention or never; mention is used")
            return Include.MENTION

    def priority(self) -> int:
        value = self.data.get("priority")
        if isinstance(value, bool) or (value is not None and not isinstance(value, int | float | str)):
            self._warn("priority", "must be a number; 0 is used")
            return 0
        try:
            return max(-1_000_000, min(1_000_000, int(float(value)))) if value is not None else 0
        except (ValueError, OverflowError):
            self._warn("priority", "must be a number; 0 is used")
            return 0

    def _warn(self, key: str, words: str) -> None:
        line = front_matter.key_line(self.text, key)
        self.warnings.append(CanonWarning(self.path, line, f"`{key}` {words}."))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _kind_of_folder(file: PurePosixPath) -> str:
    """A type for a document that names none: that of its top folder, without a plural s."""
    if len(file.parts) < 2:
        return "note"
    folder = one_line(file.parts[0], 40).casefold()
    if folder in _KINDS:
        return _KINDS[folder]
    return folder[:-1] if folder.endswith("s") and not folder.endswith("ss") else folder


def _shared_names(documents: tuple[CanonDocument, ...]) -> list[CanonWarning]:
    """Two documents of one name: a mention brings both, so the author should know."""
    first: dict[str, str] = {}
    warnings: list[CanonWarning] = []
    for document in documents:
        key = document.name.casefold()
        if key in first:
            words = f"The name {document.name!r} is also that of {first[key]}."
            warnings.append(CanonWarning(document.path, 1, words))
        first.setdefault(key, document.path)
    return warnings


def _changed(before: Mapping[str, _Read], now: Mapping[str, _Read]) -> tuple[str, ...]:
    def version(reads: Mapping[str, _Read], path: str) -> str | None:
        read = reads.get(path)
        return read.document.digest if read and read.document else None

    return tuple(path for path in sorted({*before, *now}) if version(before, path) != version(now, path))


def _template_folders(jail: Jail) -> frozenset[str]:
    """Folders of Obsidian's note templates, which are no notes: the usual names, and the one in `.obsidian/templates.json`."""
    try:
        value = json.loads(jail.read_text(".obsidian/templates.json", 10_000))
        folder = value.get("folder") if isinstance(value, dict) else None
    except (StudioError, ValueError, RecursionError):
        folder = None
    return _TEMPLATES | {folder.strip("/").casefold()} if isinstance(folder, str) and folder.strip("/") else _TEMPLATES


def _is_template(path: str, templates: frozenset[str]) -> bool:
    parents = [str(parent).casefold() for parent in PurePosixPath(path).parents]
    return any(parent in templates for parent in parents)
