"""The provider `local`: Chat Completions like any compatible endpoint, except that it starts the endpoint itself when asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from studio.domain.errors import BadReply, ConnectionFailed, ProviderError, TimedOut
from studio.providers.base import ModelProfile, ModelRequest, StreamPart, TextDelta
from studio.providers.connection import Connection, Timeouts
from studio.providers.local import messages
from studio.providers.local.choice import LocalModel, default_model, find_model, is_installed, own_path
from studio.providers.local.process import Endpoint, LocalServer, ServerState, http_client
from studio.providers.local.profiles import PROFILES, profile_of
from studio.providers.local.runtime import runtime_version
from studio.providers.local.setup import launch_of, log_path
from studio.providers.local.weights import CATALOGUE, OWN, installed_path, models_folder
from studio.providers.openai_chat import ChatOptions, OpenAIChat
from studio.providers.prompt_shape import turns
from studio.providers.registry import LOCAL, LocalHook

# The first byte comes after the whole prompt is read: 12,000 tokens at the 30 a second of a busy machine take 400 s.
_TIMEOUTS = Timeouts(read=900.0)
_SAMPLING_NAMES = {"min_p": "min_p"}
# The special tokens of chat templates: `<|im_start|>` of the models offered here, and those that own models commonly have.
_TURN_MARK = re.compile(r"<(?=\|[\w ]{1,40}\|>|(?:start|end)_of_turn>)")
_PLAIN = ChatOptions(sampling_names=_SAMPLING_NAMES)
# What a repeat penalty is carried out as. Of 10 drafts by the small model without it 6 repeated passages, 2 of them up to the
# limit; a plain penalty of 1.1 invented talk instead; with DRY from 4 tokens on over the last 512 none of 4 repeated itself.
_NO_LOOPS = ChatOptions(
    sampling_names=_SAMPLING_NAMES,
    extra_body={"dry_multiplier": 0.8, "dry_allowed_length": 4, "dry_penalty_last_n": 512},
)
_EXIT_WAIT_SECONDS = 1.0

OnState = Callable[[str, ServerState], None]


@dataclass(slots=True)
class _Served:
    """One model's child and the adapters that speak to its present start."""

    server: LocalServer
    plain: OpenAIChat | None = None
    no_loops: OpenAIChat | None = None
    number: int = 0

    async def aclose_chats(self) -> None:
        open_ones = [chat for chat in (self.plain, self.no_loops) if chat is not None]
        self.plain = self.no_loops = None
        for chat in open_ones:
            await chat.aclose()


class LocalProvider:
    """Models `small`, `tiny` and `own`. A child is started at a model's first call and ends with `aclose` or this process.

    `on_state` hears (model, state) for a status line; it is called on the provider's event loop. Tokens cost nothing.
    """

    name = LOCAL

    def __init__(
        self, *, folder: Path | None = None, environ: Mapping[str, str] | None = None, on_state: OnState | None = None
    ) -> None:
        self._folder = models_folder(folder, environ)
        self._environ = environ
        self._on_state = on_state
        self._served: dict[Path, _Served] = {}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        """Start the child if need be, then stream. Raises MissingModel when nothing is installed or it does not start."""
        served, endpoint = await self._ready(request.model)
        wire = _as_taken(request)
        chat = self._adapter(served, endpoint, no_loops=wire.sampling.repeat_penalty is not None)
        try:
            async with aclosing(chat.stream(wire)) as parts:
                async for part in parts:
                    if isinstance(part, TextDelta):
                        served.server.proved()
                    yield part
        except (ConnectionFailed, TimedOut, BadReply) as error:
            explained = await _explained(served.server, error)
            if explained is error:
                raise  # with its own cause
            raise explained from error

    async def list_models(self) -> list[str]:
        """The models that are on this computer now; starts nothing."""
        found = [name for name, weights in CATALOGUE.items() if installed_path(weights, self._folder)]
        own = own_path(self._folder, self._environ)
        return [*found, OWN] if own is not None and _is_file(own) else found

    async def count_tokens(self, request: ModelRequest) -> int | None:
        """Exact input tokens while the child runs, else None: counting is not worth a start of some seconds."""
        served = self._served.get(find_model(request.model, self._folder, self._environ).path)
        endpoint = served.server.endpoint if served is not None else None
        return None if endpoint is None else await _count(endpoint, request)

    def profile(self, model: str) -> ModelProfile:
        """`local_profile` for this provider's folder."""
        return local_profile(model, self._folder, self._environ)

    async def aclose(self) -> None:
        """Stop every child, together."""
        ending = list(self._served.values())
        self._served.clear()
        await asyncio.gather(*(_close(served) for served in ending))

    async def ensure_running(self, model: str) -> Endpoint:
        """The endpoint of the model's healthy child, started if need be. Raises MissingModel, NotFound."""
        found = find_model(model, self._folder, self._environ)
        return await self._serving(found).server.ensure_running()

    def _serving(self, model: LocalModel) -> _Served:
        served = self._served.get(model.path)
        if served is None:
            if runtime_version() is None:
                raise messages.no_runtime()
            launch = launch_of(model, log_path(model.name))
            served = _Served(LocalServer(launch, lambda state: self._say(model.name, state)))
            self._served[model.path] = served
        return served

    async def _ready(self, model: str) -> tuple[_Served, Endpoint]:
        served = self._serving(find_model(model, self._folder, self._environ))
        endpoint = await served.server.ensure_running()
        if served.number != endpoint.number:
            served.number = endpoint.number
            await served.aclose_chats()
        return served, endpoint

    def _adapter(self, served: _Served, endpoint: Endpoint, *, no_loops: bool) -> OpenAIChat:
        if no_loops:
            served.no_loops = served.no_loops or _adapter(endpoint, self.profile, _NO_LOOPS)
            return served.no_loops
        served.plain = served.plain or _adapter(endpoint, self.profile, _PLAIN)
        return served.plain

    def _say(self, model: str, state: ServerState) -> None:
        if self._on_state is not None:
            self._on_state(model, state)


def local_hook(
    *, folder: Path | None = None, environ: Mapping[str, str] | None = None, on_state: OnState | None = None
) -> LocalHook:
    """What the registry needs to offer these models: names, the one that is ready, profiles, and the provider at first use.

    `default` gives None while nothing is downloaded or the runtime is missing, so that a service with a key is asked for instead.
    """
    home = models_folder(folder, environ)
    own = own_path(home, environ)

    def ready() -> str | None:
        return default_model(home, environ) if runtime_version() is not None else None

    return LocalHook(
        models=(*CATALOGUE, OWN) if own is not None else tuple(CATALOGUE),
        default=ready,
        profile=lambda model: local_profile(model, home, environ),
        provider=lambda: LocalProvider(folder=home, environ=environ, on_state=on_state),
        installed=lambda model: is_installed(model, home, environ),
    )


def local_profile(model: str, folder: Path, environ: Mapping[str, str] | None = None) -> ModelProfile:
    """How a model likes to be asked; for an own file the label carries its name. Never raises for a missing file."""
    own = own_path(folder, environ) if model == OWN else None
    return profile_of(LocalModel(OWN, own, None)) if own is not None else PROFILES.get(model, PROFILES[OWN])


def _adapter(endpoint: Endpoint, profile: Callable[[str], ModelProfile], options: ChatOptions) -> OpenAIChat:
    connection = Connection(
        name=LOCAL,
        base_url=endpoint.base_url,
        key=lambda: endpoint.key,
        profile=profile,
        timeouts=_TIMEOUTS,
        uds=endpoint.socket,
    )
    return OpenAIChat(connection, options)


def _as_taken(request: ModelRequest) -> ModelRequest:
    """Stop strings and the ban on repetition are for prose: JSON repeats its own keys, and a stop string would cut the object.

    The child reads the marks of its chat template in any text, so that a document with `<|im_start|>system` in it would begin
    another message: a blank makes them text again.
    """
    request = replace(request, messages=tuple(replace(one, text=_quoted(one.text)) for one in request.messages))
    if request.json_schema is None:
        return request
    return replace(request, sampling=replace(request.sampling, stop=(), repeat_penalty=None))


def _quoted(text: str) -> str:
    return _TURN_MARK.sub("< ", text)


async def _explained(server: LocalServer, error: ProviderError) -> ProviderError:
    """The error with the child's end as its reason, if it ended: the broken line is seen a moment before the exit."""
    server.suspect()
    reason = server.exit_reason()
    deadline = asyncio.get_running_loop().time() + _EXIT_WAIT_SECONDS
    while reason is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
        reason = server.exit_reason()
    if reason is None:
        return error
    return ConnectionFailed(reason, hint="Try again: it is started anew, and what had arrived is kept.")


async def _count(endpoint: Endpoint, request: ModelRequest) -> int | None:
    import httpx2

    base = endpoint.base_url.removesuffix("/v1")
    taken = _as_taken(request).messages
    said = [{"role": turn.role, "content": turn.joined(_PLAIN.separator)} for turn in turns(taken)]
    try:
        async with http_client(endpoint, seconds=30) as client:
            prompt = (await client.post(f"{base}/apply-template", json={"messages": said})).json()["prompt"]
            asked = {"content": prompt, "add_special": True, "parse_special": True}
            return len((await client.post(f"{base}/tokenize", json=asked)).json()["tokens"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return None


async def _close(served: _Served) -> None:
    await served.aclose_chats()
    await served.server.stop()


def _is_file(path: Path) -> bool:
    return path.is_file()
