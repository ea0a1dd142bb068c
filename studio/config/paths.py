"""Where things are: the person's own folders (XDG), the data that came with the program, and the project around a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from studio.domain.errors import BadInput, NotFound
from studio.domain.text import one_line

APP = "studio"
PROJECT_FILE = "studio.toml"
STATE_FOLDER = ".studio"

_PACKAGE = Path(__file__).resolve().parent.parent


def user_config_dir(env: Mapping[str, str] | None = None) -> Path:
    return _user_folder("STUDIO_CONFIG_HOME", "config", env)


def user_config_file(env: Mapping[str, str] | None = None) -> Path:
    return user_config_dir(env) / "config.toml"


def user_state_dir(env: Mapping[str, str] | None = None) -> Path:
    """Logs and what the program remembers about this computer."""
    return _user_folder("STUDIO_STATE_HOME", "state", env)


def user_cache_dir(env: Mapping[str, str] | None = None) -> Path:
    """What can be fetched again: model weights."""
    return _user_folder("STUDIO_CACHE_HOME", "cache", env)


def user_data_dir(env: Mapping[str, str] | None = None) -> Path:
    return _user_folder("STUDIO_DATA_HOME", "data", env)


def _user_folder(variable: str, kind: str, env: Mapping[str, str] | None) -> Path:
    values = os.environ if env is None else env
    if own := values.get(variable):
        return Path(own).expanduser()
    # platformdirs itself ignores a relative XDG path, as the XDG Base Directory Specification demands.
    if (base := values.get(f"XDG_{kind.upper()}_HOME")) and os.path.isabs(base):
        return Path(base) / APP
    from platformdirs import PlatformDirs

    folders = PlatformDirs(APP, appauthor=False)
    return Path(getattr(folders, f"user_{kind}_dir"))


def packaged(name: str) -> Path:
    """The folder of data that came with the program: `prompts`, `canon` or `sample_projects`. Raises NotFound.

    An installed package holds them in `studio/_data`, a checkout beside `studio/`.
    """
    for place in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise NotFound(
        f"The program's own folder {name!r} is missing.", hint="The installation is damaged: install studio again."
    )


def refuse_odd_name(folder: Path) -> None:
    """Raises BadInput for a folder whose whole path is no UTF-8 text: no database can be opened in it."""
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            f"The path {one_line(str(folder))} is not UTF-8 text, and no project can be kept there.",
            hint="Give the folder a name in UTF-8.",
        ) from error


def state_folder(root: Path) -> Path:
    return root / STATE_FOLDER


def find_project(start: Path, flag: str | Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """The project's root: the one named by `flag` or STUDIO_PROJECT, else the nearest folder with studio.toml above `start`.

    Raises NotFound, or BadInput for one at a path that is no UTF-8 text.
    """
    root = _found(start, flag, env)
    refuse_odd_name(root)
    return root


def _found(start: Path, flag: str | Path | None, env: Mapping[str, str] | None) -> Path:
    named = flag or (os.environ if env is None else env).get("STUDIO_PROJECT")
    if named:
        return _named_project(Path(named).expanduser(), "flag" if flag else "STUDIO_PROJECT")
    here = Path(os.path.abspath(start))
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise NotFound(
        f"There is no studio project in {one_line(str(here))} or above it.",
        hint="`studio new DIR` makes one, `studio demo` opens an example.",
    )


def _named_project(folder: Path, source: str) -> Path:
    place = folder.parent if folder.name == PROJECT_FILE and folder.is_file() else folder
    place = Path(os.path.abspath(place))
    if (place / PROJECT_FILE).is_file():
        return place
    origin = " (from STUDIO_PROJECT)" if source == "STUDIO_PROJECT" else ""
    raise NotFound(
        f"{one_line(str(place))} is not a studio project{origin}: it has no {PROJECT_FILE}.",
        hint="`studio new DIR` makes one, `studio demo` opens an example.",
    )
