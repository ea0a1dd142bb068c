"""The header line: which book, which page, which model, what it cost, what runs elsewhere. No Textual."""

from __future__ import annotations

from rich.cells import cell_len

from studio.domain.words import OURS, Words
from studio.protocol.views import PageView, ProjectView, SpendView
from studio.tui.glyphs import Glyphs
from studio.tui.presenters.lines import Line, Span, fit, line


def money(usd: float) -> str:
    """`$0.42`, with more digits where cents would say nothing."""
    if usd >= 0.1 or usd == 0:
        return f"${usd:.2f}"
    cents, _, rest = f"{usd:.4f}".partition(".")
    return f"${cents}.{rest[:2]}{rest[2:].rstrip('0')}"


def spent(spend: SpendView, *, limit: bool = True) -> str:
    """What the project cost, with its limit if that is wanted, and a `+` where calls without a known price were made."""
    total = money(spend.project) + ("+" if spend.unknown else "")
    return f"{total} of ${spend.project_limit:.2f}" if limit and spend.project_limit is not None else total


def header_line(
    project: ProjectView | None,
    page: PageView | None,
    title: str,
    work: str,
    width: int,
    glyphs: Glyphs,
    *,
    people: str = "",
    state: str = "",
    view: bool = False,
    words: Words = OURS,
) -> Line:
    """Title at the left, place in the middle, model and cost at the right; on a narrow screen the model gives way, then the place.

    `work` says what is drafted out of sight, empty for nothing; `people` who else is here. `state` is how the engine is to be had
    while it is not, and stands in place of figures that may be old. With `view` the book can only be looked at.
    """
    dot = f" {glyphs.dot} "
    name = project.title if project else title
    place = ""
    if page is not None:
        number = f"{page.chapter_number} {page.chapter_title}"
        called = words["page"]
        which = f"{called} {page.number} of {page.total}" if page.number else f"archived {called}"
        short = f"{page.chapter_number}/{page.number}" if page.number else f"{page.chapter_number}/-"
        place = f"{number}{dot}{which}" if width >= 100 else f"{short} {page.title}"
    right: list[Span] = [(people, "text"), (work, "accent")]
    if project is not None and not state:
        right += _figures(project, work, width >= 100, view=view)
    else:
        right.append((state, "dim"))
    shown = [span for span in right if span[0]]
    spans = [part for span in shown for part in ((dot, "dim"), span)][1:]
    return _three(name, place, tuple(spans), width, glyphs)


def _figures(project: ProjectView, work: str, wide: bool, *, view: bool) -> list[Span]:
    model = (project.model_label or project.model or "no model") if wide and not work else ""
    amount = spent(project.spend, limit=wide)
    kept = "" if work and not wide else "view only" if view else "" if work else "saved"
    return [(model, "dim"), ("" if work and not wide else amount, "dim"), (kept, "dim")]


def _three(name: str, place: str, right: tuple[Span, ...], width: int, glyphs: Glyphs) -> Line:
    right_width = sum(cell_len(text) for text, _ in right)
    room = max(width - right_width - 4, 8)
    left = fit(name, min(max(room - cell_len(place) - 2, room // 3), room), glyphs.more)
    middle = fit(place, max(room - cell_len(left) - 2, 0), glyphs.more) if place else ""
    centre = max((width - cell_len(middle)) // 2, cell_len(left) + 3)
    centre = max(min(centre, width - right_width - cell_len(middle) - 3), cell_len(left) + 3)
    used = 1 + cell_len(left)
    before = max(centre - used, 2)
    after = max(width - used - before - cell_len(middle) - right_width - 1, 1)
    return line((" " + left, "strong"), (" " * before, "text"), (middle, "text"), (" " * after, "text"), *right)
