"""The keymap: every action of the terminal with its keys, label, scopes, group and place in the footer. One table, no Textual.

What an action does is in `studio.tui.actions` and `studio.tui.screens`; a row exists only once its handler does (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from studio.domain.errors import BadInput
from studio.tui.app_keys import APP_ROWS

ANYWHERE = "anywhere"
WORKBENCH = "workbench"
OUTLINE = "outline"
PAGE = "page"
INSPECTOR = "inspector"


@dataclass(frozen=True, slots=True)
class Action:
    """One row. `keys` are what a person types (`J`, `?`, `ctrl+p`, `enter`); `scopes` are the places where it works.

    `order` is the place in the footer, 0 for none; `help` is a sentence for `?` and the palette; `words` are more words to find it by.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    scopes: tuple[str, ...]
    group: str
    order: int = 0
    help: str = ""
    words: str = ""


def _row(
    id: str, keys: str, label: str, scopes: str, group: str, order: int = 0, help: str = "", words: str = ""
) -> Action:
    return Action(id, tuple(keys.split()), label, tuple(scopes.split()), group, order, help or label, words)


ACTIONS: tuple[Action, ...] = (
    _row("cursor.down", "j down", "down", "workbench exact rows", "Move", help="next paragraph or row"),
    _row("cursor.up", "k up", "up", "workbench exact rows", "Move", help="previous paragraph or row"),
    _row(
        "cursor.page_down",
        "space pagedown ctrl+f",
        "page down",
        "workbench history prompts exact rows",
        "Move",
        help="a screen down",
    ),
    _row(
        "cursor.page_up", "pageup ctrl+b", "page up", "workbench history prompts exact rows", "Move", help="a screen up"
    ),
    _row("cursor.top", "home", "top", "workbench history prompts exact rows", "Move", help="to the beginning"),
    _row(
        "cursor.end",
        "end G",
        "end",
        "workbench history prompts exact rows",
        "Move",
        help="to the end; a text that streams is followed",
    ),
    _row("fold", "h left", "fold", "workbench", "Move", help="fold the cell or chapter under the cursor"),
    _row("unfold", "l right", "unfold", "workbench", "Move", help="unfold the cell or chapter under the cursor"),
    _row("pane.next", "tab", "panes", "workbench", "Move", 90, help="next pane: outline, page, inspector"),
    _row("pane.previous", "shift+tab", "panes back", "workbench", "Move", help="previous pane"),
    _row("open", "enter", "open", "workbench", "Move", 5, help="open the page, or fold and unfold"),
    _row("back", "escape", "back", "workbench", "Move", help="back to the page; closes what lies over it"),
    _row("page.previous", "[", "previous page", "workbench", "Move", help="the page before this one"),
    _row("page.next", "]", "next page", "workbench", "Move", 60, help="the page after this one"),
    _row(
        "generate",
        "g",
        "generate",
        "workbench",
        "Draft",
        10,
        help="show the price of the next draft; g again starts it",
    ),
    _row("stop", "s", "stop", "workbench", "Draft", 11, help="stop the draft; what was written is kept"),
    _row("approve", "a", "approve", "workbench", "Review", 12, help="approve the draft that waits for you"),
    _row(
        "resume.continue",
        "C",
        "continue",
        "workbench",
        "Draft",
        13,
        help="let the model go on where the draft broke off",
    ),
    _row("resume.keep", "w", "keep", "workbench", "Draft", 14, help="make the partial text a revision"),
    _row(
        "resume.discard",
        "X",
        "discard",
        "workbench",
        "Draft",
        15,
        "discard the partial text; the history has it",
        "set aside",
    ),
    _row(
        "reopen",
        "u",
        "undo approval",
        "workbench",
        "Review",
        50,
        "undo the latest approval of the page",
        "reopen unapprove",
    ),
    _row("page.new", "o", "new page", "workbench", "Book", 62, help="a page at the end of this chapter"),
    _row("chapter.new", "O", "new chapter", "workbench", "Book", 63, help="a chapter at the end of the book"),
    _row("move.down", "J", "move down", "workbench", "Book", help="move the page (or chapter) one place down"),
    _row("move.up", "K", "move up", "workbench", "Book", help="move the page (or chapter) one place up"),
    _row("rename", "f2", "rename", "workbench", "Book", help="rename the page (or chapter)"),
    _row(
        "archive", "D", "archive", "workbench", "Book", 64, help="archive the page; on an archived page, bring it back"
    ),
    _row("archived", ".", "show archived", "workbench", "Book", help="show or hide archived pages"),
    _row(
        "export", "x", "export", "workbench", "Book", 0, "the approved book as a Markdown file (studio export)", "save"
    ),
    _row("tab.context", "1", "context", "workbench", "Inspector", help="what the next draft will see"),
    _row("tab.notes", "2", "notes", "workbench", "Inspector", help="notes on this page"),
    _row("tab.history", "3", "history", "workbench", "Inspector", help="revisions and runs of this page"),
    _row("tab.costs", "4", "costs", "workbench", "Inspector", help="what this page and the project cost"),
    _row(
        "mouse",
        "f8",
        "mouse on/off",
        ANYWHERE,
        "Studio",
        help="give the mouse back to the terminal, for its own selection",
    ),
    _row(
        "quit",
        "q ctrl+q",
        "quit",
        ANYWHERE,
        "Studio",
        help="leave; a draft in the engine goes on, else it asks first",
    ),
    _row(
        "interrupt", "ctrl+c", "how to leave", ANYWHERE, "Studio", help="says how to leave, to stop a draft and to copy"
    ),
    _row("revise", "r", "revise", "workbench", "Review", 20, "say what should change, then draft again", "feedback"),
    _row("comment", "c", "comment", "workbench", "Review", 21, "a note on the passage, for the next revision", "note"),
    _row("brief", "b", "brief", "workbench", "Write", 8, "what you ask of this page", "beat"),
    _row("edit", "i", "edit here", "workbench", "Write", 22, "change the text in place"),
    _row("edit.outside", "e", "edit", "workbench", "Write", 23, "change the text in $VISUAL or $EDITOR", "vim nano"),
    _row("edit.leftover", "", "left-over edits", "workbench", "Write", 0, "open what an editor left after a crash"),
    _row("diff", "d", "diff", "workbench", "Review", 24, "what the newest revision changed", "compare"),
    _row("history", "H", "history", "workbench", "Review", 25, "all revisions: compare, restore, copy", "restore"),
    _row("copy", "y", "copy", "workbench", "Review", 0, "copy the text of the cell", "clipboard yank"),
    _row("search", "/", "search", "workbench", "Find", 70, "find words in pages and canon", "find grep"),
    _row("search.next", "n", "next hit", "workbench", "Find", 71, "the next place found"),
    _row("search.previous", "N", "previous hit", "workbench", "Find", 0, "the place found before"),
    _row("jump", ":", "jump", "workbench", "Find", 72, "to a page by number, slug or title", "go"),
    _row("models", "m", "model", "workbench", "Studio", 80, "which model drafts, and at what price", "provider"),
    _row("prompts", "p", "prompts", "workbench", "Studio", 81, "the templates behind the drafts", "template"),
    _row(
        "exact",
        "enter",
        "exact prompt",
        "inspector",
        "Inspector",
        6,
        "the next call, word for word",
        "context messages",
    ),
    _row(
        "note.edit", "e i", "change note", "inspector", "Inspector", 7, "change the words of the note under the cursor"
    ),
    _row(
        "note.dismiss",
        "D",
        "dismiss note",
        "inspector",
        "Inspector",
        8,
        "no draft is given it; it stays in the history",
    ),
    _row("note.reopen", "u", "undo dismissal", "inspector", "Inspector", 9, "take back that a note was dismissed"),
    _row(
        "help",
        "? f1",
        "help",
        "workbench composer history prompts exact first rows",
        "Studio",
        98,
        "all keys, searchable",
        "keys",
    ),
    _row("prompt.send", "enter ctrl+s", "ok", "prompt", "One line", 10, help="take the line"),
    _row("prompt.leave", "escape", "no", "prompt", "One line", 11, help="leave it"),
    _row("palette", "ctrl+p", "palette", "workbench composer", "Studio", 99, "every action by its words", "command"),
    _row("composer.send", "ctrl+s", "send", "composer", "Composer", 1, "send what is written"),
    _row("composer.leave", "escape", "leave, words kept", "composer", "Composer", 2, "close; the words are kept"),
    _row("composer.outside", "ctrl+o", "editor", "composer", "Composer", 3, "go on in $VISUAL or $EDITOR"),
    _row("composer.last", "alt+up", "last feedback", "composer", "Composer", 4, "put in what was asked last time"),
    _row(
        "composer.discard",
        "ctrl+g",
        "throw away",
        "composer",
        "Composer",
        5,
        "forget what was typed, also what was kept",
    ),
    _row("composer.newline", "ctrl+j alt+enter", "new line", "composer", "Composer", 0, "a line break"),
    _row(
        "composer.top",
        "ctrl+home",
        "text's start",
        "composer",
        "Composer",
        0,
        "the cursor to the beginning of the text",
    ),
    _row("composer.end", "ctrl+end", "text's end", "composer", "Composer", 0, "the cursor to the end of the text"),
    _row("pick.down", "down ctrl+n", "down", "pick", "Lists", 0, "next row"),
    _row("pick.up", "up", "up", "pick", "Lists", 0, "previous row"),
    _row("pick.page_down", "pagedown", "page down", "pick", "Lists", 0, "a screen down"),
    _row("pick.page_up", "pageup", "page up", "pick", "Lists", 0, "a screen up"),
    _row("pick.choose", "enter", "choose", "pick", "Lists", 1, "take the row under the cursor"),
    _row("models.target", "tab", "for whom", "models", "Lists", 2, "choose for the project or for one role"),
    _row("models.check", "ctrl+r", "check services", "models", "Lists", 3, "ask each service whether it answers"),
    _row("close", "escape", "close", "pick history prompts exact rows", "Lists", 9, "back to the page"),
    _row("change.next", "j", "next change", "history", "History", 1, "the next change"),
    _row("change.previous", "k", "previous change", "history", "History", 0, "the change before"),
    _row("entry.down", "down", "next row", "history prompts", "History", 2, "the next row of the list"),
    _row("entry.up", "up", "row before", "history prompts", "History", 0, "the row before"),
    _row("history.restore", "enter R", "restore", "history", "History", 3, "make it the newest, as a new revision"),
    _row("history.undo", "u", "undo restore", "history", "History", 4, "put back what was newest before"),
    _row("history.against", "b", "against", "history", "History", 5, "previous, approved, newest or marked"),
    _row("history.mark", "m", "mark", "history", "History", 0, "compare others with this one"),
    _row("history.text", "t", "text", "history", "History", 6, "the whole text, or the difference"),
    _row("history.side", "i", "side by side", "history", "History", 7, "two columns, where there is room"),
    _row("history.copy", "y", "copy", "history", "History", 10, "copy the text"),
    _row(
        "history.prompt",
        "p",
        "exact prompt",
        "history",
        "History",
        8,
        "what the model was sent for this one, word for word",
    ),
    _row("history.stage", "tab", "stage", "history", "History", 9, "the next stage of this page"),
    _row("prompts.edit", "enter e", "edit", "prompts", "Prompts", 1, "open in $VISUAL or $EDITOR; a copy first"),
    _row("prompts.reset", "R", "reset", "prompts", "Prompts", 2, "back to the packaged template"),
    _row("prompts.undo", "u", "undo reset", "prompts", "Prompts", 3, "put your own template back"),
    _row(
        "prompts.filter",
        "/",
        "filter",
        "prompts",
        "Prompts",
        4,
        "only the templates that a word is about",
        "search find",
    ),
    _row("first.down", "j down", "down", "first", "First run", 0, "next choice"),
    _row("first.up", "k up", "up", "first", "First run", 0, "previous choice"),
    _row("first.choose", "enter", "choose", "first", "First run", 1, "take this choice"),
    _row("first.back", "escape", "back", "first", "First run", 2, "back to the choices"),
    *(_row(*given) for given in APP_ROWS),
)
"""Order here is the order in help; `order` is the order in the footer."""

NAMED = {
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "/": "slash",
    ":": "colon",
    ".": "full_stop",
    ",": "comma",
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    " ": "space",
}
_SPECIAL = frozenset(
    [
        "enter",
        "escape",
        "tab",
        "space",
        "backspace",
        "delete",
        "insert",
        "home",
        "end",
        "pageup",
        "pagedown",
        "up",
        "down",
        "left",
        "right",
    ]
) | {f"f{n}" for n in range(1, 25)}
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "meta", "hyper"})
_SHOWN = {"escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "delete": "del"}


def valid_key(key: str) -> bool:
    """Whether a terminal can send `key` as written: one printable character, a named key, or modifiers and one of these."""
    *modifiers, last = key.split("+") if key not in ("+", "ctrl++") else [key]
    if not set(modifiers) <= _MODIFIERS or len(set(modifiers)) != len(modifiers):
        return False
    return (len(last) == 1 and last.isprintable()) or last in _SPECIAL


_MOVING = ("cursor.", "pick.")


def _worded(row: Action, put: Callable[[str], str]) -> Action:
    return replace(row, label=put(row.label), help=put(row.help))


class Keymap:
    """The table with a person's own keys in it, ready for look-ups by what was typed."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self.actions = tuple(actions)
        self.by_id = {action.id: action for action in actions}
        self._by_key: dict[str, list[Action]] = {}
        for action in actions:
            for key in action.keys:
                self._by_key.setdefault(key, []).append(action)

    def worded(self, put: Callable[[str], str]) -> Keymap:
        """The same keys with labels and help as `put` words them; moving about (`page down`) stays as it is."""
        return Keymap([row if row.group in ("Move", "Lists") and row.id.startswith(_MOVING) else _worded(row, put)
                       for row in self.actions])  # fmt: skip

    def lookup(self, key: str, character: str | None, scopes: Sequence[str]) -> list[Action]:
        """Actions on this key in the order of `scopes`, the nearest place first. `key` is Textual's name, `character` what it types."""
        typed = character if character and character.isprintable() and character != " " and "+" not in key[1:] else key
        found = self._by_key.get(typed) or self._by_key.get(key) or []
        ranked = [(scopes.index(place), action) for action in found for place in action.scopes if place in scopes]
        return list(dict.fromkeys(action for _, action in sorted(ranked, key=lambda pair: pair[0])))

    def shown(self, action_id: str, *, typing: bool = False) -> str:
        """The first key of an action as a person reads it (`esc`, `]`), empty when it has none. While `typing` in a field, the
        first that types nothing."""
        keys = [key for key in self.by_id[action_id].keys if not typing or (len(key) > 1 and key != "space")]
        return _SHOWN.get(keys[0], keys[0]) if keys else ""

    def footer(self, scopes: Iterable[str]) -> list[Action]:
        """Rows with a place in the footer that could work in `scopes`, most useful first."""
        places = set(scopes)
        return sorted(
            (row for row in self.actions if row.order and places & set(row.scopes)), key=lambda row: row.order
        )


def build(overrides: Mapping[str, str | Sequence[str]] | None = None) -> Keymap:
    """The keymap with `[keys]` of the configuration applied (`approve = "ctrl+y"`, a list for several, empty to unbind).

    Raises BadInput that names every unknown action, unusable key and clash at once.
    """
    rows = {action.id: action for action in ACTIONS}
    problems: list[str] = []
    for action_id, given in (overrides or {}).items():
        if action_id not in rows:
            problems.append(f"there is no action `{action_id}`")
            continue
        keys = tuple(given.split() if isinstance(given, str) and given != " " else given)
        bad = [key for key in keys if not valid_key(key)]
        problems += [f"`{key}` for {action_id} is not a key" for key in bad]
        rows[action_id] = replace(rows[action_id], keys=tuple(key for key in keys if key not in bad))
    problems += _clashes(rows.values())
    if problems:
        raise BadInput(
            f"The [keys] table of the configuration cannot be used: {'; '.join(problems)}.",
            hint="`studio config path` names the file; `?` in the workbench lists actions and keys.",
        )
    return Keymap(tuple(rows.values()))


def _clashes(rows: Iterable[Action]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    problems: list[str] = []
    pairs = [(row, key, place) for row in rows for key in row.keys for place in row.scopes]
    for row, key, place in pairs:
        other = seen.setdefault((key, place), row.id)
        if other != row.id:
            problems.append(f"`{key}` is bound to both {other} and {row.id}")
    return problems
