"""`studio serve`: the gateway for other programs and for browsers, on loopback and behind a token."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.arguments import describe
from studio.cli.host import Host
from studio.domain.errors import BadInput, Refused

if TYPE_CHECKING:
    from studio.server.auth import Token
    from studio.server.gateway import Gateway

_PACKAGES = ("starlette", "uvicorn", "websockets")
_WEB = ("textual_serve",)
_PORT = 8765


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Serve the project to other programs: JSON over HTTP, events, WebSocket, and the Story API, behind a token.\n"
        "It prints a link that opens it in one browser; programs send the token (STUDIO_TOKEN, else .studio/token).",
        "studio serve", "studio serve --web", "studio serve --port 0 --json", "STUDIO_TOKEN=$(openssl rand -hex 32) studio serve",
    )  # fmt: skip
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    parser.add_argument(
        "--port", metavar="N", type=_port, default=_PORT, help=f"default: {_PORT}; 0 takes any that is free"
    )
    parser.add_argument(
        "--name", metavar="NAME", action="append", default=[], help="a host name that clients may use beside localhost"
    )
    parser.add_argument("--web", action="store_true", help="also the workbench itself, in a browser")
    parser.add_argument(
        "--i-know-this-exposes-my-project", dest="exposed", action="store_true",
        help="needed for an address that other computers reach: whoever has the token can read and write everything",
    )  # fmt: skip


def _port(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
    return value


def run(args: argparse.Namespace, host: Host) -> int:
    missing = [name for name in (*_PACKAGES, *(_WEB if args.web else ())) if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(
            f"The gateway needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            hint=f"In the checkout: pip install '.[{'server,web' if args.web else 'server'}]'",
        )
    if not _is_loopback(args.host) and not args.exposed:
        raise Refused(
            f"{args.host} can be reached from other computers, and the gateway speaks plain HTTP.",
            hint="Use an SSH tunnel to 127.0.0.1, or say --i-know-this-exposes-my-project.",
        )
    return host.run(_serve(args, host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(args: argparse.Namespace, host: Host) -> int:
    from studio.server.auth import load_token
    from studio.server.serving import listen, serve

    root = host.root()
    token = load_token(root)
    listening = listen(args.host, args.port)

    def started(gateway: Gateway) -> None:
        _announce(host, token, gateway, _address(args.host, listening))

    try:
        async with host.session(root, watch=True) as client:
            await serve(listening, token, client, names=args.name, terminal=_workbench(args, root), started=started)
    finally:
        listening.close()
    return 0


def _workbench(args: argparse.Namespace, root: Path) -> tuple[str, ...]:
    """The command that a browser gets; none without --web."""
    view = ("--view",) if args.view else ()
    return (sys.executable, "-P", "-m", "studio.cli.main", "-C", str(root), *view) if args.web else ()


def _address(host: str, listening: socket.socket) -> str:
    """The URL under which a browser on this computer reaches the gateway."""
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _announce(host: Host, token: Token, gateway: Gateway, url: str) -> None:
    login = f"{url}/login?code={gateway.invitation.code}"
    if host.out.as_json:
        host.out.json({"url": url, "login": login, "openapi": f"{url}/openapi.json", "token": token.source}, flush=True)
        return
    host.out.line(f"studio serves this project at {url}")
    host.out.line(f"  in a browser   {login}   (opens one browser, once)")
    host.out.line(f"  for programs   Authorization: Bearer TOKEN, with the token of {token.source}")
    if gateway.settings.terminal:
        host.out.line(f"  the workbench  {url}/terminal   (in that browser)")
    host.out.piece("  Ctrl-C ends the gateway; drafts go on where an engine runs.\n")
