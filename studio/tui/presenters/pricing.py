"""What a price is asked for, in words: a draft, another one, a revision, or going on with one that broke off. No Textual."""

from __future__ import annotations

from studio.domain.page import counts
from studio.protocol.views import StageCell


def pricing(kind: str, cell: StageCell | None, *, again: bool = False, revises: str = "") -> str:
    """The beginning of the line with a price. `kind` is that of the run it is for (`ContextView.kind`); `again`: it failed before;
    `revises` is the key of a revision, which alone takes the open notes along."""
    if cell is None:
        return "Draft"
    stage = cell.label.lower()
    if kind == "continue":
        return f"Go on with the {stage} where it broke off"
    if kind == "revise":
        return f"Revise the {stage} again, with the same feedback" if again else f"Revise the {stage}"
    begun = cell.partial is not None and bool(cell.partial.text.strip())
    if cell.output in ("code", "review"):
        return f"Go on with the {stage}" if begun else f"Start the {stage}"
    if not begun and cell.head is None:
        return f"Draft the {stage}"
    left = counts([note.kind for note in cell.notes if note.state == "open"], open_=True) if revises else ""
    return f"Draft the {stage} again, from the start" + (f", without {left} ({revises} sends them)" if left else "")
