"""The model picker as rows: what can be used, at what price, what is missing for the rest, and for whom a choice counts. No widgets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from studio.protocol.commands import SetModel
from studio.protocol.views import ModelLine, ModelsView, ProjectView
from studio.tui.glyphs import UNICODE, Glyphs
from studio.tui.presenters.fuzzy import rank
from studio.tui.presenters.lines import Line, Span, fit, spread
from studio.tui.presenters.spans import width_of


@dataclass(frozen=True, slots=True)
class Target:
    """For whom a model is chosen: the project, or one role."""

    role: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A row. `model` is None for a name typed by hand that no list holds; an empty `ref` takes the choice back."""

    ref: str
    model: ModelLine | None

    def command(self, target: Target) -> SetModel:
        return SetModel(model=self.ref, role=target.role)


def targets(project: ProjectView) -> tuple[Target, ...]:
    """The project first, then each role of the workflow once."""
    roles = dict.fromkeys(stage.role for stage in project.stages if stage.role)
    names = stage_names(project)
    return (Target(None, "project"), *(Target(role, names[role]) for role in roles))


def stage_names(project: ProjectView) -> dict[str, str]:
    """By role, the stages that it writes: a person chooses a model for the dialogue, not for a `dialogist`."""
    names: dict[str, str] = {}
    for stage in project.stages:
        label = stage.label.lower()
        names[stage.role] = f"{names[stage.role]}, {label}" if stage.role in names else label
    return names


def choices(view: ModelsView, typed: str = "", target: Target | None = None) -> tuple[Choice, ...]:
    """Models that match, usable ones first, with the way back to no choice: for a role the first row, for the project the last.

    A typed `provider:model` that is not listed can be chosen too.
    """
    ordered = sorted(view.models, key=lambda model: (not model.current_for, not model.available))
    if not typed.strip():
        listed = tuple(Choice(model.ref, model) for model in ordered)
        return (Choice("", None), *listed) if target is not None and target.role else (*listed, Choice("", None))
    found = [Choice(hit.item.ref, hit.item) for hit in rank(typed, ordered, lambda model: f"{model.ref} {model.label}")]
    wanted = typed.strip()
    provider, colon, name = wanted.partition(":")
    if colon and provider and name and wanted not in {choice.ref for choice in found}:
        found.append(Choice(wanted, None))
    return tuple(found)


def chosen(found: Sequence[Choice], target: Target) -> int:
    """The place of the row that `target` drafts with now; the first one where that is not known."""
    used = (at for at, one in enumerate(found) if one.model is not None and target.role in one.model.current_for)
    return next(used, 0)


def row(
    choice: Choice,
    cells: int,
    glyphs: Glyphs = UNICODE,
    stop: Hashable = None,
    names: Mapping[str, str] | None = None,
    *,
    target: Target | None = None,
) -> Line:
    """One line: the reference, for whom it is chosen (`names` by role), and its price or why it cannot be used."""
    model = choice.model
    if model is None:
        none = "same as the project's" if target is not None and target.role else "no choice of its own"
        label = choice.ref or none
        return spread(
            (("  ", "text"), (label, "strong")), (("" if not choice.ref else "as typed", "dim"),), cells, stop
        )
    left: tuple[Span, ...] = (
        (f"{glyphs.approved} " if model.current_for else "  ", "accent"),
        (model.ref, "strong" if model.available else "dim"),
        (
            f"  {', '.join((names or {}).get(one, one) for one in model.current_for)}" if model.current_for else "",
            "accent",
        ),
    )
    if model.available:
        return spread(left, ((price(model), "dim"),), cells, stop)
    return spread(left, ((fit(model.reason, max(12, cells - width_of(left) - 2), glyphs.more), "dim"),), cells, stop)


def price(model: ModelLine) -> str:
    """Per million tokens, in and out; unknown is said, and no price is written as free only for a local model."""
    if model.input_price is None or model.output_price is None:
        return "price unknown"
    if not model.input_price and not model.output_price:
        return "free"
    return f"${model.input_price:.2f} in  ${model.output_price:.2f} out"


def details(choice: Choice) -> str:
    """What is known of the row under the cursor, in one line."""
    model = choice.model
    if model is None:
        return "Not in the list; it is used as written." if choice.ref else "Takes the setting out of studio.toml."
    parts = [model.label] if model.label and model.label != model.ref else []
    parts += [f"{model.context_tokens // 1000}k context"] if model.context_tokens else []
    parts += [f"key from {model.key}"] if model.key else []
    parts += [model.reason] if model.reason and not model.available else []
    return " · ".join(parts)


def services(view: ModelsView) -> list[str]:
    """One sentence for each service that was asked (`GetModels(check=True)`)."""
    said = {True: "answers", False: "does not answer", None: "not asked"}
    return [f"{line.name}: {line.message or said[line.ok]}" for line in view.providers]
