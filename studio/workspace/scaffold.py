"""Making a project's folder, empty or from a sample. Nothing that exists is overwritten."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.config.files import atomic_write, read_text, storage_error
from studio.config.paths import PROJECT_FILE, packaged, refuse_odd_name, state_folder
from studio.config.toml_file import read_table
from studio.domain.errors import BadInput, NotFound, Refused, StudioError
from studio.domain.text import clean, one_line, slugify
from studio.workspace import edits, streams

BOOK_FILE = "book.toml"
"""A sample's outline, briefs and history, read by the engine."""

_IGNORED = (".studio/", ".env")
_SETTINGS = """\
# The settings of this project. Keys of services never stand here: see `studio config show`.
[project]
title = {title}
slug = {slug}
workflow = {workflow}
language = {language}

[models]
# default = "provider:model"  # for every role; without it, whatever is set up on this computer

[context]
# budget_tokens = 24000       # how much canon and earlier text goes into a draft

[limits]
# run_usd = 0.50              # US dollars for one draft
# day_usd = 5.00
# project_usd = 100.00
# revisions = 5               # by a model, per stage of a page
"""
_CANON_README = """\
# Canon

What is true in your story, one Markdown file each, in folders of your choice (`characters/`, `locations/`, `lore/`, `style/`).
The studio reads every file here except this one, and puts into a draft what the page mentions.

A file may start with a few lines about itself:

    ---
    name: Ilse Vane
    type: character
    aliases: [Ilse, the cartographer]
    include: mention
    priority: 5
    ---

`include` is `always` (in every draft), `mention` (when its name, an alias or a [[link]] comes up) or `never`.
Where the budget is short, a higher `priority` goes first.
"""


_APP_SETTINGS = """\
# The settings of this project. Keys of services never stand here: see `studio config show`.
[project]
title = {title}
slug = {slug}
workflow = {workflow}
language = {language}

[app]
type = {kind}
# workers = 3                 # how many workers write files at the same time
# check = "npm test"          # a command that tests the application; it runs only after `studio check --allow`

[models]
# default = "provider:model"      # for every role; without it, whatever is set up on this computer
# lead = "provider:model"         # plans, splits the work, and verifies
# code_writer = "provider:model"  # writes the files

[limits]
# run_usd = 2.00              # US dollars for one run, all its workers together
# day_usd = 10.00
# project_usd = 100.00

# Where versions go: `studio publish plan NAME` shows what would happen, `studio publish apply NAME` does it.
# [publish.site]
# publisher = "git"           # or folder, zip, github, appwrite, supabase
# remote = "git@example.org:me/shop.git"
"""
_APP_CANON_README = """\
# Canon

What is true of your application, one Markdown file each. The studio reads every file here except this one.

`standards/` holds the rules that all code of the application follows. They go into every prompt, and a fenced block that is
marked `rules` binds in code: what breaks it is not written. The packaged standards apply while this folder has none of its own:
`studio canon copy standards/web.md` makes a copy to change. An AGENTS.md, CLAUDE.md or .cursorrules in the project's
folder counts too; one in `app/` adds to the standards and takes nothing from them.

Other folders are yours (`domain/`, `design/`): a file there goes into a draft when the change mentions its name, or always with
`include: always` in its head.
"""
APP_WORKFLOW = "app"
APP_FOLDERS = ("app", "canon/standards")


@dataclass(frozen=True, slots=True)
class Created:
    """`written` are the files that were made, relative to `root`."""

    root: Path
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A complete project that came with the program."""

    name: str
    title: str
    path: Path
    description: str = ""


def create(
    root: Path, *, title: str, workflow: str = "story", language: str = "en", slug: str = "", kind: str = ""
) -> Created:
    """Make an empty project in `root`, which may hold other files as long as none collides. `kind` is the type of an application.

    Raises Refused (a project already, or a collision, named), BadInput or StorageError.
    """
    shown = one_line(title)
    if not shown:
        raise BadInput("A project needs a title.")
    app = bool(kind) or workflow == APP_WORKFLOW
    settings = (_APP_SETTINGS if app else _SETTINGS).format(
        title=_quoted(shown),
        slug=_quoted(slugify(slug or shown) or ("app" if app else "book")),
        workflow=_quoted(workflow),
        language=_quoted(one_line(language, 40)),
        kind=_quoted(kind or "web"),
    )
    folders = ("canon", *APP_FOLDERS) if app else ("canon",)
    _refuse_collisions(root, folders=(*folders, ".studio"))
    written: list[str] = []
    with _made_words(root):
        for folder in folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
    if not (root / "canon" / "README.md").exists():
        atomic_write(root / "canon" / "README.md", _APP_CANON_README if app else _CANON_README)
        written.append("canon/README.md")
    ensure_state(root)
    # Last, as it is what makes the folder a project: a creation that was cut short can be repeated.
    atomic_write(root / PROJECT_FILE, settings)
    return Created(root, (*written, ".gitignore", PROJECT_FILE))


def samples() -> tuple[Sample, ...]:
    """The samples that came with the program, by name."""
    try:
        folder = packaged("sample_projects")
    except NotFound:
        return ()
    return tuple(_sample(path) for path in sorted(folder.iterdir()) if (path / PROJECT_FILE).is_file())


def _sample(path: Path) -> Sample:
    def text(file: str, table: str, key: str) -> str:
        try:
            values: object = read_table(path / file, file)[0]
        except StudioError:
            return ""
        inner = values.get(table) if isinstance(values, Mapping) and table else values
        return one_line(str(inner.get(key, ""))) if isinstance(inner, Mapping) else ""

    title = text(PROJECT_FILE, "project", "title") or path.name
    return Sample(path.name, title, path, text(BOOK_FILE, "", "description"))


def copy_sample(name: str, root: Path) -> Path | None:
    """Copy a sample to `root`; its `book.toml` there, for the engine to import, or None when it has none.

    Raises NotFound naming the samples, Refused for a collision, StorageError.
    """
    known = {sample.name: sample for sample in samples()}
    if name not in known:
        raise NotFound(f"There is no sample {one_line(name)!r}.", hint=f"There are: {', '.join(known) or 'none'}.")
    source = known[name].path
    files = [file for file in _files_below(source) if file != PROJECT_FILE]
    _refuse_collisions(root, files=files, folders=(".studio",))
    for file in (*files, PROJECT_FILE):
        with _made_words(root):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            if file != PROJECT_FILE:
                shutil.copyfile(source / file, root / file, follow_symlinks=False)
    ensure_state(root)
    atomic_write(root / PROJECT_FILE, read_text(source / PROJECT_FILE))
    return root / BOOK_FILE if (root / BOOK_FILE).is_file() else None


def ensure_state(root: Path) -> Path:
    """The project's `.studio/` folder (mode 0700) with its sub folders, made where missing, and ignored by git.

    Raises BadInput when something else has its name, or StorageError.
    """
    folder = state_folder(root)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BadInput(f"{one_line(str(folder))} is a link or a file, and must be a folder of the project's own.")
    with _made_words(root):
        for part in (folder, folder / streams.FOLDER, folder / edits.FOLDER):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            os.chmod(folder, 0o700)
        _refuse_links(folder)
    if not (folder / ".gitignore").exists():
        atomic_write(folder / ".gitignore", "*\n")
    _ignore(root)
    return folder


def _refuse_links(folder: Path) -> None:
    """A project from elsewhere could have the database, the log or a text for an editor lead to any file of the person's."""
    with os.scandir(folder) as entries:
        linked = sorted(entry.name for entry in entries if entry.is_symlink())
    if linked:
        raise BadInput(
            f"{one_line(f'{folder.name}/{linked[0]}')} is a link, and nothing in {folder.name}/ may be one.",
            hint="Look where it leads, and remove it.",
        )


def _ignore(root: Path) -> None:
    """Add what git must not take to the project's `.gitignore`; other lines stay as they are."""
    path = root / ".gitignore"
    if path.is_symlink():
        return
    try:
        text = read_text(path)
    except NotFound:
        text = ""
    except BadInput:
        return
    present = {line.strip().rstrip("/").lstrip("/") for line in text.splitlines()}
    missing = [line for line in _IGNORED if line.rstrip("/") not in present]
    if missing:
        start = text if not text or text.endswith("\n") else f"{text}\n"
        atomic_write(path, start + "".join(f"{line}\n" for line in missing))


def _refuse_collisions(root: Path, *, files: list[str] | None = None, folders: tuple[str, ...] = ()) -> None:
    refuse_odd_name(Path(os.path.abspath(root)))
    shown = one_line(str(root))
    if root.exists() and not root.is_dir():
        raise Refused(f"{shown} is a file, so no project can be made there.", hint="Name another folder.")
    if (root / PROJECT_FILE).exists():
        raise Refused(f"{shown} is a studio project already.", hint=f"Open it: studio -C {shlex.quote(shown)}")
    taken = [name for name in folders if (root / name).exists() and not (root / name).is_dir()]
    taken += [name for name in files or () if (root / name).exists() or (root / name).is_symlink()]
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise Refused(
            f"{shown} holds files that the project would need: {', '.join(taken[:3])}{more}.",
            hint="Name an empty or new folder.",
        )


def _files_below(source: Path) -> list[str]:
    found: list[str] = []
    for folder, inner, files in os.walk(source):
        inner[:] = sorted(name for name in inner if name not in (".studio", "__pycache__"))
        relative = Path(folder).relative_to(source)
        found += [(relative / name).as_posix() for name in sorted(files) if not name.endswith((".pyc", ".part"))]
    return found


@contextlib.contextmanager
def _made_words(root: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, one_line(str(root)), "made") from error


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(clean(text), ensure_ascii=False)
