"""Publishing to GitHub: the repository is made through the API, then the release is pushed to it with git."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from studio.domain.errors import BadInput, BadReply, Conflict, MissingKey, Refused, RequestRejected, StudioError
from studio.domain.text import one_line
from studio.publishers import options, snapshot
from studio.publishers.base import (
    Done,
    KeyUse,
    Option,
    Published,
    PublishPlan,
    Release,
    Report,
    Secrets,
    Step,
    StepData,
    Target,
    planned,
)
from studio.publishers.carrying_out import carry_out, hold_to
from studio.publishers.git_release import GitWork, Place, look
from studio.publishers.git_repo import tag_of
from studio.publishers.github_api import API, GithubApi, Reply, api_base, web_base
from studio.publishers.remote import Remote
from studio.publishers.repository import branch_name

KEY = "GITHUB_TOKEN"
OPTIONS = (
    Option("repository", str, "owner/name, or the name alone for your own account", required=True),
    Option("private", bool, "whether only you and those you invite see it", True),
    Option("description", str, "the line under the repository's name"),
    Option("branch", str, "the branch; without it the one that is checked out in app/, or main"),
    Option("tag_prefix", str, "what stands before the number in the tag", "v"),
    Option("key", str, "name of the key", KEY),
    Option("api", str, "address of the API: https://HOST/api/v3 for a server of your own", API),
)
_NAME = re.compile(r"(?:([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/)?([A-Za-z0-9._-]{1,100})")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options say. `owner` is empty for the account of the key."""

    owner: str
    repository: str
    private: bool
    description: str
    branch: str
    tag: str
    key: str
    api: str


class GithubPublisher:
    """A repository on GitHub that holds one commit and tag for each approved version."""

    name = "github"
    options = OPTIONS

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        api, key = str(target.options.get("api", API)).rstrip("/"), str(target.options.get("key", KEY))
        usual = api == API and key == KEY
        hosts = {urlsplit(api_base(api)).hostname or "", urlsplit(web_base(api)).hostname or ""}
        return tuple(KeyUse(one_line(key, 80), host, usual) for host in sorted(hosts))

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        wanted = _wanted(release, target)
        snapshot.check(release)
        api = GithubApi(wanted.api, _token(wanted, secrets))
        login = await _login(api)
        full = f"{wanted.owner or login}/{wanted.repository}"
        found = await api.call("GET", f"/repos/{full}")
        exists = found.status == 200
        if exists:
            _usable(found, wanted, full)
        place = _place(release, wanted, full)
        try:
            seen = await look(release, place, secrets, ask_remote=exists)
        except Conflict as error:
            raise Refused(
                f"The GitHub repository {full} exists and holds other work.",
                hint=f"Name another repository. {error.hint}",
            ) from error
        kind = "private" if wanted.private else "public"
        make = Step("create", f"Make the {kind} repository {full}", f"on {urlsplit(web_base(wanted.api)).hostname}")
        steps = seen.steps if exists else (make, *seen.steps)
        summary = f"Version {release.version} is pushed to {full} on GitHub ({kind}), tagged {place.tag}."
        if not steps:
            summary = f"Version {release.version} is on GitHub already: nothing is left to do."
        public = () if wanted.private or exists else (f"{full} will be public: everyone can read it",)
        own = "user" if not wanted.owner or wanted.owner.casefold() == login.casefold() else "org"
        state = {**seen.state, "full_name": full, "owner_kind": own}
        return planned(
            release, target, steps, summary=summary, diff=seen.diff, warnings=(*public, *seen.warnings), state=state
        )

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        snapshot.check(release)
        wanted = _wanted(release, plan.target)
        full = str(plan.state.get("full_name", ""))
        place = _place(release, wanted, full)
        work = GitWork(release, place, plan.state, secrets)

        async def create(done: Done) -> StepData:
            api = GithubApi(wanted.api, _token(wanted, secrets))
            return await _create(api, wanted, full, organisation=plan.state.get("owner_kind") == "org")

        async def created(done: Done) -> bool:
            api = GithubApi(wanted.api, _token(wanted, secrets))
            return (await api.call("GET", f"/repos/{full}")).status == 200

        actions, checks = {**work.actions(), "create": create}, {**work.checks(), "create": created}
        found = await carry_out(plan, done, report, actions, checks)
        made = work.commit_of(found)
        return Published(
            url=f"{web_base(wanted.api)}/{full}/tree/{place.tag}",
            detail=f"commit {made[:10]}, tag {place.tag} pushed to {full}",
            data={"commit": made, "tag": place.tag, "repository": full},
        )


async def _login(api: GithubApi) -> str:
    """The account that the key is of. Raises BadReply for an answer that names none."""
    found = await api.call("GET", "/user")
    login = found.text("login")
    if found.status != 200 or not login:
        raise BadReply(
            f"{api.host} does not say whose the key is (status {found.status}).",
            hint="Check api in the table: https://HOST/api/v3 for a server of your own.",
            status=found.status,
        )
    return login


def _wanted(release: Release, target: Target) -> _Wanted:
    """The options in use. Raises BadInput naming every problem at once."""
    problems: list[str] = []
    named = str(target.options.get("repository", ""))
    match = _NAME.fullmatch(named)
    if named and (match is None or match[2] in (".", "..") or match[2].casefold().endswith(".git")):
        problems.append(f"repository {one_line(named, 60)!r} is not owner/name")
    tag, api = "", API
    branch = str(target.options.get("branch", ""))
    for check in ("tag", "api", "branch"):
        try:
            if check == "tag":
                tag = tag_of(release, str(target.options.get("tag_prefix", "v")))
            elif check == "api":
                api = api_base(str(target.options.get("api", API)))
            elif branch:
                branch_name(branch)
        except StudioError as error:
            problems.append(error.message.rstrip("."))
    found = options.read(target, OPTIONS, problems)
    if match is None:
        raise BadInput("No repository is named.")
    return _Wanted(
        owner=match[1] or "",
        repository=match[2],
        private=found.flag("private"),
        description=found.text("description"),
        branch=branch,
        tag=tag,
        key=found.text("key"),
        api=api,
    )


def _token(wanted: _Wanted, secrets: Secrets) -> str:
    token = (secrets(wanted.key) or "").strip()
    if not token:
        raise MissingKey(
            f"Publishing to GitHub needs a key, and {one_line(wanted.key, 60)} is not set.",
            hint=f"Make a token on GitHub and set {one_line(wanted.key, 60)} in the environment or in .env.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise MissingKey(f"The key in {one_line(wanted.key, 60)} holds characters that no token has.")
    return token


def _place(release: Release, wanted: _Wanted, full: str) -> Place:
    base = web_base(wanted.api)
    parts = urlsplit(base)
    remote = Remote(f"{base}/{full}.git", parts.scheme, parts.hostname or "")
    return Place(folder=release.app, app=True, branch=wanted.branch, tag=wanted.tag, remote=remote, key=wanted.key)


def _usable(found: Reply, wanted: _Wanted, full: str) -> None:
    """Raises Refused for a repository that may not be, or should not be, pushed to."""
    data: Mapping[str, object] = found.data if isinstance(found.data, dict) else {}
    rights = data.get("permissions")
    if data.get("archived") is True:
        raise Refused(f"The GitHub repository {full} is archived.", hint="Unarchive it or name another one.")
    if isinstance(rights, dict) and rights.get("push") is not True:
        raise Refused(f"The key may not write to the GitHub repository {full}.", hint="Name a repository of your own.")
    if wanted.private and data.get("private") is not True:
        raise Refused(
            f"The GitHub repository {full} is public, and private = true.",
            hint="Set private = false if everyone may read the app, or name another repository.",
        )


async def _create(api: GithubApi, wanted: _Wanted, full: str, *, organisation: bool) -> StepData:
    path = f"/orgs/{wanted.owner}/repos" if organisation else "/user/repos"
    body: dict[str, object] = {
        "name": wanted.repository,
        "description": wanted.description,
        "private": wanted.private,
        "auto_init": False,
    }
    made = await api.call("POST", path, body)
    if made.status == 422 and _exists(made):
        return await _taken_over(api, wanted, full)
    if made.status == 404:
        raise Refused(f"There is no organisation {one_line(wanted.owner, 60)} on GitHub that this key may write to.")
    if made.status != 201:
        raise RequestRejected(
            f"GitHub did not make {full}: {api.words(_reasons(made))}.", hint="Correct the table.", status=made.status
        )
    if made.text("full_name").casefold() != full.casefold():
        raise BadReply(f"GitHub made {made.text('full_name') or 'something else'} where {full} was asked for.")
    _usable(replace(made, status=200), wanted, full)
    return {"full_name": full, "made": True}


def _exists(made: Reply) -> bool:
    return "already exists" in _reasons(made).casefold()


def _reasons(made: Reply) -> str:
    data: Mapping[str, object] = made.data if isinstance(made.data, dict) else {}
    errors = data.get("errors")
    rows = errors if isinstance(errors, list) else []
    said = [str(row.get("message", row.get("code", ""))) if isinstance(row, dict) else str(row) for row in rows]
    return "; ".join([made.text("message"), *said]).strip("; ")


async def _taken_over(api: GithubApi, wanted: _Wanted, full: str) -> StepData:
    """The repository is there although it was not when planned: ours, made before a kill, when nothing is in it yet."""
    found = await api.call("GET", f"/repos/{full}")
    if found.status == 200:
        _usable(found, wanted, full)
        branches = await api.call("GET", f"/repos/{full}/branches?per_page=1")
        if branches.status == 404 or branches.data == []:
            return {"full_name": full, "made": False}
    raise Refused(
        f"The GitHub repository {full} exists meanwhile and holds other work.",
        hint="Name another repository, or plan again.",
    )
