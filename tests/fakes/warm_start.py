"""The program started without loading it anew: a process that has its modules loaded forks one child per command.

A start takes 0.4 s of the processor, nine tenths of it for loading; the tests of the command line make several hundred. A child has
its own arguments, folder, environment and streams, as a process of its own would, and so has an engine that it starts; what a start
itself does (what is loaded when, the interpreter's flags) is for `tests/process` and for `Studio.start`, which start the program whole.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from studio.client import spawn
from studio.config.logs import log_file

ROOT = Path(__file__).resolve().parents[2]
SEPARATE = (
    "studio.tui",
    "studio.server",
    "studio.providers.local.server",
    "studio.prompts.render_child",
)
"""Loaded by the program in processes of their own, or only for the screen."""


class WarmStart:
    """The forking process, started at the first command and ended by `close`. Commands may run side by side, from any thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking: socket.socket | None = None
        self._lock = threading.Lock()

    def run(
        self, words: Sequence[str], *, stdin: str, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` with captured output. Raises TimeoutExpired once the child has been killed."""
        (in_read, in_write), (out_read, out_write), (err_read, err_write) = os.pipe(), os.pipe(), os.pipe()
        here, there = socket.socketpair()
        request = json.dumps({"words": list(words), "cwd": str(cwd), "env": dict(env)}).encode()
        with here:
            with self._lock, there:
                socket.send_fds(self._asked(), [b"."], [there.fileno(), in_read, out_write, err_write])
            for end in (in_read, out_write, err_write):
                os.close(end)
            here.sendall(len(request).to_bytes(4) + request)
            pid = int.from_bytes(_exactly(here, 4))
            texts: dict[int, bytes] = {}
            readers = [threading.Thread(target=_drain, args=(end, texts)) for end in (out_read, err_read)]
            for reader in readers:
                reader.start()
            with open(in_write, "wb") as pipe, contextlib.suppress(BrokenPipeError):
                pipe.write(stdin.encode())
            here.settimeout(timeout)
            try:
                code = int.from_bytes(_exactly(here, 4), signed=True)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), timeout) from None
            finally:
                for reader in readers:
                    reader.join(timeout)
        out, err = (texts.get(end, b"").decode() for end in (out_read, err_read))
        return subprocess.CompletedProcess(list(words), code, out, err)

    def close(self) -> None:
        if self._asking is not None:
            self._asking.close()
        if self._process is not None:
            self._process.communicate(timeout=10)

    def _asked(self) -> socket.socket:
        if self._asking is None:
            self._asking, served = socket.socketpair()
            with served:
                served.set_inheritable(True)
                # Pipes, as a command's streams are: the interpreter asks at its start what can be sought in.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.fakes.warm_start", str(served.fileno())],
                    pass_fds=[served.fileno()], cwd=ROOT,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                )  # fmt: skip
        return self._asking


def _drain(end: int, texts: dict[int, bytes]) -> None:
    with open(end, "rb") as pipe:
        texts[end] = pipe.read()


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError("the forking process has ended")
        data += more
    return data


@cache
def shared() -> WarmStart:
    """The one of this process, which ends with it."""
    starting = WarmStart()
    atexit.register(starting.close)
    return starting


# In the forking process and its children

_engines: socket.socket
"""Where a command asks for an engine's process."""


def _load() -> None:
    import studio

    for found in pkgutil.walk_packages(studio.__path__, "studio."):
        if not found.name.startswith(SEPARATE) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    importlib.import_module("duckdb")  # the program loads it in a thread, when it opens a project
    gc.collect()
    gc.freeze()


def serve(asking: socket.socket) -> Callable[[], int] | None:
    """Fork a child per request until nobody asks any more. Returns what the child is to do, and None at the end."""
    global _engines
    _engines, inside = socket.socketpair()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing is left of a child that has ended
    while True:
        for asked in select.select([asking, inside], [], [])[0]:
            data, fds, _, _ = socket.recv_fds(asked, 1, 4)
            if not data:
                return None
            # The child's parent waits for it and says how it ended; it is forked twice so that requests need not wait for each other.
            if os.fork() == 0:
                asking.close()
                inside.close()
                return _command(*fds) if asked is asking else _engine(*fds)
            for end in fds:
                os.close(end)


def _command(answer: int, *streams: int) -> Callable[[], int]:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = socket.socket(fileno=answer)
    asked = json.loads(_exactly(told, int.from_bytes(_exactly(told, 4))))
    pid = os.fork()
    if pid:
        for end in streams:
            os.close(end)
        told.sendall(pid.to_bytes(4))
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):
            told.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))
        os._exit(0)
    told.close()
    for number, end in enumerate(streams):
        os.dup2(end, number)
        os.close(end)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = [str(ROOT / "studio" / "cli" / "main.py"), *asked["words"]]
    spawn._start = _start
    from studio.cli import main

    return main.main


def _start(root: Path, lock: int, listener: int, env: Mapping[str, str] | None) -> None:
    """In the place of `studio.client.spawn._start`: an engine's process that loads nothing either."""
    output = os.open(log_file(root), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    here, there = socket.socketpair()
    request = json.dumps({"root": str(root), "env": dict(os.environ if env is None else env)}).encode()
    with here:
        with there:
            socket.send_fds(_engines, [b"."], [there.fileno(), lock, listener, output])
        os.close(output)
        here.sendall(len(request).to_bytes(4) + request)
        _exactly(here, 1)


def _engine(answer: int, lock: int, listener: int, output: int) -> Callable[[], int]:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _engines.close()
    os.setsid()
    told = socket.socket(fileno=answer)
    asked = json.loads(_exactly(told, int.from_bytes(_exactly(told, 4))))
    if os.fork():
        told.sendall(b".")
        os._exit(0)
    told.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, end in enumerate((nothing, output, output)):
        os.dup2(end, number)
    os.close(nothing)
    os.close(output)
    os.environ.clear()
    os.environ.update(asked["env"])
    from studio.daemon.process import serve as host

    return lambda: host(lock, listener, asked["root"])


def _main(asking: socket.socket) -> int:
    _load()
    todo = serve(asking)
    return 0 if todo is None else todo()


if __name__ == "__main__":
    sys.exit(_main(socket.socket(fileno=int(sys.argv[1]))))
