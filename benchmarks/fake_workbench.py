"""The workbench over the fake engine, for benchmarks and for looking at it: `python -m benchmarks.fake_workbench [options]`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from studio.tui.app import StudioApp
from studio.tui.options import WorkbenchOptions
from tests.fakes.fake_engine import NARRATION, FakeEngine, Script, ferry

WORDS = NARRATION.split()


def prose(tokens: int) -> list[str]:
    """Pieces of about four characters each, `tokens` of them, in paragraphs; the last says that it is over."""
    words = [WORDS[n % len(WORDS)] for n in range(tokens)]
    pieces = [word + ("\n\n" if n % 60 == 59 else " ") for n, word in enumerate(words)]
    return [*pieces[:-8], "END-OF-STREAM"]


class Typewriter(FakeEngine):
    """Streams `pieces`, one a token, at `rate` a second."""


def book(pages: int, tokens: int, rate: float) -> FakeEngine:
    """The tests' book with `pages` more approved pages, and a script of `tokens` tokens at `rate` a second."""
    engine = ferry()
    if pages:
        chapter = engine.chapter("Many pages")
        for number in range(pages):
            engine.page(chapter, f"Page {number}", "A brief.", NARRATION * 4, approved=False)
    text = "".join(prose(tokens))
    engine.script = Script(text, chars=max(len(text) // tokens, 1), rate=rate)
    return engine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--page", default=None)
    parser.add_argument("--theme", default="terminal")
    parser.add_argument("--broken", action="store_true", help="a draft that failed, to look at")
    given = parser.parse_args()
    engine = book(given.pages, given.tokens, given.rate)
    if given.broken:
        page = engine.pages[5]
        engine.scripts = [Script(NARRATION, fail="The service answered 529 (overloaded) three times.")]
        engine.pages[5] = page

    async def connect() -> FakeEngine:
        await asyncio.sleep(0)
        return engine

    app = StudioApp(connect, WorkbenchOptions(page=given.page, theme=given.theme))
    app.run()
    sys.exit(app.return_code or 0)


if __name__ == "__main__":
    main()
