"""Which models are set up, for a folder that has no project yet: the person's own settings, keys and local model."""

from __future__ import annotations

import os
from collections.abc import Mapping

from studio.config.secrets import Secrets
from studio.config.settings import Settings
from studio.domain.errors import StudioError
from studio.engine.model_room import endpoint_table
from studio.engine.views.models import models_view
from studio.protocol.views import ModelsView
from studio.providers.endpoints import merge_endpoints
from studio.providers.local.provider import local_hook
from studio.providers.registry import ProviderRegistry


def model_hint(settings: Settings, env: Mapping[str, str] | None = None) -> str:
    """What to do when nothing is set up, in a sentence or two; empty when a draft could be asked for. Calls nobody."""
    return _default(settings, _registry(settings, env))[1] if settings.models.default is None else ""


async def own_models(settings: Settings, env: Mapping[str, str] | None = None, *, check: bool = False) -> ModelsView:
    """What a new project could use; `current` is what it would use. No role has a model yet. With `check` the services are asked."""
    registry = _registry(settings, env)
    try:
        current, hint = _default(settings, registry)
        return await models_view(registry, {}, current, hint, check=check)
    finally:
        await registry.aclose()


def _default(settings: Settings, registry: ProviderRegistry) -> tuple[str | None, str]:
    """The model that a project without one of its own uses, or None and what to do."""
    try:
        named = settings.models.default
        return str(registry.parse_ref(named) if named else registry.require_default()), ""
    except StudioError as error:
        return None, str(error)


def _registry(settings: Settings, env: Mapping[str, str] | None) -> ProviderRegistry:
    values = os.environ if env is None else env
    secrets = Secrets(settings, None, values)
    own = {name: endpoint_table(one) for name, one in settings.endpoints.items()}
    return ProviderRegistry(
        merge_endpoints(own, {}, project_trusted=True),
        values,
        keys=lambda endpoint, names, command: secrets.lookup(names, endpoint=endpoint if command else ""),
        local=local_hook(environ=values),
    )
