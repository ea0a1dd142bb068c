"""Builds the parser from the table of commands; only the module of the command that is asked for is imported."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.cli.arguments import Parser, add_globals
from studio.cli.table import FAMILIES, GROUPS
from studio.domain.errors import BadInput

if TYPE_CHECKING:
    from studio.cli.host import Host

_WITH_VALUE = ("-C", "--project")
_DESCRIPTION = "A keyboard-driven authoring studio in the terminal. Without a command, it opens the workbench."
_EPILOG = """\
examples:
  studio                          open the workbench in this folder
  studio demo my-demo             look around in an example book
  studio generate next            draft the next page
  studio COMMAND --help           what a command takes, with an example

exit codes:
  0 ok   1 failed   2 usage or bad input   3 refused   4 provider or network   5 budget   130 interrupted"""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The parsed command line; `run` is the function to call. Raises BadInput, or SystemExit for --help and --version."""
    wanted = command_in(words)
    if wanted is not None and wanted not in FAMILIES:
        raise _unknown(wanted)
    parser = build(wanted)
    meant = _with_fallback(parser, wanted, list(words))
    args, rest = parser.parse_known_args(meant)
    if rest:
        if len(meant) > len(words) and wanted is not None and not rest[0].startswith("-"):
            raise _unknown_action(wanted, rest[0], list(_commands(_commands(parser).choices[wanted]).choices))
        inner = getattr(args, "action", None) if len(meant) == len(words) else None
        where = " ".join(filter(None, ("studio", wanted, inner if isinstance(inner, str) else None)))
        raise BadInput(f"Unrecognized arguments: {_one_line(rest)}.", hint=f"See: {where} --help")
    return args


def _with_fallback(parser: Parser, wanted: str | None, words: list[str]) -> list[str]:
    """The words with the action that a command of several means by default, where none is named."""
    family = _commands(parser).choices.get(wanted or "")
    if wanted is None or not isinstance(family, Parser) or not family.fallback:
        return words
    after = len(words) - len(_words_after(words, wanted))
    rest = words[after:]
    if command_in(rest) in _commands(family).choices or (command_in(rest) is None and {"-h", "--help"} & set(rest)):
        return words
    return [*words[:after], family.fallback, *rest]


def _words_after(words: Sequence[str], wanted: str) -> list[str]:
    """What follows the command's own name, which may also stand before it as a flag's value."""
    at = 0
    while words[at] != wanted or (at and words[at - 1] in _WITH_VALUE):
        at += 1
    return list(words[at + 1 :])


def _commands(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[Parser]:
    return next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))


def _one_line(words: Sequence[str]) -> str:
    from studio.domain.text import one_line

    return one_line(" ".join(words), 200)


def _unknown(wanted: str) -> BadInput:
    from difflib import get_close_matches

    from studio.domain.text import one_line

    near = get_close_matches(wanted, FAMILIES, 2)
    hint = f"Did you mean: studio {' or studio '.join(near)}?" if near else "See: studio --help"
    return BadInput(f"There is no command {one_line(wanted, 60)!r}.", hint=hint)


def _unknown_action(wanted: str, word: str, actions: Sequence[str]) -> BadInput:
    from difflib import get_close_matches

    from studio.domain.text import one_line

    near = get_close_matches(word, actions, 1)
    hint = f"Did you mean: studio {wanted} {near[0]}?" if near else f"There are: {', '.join(actions)}."
    return BadInput(f"{one_line(word, 60)!r} is nothing that `studio {wanted}` takes.", hint=hint)


def command_in(words: Sequence[str]) -> str | None:
    """The first word that is not a flag or a flag's value."""
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def build(wanted: str | None = None, *, everything: bool = False) -> Parser:
    """The parser, with the flags of `wanted` alone, or of all commands."""
    parser = Parser(prog="studio", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Grouped)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    parser.set_defaults(run=_open_workbench, command=None)
    add_globals(parser, top=True)
    parser.add_argument("--view", action="store_true", help="only look: nothing can be changed in this terminal")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", title="commands")
    for name, (module, text) in FAMILIES.items():
        sub = commands.add_parser(name, help=text)
        if everything or name == wanted:
            family = importlib.import_module(f"studio.cli.commands.{module}")
            family.configure(sub)
            add_globals(sub, top=False)
    return parser


class _Grouped(argparse.RawDescriptionHelpFormatter):
    """Shows the commands under the headings of the table."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):
            return super()._format_action(action)
        rows = {one.dest: one for one in action._get_subactions()}
        blocks: list[str] = []
        for title, names in GROUPS.items():
            heading = f"{' ' * self._current_indent}{title}:\n"
            self._indent()
            blocks.append(heading + "".join(super(_Grouped, self)._format_action(rows[name]) for name in names))
            self._dedent()
        return "\n".join(blocks)


class _Version(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, namespace: object, values: object, option_string: str | None = None
    ) -> None:
        import sys

        from studio import __version__

        sys.stdout.write(f"studio {__version__}\n")
        parser.exit()


def _open_workbench(args: argparse.Namespace, host: Host) -> int:
    from studio.cli.commands import workbench

    return workbench.run(args, host)
