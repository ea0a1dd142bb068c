"""How command lines are written: the parser class, the global flags, and texts given as TEXT, `-` or `@file`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from studio.domain.errors import BadInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio.cli.host import Host

    Run = Callable[[argparse.Namespace, Host], int]

PAGE = "id, slug, chapter/page numbers such as 2/14, or next"
CHAPTER = "id, slug or number"
TEXT = "TEXT, - for standard input, or @FILE (a text that starts with @ is written @@)"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as every other error of the program; `--help` shows the examples as written.

    `fallback` is the action that is meant where a command of several names none.
    """

    fallback: str = ""

    def __init__(self, **given: Any) -> None:
        given.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        given["allow_abbrev"] = False
        super().__init__(**given)

    def error(self, message: str) -> NoReturn:
        raise BadInput(_sentence(message), hint=f"See: {self.prog} --help")


def _sentence(message: str) -> str:
    from studio.domain.text import one_line

    text = one_line(message, 400)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def add_globals(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """The flags that may stand before or after the command. Below the top, an absent flag leaves the value given before."""
    missing: str = argparse.SUPPRESS
    group = parser.add_argument_group("everywhere")
    group.add_argument(
        "-C", "--project", metavar="DIR", type=path_name, default=None if top else missing,
        help="the project's folder (default: from here upwards)"
    )  # fmt: skip
    group.add_argument(
        "--in-process", action="store_true", default=False if top else missing,
        help="run the engine inside this command; refused while another process has the project open",
    )  # fmt: skip
    group.add_argument("--json", action="store_true", default=False if top else missing, help="answer in JSON")
    group.add_argument(
        "-q", "--quiet", action="store_true", default=False if top else missing, help="no words on standard error"
    )


def describe(parser: argparse.ArgumentParser, run: Run, text: str, *examples: str) -> None:
    """Set what `--help` says and what the command does."""
    parser.description = text
    shown = "\n".join(f"  {example}" for example in examples)
    parser.epilog = f"{'examples' if len(examples) > 1 else 'example'}:\n{shown}"
    parser.set_defaults(run=run)


class Group:
    """Commands below a command: `studio page add`. With a `fallback`, `studio tasks 2/1` means `studio tasks list 2/1`."""

    def __init__(self, parser: argparse.ArgumentParser, text: str, *, fallback: str = "") -> None:
        parser.description = text
        if isinstance(parser, Parser):
            parser.fallback = fallback
        self._parsers = parser.add_subparsers(metavar="ACTION", dest="action", required=True, title="actions")

    def add(self, name: str, run: Run, text: str, *examples: str) -> argparse.ArgumentParser:
        parser = self._parsers.add_parser(name, help=text[:1].lower() + text[1:].rstrip("."))
        describe(parser, run, text, *examples)
        add_globals(parser, top=False)
        return parser


def page_argument(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    if needed:
        parser.add_argument("page", metavar="PAGE", help=PAGE)
    else:
        parser.add_argument("page", metavar="PAGE", nargs="?", help=f"{PAGE} (default: the one at work, else the last)")


def number(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return value


def path_name(text: str) -> str:
    """The name of a folder or a file. A variable of the shell that is not set is empty, and does not mean the folder that this is."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def read_given(value: str) -> str:
    """The text that a TEXT argument means. Raises BadInput or NotFound; waits for standard input with `-`."""
    if value == "-":
        return _standard_input()
    if value.startswith("@@"):
        return value[1:]
    if value.startswith("@"):
        return read_file(value[1:])
    return value


def read_file(name: str) -> str:
    """The text of a file a person named; `-` is standard input."""
    from pathlib import Path

    from studio.config.files import read_text
    from studio.domain.text import one_line

    if name == "-":
        return _standard_input()
    if not name:
        raise BadInput("There is no file name after @.", hint="Write @FILE, or @@ for a text that starts with @.")
    try:
        return read_text(Path(name).expanduser(), where=one_line(name))
    except (ValueError, RuntimeError) as error:
        raise NotFound(f"There is no file {one_line(name)}.") from error


def _standard_input() -> str:
    from studio.config.files import TEXT_LIMIT, decode

    data = sys.stdin.buffer.read(TEXT_LIMIT + 1)
    if len(data) > TEXT_LIMIT:
        raise BadInput(f"Standard input is larger than {TEXT_LIMIT / 1e6:.0f} MB.", hint="Send a shorter text.")
    return decode(data, "standard input")
