"""What a price is asked for, in words: a draft, another one, a revision, or going on with one that broke off. No Textual."""

from __future__ import annotations

from studio.protocol.views import StageCell


def pricing(kind: str, cell: StageCell | None, *, again: bool = False) -> str:
    """The beginning of the line with a price. `kind` is that of the run it is for (`ContextView.kind`); `again`: it failed before."""
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
    anew = begun or cell.head is not None
    return f"Draft the {stage} again, from the start" if anew else f"Draft the {stage}"
