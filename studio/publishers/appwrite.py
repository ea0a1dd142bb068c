"""Publishing to Appwrite: tables, a site or a function, its variables, and a deployment that is waited for."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from studio.domain.errors import MissingKey, NotFound, Refused, RequestRejected, StudioError, TimedOut
from studio.domain.text import clean, counted, one_line, slugify
from studio.publishers import options, snapshot
from studio.publishers.appwrite_sdk import CLOUD, Appwrite, Deployment, Resource, Variable, checked_endpoint, index_key
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
from studio.publishers.carrying_out import Action, Check, carry_out, hold_to
from studio.publishers.tables import Table, tables_of

KEY = "APPWRITE_API_KEY"
OPTIONS = (
    Option("project", str, "id of the Appwrite project", required=True),
    Option("endpoint", str, "address of the API", CLOUD),
    Option("key", str, "name of the key", KEY),
    Option("kind", str, "what to deploy", "site", choices=("site", "function")),
    Option("id", str, "id of the site or function; without it the name of this table"),
    Option("framework", str, "framework of a site", "other"),
    Option("runtime", str, "runtime, such as static-1, node-22 or python-3.12", "static-1"),
    Option("install", str, "install command of a site"),
    Option("build", str, "build command of a site"),
    Option("output", str, "folder of a site's files", "./"),
    Option("fallback", str, "file of a site for addresses that it does not have"),
    Option("entrypoint", str, "a function's file"),
    Option("commands", str, "a function's build commands"),
    Option("variables", str, "NAME=value; NAME=value"),
    Option("secret_variables", str, "names of keys to set as secret variables: NAME; NAME"),
    Option("database", str, "id of the database that holds the tables", "app"),
    Option("tables", str, "JSON list of tables, or the path of such a file in the app"),
    Option("wait", int, "minutes to wait for the build", 15),
)
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,35}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_COLUMN_READY = "available"


@dataclass(frozen=True, slots=True)
class _Wanted:
    endpoint: str
    project: str
    key: str
    resource: Resource
    variables: Mapping[str, str]
    secret_names: tuple[str, ...]
    database: str
    tables: tuple[Table, ...]
    wait_s: float


class AppwritePublisher:
    """A site or function on Appwrite. `poll_s` is the time between two looks at a build."""

    name = "appwrite"
    options = OPTIONS

    def __init__(self, poll_s: float = 3.0) -> None:
        self._poll_s = poll_s

    def keys(self, target: Target) -> tuple[KeyUse, ...]:
        endpoint = checked_endpoint(str(target.options.get("endpoint", CLOUD)))
        host, key = urlsplit(endpoint).hostname or "", str(target.options.get("key", KEY))
        cloud = host == "cloud.appwrite.io" or host.endswith(".cloud.appwrite.io")
        own = KeyUse(one_line(key, 80), host, usual=cloud and key == KEY)
        more = _names(str(target.options.get("secret_variables", "")))
        return (own, *(KeyUse(one_line(name, 80), host, usual=False) for name in more))

    async def plan(self, release: Release, target: Target, secrets: Secrets) -> PublishPlan:
        wanted = _wanted(release, target)
        snapshot.check(release)
        server = _server(wanted, secrets)
        for name in wanted.secret_names:
            _secret(name, secrets)
        what = wanted.resource
        exists = await server.exists(what.kind, what.id)
        known = [found.id for found in await server.deployments(what)] if exists else []
        steps, lines = await _tables_planned(server, wanted)
        if not exists:
            steps.append(Step("create", f"Make the {what.kind} {what.id}", f"in the project {wanted.project}"))
        names = [*wanted.variables, *wanted.secret_names]
        if names:
            steps.append(Step("variables", "Set its variables", ", ".join(names)))
        size = len(await asyncio.to_thread(archive, release))
        steps.append(
            Step("deploy", "Upload the release", f"{counted(len(release.tree), 'file')}, {size} bytes as tar.gz")
        )
        steps.append(Step("ready", "Wait until it is built and in use", f"at most {wanted.wait_s / 60:.0f} minutes"))
        lines.append(f"{what.kind} {what.id}: {'a new deployment' if exists else 'is made, with its first deployment'}")
        lines += [f"  {file.path} ({file.size} bytes)" for file in release.tree]
        return planned(
            release,
            target,
            tuple(steps),
            summary=f"Version {release.version} is deployed to the {what.kind} {what.id} on {server.host}.",
            diff=clean("\n".join(lines))[: snapshot.DIFF_LIMIT],
            warnings=("a key goes into the variables of the deployment",) if wanted.secret_names else (),
            state={"known": known, "size": size},
        )

    async def apply(
        self, release: Release, plan: PublishPlan, done: Done, report: Report, secrets: Secrets
    ) -> Published:
        hold_to(release, plan, self.name)
        snapshot.check(release)
        wanted = _wanted(release, plan.target)
        server = _server(wanted, secrets)
        work = _Work(release, plan, wanted, server, secrets, self._poll_s)
        found = await carry_out(plan, done, report, work.actions(), work.checks())
        domain = await server.domain(wanted.resource)
        place = f"project-{wanted.project}/{wanted.resource.kind}s/{wanted.resource.kind}-{wanted.resource.id}"
        url = f"https://{domain}" if domain else f"{wanted.endpoint.removesuffix('/v1')}/console/{place}"
        identifier = str(found["deploy"].get("deployment", ""))
        return Published(
            url, f"deployment {identifier} is in use", {"deployment": identifier, "id": wanted.resource.id}
        )


class _Work:
    """The steps as actions; each looks first at what is there."""

    def __init__(
        self, release: Release, plan: PublishPlan, wanted: _Wanted, server: Appwrite, secrets: Secrets, poll_s: float
    ) -> None:
        self._release, self._wanted, self._server = release, wanted, server
        self._secrets, self._poll_s = secrets, poll_s
        known = plan.state.get("known")
        self._known = {str(name) for name in known} if isinstance(known, list | tuple) else set()

    def actions(self) -> dict[str, Action]:
        found: dict[str, Action] = {
            "database": self.database,
            "create": self.create,
            "variables": self.variables,
            "deploy": self.deploy,
            "ready": self.ready,
        }
        return found | {f"table:{table.name}": self._table(table) for table in self._wanted.tables}

    def checks(self) -> dict[str, Check]:
        """Whether what was made is still there. Columns and variables are looked at when they are made."""
        return {"database": self._there("database"), "create": self._there("create"), "deploy": self.has_deployment}

    def _there(self, step: str) -> Check:
        what, database = self._wanted.resource, self._wanted.database
        kind, identifier = ("database", database) if step == "database" else (what.kind, what.id)

        async def look(done: Done) -> bool:
            return await self._server.exists(kind, identifier)

        return look

    async def has_deployment(self, done: Done) -> bool:
        try:
            await self._server.deployment(self._wanted.resource, str(done["deploy"].get("deployment", "")))
        except NotFound:
            return False
        return True

    async def database(self, done: Done) -> StepData:
        return {"made": await self._server.create_database(self._wanted.database)}

    def _table(self, table: Table) -> Action:
        async def make(done: Done) -> StepData:
            return await self._make_table(table)

        return make

    async def _make_table(self, table: Table) -> StepData:
        server, database = self._server, self._wanted.database
        await server.create_table(database, table.name)
        there = await server.table(database, table.name)
        known = there.columns if there else {}
        made = [column.name for column in table.columns if column.name not in known]
        for column in table.columns:
            if column.name not in known:
                await server.create_column(database, table.name, column)
        indexed = [column for column in table.columns if column.unique or column.references]
        if indexed:
            indexes = await self._columns_ready(table)
            for column in indexed:
                if index_key(column) not in indexes:
                    await server.create_index(database, table.name, column)
        return {"table": table.name, "columns": made}

    async def _columns_ready(self, table: Table) -> frozenset[str]:
        """Wait until the server has made the columns, which it does behind the answer; the indexes there are."""
        end = time.monotonic() + self._wanted.wait_s
        while time.monotonic() < end:
            there = await self._server.table(self._wanted.database, table.name)
            states = dict(there.columns) if there else {}
            failed = [name for name, state in states.items() if state in ("failed", "stuck")]
            if failed:
                raise RequestRejected(f"{self._server.host} could not make the column {failed[0]} of {table.name}.")
            if there and all(states.get(column.name) == _COLUMN_READY for column in table.columns):
                return there.indexes
            await asyncio.sleep(self._poll_s)
        raise TimedOut(f"The columns of {table.name} were not made in time.", hint="Go on later.")

    async def create(self, done: Done) -> StepData:
        made = await self._server.create(self._wanted.resource)
        return {"id": self._wanted.resource.id, "made": made}

    async def variables(self, done: Done) -> StepData:
        what = self._wanted.resource
        there = {variable.key: variable for variable in await self._server.variables(what)}
        hidden = {name: _secret(name, self._secrets) for name in self._wanted.secret_names}
        for name, value in {**self._wanted.variables, **hidden}.items():
            found = there.get(name)
            if found is None or name in hidden or found.value != value:
                await self._server.set_variable(what, Variable(found.id if found else "", name, value, name in hidden))
        return {"names": [*self._wanted.variables, *hidden]}

    async def deploy(self, done: Done) -> StepData:
        """Upload, unless an upload of these bytes since the plan is there: one made before a kill."""
        data = await asyncio.to_thread(archive, self._release)
        what = self._wanted.resource
        for found in await self._server.deployments(what):
            if found.id not in self._known and found.size == len(data) and found.status not in ("failed", "canceled"):
                return {"deployment": found.id}
        return {"deployment": (await self._server.deploy(what, data)).id}

    async def ready(self, done: Done) -> StepData:
        identifier = str(done["deploy"].get("deployment", ""))
        end = time.monotonic() + self._wanted.wait_s
        while True:
            found = await self._server.deployment(self._wanted.resource, identifier)
            if found.status == "ready":
                return {"deployment": identifier, "status": found.status}
            if found.status in ("failed", "canceled"):
                raise Refused(_failed(found), hint="Mend the app or the commands in studio.toml, then plan again.")
            if time.monotonic() >= end:
                raise TimedOut(
                    f"The deployment {identifier} is still {one_line(found.status, 40)}.", hint="Go on later."
                )
            await asyncio.sleep(self._poll_s)


def _failed(found: Deployment) -> str:
    last = [line for line in clean(found.log).splitlines() if line.strip()][-3:]
    words = f": {one_line(' / '.join(last), 300)}" if last else ""
    return f"The deployment {one_line(found.id, 60)} {found.status}{words}."


async def _tables_planned(server: Appwrite, wanted: _Wanted) -> tuple[list[Step], list[str]]:
    steps: list[Step] = []
    lines: list[str] = []
    if not wanted.tables:
        return steps, lines
    database = await server.exists("database", wanted.database)
    if not database:
        steps.append(Step("database", f"Make the database {wanted.database}"))
        lines.append(f"database {wanted.database}: is made")
    for table in wanted.tables:
        there = await server.table(wanted.database, table.name) if database else None
        new = [column.name for column in table.columns if there is None or column.name not in there.columns]
        missing = [
            column for column in table.columns if column.unique or column.references
            if there is None or index_key(column) not in there.indexes
        ]  # fmt: skip
        if there is None or new or missing:
            words = "is made" if there is None else "gets what it lacks"
            steps.append(Step(f"table:{table.name}", f"The table {table.name} {words}", ", ".join(new)))
            lines.append(f"table {table.name}: {words} ({', '.join(new) or 'indexes'})")
    return steps, lines


def archive(release: Release) -> bytes:
    """The release as tar.gz: the same release is the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in release.tree:
            data = snapshot.content(release, file)
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode = len(data), snapshot.mode(file)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(";") if name.strip()]


def _variables(text: str, secret: str) -> Iterator[tuple[str, str, str]]:
    """Each variable's name and value, or in the third place what is wrong with it. Values are not shown."""
    seen: set[str] = set()
    rows = [*(row.partition("=")[::2] for row in _names(text)), *((name, "") for name in _names(secret))]
    for name, value in rows:
        plain = name.strip()
        if not _VARIABLE.fullmatch(plain):
            yield "", "", "a variable has no plain name"
        elif plain in seen:
            yield "", "", f"the variable {plain} is twice"
        else:
            seen.add(plain)
            yield plain, value.strip(), ""


def _wanted(release: Release, target: Target) -> _Wanted:
    """The options in use. Raises BadInput naming every problem at once."""
    given = {name: str(value) for name, value in target.options.items()}
    problems: list[str] = []
    endpoint = CLOUD
    tables: tuple[Table, ...] = ()
    try:
        endpoint = checked_endpoint(given.get("endpoint", CLOUD))
    except StudioError as error:
        problems.append(error.message)
    try:
        tables = tables_of(release, given["tables"]) if given.get("tables") else ()
    except StudioError as error:
        problems.append(error.message.rstrip("."))
    identifier = given.get("id") or slugify(target.name).encode("ascii", "ignore").decode("ascii").strip("-")[:36]
    for name, value in (
        ("project", given.get("project", "x")),
        ("id", identifier),
        ("database", given.get("database", "app")),
    ):
        if not _ID.fullmatch(value):
            problems.append(f"{name} is not an id (letters, digits, . _ and -, at most 36)")
    rows = list(_variables(given.get("variables", ""), given.get("secret_variables", "")))
    problems += [problem for _, _, problem in rows if problem]
    problems += _unknown_kinds(given)
    found = options.read(target, OPTIONS, problems)
    secret_names = tuple(_names(found.text("secret_variables")))
    return _Wanted(
        endpoint=endpoint,
        project=found.text("project"),
        key=found.text("key"),
        resource=_resource(found, identifier, one_line(release.project.name, 100) or identifier),
        variables={name: value for name, value, _ in rows if name not in secret_names},
        secret_names=secret_names,
        database=found.text("database"),
        tables=tables,
        wait_s=max(1, int(given.get("wait", 15))) * 60.0,
    )


def _unknown_kinds(given: Mapping[str, str]) -> list[str]:
    """Frameworks and runtimes that the SDK does not know; with no SDK here, that is said when it is needed."""
    try:
        from appwrite.enums.framework import Framework
        from appwrite.enums.runtime import Runtime
    except ImportError:
        return []
    found: list[str] = []
    for name, kinds in (("framework", Framework), ("runtime", Runtime)):
        values = [str(kind.value) for kind in kinds]
        if name in given and given[name] not in values:
            found.append(f"{name} is not one of {', '.join(values[:12])} ...")
    return found


def _resource(found: options.Options, identifier: str, name: str) -> Resource:
    return Resource(
        kind=found.text("kind"),
        id=identifier,
        name=name,
        framework=found.text("framework"),
        runtime=found.text("runtime"),
        install=found.text("install"),
        build=found.text("build"),
        output=found.text("output"),
        fallback=found.text("fallback"),
        entrypoint=found.text("entrypoint"),
        commands=found.text("commands"),
    )


def _server(wanted: _Wanted, secrets: Secrets) -> Appwrite:
    return Appwrite(wanted.endpoint, wanted.project, _secret(wanted.key, secrets))


def _secret(name: str, secrets: Secrets) -> str:
    value = (secrets(name) or "").strip()
    if not value:
        raise MissingKey(
            f"Publishing to Appwrite needs a key, and {one_line(name, 60)} is not set.",
            hint=f"Set {one_line(name, 60)} in the environment or in .env.",
        )
    return value
