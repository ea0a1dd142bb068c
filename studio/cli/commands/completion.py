"""`studio completion`: a completion script for a shell."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe
from studio.cli.host import Host

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run, "Print a script that completes commands and flags.",
        "studio completion bash > ~/.local/share/bash-completion/completions/studio",
        "studio completion zsh > ~/.zfunc/_studio",
    )  # fmt: skip
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(args: argparse.Namespace, host: Host) -> int:
    import shtab

    from studio.cli.parser import build

    script = shtab.complete(build(everything=True), args.shell)
    if host.out.as_json:
        host.out.json({"shell": args.shell, "script": script})
    else:
        host.out.line(script.rstrip("\n"))
    return 0
