"""Styles by name for everything that is drawn line by line: the terminal's own palette, or a Textual theme's colours."""

from __future__ import annotations

from rich.style import Style
from textual.theme import Theme

# The terminal's own colours, readable on dark and on light: default text, bold, dim, and one accent. Magenta and red keep a
# contrast above 3.5 against both black and white in the common palettes; cyan, yellow and blue fail on one of the two.
_OWN = {
    "text": Style.null(),
    "strong": Style(bold=True),
    "dim": Style(dim=True),
    "accent": Style(color="magenta"),
    "head": Style(color="magenta", bold=True),
    "key": Style(bold=True),
    "rule": Style(dim=True),
    "ok": Style(color="green"),
    "wait": Style(color="magenta", bold=True),
    "error": Style(color="red", bold=True),
    "warn": Style(color="red"),
    "note": Style(color="magenta", italic=True),
    "cursor": Style(bold=True),
    "selected": Style(reverse=True),
    "match": Style(reverse=True),
    "add": Style(color="green", underline=True),
    "del": Style(color="red", dim=True, strike=True),
    "quote": Style(italic=True),
}
STYLES = tuple(_OWN)
"""The names a presenter may use."""

_BARE = {
    "accent": Style(bold=True), "head": Style(bold=True), "ok": Style.null(), "wait": Style(bold=True), "error": Style(bold=True),
    "warn": Style(bold=True), "note": Style(italic=True), "add": Style(underline=True), "del": Style(dim=True, strike=True),
}  # fmt: skip


class Palette:
    """Rich styles by name. `base` lies under every cell (empty for the terminal's own colours)."""

    def __init__(self, styles: dict[str, Style], base: Style) -> None:
        self.base = base
        self._styles = {name: base + style for name, style in styles.items()}

    def __getitem__(self, name: str) -> Style:
        return self._styles.get(name, self.base)


def palette_for(theme: Theme, *, no_color: bool) -> Palette:
    """The palette of a Textual theme; one of the `ansi-` themes means the terminal's own."""
    if no_color:
        return Palette({**_OWN, **_BARE}, Style.null())
    if theme.ansi:
        return Palette(dict(_OWN), Style.null())
    accent, error = theme.accent or theme.primary, theme.error or "#d05050"
    ok = theme.success or "#50a050"
    base = Style(color=theme.foreground or ("#e0e0e0" if theme.dark else "#202020"),
                 bgcolor=theme.background or ("#121212" if theme.dark else "#fafafa"))  # fmt: skip
    colours = {"accent": accent, "head": accent, "wait": accent, "note": accent, "ok": ok, "add": ok, "error": error,
               "warn": error, "del": error}  # fmt: skip
    styles = {name: (Style(color=colours[name]) + _shape(style) if name in colours else style)
              for name, style in _OWN.items()}  # fmt: skip
    return Palette(styles, base)


def _shape(style: Style) -> Style:
    """A style without its colours."""
    return Style(bold=style.bold, dim=style.dim, italic=style.italic, underline=style.underline, strike=style.strike)
