"""Writes docs/guide/keys.md from the keymap: `python docs/make_keys.py`. A test holds the file against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.tui.keymap import ACTIONS, Action

PAGE = Path(__file__).resolve().parent / "guide" / "keys.md"
_HEAD = """\
# Keys

All keys of the workbench, made from the program's own table by `docs/make_keys.py`. `?` shows them inside the program,
searchable; the footer shows those that work now; `ctrl+p` finds an action by its words. Single letters act outside text fields
only; in an editor `ctrl+s` sends and `esc` leaves, and what you wrote is kept.

## Your own keys

In your own settings file (`studio config path`), by the action's name; a list gives several, an empty list none:

```toml
[keys]
approve = "ctrl+y"
"page.next" = ["]", "ctrl+n"]
archive = []
```

A key that is bound twice in one place, an unknown action or an unusable key is refused with all problems named.
"""


def page() -> str:
    """The whole file."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _HEAD
    for group in dict.fromkeys(action.group for action in ACTIONS):
        yield f"\n## {group}\n\n| keys | action | what it does |\n|---|---|---|\n"
        for action in ACTIONS:
            if action.group == group:
                yield _row(action)


def _row(action: Action) -> str:
    keys = " ".join(f"`{key}`" for key in action.keys).replace("|", "\\|") or "(palette)"
    return f"| {keys} | `{action.id}` | {action.help.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
