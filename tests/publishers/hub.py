"""A loopback code host: the repository calls of GitHub's REST API by its contract, and git over HTTP by git's own http-backend.

Status codes, bodies and headers are those of docs.github.com/rest (repos, users, rate limits). While git is being served, the
argument lists of all processes are read, so that a test can say that no key was in one.
"""

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
DOCS = "https://docs.github.com/rest"


@dataclass
class Answer:
    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """The host's state. `faults` are answers given instead, by "METHOD path", each once."""

    root: Path
    login: str = "ada"
    repositories: dict[str, dict[str, object]] = field(default_factory=dict)
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    seen_in_argv: list[str] = field(default_factory=list)
    processes: set[str] = field(default_factory=set)
    address: str = ""

    @property
    def api(self) -> str:
        return f"{self.address}/api/v3"

    def add(self, full: str, *, private: bool = True, push: bool = True, archived: bool = False) -> Path:
        folder = self.root / f"{full}.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "config", "http.receivepack", "true"], check=True)
        owner, name = full.split("/")
        self.repositories[full] = {
            "id": 1296269 + len(self.repositories),
            "name": name,
            "full_name": full,
            "private": private,
            "archived": archived,
            "owner": {"login": owner, "type": "User"},
            "html_url": f"{self.address}/{full}",
            "clone_url": f"{self.address}/{full}.git",
            "default_branch": "main",
            "permissions": {"admin": push, "push": push, "pull": True},
        }
        return folder

    def answer(self, method: str, path: str, body: object, authorization: str) -> Answer:
        waiting = self.faults.get(f"{method} {path}")
        if waiting:
            return waiting.pop(0)
        if authorization != f"Bearer {TOKEN}":
            return Answer(401, {"message": "Bad credentials", "documentation_url": DOCS})
        if (method, path) == ("GET", "/user"):
            return Answer(200, {"login": self.login, "id": 1, "type": "User"})
        if method == "POST" and path in ("/user/repos", "/orgs/guild/repos"):
            return self._make(body, self.login if path == "/user/repos" else "guild")
        if method == "GET" and path.startswith("/repos/"):
            full, _, rest = path.removeprefix("/repos/").partition("/branches")
            found = self.repositories.get(full)
            if found and rest:
                return Answer(200, self._branches(full))
            if found:
                return Answer(200, found)
        return Answer(404, {"message": "Not Found", "documentation_url": DOCS, "status": "404"})

    def _branches(self, full: str) -> list[dict[str, str]]:
        listed = subprocess.run(
            ["git", "-C", str(self.root / f"{full}.git"), "branch", "--format=%(refname:short)"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [{"name": name} for name in listed.stdout.split()]

    def _make(self, body: object, owner: str) -> Answer:
        self.bodies.append(body)
        errors: list[dict[str, str]] = []
        if not isinstance(body, dict) or not isinstance(body.get("name"), str):
            errors.append({"resource": "Repository", "code": "missing_field", "field": "name"})
        elif not isinstance(body.get("private"), bool):
            errors.append(
                {"resource": "Repository", "code": "invalid", "field": "private", "message": "is not a boolean"}
            )
        elif f"{owner}/{body['name']}" in self.repositories:
            errors.append(
                {
                    "resource": "Repository",
                    "code": "custom",
                    "field": "name",
                    "message": "name already exists on this account",
                }
            )
        if errors or not isinstance(body, dict):
            return Answer(422, {"message": "Repository creation failed.", "errors": errors, "documentation_url": DOCS})
        self.add(f"{owner}/{body['name']}", private=body["private"])
        return Answer(201, self.repositories[f"{owner}/{body['name']}"])

    def look_at_processes(self) -> None:
        """Note every argument list that holds the key in any form."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if line.startswith(b"git") or b"/git" in line.split(b"\0", 1)[0]:
                    self.processes.add(line.replace(b"\0", b" ").decode("utf-8", "replace"))
                if TOKEN.encode() in line or BASIC.encode() in line:
                    self.seen_in_argv.append(line.decode("utf-8", "replace"))


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            hub.requests.append(f"{method} {self.path}")
            body = self._body()
            if self.path.startswith("/api/v3/"):
                self._api(method, body)
            else:
                hub.look_at_processes()
                self._git(method, body)

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", "0")))
            pieces = []
            while size := int(self.rfile.readline().strip(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _api(self, method: str, body: bytes) -> None:
            path = self.path.removeprefix("/api/v3")
            said = hub.answer(method, path, json.loads(body) if body else None, self.headers.get("authorization", ""))
            data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self._send(said.status, {"content-type": "application/json; charset=utf-8", **said.headers}, data)

        def _git(self, method: str, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            if self.headers.get("authorization") != f"Basic {BASIC}":
                self._send(401, {"www-authenticate": 'Basic realm="GitHub"'}, b"Repository not found.")
                return
            env = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(hub.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": method,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "HTTP_GIT_PROTOCOL": self.headers.get("git-protocol", ""),
                "REMOTE_USER": hub.login,
                "REMOTE_ADDR": "127.0.0.1",
            }
            done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, timeout=60)
            head, _, data = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            status = int(headers.pop("Status", "200 OK").split(" ")[0])
            self._send(status, headers, data)

        def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


@contextlib.contextmanager
def running_hub(root: Path) -> Iterator[Hub]:
    """A hub on a free port of loopback, with its repositories below `root`."""
    hub = Hub(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
