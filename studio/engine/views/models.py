"""The list of models and their services, of a project as of a folder that has none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from studio.domain.errors import StudioError
from studio.protocol import views as v
from studio.providers.registry import KnownModel, ProviderRegistry


async def models_view(
    registry: ProviderRegistry, uses: Mapping[str, Sequence[str]], current: str | None, hint: str, *, check: bool
) -> v.ModelsView:
    """`uses` are the roles of each model in use, by its reference; `check` asks the services that could be used."""
    # The price table is imported by the first question, which costs 160 ms: not on the loop.
    known = await asyncio.to_thread(registry.known_models)
    listed = {str(one.ref) for one in known}
    for ref in dict.fromkeys([*uses, *([current] if current else [])]):
        if ref not in listed:
            parsed = registry.parse_ref(ref)
            known.append(KnownModel(parsed, True, "", registry.key_source(parsed.provider), registry.profile(parsed)))
    lines = await asyncio.to_thread(lambda: tuple(_line(registry, one, uses) for one in known))
    names = registry.names()
    services = tuple(await asyncio.gather(*(_service(registry, name, check=check) for name in names)))
    return v.ModelsView(current=current, hint=hint, models=lines, providers=services)


def _line(registry: ProviderRegistry, one: KnownModel, uses: Mapping[str, Sequence[str]]) -> v.ModelLine:
    prices = registry.prices_per_million(one.ref)
    return v.ModelLine(
        ref=str(one.ref),
        provider=one.ref.provider,
        label=one.profile.label or one.ref.model,
        available=one.available,
        reason=one.reason,
        key=one.key,
        input_price=prices[0] if prices else None,
        output_price=prices[1] if prices else None,
        context_tokens=one.profile.context_tokens,
        current_for=tuple(uses.get(str(one.ref), ())),
    )


async def _service(registry: ProviderRegistry, name: str, *, check: bool) -> v.ProviderLine:
    key = registry.key_source(name)
    asked = any(one.available for one in registry.known_models() if one.ref.provider == name) or bool(key)
    if not check or not asked:
        return v.ProviderLine(name=name, base_url=registry.base_url(name), key=key, ok=None, message="", models=None)
    try:
        found = await registry.check(name)
    except StudioError as error:
        return v.ProviderLine(
            name=name, base_url=registry.base_url(name), key=key, ok=False, message=str(error), models=None
        )
    message = f"answered in {found.elapsed_ms:.0f} ms"
    return v.ProviderLine(
        name=name, base_url=found.base_url, key=key, ok=True, message=message, models=len(found.models)
    )
