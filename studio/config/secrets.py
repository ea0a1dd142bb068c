"""Keys by reference: read where they are when a call needs them, never stored, logged or shown."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from studio.config.dotenv import read_dotenv
from studio.config.key_command import run_key_command
from studio.config.redaction import HANDED_OUT, Redactor
from studio.config.settings import Settings
from studio.config.trust import TrustBook, claims_of

COMMAND_LIFE_S = 300.0
"""How long the answer of a key command is kept in memory: a password store may ask for a finger each time."""


class Secrets:
    """Finds keys in the environment, in a trusted project's `.env`, and by the endpoint's `api_key_cmd`, in this order.

    A project's own endpoints are in `settings` only when they are trusted, so their commands may run. Methods that run a
    command block for up to 10 seconds: call them in a thread. `redactor` knows every key that was handed out.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path | None = None,
        env: Mapping[str, str] | None = None,
        *,
        trust: TrustBook | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.redactor = Redactor()
        self._settings = settings
        self._root = root
        self._env = env
        self._trust = trust or TrustBook(env=env)
        self._clock = clock
        self._answers: dict[str, tuple[float, str]] = {}

    def lookup(self, names: Sequence[str], *, endpoint: str = "") -> str | None:
        """The key: the first of `names` that is set, else what the command of `endpoint` prints. Raises MissingKey if that fails."""
        found = self._named(names)
        if found is not None:
            return self._noted(found[1])
        command = self._command(endpoint)
        return self._noted(self._ask(command, endpoint)) if command else None

    def source_of(self, names: Sequence[str], *, endpoint: str = "") -> str:
        """Where `lookup` would find the key: a name, never a value; empty when nowhere. Runs nothing."""
        found = self._named(names)
        if found is not None:
            return found[0]
        return "api_key_cmd" if self._command(endpoint) else ""

    def value(self, name: str) -> str | None:
        """A variable that is not secret, such as a base URL, from the environment or a trusted `.env`."""
        found = self._named((name,))
        return found[1] if found else None

    def _named(self, names: Sequence[str]) -> tuple[str, str] | None:
        values = os.environ if self._env is None else self._env
        for name in names:
            if value := values.get(name, "").strip():
                return name, value
        own = self._dotenv()
        for name in names:
            if value := own.get(name, "").strip():
                return f"{name} in .env", value
        return None

    def _dotenv(self) -> Mapping[str, str]:
        if self._root is None or not (found := read_dotenv(self._root)):
            return {}
        return found if self._trust.allows(self._root, claims_of(self._root)) else {}

    def _command(self, endpoint: str) -> str:
        known = self._settings.endpoints.get(endpoint)
        return known.api_key_cmd if known else ""

    def _ask(self, command: str, endpoint: str) -> str:
        kept = self._answers.get(command)
        now = self._clock()
        if kept is not None and now - kept[0] < COMMAND_LIFE_S:
            return kept[1]
        answer = run_key_command(command, endpoint, cwd=self._root)
        self._answers[command] = (now, answer)
        return answer

    def _noted(self, key: str) -> str:
        self.redactor.add(key)
        HANDED_OUT.add(key)
        return key
