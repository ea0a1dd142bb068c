"""The owner's side of the child process: start, health check, one restart after a crash, stop. No prompts and no tokens here."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

from studio.domain.errors import MissingModel
from studio.providers.local import messages
from studio.providers.local.child_log import ChildLog
from studio.providers.local.server import KEY_VARIABLE
from studio.providers.local.threads import compute_threads

if TYPE_CHECKING:
    import httpx2

_HEALTH_POLL_SECONDS = 0.05
_STOP_SECONDS = 5.0
_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes on Linux, 103 on macOS
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class ServerState(StrEnum):
    """What a status line may say. `LOADING` lasts 0.5 s (tiny) to 4 s (small)."""

    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Launch:
    """What to serve. `alias` is the model's name on the wire; `command` is the child's, up to the model's path."""

    model: Path
    alias: str
    context_tokens: int
    log_path: Path
    idle_seconds: int = 600
    load_seconds: float = 60.0
    # -P keeps the current folder off the import path: a project folder may hold an `xllamacpp.py`.
    command: tuple[str, ...] = (sys.executable, "-P", "-m", "studio.providers.local.server")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running server listens. With `socket` set, `base_url` only gives the host header. `number` counts the starts."""

    base_url: str
    key: str
    socket: str | None
    number: int

    @property
    def unreachable(self) -> bool:
        """Whether the socket is gone from the disk: cleaners of /tmp take old files."""
        return self.socket is not None and not os.path.exists(self.socket)


class LocalServer:
    """One child over one model file, started at the first `ensure_running` and ended with its owner.

    The child blocks on a pipe from this process, so it also ends when this process is killed.
    """

    def __init__(self, launch: Launch, on_state: Callable[[ServerState], None] | None = None) -> None:
        self.launch = launch
        self._on_state = on_state
        self._lock = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None
        self._folder: Path | None = None
        self._log = ChildLog(launch.log_path)
        self._starts = 0
        self._crashes = 0
        self._suspect = False

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint if the child is alive now, else None. Starts nothing."""
        alive = self._process is not None and self._process.poll() is None
        return self._endpoint if alive else None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def ensure_running(self) -> Endpoint:
        """The endpoint of a healthy child. Raises MissingModel with the reason when it does not start or crashes twice running."""
        async with self._lock:
            if await self._still_good() and self._endpoint is not None:
                return self._endpoint
            if self._process is not None:
                await self._after_crash()
            else:
                self._say(ServerState.LOADING)
            return await self._start()

    def suspect(self) -> None:
        """A connection to the child failed: check its health before it is used again."""
        self._suspect = True

    def proved(self) -> None:
        """An answer came through: an earlier crash is forgiven."""
        self._suspect = False
        self._crashes = 0

    def exit_reason(self) -> str | None:
        """Why the child is gone, in a sentence; None while it lives."""
        code = self._process.poll() if self._process is not None else None
        return None if code is None else messages.explain_exit(code, self._log.tail())

    async def stop(self) -> None:
        """SIGTERM, after five seconds SIGKILL; the socket goes too. Harmless when nothing runs."""
        async with self._lock:
            if self._process is not None:
                await asyncio.shield(asyncio.to_thread(self._end))
                self._say(ServerState.STOPPED)

    async def _still_good(self) -> bool:
        endpoint = self.endpoint
        if endpoint is None:
            return False
        if endpoint.unreachable:
            return False
        return not self._suspect or await is_healthy(endpoint, seconds=5.0)

    async def _after_crash(self) -> None:
        self._crashes += 1
        reason = self.exit_reason() or "The local model's process stopped answering."
        code = self._process.poll() if self._process is not None else None
        await asyncio.shield(asyncio.to_thread(self._end))
        if self._crashes > 1:
            self._crashes = 0  # a later try, which a person asks for, may start again
            self._say(ServerState.FAILED)
            hint = messages.hint_after_exit(code or 0, str(self.launch.log_path))
            raise MissingModel(f"{reason} It was restarted once already.", hint=hint)
        self._say(ServerState.RESTARTING)

    async def _start(self) -> Endpoint:
        if not self.launch.model.is_file():
            raise messages.own_model_gone(str(self.launch.model))
        self._suspect = False
        key = secrets.token_urlsafe(32)
        try:
            socket = self._spawn(key)
        except OSError as error:
            self._kill()
            raise MissingModel(f"The local model could not be started: {error.strerror or error}.") from error
        try:
            async with asyncio.timeout(self.launch.load_seconds):
                endpoint = await self._announced(key, socket)
                while not await is_healthy(endpoint, seconds=self.launch.load_seconds):
                    if self._process is None or self._process.poll() is not None:
                        raise await self._failed_start()
                    await asyncio.sleep(_HEALTH_POLL_SECONDS)
        except TimeoutError as error:
            await asyncio.shield(asyncio.to_thread(self._end))
            self._say(ServerState.FAILED)
            raise MissingModel(
                f"The local model was not ready after {self.launch.load_seconds:g} seconds.",
                hint=f"Its log is {self.launch.log_path}.",
            ) from error
        except asyncio.CancelledError:
            self._kill()
            raise
        self._endpoint = endpoint
        self._say(ServerState.READY)
        return endpoint

    def _spawn(self, key: str) -> str:
        """Start the child; returns the socket path, empty when a loopback port is used."""
        launch = self.launch
        self._folder = Path(tempfile.mkdtemp(prefix="studio-llm-"))  # made with mode 0700
        socket = str(self._folder / "llm.sock")
        by_socket = len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH
        options = ["--alias", launch.alias, "--context", str(launch.context_tokens)]
        options += ["--threads", str(compute_threads()), "--idle-seconds", str(launch.idle_seconds)]
        options += ["--uds", socket] if by_socket else []
        with self._log.open(launch.alias) as log:
            self._process = subprocess.Popen(
                [*launch.command, str(launch.model), *options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=child_environment(os.environ, key), start_new_session=True,
            )  # fmt: skip
        self._starts += 1
        return socket if by_socket else ""

    async def _announced(self, key: str, socket: str) -> Endpoint:
        """Wait for the child's first line. Other lines may not come: the runtime logs to standard error."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        line = (await asyncio.to_thread(process.stdout.readline)).decode("utf-8", "replace").split()
        if len(line) != 2 or line[0] != "LISTENING":
            raise await self._failed_start()
        base = "http://localhost" if socket else line[1]
        return Endpoint(f"{base}/v1", key, socket or None, self._starts)

    async def _failed_start(self) -> MissingModel:
        process = self._process
        assert process is not None
        try:
            code = await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        tail = self._log.tail()
        await asyncio.shield(asyncio.to_thread(self._end))
        self._say(ServerState.FAILED)
        return MissingModel(
            messages.explain_exit(code, tail),
            hint=messages.hint_after_exit(code, str(self.launch.log_path)),
            data={"log": tail.splitlines()[-20:]},
        )

    def _end(self) -> None:
        """Blocking: at most five seconds until the kill."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._kill()

    def _kill(self) -> None:
        process, self._process, self._endpoint = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _say(self, state: ServerState) -> None:
        if self._on_state is not None:
            self._on_state(state)


def child_environment(environ: Mapping[str, str], key: str) -> dict[str, str]:
    """The owner's environment without its secrets, with the server's own key.

    `OMP_WAIT_POLICY=PASSIVE`: beside two busy processes 24.7 tokens a second instead of 0.7 (measured), as waiting threads do not spin.
    """
    kept = {name: value for name, value in environ.items() if not any(word in name.upper() for word in _SECRET_WORDS)}
    return {**kept, KEY_VARIABLE: key, "OMP_WAIT_POLICY": "PASSIVE"}


def http_client(endpoint: Endpoint, *, seconds: float) -> httpx2.AsyncClient:
    """A client that speaks to the child, over its socket where it has one. Proxies of the environment are not asked."""
    import httpx2

    transport = httpx2.AsyncHTTPTransport(uds=endpoint.socket) if endpoint.socket else None
    headers = {"authorization": f"Bearer {endpoint.key}"}
    return httpx2.AsyncClient(transport=transport, timeout=seconds, headers=headers, trust_env=False)


async def is_healthy(endpoint: Endpoint, *, seconds: float) -> bool:
    """Whether `/health` answers 200 and the key is accepted; 503 means that the model is still loading."""
    import httpx2

    base = endpoint.base_url.removesuffix("/v1")
    try:
        async with http_client(endpoint, seconds=seconds) as client:
            answers = [await client.get(f"{base}{path}") for path in ("/health", "/v1/models")]
    except httpx2.HTTPError:
        return False
    return all(answer.status_code == 200 for answer in answers)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:
            return  # the child was gone already
