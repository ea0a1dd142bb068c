"""Views of the machinery: templates, models and their services, the doctor."""

from __future__ import annotations

from studio.domain.errors import StudioError
from studio.engine.doctor import examine
from studio.engine.open_project import OpenProject
from studio.engine.views.models import models_view
from studio.protocol import queries as q
from studio.protocol import views as v


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
    return await models_view(registry, uses, current, hint, check=query.check)


async def get_doctor(project: OpenProject, query: q.GetDoctor, actor: str) -> v.DoctorView:
    return v.DoctorView(checks=await examine(project, online=query.online))
