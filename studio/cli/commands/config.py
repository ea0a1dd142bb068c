"""`studio config`: show, path, trust."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio.cli.arguments import Group
from studio.cli.host import Host
from studio.cli.output import table
from studio.domain.errors import NotFound, Refused


def configure(parser: argparse.ArgumentParser) -> None:
    group = Group(
        parser, "Settings: built-in < your own file < the project's studio.toml < STUDIO_* variables < flags."
    )
    group.add(
        "show",
        _show,
        "List every setting, its value and where it comes from. Keys of services are never shown.",
        "studio config show",
    )
    group.add("path", _path, "Print where settings, state, log and models lie.", "studio config path")
    trust = group.add(
        "trust", _trust, "Show what this project asks for (its own services, .env, key commands) and record your yes.",
        "studio config trust", "studio config trust --yes",
    )  # fmt: skip
    trust.add_argument("--yes", action="store_true", help="say yes without being asked")
    trust.add_argument("--forget", action="store_true", help="take the yes back")


def _project(host: Host) -> Path | None:
    try:
        return host.root()
    except NotFound:
        return None


def _show(args: argparse.Namespace, host: Host) -> int:
    from studio.config.describe import describe

    settings = host.settings(host.root() if args.project else _project(host))
    rows = describe(settings)
    if host.out.as_json:
        host.out.json({"settings": [{"key": one.key, "value": one.value, "source": one.source} for one in rows]})
    else:
        host.out.lines(table([(one.key, one.value, one.source) for one in rows]))
    for warning in settings.warnings:
        host.out.say(f"{warning.file}:{warning.line}: {warning.message} {warning.hint}".rstrip())
    return 0


def _path(args: argparse.Namespace, host: Host) -> int:
    from studio.config import paths
    from studio.config.logs import log_file

    root = host.root() if args.project else _project(host)
    rows = {
        "your settings": paths.user_config_file(),
        "your state": paths.user_state_dir(),
        "your cache": paths.user_cache_dir(),
        "log": log_file(root),
    }
    if root is not None:
        rows |= {
            "project": root,
            "project settings": root / paths.PROJECT_FILE,
            "project state": paths.state_folder(root),
        }
    if host.out.as_json:
        host.out.json({name: str(path) for name, path in rows.items()})
    else:
        host.out.lines(table([(name, str(path)) for name, path in rows.items()]))
    return 0


def _trust(args: argparse.Namespace, host: Host) -> int:
    from studio.config.trust import TrustBook, claims_of

    root, book = host.root(), TrustBook()
    claims = claims_of(root)
    if args.forget:
        book.forget(root)
        return _say(host, root, claims.lines, trusted=claims.empty, words="Your yes is taken back.")
    if claims.empty or book.allows(root, claims):
        words = "This project asks for nothing." if claims.empty else "You have said yes to this already."
        return _say(host, root, claims.lines, trusted=True, words=words)
    host.out.say("This project wants to:")
    for line in claims.lines:
        host.out.say(f"  {line}")
    if not args.yes and not _asked("Allow this, until it changes? [y/N] "):
        raise Refused(
            "Nothing was recorded; the project's own services and keys are not used.",
            hint="Say yes with: studio config trust --yes",
        )
    book.record(root, claims)
    return _say(host, root, claims.lines, trusted=True, words="Recorded. It holds until one of these lines changes.")


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _say(host: Host, root: Path, lines: tuple[str, ...], *, trusted: bool, words: str) -> int:
    if host.out.as_json:
        host.out.json({"root": str(root), "claims": list(lines), "trusted": trusted})
    host.out.say(words)
    return 0
