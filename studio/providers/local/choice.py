"""Which local model is meant: small, tiny or a person's own GGUF file, remembered in `choice.json` beside the weights."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import BadInput, StorageError
from studio.domain.text import one_line
from studio.providers.local import messages
from studio.providers.local.weights import CATALOGUE, GGUF_MAGIC, OWN, Weights, installed_path

MODEL_VARIABLE = "STUDIO_LOCAL_MODEL"
_CHOICE_FILE = "choice.json"
_LARGEST_CHOICE = 10_000


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that plain `local` means, and the own file's path, which stays known while another model is chosen."""

    model: str | None = None
    own_path: str | None = None


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be served: a file that is there. `weights` is None for a person's own."""

    name: str
    path: Path
    weights: Weights | None


def read_choice(folder: Path) -> Choice:
    """What was remembered; nothing when the file is missing or not readable as a choice."""
    try:
        with (folder / _CHOICE_FILE).open("rb") as file:
            data = json.loads(file.read(_LARGEST_CHOICE))
    except (OSError, ValueError, RecursionError):
        return Choice()
    if not isinstance(data, dict):
        return Choice()
    model, path = data.get("model"), data.get("own_path")
    known = isinstance(model, str) and model in (*CATALOGUE, OWN)
    return Choice(model if known else None, path if isinstance(path, str) and path else None)


def write_choice(folder: Path, choice: Choice) -> None:
    """Remember, atomically. Raises StorageError."""
    part = folder / f"{_CHOICE_FILE}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"model": choice.model, "own_path": choice.own_path}) + "\n", encoding="utf-8")
        part.replace(folder / _CHOICE_FILE)
    except OSError as error:
        raise StorageError(f"{folder / _CHOICE_FILE} could not be written: {error.strerror or error}.") from error


def default_model(folder: Path, environ: Mapping[str, str] | None = None) -> str | None:
    """What plain `local` means: `STUDIO_LOCAL_MODEL`, else the remembered choice, else what is downloaded, small before tiny."""
    named = _variable(environ)
    if named:
        return named if named in CATALOGUE else OWN
    chosen = read_choice(folder).model
    present = [name for name, weights in CATALOGUE.items() if installed_path(weights, folder)]
    if chosen is not None and (chosen == OWN or chosen in present):
        return chosen
    return present[0] if present else None


def is_installed(name: str, folder: Path, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the file of `small`, `tiny` or `own` is here; nothing is read of it."""
    if name in CATALOGUE:
        return installed_path(CATALOGUE[name], folder) is not None
    own = own_path(folder, environ)
    return own is not None and own.is_file()


def find_model(name: str, folder: Path, environ: Mapping[str, str] | None = None) -> LocalModel:
    """The file behind `small`, `tiny` or `own`. Raises MissingModel with the command that brings it, NotFound for another name."""
    if name in CATALOGUE:
        weights = CATALOGUE[name]
        path = installed_path(weights, folder)
        if path is None:
            raise messages.no_weights(weights)
        return LocalModel(name, path, weights)
    if name != OWN:
        raise messages.unknown_model(name)
    own = own_path(folder, environ)
    if own is None:
        raise messages.no_weights()
    if not own.is_file():
        raise messages.own_model_gone(str(own))
    return LocalModel(OWN, check_gguf(own), None)


def own_path(folder: Path, environ: Mapping[str, str] | None = None) -> Path | None:
    """The person's own file: `STUDIO_LOCAL_MODEL`, else the remembered path. It may be missing by now."""
    named = _variable(environ)
    if named and named not in CATALOGUE:
        return Path(named).expanduser()
    remembered = read_choice(folder).own_path
    return Path(remembered) if remembered else None


def check_gguf(path: Path) -> Path:
    """The absolute path of a readable GGUF file (only its first bytes are read). Raises BadInput."""
    shown = one_line(str(path))
    try:
        if not path.is_file():
            raise BadInput(f"{shown} is not a file.", hint="Name small, tiny or the path of a GGUF model file.")
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise BadInput(f"{shown} could not be read: {error.strerror or error}.") from error
    if magic != GGUF_MAGIC:
        raise BadInput(f"{shown} is not a GGUF model file.", hint="Such files begin with the four letters GGUF.")
    return path.absolute()


def _variable(environ: Mapping[str, str] | None) -> str:
    return (os.environ if environ is None else environ).get(MODEL_VARIABLE, "").strip()
