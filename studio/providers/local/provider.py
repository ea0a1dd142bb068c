"""The provider `local`: Chat Completions like any compatible endpoint, except that it starts the endpoint itself when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from studio.domain.errors import BadReply, ConnectionFailed, ProviderError, TimedOut
from studio.providers.base import ModelProfile, ModelRequest, StreamPart, TextDelta
from studio.providers.connection import Connection, Timeouts
from studio.providers.local import messages
from studio.providers.local.choice import LocalModel, find_model, own_path
from studio.providers.local.process import Endpoint, LocalServer, ServerState, http_client
from studio.providers.local.profiles import PROFILES, profile_of
from studio.providers.local.runtime import runtime_version
from studio.providers.local.setup import launch_of, log_path
from studio.providers.local.weights import CATALOGUE, OWN, installed_path, models_folder
from studio.providers.openai_chat import ChatOptions, OpenAIChat
from studio.providers.prompt_shape import turns

NAME = "local"

# The first byte comes after the whole prompt is read: 12,000 tokens at the 30 a second of a busy machine take 400 s.
_TIMEOUTS = Timeouts(read=900.0)
_OPTIONS = ChatOptions(sampling_names={"min_p": "min_p", "repeat_penalty": "repeat_penalty"})
_EXIT_WAIT_SECONDS = 1.0

OnState = Callable[[str, ServerState], None]


@dataclass(slots=True)
class _Served:
    """One model's child and the adapter that speaks to its present start."""

    server: LocalServer
    chat: OpenAIChat | None = None
    number: int = 0


class LocalProvider:
    """Models `small`, `tiny` and `own`. A child is started at a model's first call and ends with `aclose` or this process.

    `on_state` hears (model, state) for a status line; it is called on the provider's event loop. Tokens cost nothing.
    """

    name = NAME

    def __init__(
        self, *, folder: Path | None = None, environ: Mapping[str, str] | None = None, on_state: OnState | None = None
    ) -> None:
        self._folder = models_folder(folder, environ)
        self._environ = environ
        self._on_state = on_state
        self._served: dict[Path, _Served] = {}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamPart, None]:
        """Start the child if need be, then stream. Raises MissingModel when nothing is installed or it does not start."""
        served, chat = await self._ready(request.model)
        try:
            async with aclosing(chat.stream(_as_taken(request))) as parts:
                async for part in parts:
                    if isinstance(part, TextDelta):
                        served.server.proved()
                    yield part
        except (ConnectionFailed, TimedOut, BadReply) as error:
            raise await _explained(served.server, error) from error

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
        """How a model likes to be asked; for an own file the label carries its name. Never raises for a missing file."""
        own = own_path(self._folder, self._environ) if model == OWN else None
        return profile_of(LocalModel(OWN, own, None)) if own is not None else PROFILES.get(model, PROFILES[OWN])

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

    async def _ready(self, model: str) -> tuple[_Served, OpenAIChat]:
        found = find_model(model, self._folder, self._environ)
        served = self._serving(found)
        endpoint = await served.server.ensure_running()
        if served.chat is None or served.number != endpoint.number:
            stale, served.chat, served.number = served.chat, _adapter(endpoint, self.profile), endpoint.number
            if stale is not None:
                await stale.aclose()
        return served, served.chat

    def _say(self, model: str, state: ServerState) -> None:
        if self._on_state is not None:
            self._on_state(model, state)


def _adapter(endpoint: Endpoint, profile: Callable[[str], ModelProfile]) -> OpenAIChat:
    connection = Connection(
        name=NAME,
        base_url=endpoint.base_url,
        key=lambda: endpoint.key,
        profile=profile,
        timeouts=_TIMEOUTS,
        uds=endpoint.socket,
    )
    return OpenAIChat(connection, _OPTIONS)


def _as_taken(request: ModelRequest) -> ModelRequest:
    """Stop strings are for prose: inside a JSON answer one of them would cut the object."""
    if request.json_schema is None or not request.sampling.stop:
        return request
    return replace(request, sampling=replace(request.sampling, stop=()))


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
    said = [{"role": turn.role, "content": turn.joined(_OPTIONS.separator)} for turn in turns(request.messages)]
    try:
        async with http_client(endpoint, seconds=30) as client:
            prompt = (await client.post(f"{base}/apply-template", json={"messages": said})).json()["prompt"]
            asked = {"content": prompt, "add_special": True, "parse_special": True}
            return len((await client.post(f"{base}/tokenize", json=asked)).json()["tokens"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return None


async def _close(served: _Served) -> None:
    if served.chat is not None:
        await served.chat.aclose()
    await served.server.stop()


def _is_file(path: Path) -> bool:
    return path.is_file()
