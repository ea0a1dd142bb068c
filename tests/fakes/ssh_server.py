"""OpenSSH's own server on a loopback port, with keys of its own in a temporary folder, for tests of what a dropped line does."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SERVER = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
# A server that root starts locks its unprivileged half into this folder, which the system's own start makes.
_PRIVSEP = Path("/run/sshd")


def missing() -> str:
    """Why no server can run here, empty when one can."""
    if SERVER is None:
        return "OpenSSH's server is not installed (sshd)"
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        return "OpenSSH's client is not installed (ssh, ssh-keygen)"
    if os.getuid() == 0 and not _PRIVSEP.is_dir() and not os.access(_PRIVSEP.parent, os.W_OK):
        return f"{_PRIVSEP} cannot be made, which sshd needs when root starts it"
    return ""


@dataclass(frozen=True, slots=True)
class SshServer:
    """`command(...)` is what a person types at home; `sessions()` are the server's processes that serve a login."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def command(self, env: Mapping[str, str], folder: Path, *words: str) -> list[str]:
        """A login with a terminal that runs `words` in `folder`; the login's shell stays in between, as it does for a person."""
        given = " ".join(f"export {name}={shlex.quote(value)};" for name, value in env.items())
        remote = f"{given} cd {shlex.quote(str(folder))} && {shlex.join(words)}; exit $?"
        options = {
            "IdentityFile": self.folder / "client", "IdentitiesOnly": "yes", "UserKnownHostsFile": self.folder / "known",
            "StrictHostKeyChecking": "accept-new", "LogLevel": "ERROR", "Port": self.port, "ConnectTimeout": 10,
        }  # fmt: skip
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *flags, "-tt", f"{getpass.getuser()}@127.0.0.1", remote]

    def sessions(self) -> list[psutil.Process]:
        """The processes of the server that hold a login's terminal: the last `sshd` before the login's shell."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in below if one.name().startswith("sshd") and _runs_a_shell(one)]


def _runs_a_shell(process: psutil.Process) -> bool:
    return any(not child.name().startswith("sshd") for child in process.children())


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Raises RuntimeError with what the server said when it does not start or does not let its own key in."""
    assert SERVER is not None
    folder.mkdir(mode=0o700)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "client.pub", folder / "allowed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config").write_text(_config(folder, port))
    made = os.getuid() == 0 and not _PRIVSEP.is_dir()
    if made:
        _PRIVSEP.mkdir(mode=0o755)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([SERVER, "-D", "-e", "-f", str(folder / "config")], stderr=log, stdin=subprocess.DEVNULL)
    try:
        server = SshServer(folder, port, process)
        _wait(server)
        yield server
    finally:
        _end(process)
        log.close()
        if made:
            _PRIVSEP.rmdir()


def _config(folder: Path, port: int) -> str:
    lines = [
        f"ListenAddress 127.0.0.1:{port}", f"HostKey {folder / 'host'}", f"AuthorizedKeysFile {folder / 'allowed'}",
        "PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin yes",
        "PrintMotd no", "PrintLastLog no", "AcceptEnv TERM",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _wait(server: SshServer) -> None:
    """Until a login answers, 10 s at most."""
    end, said = time.monotonic() + 10, ""
    while time.monotonic() < end and server.process.poll() is None:
        tried = subprocess.run(
            server.command({}, Path("/"), "true"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if tried.returncode == 0:
            return
        said = tried.stderr
        time.sleep(0.1)
    raise RuntimeError(f"sshd let nobody in: {said} {(server.folder / 'log').read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server, and the logins that still stand below it: never by name."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            if child.name().startswith("sshd"):
                child.kill()
    process.kill()
    process.wait()
