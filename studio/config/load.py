"""Reading the settings: built-in < the person's own file < the project's < environment (STUDIO_*) < flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from studio.config.paths import PROJECT_FILE, user_config_file
from studio.config.schema import Checked, Problem, check, check_value, field_types
from studio.config.settings import FIXED, Settings, SettingWarning
from studio.config.toml_file import read_table
from studio.config.trust import TrustBook, claims_from
from studio.domain.errors import BadInput, StudioError
from studio.domain.text import slugify


@dataclass(frozen=True, slots=True)
class _Layer:
    source: str
    values: Mapping[str, object]


def load(
    root: Path | None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    trust: TrustBook | None = None,
) -> Settings:
    """All settings for the project at `root`, or the person's own alone with None.

    `overrides` are flags by dotted key (`{"models.default": "openai:x"}`). Raises BadInput that names every problem of every
    file at once; `data["problems"]` lists them. What has no effect is in `warnings`.
    """
    values = os.environ if env is None else env
    own_file = user_config_file(values)
    own = _read(own_file, str(own_file), personal=True)
    project = _read(root / PROJECT_FILE, PROJECT_FILE, personal=False) if root else Checked("")
    surroundings, environment_sources = _from_environment(values)
    flags = _from_flags(overrides or {})
    parts = (own, project, surroundings, flags)
    _raise_problems([problem for part in parts for problem in part.problems])
    warnings = [warning for part in parts for warning in part.warnings]
    if root:
        warnings += _unshared(project)
        warnings += _distrust(root, project, trust or TrustBook(env=values))
    layers = (
        _Layer(f"user: {own.file}", own.values),
        _Layer(f"project: {project.file}", project.values),
        *(_Layer(environment_sources[key], {key: value}) for key, value in surroundings.values.items()),
        _Layer("flag", flags.values),
    )
    return _merge(layers, tuple(warnings), project.values)


def _read(path: Path, where: str, *, personal: bool) -> Checked:
    try:
        table, text = read_table(path, where)
    except StudioError as error:
        broken = Checked(where)
        broken.problems.append(Problem(where, "", error.message.removeprefix(where).strip().removesuffix(".")))
        return broken
    return check(table, where, text, personal=personal)


def _from_environment(env: Mapping[str, str]) -> tuple[Checked, dict[str, str]]:
    found = Checked("environment")
    sources: dict[str, str] = {}
    for variable, key in _variables(env):
        one = check_value(key, env[variable], variable, lax=True)
        found.values |= one.values
        found.problems += one.problems
        sources[key] = f"environment: {variable}"
    return found, sources


def _variables(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """The (variable, dotted key) pairs that are set: STUDIO_<SECTION>_<KEY>, STUDIO_MODELS_<ROLE>, and STUDIO_MODEL for short."""
    known = {
        f"STUDIO_{section}_{key}".upper(): f"{section}.{key}"
        for section, struct in FIXED.items()
        for key in field_types(struct)
    }
    known["STUDIO_MODEL"] = "models.default"
    pairs = [(variable, key) for variable, key in known.items() if env.get(variable)]
    prefix = "STUDIO_MODELS_"
    # STUDIO_MODELS_DIR is a folder of weights, not a role.
    roles = [name for name in env if name.startswith(prefix) and name != "STUDIO_MODELS_DIR" and env[name]]
    return pairs + [(name, f"models.{name.removeprefix(prefix).lower()}") for name in sorted(roles)]


def _from_flags(overrides: Mapping[str, object]) -> Checked:
    found = Checked("flag")
    for key, value in overrides.items():
        one = check_value(key, value, "flag", lax=True)
        found.values |= one.values
        found.problems += one.problems
        found.problems += [Problem("flag", key, "is not a known setting") for _ in one.warnings]
    return found


def _raise_problems(problems: list[Problem]) -> None:
    if not problems:
        return
    count = "The settings hold a mistake" if len(problems) == 1 else f"The settings hold {len(problems)} mistakes"
    raise BadInput(
        f"{count}: " + "; ".join(str(problem) for problem in problems[:20]) + ".",
        hint=f"Mend {'it' if len(problems) == 1 else 'them'} and try again.",
        data={
            "problems": [
                {"file": problem.file, "line": problem.line, "key": problem.key, "message": problem.message}
                for problem in problems
            ]
        },
    )


def _distrust(root: Path, project: Checked, trust: TrustBook) -> list[SettingWarning]:
    """Drop the project's endpoints unless the person allowed exactly these."""
    claims = claims_from(root, project.values)
    if claims.empty or trust.allows(root, claims):
        return []
    for key in [key for key in project.values if key.startswith("endpoints.")]:
        del project.values[key]
    return [
        SettingWarning(
            file=PROJECT_FILE,
            key="endpoints",
            kind="trust",
            message="This project names its own model services, keys or commands; they are ignored until you allow them.",
            hint="Look at them and decide: `studio config trust`.",
        )
    ]


def _unshared(project: Checked) -> list[SettingWarning]:
    """Drop what would let others into the engine of whoever opens the project."""
    if project.values.pop("engine.shared", None) is None:
        return []
    return [
        SettingWarning(
            file=PROJECT_FILE,
            key="engine.shared",
            kind="trust",
            message="Only works in your own configuration.",
            hint="Move it there: `studio config path`.",
        )
    ]


def _merge(
    layers: tuple[_Layer, ...], warnings: tuple[SettingWarning, ...], project_values: Mapping[str, object]
) -> Settings:
    merged: dict[str, object] = {}
    sources: dict[str, str] = {}
    for layer in layers:
        merged |= layer.values
        sources |= dict.fromkeys(layer.values, layer.source)
    named = merged.get("project.slug") or merged.get("project.title") or ""
    merged["project.slug"] = slugify(str(named)) or "book"
    models = _below("models", merged)
    return msgspec.convert(
        {
            **{name: _below(name, merged) for name in FIXED},
            "models": {"default": models.pop("default", None), "roles": models},
            "endpoints": _endpoints(merged, project_values),
            "keys": _below("keys", merged),
            "publish": _targets(merged),
            "warnings": warnings,
            "sources": sources,
        },
        Settings,
    )


def _below(section: str, merged: Mapping[str, object]) -> dict[str, object]:
    prefix = f"{section}."
    return {key.removeprefix(prefix): value for key, value in merged.items() if key.startswith(prefix)}


def _targets(merged: Mapping[str, object]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for key, value in _below("publish", merged).items():
        name, _, option = key.partition(".")
        tables.setdefault(name, {})[option] = value
    return tables


def _endpoints(merged: Mapping[str, object], project_values: Mapping[str, object]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {}
    for key, value in _below("endpoints", merged).items():
        name, _, setting = key.rpartition(".")
        tables.setdefault(name, {})[setting] = value
    named = {key.rpartition(".")[0] for key in _below("endpoints", project_values)}
    return {name: {**table, "from_project": name in named} for name, table in tables.items()}
