"""Which model is meant, what it can do, and the provider that reaches it, made at first use. SDKs are imported nowhere else.

Importing this module loads no SDK: anthropic costs about 1 s of CPU, openai 0.5 s, genai-prices 0.16 s.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, assert_never, cast

import msgspec

from studio.domain.errors import MissingModel, NotFound, RequestRejected
from studio.domain.run import Usage
from studio.domain.text import one_line
from studio.providers import pricing
from studio.providers.base import ModelProfile, ModelRef, Provider
from studio.providers.connection import Connection, Timeouts, is_loopback
from studio.providers.endpoints import EndpointSettings, Origin, builtin_endpoints, check_address
from studio.providers.pricing import Price

KeyLookup = Callable[[str, tuple[str, ...], str], str | None]
"""(endpoint, names of environment variables, command) -> the key as it is now. The command is empty when none is configured."""

LOCAL = "local"
DEFAULT_ORDER = ("anthropic", "openai", "openrouter", "xai")
_OPENAI_HOST = "api.openai.com"
_SDK = {"responses": "openai", "chat": "openai", "messages": "anthropic"}


@dataclass(frozen=True, slots=True)
class LocalHook:
    """The model on this computer. `default` gives the one that is ready, or None; `installed` says whether a model's own
    file is here; `provider` is called once, at first use."""

    models: Sequence[str]
    default: Callable[[], str | None]
    profile: Callable[[str], ModelProfile]
    provider: Callable[[], Provider]
    installed: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that the picker offers. `key` names where its key comes from (never its value), empty when there is none."""

    ref: ModelRef
    available: bool
    reason: str
    key: str
    profile: ModelProfile


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """What a service answered when asked for its models."""

    name: str
    base_url: str
    models: tuple[str, ...]
    elapsed_ms: float


class _Adapter(Provider, Protocol):
    def prepare(self) -> None: ...


class ProviderRegistry:
    """Providers by name. `env` is the environment to read (keys, unless `keys` is given, and the SDKs' base-URL variables)."""

    def __init__(
        self,
        endpoints: Mapping[str, EndpointSettings] | None = None,
        env: Mapping[str, str] | None = None,
        *,
        keys: KeyLookup | None = None,
        local: LocalHook | None = None,
    ) -> None:
        self._env = dict(env or {})
        self._keys = keys or self._keys_from_env
        self._local = local
        self._endpoints = {
            name: self._with_environment(settings)
            for name, settings in (builtin_endpoints() if endpoints is None else endpoints).items()
        }
        self._providers: dict[str, Provider] = {}

    # Names

    def names(self) -> list[str]:
        """Every provider that can be named, `local` last."""
        return [*self._endpoints, LOCAL] if self._local else list(self._endpoints)

    def base_url(self, name: str) -> str:
        """The address of a service as it is used; empty for the model on this computer."""
        settings = self._endpoints.get(name)
        return settings.base_url if settings else ""

    def parse_ref(self, text: str) -> ModelRef:
        """`provider:model` (the model may hold `:` and `/`), a provider alone, or a bare model name that is known.

        Raises NotFound with near names.
        """
        wanted = one_line(text, 200).strip()
        head, separator, model = wanted.partition(":")
        if separator and model and self._is_provider(head.casefold()):
            return ModelRef(head.casefold(), model)
        if found := self._bare(wanted.removesuffix(":")):
            return found
        known = [*(str(known.ref) for known in self.known_models()), *self.names()]
        bare = {ref.partition(":")[2]: ref for ref in known if ":" in ref}
        near = [bare.get(name, name) for name in difflib.get_close_matches(wanted, [*known, *bare], n=3, cutoff=0.5)]
        hint = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else "`studio models` lists what is known."
        raise NotFound(
            f"No model or provider is called {wanted or 'nothing'}.", hint=f"{hint} Name it as provider:model."
        )

    def default_ref(self) -> ModelRef | None:
        """The default model of the first known service whose key is present, else of the first configured one that can be used,
        else the local model that is ready, else None."""
        known = (name for name in DEFAULT_ORDER if name in self._endpoints and self.key_source(name))
        for name in (*known, *self._added()):
            if models := self._endpoints[name].models:
                return ModelRef(name, models[0])
        ready = self._local.default() if self._local else None
        return ModelRef(LOCAL, ready) if ready else None

    def require_default(self) -> ModelRef:
        """`default_ref`, or MissingModel saying in one line what to do."""
        found = self.default_ref()
        if found is None:
            raise _nothing_set_up(self._env)
        return found

    def known_models(self) -> list[KnownModel]:
        """What the picker offers: the configured models of each service, and the local ones."""
        found = []
        for name, settings in self._endpoints.items():
            reason = self._why_not(name)
            found += [
                KnownModel(ModelRef(name, model), not reason, reason, self.key_source(name), settings.profile(model))
                for model in settings.models
            ]
        return found + self._local_models()

    def key_source(self, name: str) -> str:
        """Where the key of a provider comes from: a variable's name, `api_key_cmd`, or empty. The command is not run."""
        settings = self._endpoints.get(name)
        if settings is None or not settings.trusted:
            return ""
        present = (variable for variable in self._allowed_variables(name) if self._keys(name, (variable,), ""))
        return next(present, "api_key_cmd" if settings.api_key_cmd else "")

    # What a model can do and costs

    def profile(self, ref: ModelRef) -> ModelProfile:
        if ref.provider == LOCAL and self._local is not None:
            return self._local.profile(ref.model)
        return self._settings(ref.provider).profile(ref.model)

    def price(self, ref: ModelRef, usage: Usage) -> Price:
        """What a call to `ref` cost."""
        table, local = self._price_table(ref)
        return pricing.price(ref.provider, ref.model, usage, table=table, local=local)

    def estimate_range(
        self, ref: ModelRef, input_tokens: int, output_low: int, output_high: int, cached: int = 0
    ) -> tuple[float, float] | None:
        """What a call to `ref` may cost in US dollars, see `pricing.estimate_range`.

        For a model that thinks first the high end pays for all the thoughts that it is allowed.
        """
        table, local = self._price_table(ref)
        high = output_high + self.profile(ref).reasoning_reserve
        return pricing.estimate_range(
            ref.provider, ref.model, input_tokens, output_low, high, cached, table=table, local=local
        )

    def estimate_answer(self, ref: ModelRef, input_tokens: int, output_tokens: int) -> float | None:
        """What an answer of that length costs in US dollars, thoughts left out, with nothing read from the cache."""
        table, local = self._price_table(ref)
        found = pricing.estimate_range(
            ref.provider, ref.model, input_tokens, output_tokens, output_tokens, table=table, local=local
        )
        return found[1] if found else None

    def prices_per_million(self, ref: ModelRef) -> tuple[float, float] | None:
        table, local = self._price_table(ref)
        return (0.0, 0.0) if local else pricing.prices_per_million(ref.provider, ref.model, table=table)

    # Providers

    def provider(self, name: str) -> Provider:
        """The provider, made at first use. Raises NotFound, or RequestRejected for a project's endpoint without a yes."""
        if name not in self._providers:
            if name == LOCAL and self._local is not None:
                self._providers[name] = self._local.provider()
            else:
                self._providers[name] = self._build(name, self._settings(name))
        return self._providers[name]

    async def check(self, name: str) -> EndpointCheck:
        """Ask a service for its models; nothing is generated. Raises ProviderError."""
        started = time.monotonic()
        models = await self.provider(name).list_models()
        elapsed = (time.monotonic() - started) * 1000
        return EndpointCheck(name, self.base_url(name), tuple(models), elapsed)

    async def prewarm(self, ref: ModelRef) -> None:
        """Import the SDK that `ref` needs, and the price table, in a thread: worst gap of the event loop 73 ms, once. On the loop
        they stop everything else for a second, and on a busy machine for as long as makes a client think that nobody answers."""
        settings = self._endpoints.get(ref.provider)
        await asyncio.to_thread(importlib.import_module, _SDK[settings.api] if settings else "openai")
        await asyncio.to_thread(pricing.prepare)
        if settings is not None and settings.trusted:
            await asyncio.to_thread(cast(_Adapter, self.provider(ref.provider)).prepare)

    async def aclose(self) -> None:
        """Close every provider, also when one of them fails to."""
        closing = [provider.aclose() for provider in self._providers.values()]
        self._providers.clear()
        await asyncio.gather(*closing, return_exceptions=True)

    # Inside

    def _is_provider(self, name: str) -> bool:
        return name in self._endpoints or (name == LOCAL and self._local is not None)

    def _settings(self, name: str) -> EndpointSettings:
        settings = self._endpoints.get(name)
        if settings is None:
            raise NotFound(f"No provider is called {one_line(name, 60)}.", hint=f"Known: {', '.join(self.names())}.")
        return settings

    def _added(self) -> list[str]:
        """The services that somebody's settings added to the known ones and that can be used now."""
        added = (name for name, settings in self._endpoints.items() if settings.origin is not Origin.BUILTIN)
        return [name for name in added if name not in DEFAULT_ORDER and not self._why_not(name)]

    def _bare(self, wanted: str) -> ModelRef | None:
        folded = wanted.casefold()
        if folded == LOCAL and self._local is not None:
            return ModelRef(LOCAL, self._local.default() or next(iter(self._local.models), ""))
        if (settings := self._endpoints.get(folded)) is not None:
            return ModelRef(folded, settings.models[0]) if settings.models else None
        for name, settings in self._endpoints.items():
            if wanted in settings.models:
                return ModelRef(name, wanted)
        if self._local is not None and wanted in self._local.models:
            return ModelRef(LOCAL, wanted)
        for name, settings in self._endpoints.items():
            if any(fnmatchcase(folded, pattern) for pattern in settings.names):
                return ModelRef(name, wanted)
        return None

    def _local_models(self) -> list[KnownModel]:
        if self._local is None:
            return []
        runs = self._local.default() is not None
        found = []
        for model in self._local.models:
            ready = runs and self._local.installed(model)
            why = "" if ready else f"not set up: studio local setup{' ' + model if runs else ''}"
            found.append(KnownModel(ModelRef(LOCAL, model), ready, why, "", self._local.profile(model)))
        return found

    def _why_not(self, name: str) -> str:
        """Why a service cannot be used now, in a few words; empty when it can."""
        settings = self._endpoints[name]
        if not settings.trusted:
            return "the project's endpoint is not allowed yet"
        if not settings.key_required or self.key_source(name):
            return ""
        return f"no key: set {settings.key_env[0]}" if settings.key_env else "no key"

    def _price_table(self, ref: ModelRef) -> tuple[str | None, bool]:
        settings = self._endpoints.get(ref.provider)
        if settings is None:
            return None, ref.provider == LOCAL
        return settings.price_table or None, settings.local

    def _with_environment(self, settings: EndpointSettings) -> EndpointSettings:
        """The settings with the address of the SDK's base-URL variable, where it is set.

        An `OPENAI_BASE_URL` that is not OpenAI's own means a compatible server: Chat Completions, a key if there is one, and
        no fields that only OpenAI knows.
        """
        address = self._env.get(settings.base_url_env, "").strip() if settings.base_url_env else ""
        if not address or settings.origin is Origin.PROJECT:
            return settings
        changed = msgspec.structs.replace(settings, base_url=address)
        check_address(settings.base_url_env, changed)
        if settings.api == "responses" and changed.host != _OPENAI_HOST:
            plain = tuple(msgspec.structs.replace(rule, cache_marks="none") for rule in settings.profiles)
            return msgspec.structs.replace(
                changed, api="chat", key_required=False, profiles=plain, send_cache_key=not is_loopback(address)
            )
        return changed

    def _allowed_variables(self, name: str) -> tuple[str, ...]:
        """The variables that may be read for an endpoint: a project's never one that is bound to another endpoint."""
        settings = self._endpoints[name]
        if settings.origin is not Origin.PROJECT:
            return settings.key_env
        bound = {variable for other, given in self._endpoints.items() if other != name for variable in given.key_env}
        return tuple(variable for variable in settings.key_env if variable not in bound)

    def _keys_from_env(self, _name: str, variables: tuple[str, ...], _command: str) -> str | None:
        return next((value for variable in variables if (value := self._env.get(variable, "").strip())), None)

    def _build(self, name: str, settings: EndpointSettings) -> Provider:
        if not settings.trusted:
            raise RequestRejected(
                f"This project wants to send prompts to {settings.host}, which you have not allowed.",
                hint="Allow the project's endpoints once, or choose another model.",
            )
        variables = self._allowed_variables(name)
        connection = Connection(
            name=name,
            base_url=settings.base_url,
            key=lambda: self._keys(name, variables, settings.api_key_cmd),
            profile=settings.profile,
            key_env=variables[0] if variables else "",
            key_required=settings.key_required,
            native=bool(settings.base_url_env) and settings.origin is Origin.BUILTIN,
            headers=settings.headers,
            timeouts=Timeouts(connect=settings.connect_timeout, read=settings.read_timeout),
        )
        return _adapter(connection, settings)


def _nothing_set_up(env: Mapping[str, str]) -> MissingModel:
    """No key and no local model: one line that says what to do, of the local model only what is missing."""
    from studio.providers.local.messages import nothing_set_up
    from studio.providers.local.runtime import runtime_version
    from studio.providers.local.weights import SMALL, installed_path, models_folder

    weights = installed_path(SMALL, models_folder(None, env))
    return nothing_set_up(runtime=runtime_version() is not None, weights=weights is not None)


def _adapter(connection: Connection, settings: EndpointSettings) -> Provider:
    """The adapter of the endpoint's API; its module is imported here, its SDK at the first call."""
    match settings.api:
        case "messages":
            from studio.providers.anthropic_messages import AnthropicMessages

            return AnthropicMessages(connection)
        case "responses":
            from studio.providers.openai_responses import OpenAIResponses

            return OpenAIResponses(connection)
        case "chat":
            from studio.providers.openai_chat import ChatOptions, OpenAIChat

            options = ChatOptions(
                separator=settings.message_separator,
                max_tokens_field=settings.max_tokens_field,
                sampling_names=settings.sampling_names,
                extra_body=settings.extra_body,
                send_cache_key=settings.send_cache_key,
            )
            return OpenAIChat(connection, options)
    assert_never(settings.api)
