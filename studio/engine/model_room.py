"""Which model works for which role, what it can do and costs, and what earlier calls taught about counting its tokens."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from studio.config.secrets import Secrets
from studio.config.settings import Endpoint, Settings
from studio.domain.errors import StudioError
from studio.domain.run import Usage
from studio.engine.desk import Plan
from studio.providers import pricing, tokens
from studio.providers.base import ModelProfile, ModelRef, Provider
from studio.providers.endpoints import merge_endpoints
from studio.providers.local.process import ServerState
from studio.providers.local.provider import local_hook
from studio.providers.registry import LOCAL, ProviderRegistry
from studio.providers.retry import RetryPolicy
from studio.store import ratios
from studio.store.database import Store

Tell = Callable[[str], None]

KIND = "prose"
FIRST_SCREEN_SECONDS = 3.0

log = logging.getLogger(__name__)

_LOCAL_WORDS = {
    ServerState.LOADING: "loading the local model",
    ServerState.RESTARTING: "starting the local model again",
}


class ModelRoom:
    def __init__(self, root: Path, settings: Settings, store: Store, env: Mapping[str, str] | None = None) -> None:
        self._env = env if env is not None else os.environ
        self._root = root
        self._store = store
        self._listeners: dict[int, Tell] = {}
        self._learned: dict[str, float] = {}
        self._warming: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()
        self._opened = time.monotonic()
        self.take_settings(settings)

    def take_settings(self, settings: Settings) -> None:
        """Use new settings from the next call on; a stream under way keeps its provider until it ends."""
        self._ready: set[str] = set()
        self._settings = settings
        self._secrets = Secrets(settings, self._root, self._env)
        own = {name: endpoint_table(one) for name, one in settings.endpoints.items() if not one.from_project}
        named = {name: endpoint_table(one) for name, one in settings.endpoints.items() if one.from_project}
        self.registry = ProviderRegistry(
            merge_endpoints(own, named, project_trusted=True),
            self._addresses(),
            keys=self._key,
            local=local_hook(environ=self._env, on_state=self._local_state),
        )

    def _addresses(self) -> dict[str, str]:
        names = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")
        return {name: value for name in names if (value := self._secrets.value(name))}

    def _key(self, endpoint: str, names: tuple[str, ...], command: str) -> str | None:
        return self._secrets.lookup(names, endpoint=endpoint if command else "")

    def key(self, name: str) -> str | None:
        """A key by its name, as the person's environment or an allowed `.env` has it; asked for when it is used."""
        return self._secrets.lookup((name,))

    def redact(self, text: str) -> str:
        """The text without any key that was ever handed out."""
        return self._secrets.redactor(text)

    # Which

    def ref_for(self, role: str, override: str | None = None, *, lead: bool = False) -> ModelRef:
        """The model of a role: a flag, `[models] lead` for a lead's work, the role's setting, the project's, the first service with
        a key, the local model.

        Raises MissingModel saying what to do when nothing is set up, NotFound for a name that means nothing.
        """
        models = self._settings.models
        named = override or (models.roles.get("lead") if lead else None) or models.for_role(role)
        return self.registry.parse_ref(named) if named else self.registry.require_default()

    def parse(self, text: str) -> ModelRef:
        return self.registry.parse_ref(text)

    def profile(self, ref: ModelRef) -> ModelProfile:
        return self.registry.profile(ref)

    def label(self, ref: ModelRef) -> str:
        """A short name for the screen; a local model says that it is of draft quality."""
        return self.registry.profile(ref).label or ref.model

    def badge(self, model: str | None) -> str:
        """What stands beside a text that a local model wrote; empty for others."""
        if not model or not model.startswith("local:"):
            return ""
        try:
            return self.registry.profile(self.registry.parse_ref(model)).label or "local - draft quality"
        except StudioError:
            return "local - draft quality"

    # How

    def prewarm(self, ref: ModelRef) -> None:
        """Import what a model needs while the person reads what the draft would cost.

        Not at the start, where the first question for a context is the screen's own: an SDK takes 0.5 to 1 s of CPU and 15 to 60 MB
        that a studio left open for reading does not need.
        """
        if self._warming is None and ref.provider != LOCAL and time.monotonic() - self._opened > FIRST_SCREEN_SECONDS:
            self._warming = asyncio.create_task(self._made_ready(ref), name="prewarm")

    async def _made_ready(self, ref: ModelRef) -> None:
        async with self._loading:
            if ref.provider in self._ready:
                return
            try:
                await self.registry.prewarm(ref)
            except StudioError:
                log.info("nothing to prewarm", exc_info=True)
            self._ready.add(ref.provider)

    async def prices(self) -> ProviderRegistry:
        """The registry once its prices can be asked for without holding up the loop."""
        await asyncio.to_thread(pricing.prepare)
        return self.registry

    async def provider(self, ref: ModelRef, tell: Tell) -> Provider:
        """The provider of a model, its SDK imported off the loop; `tell` hears what a start waits for."""
        await self._made_ready(ref)
        self._listeners[id(tell)] = tell
        if len(self._listeners) > 64:
            self._listeners.pop(next(iter(self._listeners)))
        return self.registry.provider(ref.provider)

    def _local_state(self, model: str, state: ServerState) -> None:
        words = _LOCAL_WORDS.get(state, "")
        for tell in list(self._listeners.values()):
            tell(words)
        if not words:
            self._listeners.clear()

    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(tries=self._settings.limits.retries, max_wait=self._settings.limits.max_wait_s)

    def price(self, provider: str, model: str, usage: Usage) -> tuple[float | None, str, str | None]:
        """(US dollars or None, source, price table) of a call."""
        try:
            found = self.registry.price(ModelRef(provider, model), usage)
        except StudioError:
            found = pricing.UNKNOWN
        return found.cost_usd, found.source, found.version

    # Counting

    async def ratio(self, ref: ModelRef) -> float:
        """How this model's tokens relate to our estimate, learned from its own reports."""
        name = str(ref)
        if name not in self._learned:
            row = await self._store.read(lambda tx: ratios.get(tx, ref.provider, ref.model, KIND))
            self._learned[name] = row[0] if row else 1.0
        return self._learned[name]

    async def learn(self, plan: Plan, usage: Usage) -> None:
        """Correct the ratio by what the service counted."""
        if usage.estimated or not usage.input_tokens or not plan.tokens:
            return
        ref = plan.model
        ratio = tokens.learn(plan.ratio, plan.tokens, usage.input_tokens)
        self._learned[str(ref)] = ratio
        known = await self._store.read(lambda tx: ratios.get(tx, ref.provider, ref.model, KIND))
        samples = (known[1] if known else 0) + 1
        await self._store.transact(lambda tx: ratios.put(tx, ref.provider, ref.model, KIND, ratio, samples))

    async def aclose(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        await self.registry.aclose()


def endpoint_table(endpoint: Endpoint) -> dict[str, object]:
    """A settings table as the providers read it; what is empty there keeps the built-in value."""
    models = endpoint.models
    if endpoint.default_model:
        models = (endpoint.default_model, *(one for one in models if one != endpoint.default_model))
    table: dict[str, object] = {
        "base_url": endpoint.base_url,
        "api": endpoint.api,
        "key_env": endpoint.key_env,
        "api_key_cmd": endpoint.api_key_cmd,
        "models": models,
        "title": endpoint.label,
    }
    if endpoint.context_tokens is not None:
        table["profiles"] = [{"match": ["*"], "context_tokens": endpoint.context_tokens}]
    given = {key: value for key, value in table.items() if value}
    if endpoint.base_url and not endpoint.key_env and not endpoint.api_key_cmd:
        given["key_required"] = False
    return given
