"""Whether a model is set up, for a folder that has no project yet: the person's own settings, keys and local model."""

from __future__ import annotations

import os
from collections.abc import Mapping

from studio.config.secrets import Secrets
from studio.config.settings import Settings
from studio.domain.errors import StudioError
from studio.engine.model_room import endpoint_table
from studio.providers.endpoints import merge_endpoints
from studio.providers.local.provider import local_hook
from studio.providers.registry import ProviderRegistry


def model_hint(settings: Settings, env: Mapping[str, str] | None = None) -> str:
    """What to do when nothing is set up, in a sentence or two; empty when a draft could be asked for. Calls nobody."""
    values = os.environ if env is None else env
    secrets = Secrets(settings, None, values)
    own = {name: endpoint_table(one) for name, one in settings.endpoints.items()}
    registry = ProviderRegistry(
        merge_endpoints(own, {}, project_trusted=True),
        values,
        keys=lambda endpoint, names, command: secrets.lookup(names, endpoint=endpoint if command else ""),
        local=local_hook(environ=values),
    )
    try:
        if settings.models.default is None:
            registry.require_default()
    except StudioError as error:
        return str(error)
    return ""
