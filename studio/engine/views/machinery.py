"""Views of the machinery: templates, models and their services, the doctor."""

from __future__ import annotations

import asyncio

from studio.domain.errors import StudioError
from studio.engine.doctor import examine
from studio.engine.open_project import OpenProject
from studio.protocol import queries as q
from studio.protocol import views as v
from studio.providers.registry import KnownModel


async def get_templates(project: OpenProject, query: q.GetTemplates, actor: str) -> v.TemplatesView:
    return v.TemplatesView(templates=await project.desk.templates(check=query.check))


async def get_template(project: OpenProject, query: q.GetTemplate, actor: str) -> v.TemplateText:
    return await project.desk.template(query.name)


async def get_models(project: OpenProject, query: q.GetModels, actor: str) -> v.ModelsView:
    registry = project.models.registry
    current: str | None = None
    hint = ""
    uses: dict[str, list[str]] = {}
    for role in dict.fromkeys(stage.role for stage in project.workflow.stages):
        try:
            ref = str(project.models.ref_for(role))
        except StudioError as error:
            hint = str(error)
            continue
        current = current or ref
        uses.setdefault(ref, []).append(role)
    # The price table is imported by the first question, which costs 160 ms: not on the loop.
    known = await asyncio.to_thread(registry.known_models)
    listed = {str(one.ref) for one in known}
    for ref in uses:
        if ref not in listed:
            parsed = project.models.parse(ref)
            known.append(
                KnownModel(parsed, True, "", registry.key_source(parsed.provider), project.models.profile(parsed))
            )
    lines = await asyncio.to_thread(lambda: tuple(_line(project, one, uses) for one in known))
    services = await _services(project, check=query.check)
    return v.ModelsView(current=current, hint=hint, models=lines, providers=services)


def _line(project: OpenProject, one: KnownModel, uses: dict[str, list[str]]) -> v.ModelLine:
    prices = project.models.registry.prices_per_million(one.ref)
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


async def _services(project: OpenProject, *, check: bool) -> tuple[v.ProviderLine, ...]:
    names = project.models.registry.names()
    return tuple(await asyncio.gather(*(_service(project, name, check=check) for name in names)))


async def _service(project: OpenProject, name: str, *, check: bool) -> v.ProviderLine:
    registry = project.models.registry
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


async def get_doctor(project: OpenProject, query: q.GetDoctor, actor: str) -> v.DoctorView:
    return v.DoctorView(checks=await examine(project, online=query.online))
