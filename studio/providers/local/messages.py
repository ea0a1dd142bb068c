"""What a person is told when the local model cannot answer: nothing set up, no weights, no runtime, or a child that ended."""

from __future__ import annotations

import re
import signal

from studio.domain.errors import MissingModel, NotFound
from studio.domain.text import one_line
from studio.providers.local.server import EXIT_NO_RUNTIME, EXIT_NOT_LOADED
from studio.providers.local.weights import CATALOGUE, OWN, SMALL, TINY, Weights

_LOAD_ERROR = re.compile(r"error loading model: (.+)")

INSTALL_RUNTIME = "pip install xllamacpp"


def nothing_set_up(*, runtime: bool = False, weights: bool = False) -> MissingModel:
    """No key and no local model: the one line that says what to do. `runtime` and `weights` say what is there already."""
    missing = [] if runtime else [INSTALL_RUNTIME]
    if runtime or not weights:
        missing.append("studio local setup" + ("" if weights else f" ({SMALL.megabytes}, about a minute)"))
    return MissingModel(
        "No model is set up.",
        hint=(
            f"Add ANTHROPIC_API_KEY or OPENAI_API_KEY, or run a small model on this computer: {' && '.join(missing)}."
        ),
    )


def no_runtime() -> MissingModel:
    return MissingModel(
        "The local model's runtime, xllamacpp, is not installed in this Python environment.",
        hint=f"Run: {INSTALL_RUNTIME}",
    )


def no_wheel() -> MissingModel:
    return MissingModel(
        "No ready-made local runtime for this system.",
        hint="Start llama-server or Ollama yourself and set base_url.",
    )


def no_weights(weights: Weights | None = None) -> MissingModel:
    """`weights` None means that no model was chosen."""
    if weights is None or weights.name == SMALL.name:
        command = (
            f"studio local setup ({SMALL.megabytes}), or studio local setup tiny "
            f"({TINY.megabytes}, for trying the keys only)."
        )
    else:
        command = f"studio local setup {weights.name} ({weights.megabytes})."
    return MissingModel("The local model is not downloaded.", hint=f"Run: {command}")


def own_model_gone(path: str) -> MissingModel:
    return MissingModel(
        f"Your own model file {one_line(path)} is not there any more.",
        hint="Name it again with studio local setup PATH, or set STUDIO_LOCAL_MODEL.",
    )


def unknown_model(name: str) -> NotFound:
    return NotFound(
        f"There is no local model {one_line(name, 60)}.", hint=f"Known are: {', '.join((*CATALOGUE, OWN))}."
    )


def explain_exit(code: int, log_tail: str) -> str:
    """A child's exit code (negative: the signal) in a sentence, with the runtime's own last word where it helps."""
    if code == -signal.SIGILL:
        return "The local model's runtime needs a processor with AVX2, and this one has none."
    if code == -signal.SIGKILL:
        return "The local model was ended by the system, most likely because memory ran out."
    if code == EXIT_NO_RUNTIME:
        return no_runtime().message
    if code == EXIT_NOT_LOADED:
        reason = _LOAD_ERROR.search(log_tail)
        return f"The local model's file could not be loaded{f' ({one_line(reason[1])})' if reason else ''}."
    last = one_line(log_tail.strip().splitlines()[-1]) if log_tail.strip() else ""
    how = f"by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"
    return f"The local model's process ended {how}{f': {last}' if last else ''}."


def hint_after_exit(code: int, log_path: str) -> str:
    if code == -signal.SIGILL:
        return "Start llama-server or Ollama elsewhere and set base_url, or use a model with an API key."
    if code == -signal.SIGKILL:
        return f"Close other programs, or try the smallest: studio local setup tiny ({TINY.megabytes})."
    if code == EXIT_NO_RUNTIME:
        return f"Run: {INSTALL_RUNTIME}"
    return f"Its log is {log_path}."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
