"""Setting up the local model with a progress line on standard error; offering to install its runtime."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time

from studio.cli.host import Host
from studio.cli.output import Output
from studio.domain.errors import MissingModel
from studio.protocol.local import LocalModels, LocalProgress, LocalSetUpView

_EVERY = 0.2
_BAR = 14


class ProgressLine:
    """On a terminal a bar that is redrawn a few times a second; elsewhere one line for each step."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._step = ""
        self._drawn = 0.0

    def __call__(self, progress: LocalProgress) -> None:
        new = progress.step != self._step
        self._step = progress.step
        if not self._out.watched:
            if new:
                self._out.say(_words(progress))
            return
        now = time.monotonic()
        if new or now - self._drawn >= _EVERY:
            self._drawn = now
            self._out.progress(_words(progress), *_ends(progress))

    def end(self) -> None:
        self._out.progress("")


def _words(progress: LocalProgress) -> str:
    return f"{progress.step} {progress.note}".strip()


def _ends(progress: LocalProgress) -> tuple[str, ...]:
    """How far it is: with a bar, without, and the percentage alone."""
    if progress.total <= 0:
        return ()
    share = min(progress.done / progress.total, 1.0)
    full = int(share * _BAR)
    size = f" {progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB" if progress.total > 1_000_000 else ""
    percent = f" {share:4.0%}"
    return f" [{'#' * full}{'.' * (_BAR - full)}]{percent}{size}", f"{percent}{size}", percent


async def set_up(local: LocalModels, which: str, out: Output) -> LocalSetUpView:
    """Fetch and try a model, saying size and source on standard error."""
    size = local.size_words(which)
    out.say(f"Setting up the local model {which}" + (f" ({size})." if size else "."))
    line = ProgressLine(out)
    try:
        made = await local.set_up(which, line)
    finally:
        line.end()
    for failure in made.failures:
        out.say(f"passed over: {failure}")
    out.say(f"From {made.source}: {made.path}")
    return made


def ask(question: str) -> bool:
    """A yes or no on the terminal; no where nobody can answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    columns = shutil.get_terminal_size().columns
    rows = textwrap.wrap(f"{question} [Y/n]", max(columns - 4, 20), break_long_words=False, break_on_hyphens=False)
    sys.stderr.write("\n".join(rows) + " ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().casefold() in ("", "y", "yes")


def offer_runtime(host: Host, local: LocalModels, *, yes: bool) -> None:
    """Install xllamacpp after a yes. Raises MissingModel with the command to type instead."""
    if not yes and not ask("The program that runs local models, xllamacpp (34 MB), is not installed. Install it here?"):
        raise MissingModel(
            "The local model's runtime, xllamacpp, is not installed in this Python environment.",
            hint="Run: pip install xllamacpp",
        )
    line = ProgressLine(host.out)
    host.out.say("Installing xllamacpp (34 MB).")
    try:
        host.run(local.install_runtime(line))
    finally:
        line.end()
