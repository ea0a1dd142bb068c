"""A git remote: what may be one, what it holds, and pushing to it. Refusals and rejections are one sentence.

A key goes to git through the environment, as a header for one host: never into argv, the URL or a message.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from studio.domain.errors import (
    AuthenticationFailed,
    BadInput,
    Conflict,
    ConnectionFailed,
    NotFound,
    ProviderError,
    Refused,
    StudioError,
)
from studio.domain.text import one_line
from studio.publishers.repository import find
from studio.workspace.git import SETTINGS, Git, GitResult, empty_folder

NETWORK_DEADLINE_S = 600.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCP = re.compile(r"(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?!//)(\S+)")
_SAFE = re.compile(r"[^\s\x00-\x1f\x7f]+")
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15 -oServerAliveCountMax=4"
_OWN_SETTINGS = r"^(credential\..*|core\.sshcommand|http\.proxy|http\.sslcainfo|http\.sslbackend)$"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where to push. `protocol` is file, ssh, https or http (loopback only); `url` holds no key."""

    url: str
    protocol: str
    host: str = ""

    @property
    def path(self) -> Path | None:
        return Path(self.url) if self.protocol == "file" else None

    @property
    def web(self) -> bool:
        """Whether it is spoken to over http: a named key goes to such a remote, and to no other."""
        return self.protocol in ("https", "http")


def remote_of(text: str, project: Path) -> Remote:
    """What `text` names: a folder (relative to the project), `ssh://`, `user@host:path` or `https://`. Raises BadInput."""
    shown = one_line(text, 100)
    if not _SAFE.fullmatch(text) and "://" in text:
        raise BadInput("A remote's address holds no spaces.")
    if text.startswith("-"):
        raise BadInput(f"The remote {shown} is an option, and is not used.")
    if "::" in text.split("/", 1)[0] and not text.startswith("["):
        raise BadInput(f"The remote {shown} would run a program, and is not used.", hint="Name a path, ssh or https.")
    if text.casefold().startswith("file://"):
        return Remote(str(_folder(_file_path(text), project)), "file")
    if "://" in text:
        return _by_url(text)
    scp = _SCP.fullmatch(text)
    if scp and not text.startswith(("/", ".", "~")):
        if scp[2].startswith("-") or scp[3].startswith("-") or (scp[1] or "").startswith("-"):
            raise BadInput(f"The remote {shown} holds an option, and is not used.")
        return Remote(text, "ssh", scp[2].casefold())
    return Remote(str(_folder(text, project)), "file")


def _file_path(text: str) -> str:
    """What stands after `file://`: a path and nothing else, whatever it looks like."""
    path = text[len("file://") :]
    if not path.startswith("/"):
        raise BadInput(
            f"The remote {one_line(text, 100)} names no whole path after file://.", hint="Write file:///srv/shop.git."
        )
    return path


def _by_url(text: str) -> Remote:
    try:
        parts = urlsplit(text)
        host, _ = (parts.hostname or "").casefold(), parts.port
    except ValueError as error:
        raise BadInput("The remote's address is not one that can be read.") from error
    if parts.scheme in ("https", "http") and (parts.username or parts.password):
        raise BadInput("The remote's address holds a name or password.", hint="Leave it out: keys are given by name.")
    if parts.password or parts.query or parts.fragment or not host or host.startswith("-"):
        raise BadInput(f"The remote's address on {one_line(host, 60) or 'no host'} has parts that it may not have.")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise BadInput("A remote over http would send its key in the open.", hint="Use https or ssh.")
    if parts.scheme not in ("https", "http", "ssh") or (parts.username or "").startswith("-"):
        raise BadInput(f"A remote by {one_line(parts.scheme, 20)} is not used.", hint="Name a path, ssh or https.")
    return Remote(f"{parts.scheme}{text[len(parts.scheme) :]}", parts.scheme, host)


def _folder(text: str, project: Path) -> Path:
    try:
        wanted = Path(text).expanduser()
    except RuntimeError as error:
        raise BadInput(f"The remote {one_line(text, 100)} names a home folder that does not exist.") from error
    found = (wanted if wanted.is_absolute() else project / wanted).resolve()
    root = project.resolve()
    if found == root or any(found.is_relative_to(root / own) for own in ("app", ".studio", ".git")):
        raise BadInput(f"The remote {one_line(text, 100)} lies in the project itself.", hint="Name a folder outside.")
    return found


async def warnings_of(remote: Remote) -> tuple[str, ...]:
    """What a person should know about a remote on this disk; its hooks do not run. Raises NotFound, Refused."""
    if remote.path is None:
        return ()
    repository = await find(remote.path)
    if repository is None:
        raise NotFound(
            f"There is no git repository at {one_line(remote.url)}.",
            hint=f"Make one: git init --bare {one_line(remote.url)}",
        )
    leading = [key for key in repository.unused if key.startswith(("include", "core.alternaterefscommand"))]
    if leading:
        raise Refused(f"The remote at {one_line(remote.url)} sets {leading[0]}.", hint="Take it out of its config.")
    hooks = repository.git_dir / "hooks"
    names = sorted(hook.name for hook in hooks.iterdir() if hook.suffix != ".sample") if hooks.is_dir() else []
    return (f"hooks of the remote are not run: {one_line(', '.join(names), 120)}",) if names else ()


async def reaching(git: Git, remote: Remote, token: str | None, user: str = "x-access-token") -> Git:
    """Git as it may speak to this remote and nothing else, with the key as a header, or the person's own credential helpers."""
    settings: list[tuple[str, str]] = [(f"protocol.{remote.protocol}.allow", "always")]
    secrets: tuple[str, ...] = ()
    env = {"GIT_ALLOW_PROTOCOL": remote.protocol, "GIT_SSH_COMMAND": _SSH, "GIT_SSH_VARIANT": "ssh"}
    own = await _own_settings() if remote.protocol != "file" else []
    commands = [value for key, value in own if key == "core.sshcommand"]
    if commands:
        env = {"GIT_ALLOW_PROTOCOL": remote.protocol, "GIT_SSH_COMMAND": commands[-1]}
    with_key = bool(token) and remote.web
    settings += [
        (key, value) for key, value in own if key.startswith("http.") or not (with_key or key == "core.sshcommand")
    ]
    if token and with_key:
        header = base64.b64encode(f"{user}:{token}".encode()).decode("ascii")
        parts = urlsplit(remote.url)
        settings.append((f"http.{parts.scheme}://{parts.netloc}/.extraHeader", f"Authorization: Basic {header}"))
        secrets = (token, header)
    return replace(
        git,
        settings=(*git.settings, *settings),
        env={**git.env, **env},
        secrets=secrets,
        network=True,
        deadline_s=NETWORK_DEADLINE_S,
    )


async def _own_settings() -> list[tuple[str, str]]:
    """What the person's and the computer's configuration (never a repository's) say about reaching a host."""
    found: list[tuple[str, str]] = []
    with empty_folder() as empty:
        home = {name: os.environ[name] for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME") if name in os.environ}
        git = Git(Path(empty))
        for scope, env in (("--system", {"GIT_CONFIG_NOSYSTEM": "0"}), ("--global", home)):
            said = await replace(git, unset=("GIT_CONFIG_GLOBAL",)).run(
                "config", scope, "--includes", "-z", "--get-regexp", _OWN_SETTINGS, env=env, accept=None
            )
            rows = said.out.decode("utf-8", "replace").split("\0") if said.code == 0 else []
            found += [(key.casefold() if key.count(".") == 1 else key, value) for key, _, value in _parted(rows)]
    return found


def _parted(rows: list[str]) -> list[tuple[str, str, str]]:
    return [row.partition("\n") for row in rows if row]


def _program(name: str) -> str:
    """The other end's program on this disk, without its hooks and what its configuration would run."""
    more = (*SETTINGS, ("receive.autogc", "false"), ("core.alternateRefsCommand", "false"))
    options = " ".join(f"-c '{key}={value}'" for key, value in more)
    return f"git {options} {name}"


async def references(git: Git, remote: Remote, *names: str) -> dict[str, str]:
    """Object ids by reference name at the remote; tags also as `<name>^{}`, the commit. Raises what the remote says."""
    program = (f"--upload-pack={_program('upload-pack')}",) if remote.protocol == "file" else ()
    asked = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
    found = await git.run("ls-remote", "--quiet", *program, "--", remote.url, *asked, accept=None)
    if found.code:
        raise _failure(git, remote, found)
    rows = (row.partition("\t") for row in found.text.splitlines())
    return {name: value for value, _, name in rows if len(value) == 40}


async def push(git: Git, remote: Remote, source: str, reference: str) -> None:
    """Set `reference` at the remote to `source`, only ever forward. Raises Conflict, Refused, and what the remote says."""
    program = (f"--receive-pack={_program('receive-pack')}",) if remote.protocol == "file" else ()
    pushed = await git.run(
        "push",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "--no-signed",
        *program,
        "--",
        remote.url,
        f"{source}:{reference}",
        accept=None,
    )
    if pushed.code:
        raise _rejection(reference, pushed) or _failure(git, remote, pushed)


def _rejection(reference: str, pushed: GitResult) -> StudioError | None:
    short = reference.removeprefix("refs/heads/").removeprefix("refs/tags/")
    for line in pushed.text.splitlines():
        if not line.startswith("!"):
            continue
        why = one_line(line.rsplit("\t", 1)[-1])
        if "[rejected]" in why:
            return Conflict(
                f"The remote's {short} holds work that this repository does not have, so nothing was pushed.",
                hint="Plan again: what comes then says how to bring it in.",
            )
        said = [row.removeprefix("remote:").strip() for row in pushed.err.splitlines() if row.startswith("remote:")]
        detail = f" It says: {one_line(' '.join(said))}" if any(said) else ""
        return Refused(f"The remote refused {short}: {why.removeprefix('[remote rejected]').strip(' ()')}.{detail}")
    return None


_SAYS: tuple[tuple[str, type[StudioError], str], ...] = (
    (r"authentication failed|could not read (username|password)|permission denied|returned error: 40[13]|denied to|"
     r"access denied|host key verification failed",
     AuthenticationFailed, "does not let this person in"),
    (r"repository .*not found|does not appear to be a git repository|returned error: 404|no such file", NotFound,
     "has no such repository"),
    (r"dubious ownership", Refused, "belongs to another user, and git does not use it"),
    (r"could not resolve|failed to connect|connection (refused|reset|timed out)|unable to access|could not read from "
     r"remote|hung up|timed out", ConnectionFailed, "could not be reached"),
)  # fmt: skip


def _failure(git: Git, remote: Remote, result: GitResult) -> StudioError:
    place = remote.host or one_line(remote.url)
    for pattern, kind, words in _SAYS:
        telling = next((row for row in result.err.splitlines() if re.search(pattern, row, re.IGNORECASE)), "")
        if telling:
            unknown = "host key" in telling.casefold()
            hint = f"Connect once by hand: ssh {place}" if unknown else "Check the address and the key, then go on."
            return kind(f"The remote {place} {words}: {one_line(telling, 300).rstrip('.')}.", hint=hint)
    return ProviderError(f"The remote {place} did not answer as git expects: {git.reason(result)}.", hint="Try again.")
