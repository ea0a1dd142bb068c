"""`studio check`: validators and rules over all files, and the project's own command where the person allowed it."""

from __future__ import annotations

import argparse

from studio.cli.arguments import describe, page_argument
from studio.cli.host import Host
from studio.domain.errors import NotFound, Refused
from studio.domain.text import one_line
from studio.protocol import build_commands as b
from studio.protocol import build_queries as bq

_CHECKS = frozenset({"validator", "rule", "check"})


def configure(parser: argparse.ArgumentParser) -> None:
    describe(
        parser, run,
        "Check the files of the application as they lie there; what is wrong becomes findings of the change. The command of\n"
        "`[app] check` in studio.toml comes with the project, so it runs only after your yes to exactly this command, in app/,\n"
        "with a clean environment and a time limit; the other checks execute nothing and need none. Exit code 1 when an error is\n"
        "found, 3 when the command may not run yet.",
        "studio check", "studio check --allow", "studio check --forbid",
    )  # fmt: skip
    page_argument(parser, needed=False)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--allow", action="store_true", help="show the command and ask whether it may run in this project")
    way.add_argument("--forbid", action="store_true", help="take that yes back")
    parser.add_argument("--yes", action="store_true", help="with --allow: the yes, where no terminal can ask for it")


def run(args: argparse.Namespace, host: Host) -> int:
    if args.allow or args.forbid:
        return host.run(_decide(host, allowed=args.allow, yes=args.yes))
    return host.run(_check(args.page, host))


def _command(host: Host) -> str:
    return host.settings(host.root()).app.check.strip()


async def _decide(host: Host, *, allowed: bool, yes: bool) -> int:
    from studio.cli.application import app_of
    from studio.cli.asking import need_yes

    command = _command(host)
    async with host.session() as client:
        await app_of(client)
        if not command:
            raise NotFound(
                "This project names no check command.", hint='Add it to studio.toml: [app] check = "npm test"'
            )
        if allowed:
            host.out.say(f"This project's check command, run in app/:\n  {command}")
            need_yes(
                "May it run in this project on this computer?",
                given=yes,
                hint="Say yes with: studio check --allow --yes",
            )
        done = await client.execute(b.AllowCheck(command=command, allowed=allowed))
    if host.out.as_json:
        host.out.json({"command": command, "allowed": allowed})
        return 0
    host.out.line(f"{'allowed' if allowed else 'not allowed'}: {one_line(command)}")
    host.out.say(done.message)
    return 0


async def _check(page: str | None, host: Host) -> int:
    from studio.cli.application import app_of, change_of

    async with host.session() as client:
        project = await app_of(client)
        wanted = await change_of(client, page) if page or any(one.pages for one in project.chapters) else None
        try:
            done = await client.execute(b.RunCheck(page=wanted))
        except Refused as error:  # the validators ran; the project's own command did not
            if not host.out.as_json and (report := error.data.get("report")):
                host.out.line(str(report))
            raise
        found = (await client.query(bq.GetFindings(page=wanted, open_only=True))).findings
    errors = [one for one in found if one.source in _CHECKS and one.severity == "error"]
    if host.out.as_json:
        host.out.json({"page": done.page, "report": done.message, "passed": not errors, "errors": errors})
    else:
        host.out.line(done.message)
    return 1 if errors else 0
