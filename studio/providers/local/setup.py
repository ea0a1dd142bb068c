"""`studio local setup|status|remove` without the printing: fetch or note a model, try it once, say what is there, delete it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from studio.config.paths import user_state_dir
from studio.domain.errors import BadReply, StorageError
from studio.providers.local import messages
from studio.providers.local.choice import (
    Choice,
    LocalModel,
    check_gguf,
    default_model,
    own_path,
    read_choice,
    write_choice,
)
from studio.providers.local.fetch import Sources, fetch, make_folder, sole_writer
from studio.providers.local.process import Endpoint, Launch, LocalServer, http_client
from studio.providers.local.profiles import profile_of
from studio.providers.local.progress import Progress, Step, Tell, silent
from studio.providers.local.runtime import runtime_version
from studio.providers.local.weights import CATALOGUE, OWN, Weights, installed_path, models_folder

TRIAL_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Trial:
    """What one start and 16 tokens showed."""

    load_seconds: float
    tokens: int
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class SetUp:
    """`source` says where the file came from; `failures` why earlier sources were passed over."""

    model: LocalModel
    source: str
    failures: tuple[str, ...]
    trial: Trial


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of `studio local status`. `problem` is a clause, empty when the model can be used."""

    name: str
    title: str
    licence: str
    credit: str
    size: int
    path: Path | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """`chosen` is what plain `local` means; `runtime` is xllamacpp's version, None when it is missing."""

    folder: Path
    runtime: str | None
    chosen: str | None
    models: tuple[ModelStatus, ...]


async def set_up(
    which: str,
    *,
    folder: Path | None = None,
    tell: Tell = silent,
    sources: Sources | None = None,
    log: Path | None = None,
) -> SetUp:
    """Make `small`, `tiny` or the GGUF file at a path the local model: fetch it, start it, generate 16 tokens, stop it.

    Raises MissingModel (no runtime, or the model does not start), BadInput (a path that is no GGUF), and what `fetch` raises.
    """
    home = models_folder(folder)
    weights = CATALOGUE.get(which)
    own = own_file(which) if weights is None else None
    if runtime_version() is None:
        raise messages.no_runtime()
    make_folder(home)
    if weights is not None:
        fetched = await fetch(weights, home, tell=tell, sources=sources)
        model, source, failures = LocalModel(weights.name, fetched.path, weights), fetched.source, fetched.failures
    else:
        assert own is not None
        model, source, failures = LocalModel(OWN, own, None), "your own file", ()
    trial = await try_model(model, log or log_path(model.name), tell)
    before = read_choice(home)
    write_choice(home, Choice(model.name, str(own) if own is not None else before.own_path))
    tell(Progress(Step.DONE, note=str(model.path)))
    return SetUp(model, source, failures, trial)


def own_file(named: str) -> Path:
    """The GGUF file that a person names, `~` allowed. Raises BadInput."""
    return check_gguf(Path(named).expanduser())


def log_path(name: str) -> Path:
    """Where a child's standard error goes, for every session of the user."""
    return user_state_dir() / f"local-{name}.log"


def launch_of(model: LocalModel, log: Path) -> Launch:
    """How this model is served. A person's own file may be large and lie on a slow disk: it gets more time to load."""
    load_seconds = 60.0 if model.weights is not None else 300.0
    return Launch(model.path, model.name, profile_of(model).context_tokens, log, load_seconds=load_seconds)


async def try_model(model: LocalModel, log: Path, tell: Tell = silent) -> Trial:
    """Start a child, wait for its health, generate 16 tokens, stop it."""
    server = LocalServer(launch_of(model, log))
    tell(Progress(Step.LOADING, note=model.path.name))
    started = time.monotonic()
    try:
        endpoint = await server.ensure_running()
        loaded = time.monotonic()
        tell(Progress(Step.TRYING, note=model.path.name, total=TRIAL_TOKENS))
        tokens = await _generate(endpoint, model.name)
        ended = time.monotonic()
    finally:
        await server.stop()
    tell(Progress(Step.TRYING, note=model.path.name, done=tokens, total=TRIAL_TOKENS))
    return Trial(loaded - started, tokens, tokens / max(ended - loaded, 0.001))


async def _generate(endpoint: Endpoint, alias: str) -> int:
    import httpx2

    body = {
        "model": alias,
        "messages": [{"role": "user", "content": "Count upwards from one, in words."}],
        "max_tokens": TRIAL_TOKENS,
    }
    try:
        async with http_client(endpoint, seconds=120) as client:
            answer = await client.post(f"{endpoint.base_url}/chat/completions", json=body)
            answer.raise_for_status()
            tokens = int(answer.json()["usage"]["completion_tokens"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        raise BadReply(f"The local model started but did not answer ({type(error).__name__}).") from error
    if tokens < 1:
        raise BadReply("The local model started but wrote nothing.", hint="Its file may be damaged: set it up again.")
    return tokens


def status(folder: Path | None = None, environ: Mapping[str, str] | None = None) -> LocalStatus:
    """What is installed, chosen and missing. Reads no weights and starts nothing."""
    home = models_folder(folder, environ)
    models = [_status_of(weights, home) for weights in CATALOGUE.values()]
    own = own_path(home, environ)
    if own is not None:
        there = own.is_file()
        size = own.stat().st_size if there else 0
        problem = "" if there else "the file is not there any more"
        models.append(ModelStatus(OWN, own.name, "", "your own file", size, own if there else None, problem))
    return LocalStatus(home, runtime_version(), default_model(home, environ), tuple(models))


def _status_of(weights: Weights, folder: Path) -> ModelStatus:
    path = installed_path(weights, folder)
    problem = "" if path is not None else f"not downloaded ({weights.megabytes})"
    return ModelStatus(weights.name, weights.title, weights.licence, weights.credit, weights.size, path, problem)


def remove(which: str, folder: Path | None = None) -> int:
    """Delete a downloaded model with its leftovers; returns the bytes freed. A person's own file is only forgotten.

    Raises ProviderError while a download of it runs, StorageError when the file cannot be deleted.
    """
    home = models_folder(folder)
    choice = read_choice(home)
    if which == OWN:
        write_choice(home, Choice(None if choice.model == OWN else choice.model, None))
        return 0
    weights = CATALOGUE.get(which)
    if weights is None:
        raise messages.unknown_model(which)
    if not home.is_dir():
        return 0
    with sole_writer(weights, home):
        freed = _delete_files(weights, home)
    if choice.model == which:
        write_choice(home, replace(choice, model=None))
    return freed


def _delete_files(weights: Weights, folder: Path) -> int:
    freed = 0
    for path in (folder / weights.file_name, folder / f"{weights.file_name}.part"):
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(f"{path} could not be deleted: {error.strerror or error}.") from error
        freed += size
    shutil.rmtree(folder / f".wheels-{weights.name}", ignore_errors=True)
    return freed
