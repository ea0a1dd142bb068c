"""A child that behaves as the content of its model file says; stands in for the real server in tests of its owner.

Words in the model file: `exit N`, `signal N`, `silent` (never announces), `deaf` (announces, never healthy),
`stubborn` (ignores SIGTERM), `once` (dies after one `/die`), anything else: healthy.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    words: tuple[str, ...] = ()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def address_string(self) -> str:
        return "owner"

    def do_GET(self) -> None:
        if self.path == "/die":
            os.kill(os.getpid(), signal.SIGKILL)
        good = self.headers.get("authorization") == f"Bearer {os.environ['STUDIO_LOCAL_KEY']}"
        loading = "deaf" in self.words
        body = json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "pid": os.getpid()}).encode()
        self.send_response(503 if loading else 200 if good else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def main() -> int:
    words = tuple(Path(sys.argv[1]).read_text().split())
    Handler.words = words
    sys.stderr.write("a word for the log\nerror loading model: the tensor is missing\n")
    sys.stderr.flush()
    if "exit" in words:
        return int(words[words.index("exit") + 1])
    if "signal" in words:
        os.kill(os.getpid(), int(words[words.index("signal") + 1]))
    if "silent" in words:
        time.sleep(60)
    if "stubborn" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    path = sys.argv[sys.argv.index("--uds") + 1]
    server = Server(path, Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    print(f"LISTENING unix://{path}", flush=True)
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
