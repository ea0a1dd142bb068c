"""The services by name: built-in data (`endpoints.toml`), what a user's configuration changes or adds, what a project may add."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.providers.base import ModelProfile
from studio.providers.connection import is_loopback


class Origin(StrEnum):
    """Who named an endpoint: it decides which keys may go there."""

    BUILTIN = "builtin"
    USER = "user"
    PROJECT = "project"


class ProfileRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the models can do whose name fits one of the shell patterns in `match`."""

    match: tuple[str, ...]
    context_tokens: int = 128_000
    max_output_tokens: int = 8_192
    structured: Literal["json_schema", "json_object", "prompt"] = "json_schema"
    tool_mode: Literal["native", "json_schema"] = "native"
    supports_temperature: bool = True
    cache_marks: Literal["none", "cache_control", "breakpoint"] = "none"
    reasoning_reserve: int = 0
    template_variant: str | None = None

    def fits(self, model: str) -> bool:
        return any(fnmatchcase(model.casefold(), pattern.casefold()) for pattern in self.match)

    def profile(self, *, local: bool) -> ModelProfile:
        return ModelProfile(
            context_tokens=self.context_tokens,
            max_output_tokens=self.max_output_tokens,
            structured=self.structured,
            tool_mode=self.tool_mode,
            supports_temperature=self.supports_temperature,
            template_variant=self.template_variant,
            local=local,
            cache_marks=self.cache_marks,
            reasoning_reserve=self.reasoning_reserve,
        )


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service.

    `key_env` names environment variables, never keys; `api_key_cmd` is a command that prints the key; `read_timeout` is seconds
    of silence; `base_url_env` is the SDK's own variable for another address. `models[0]` is the default model. `local` means
    that it runs on the person's own machines, for nothing.
    """

    base_url: str
    title: str = ""
    api: Literal["responses", "chat", "messages"] = "chat"
    key_env: tuple[str, ...] = ()
    key_required: bool = True
    api_key_cmd: str = ""
    models: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    profiles: tuple[ProfileRule, ...] = ()
    headers: dict[str, str] = {}
    base_url_env: str = ""
    price_table: str = ""
    local: bool = False
    read_timeout: float = 90.0
    connect_timeout: float = 5.0
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    message_separator: str = "\n\n"
    sampling_names: dict[str, str] = {}
    extra_body: dict[str, Any] = {}
    send_cache_key: bool = False
    origin: Origin = Origin.BUILTIN
    trusted: bool = True

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    def profile(self, model: str) -> ModelProfile:
        for rule in self.profiles:
            if rule.fits(model):
                return rule.profile(local=self.local)
        return ModelProfile(local=self.local)


_FROM_FILES = frozenset(EndpointSettings.__struct_fields__) - {"origin", "trusted"}


@cache
def builtin_endpoints() -> Mapping[str, EndpointSettings]:
    """The endpoints of `endpoints.toml`, in the order in which a default model is looked for."""
    text = resources.files("studio.providers").joinpath("endpoints.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return {name: msgspec.convert(settings, EndpointSettings) for name, settings in data.items()}


def merge_endpoints(
    user: Mapping[str, Mapping[str, object]] | None = None,
    project: Mapping[str, Mapping[str, object]] | None = None,
    *,
    project_trusted: bool = False,
) -> dict[str, EndpointSettings]:
    """Built-in endpoints with the `[endpoints.NAME]` tables of the user's and the project's configuration over them.

    A user may change a built-in endpoint key by key. A project can only add: an endpoint under a known name would receive the
    key that is bound to that name. `project_trusted` is the person's recorded yes. Raises BadInput naming table and key.
    """
    found = dict(builtin_endpoints())
    for name, table in (user or {}).items():
        found[name] = _endpoint(name, table, Origin.USER, base=found.get(name))
    for name, table in (project or {}).items():
        if name in found:
            raise BadInput(
                f"The project's settings redefine the endpoint {one_line(name, 40)}, which belongs to your own configuration.",
                hint="Give the project's endpoint another name.",
            )
        found[name] = _endpoint(name, table, Origin.PROJECT, trusted=project_trusted)
    return found


def _endpoint(
    name: str,
    table: Mapping[str, object],
    origin: Origin,
    *,
    base: EndpointSettings | None = None,
    trusted: bool = True,
) -> EndpointSettings:
    where = f"[endpoints.{one_line(name, 40)}]"
    if not name or ":" in name or not name.replace("-", "").replace("_", "").isalnum():
        raise BadInput(f"{where}: an endpoint's name has letters, digits, - and _ only.", hint="Rename the table.")
    if name == "local":
        raise BadInput(f"{where}: the name local means the model on this computer.", hint="Choose another name.")
    if not isinstance(table, Mapping):
        raise BadInput(f"{where} is not a table.", hint='Write, for example, base_url = "http://127.0.0.1:8080/v1".')
    if unknown := sorted(set(map(str, table)) - _FROM_FILES):
        raise BadInput(
            f"{where} has no setting {one_line(unknown[0], 40)}.", hint=f"Known: {', '.join(sorted(_FROM_FILES))}."
        )
    given: dict[str, Any] = {} if base is None else msgspec.to_builtins(base)
    if base is not None and "base_url" not in table:
        origin = base.origin
    elif given.get("api") == "responses":
        # Another server under a known name speaks the common denominator, unless its table says otherwise.
        given["api"] = "chat"
    try:
        settings = msgspec.convert(
            {**given, **table, "origin": origin, "trusted": trusted}, EndpointSettings, strict=True
        )
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {one_line(str(error))}.", hint="Correct the setting.") from error
    check_address(where, settings)
    return settings


def check_address(where: str, settings: EndpointSettings) -> None:
    """Raises BadInput unless the address can be called and would not carry a key in the clear across the internet."""
    try:
        parts = urlsplit(settings.base_url)
        _ = parts.port
    except ValueError as error:
        raise BadInput(
            f"{where}: base_url is not an address ({error}).", hint="Write it as https://host/v1."
        ) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{where}: base_url must start with https:// or http:// and name a host.")
    if parts.username or parts.password:
        raise BadInput(
            f"{where}: base_url must not hold a name or password.", hint="Name the key's variable in key_env."
        )
    if settings.key_env and parts.scheme == "http" and not _near(settings.base_url, parts.hostname):
        raise BadInput(
            f"{where}: a key would cross the network readable at {parts.hostname}.",
            hint="Use https, or leave key_env empty.",
        )
    if settings.read_timeout <= 0 or settings.connect_timeout <= 0:
        raise BadInput(f"{where}: timeouts are seconds above zero.")


def _near(base_url: str, host: str) -> bool:
    """This computer or its own network."""
    if is_loopback(base_url) or "." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
