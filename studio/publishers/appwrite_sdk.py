"""Appwrite through its official SDK (27), in a thread and under our own deadline; refusals in words. No step of a plan is here.

The SDK gives its requests no time limit, follows redirects with the key, and prints warnings of the server: its HTTP call is
wrapped once, so that neither happens and a thread that was given up on ends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from studio.domain.errors import (
    AuthenticationFailed,
    BadInput,
    BadReply,
    Conflict,
    ConnectionFailed,
    NotFound,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRejected,
    StudioError,
    TimedOut,
)
from studio.domain.text import one_line
from studio.publishers.remote import LOOPBACK
from studio.publishers.tables import Column

if TYPE_CHECKING:
    from appwrite.client import Client

CLOUD = "https://cloud.appwrite.io/v1"
CALL_DEADLINE_S = 90.0
UPLOAD_DEADLINE_S = 900.0
_CONNECT_S, _SILENCE_S = 10.0, 60.0
_PAGE, _PAGES_LIMIT = 100, 100

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Resource:
    """A site or a function. `kind` is site or function."""

    kind: str
    id: str
    name: str
    framework: str = "other"
    runtime: str = "static-1"
    install: str = ""
    build: str = ""
    output: str = ""
    fallback: str = ""
    entrypoint: str = ""
    commands: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    id: str
    key: str
    value: str = field(repr=False)
    secret: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    status: str
    size: int
    log: str = ""


@dataclass(frozen=True, slots=True)
class TableThere:
    """A table's columns by key with their status, and the keys of its indexes."""

    columns: Mapping[str, str]
    indexes: frozenset[str]


def checked_endpoint(text: str) -> str:
    """The address of a server's API, without a slash at its end. Raises BadInput for one that a key should not go to."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not plain or not host or parts.username or parts.password or parts.query or parts.fragment:
        raise BadInput("endpoint is not an https address that a key may go to")
    return text.rstrip("/")


class _BoundedRequests:
    """Stands for the module `requests` in the SDK's client: its one call, with time limits and without redirects."""

    def request(self, **options: Any) -> Any:
        import requests

        options |= {"timeout": (_CONNECT_S, _SILENCE_S), "allow_redirects": False}
        response = requests.request(**options)
        if 300 <= response.status_code < 400:
            raise requests.TooManyRedirects("it redirects, and the key is not sent elsewhere")
        response.headers.pop("x-appwrite-warning", None)
        response.headers.setdefault("content-type", "text/plain")
        return response


class Appwrite:
    """A project's resources. Each call blocks its own thread; none is made before it is needed."""

    def __init__(self, endpoint: str, project: str, key: str) -> None:
        self._endpoint, self._project, self._key = endpoint, project, key
        self.host = urlsplit(endpoint).hostname or ""
        self._known: Client | None = None

    def _client(self) -> Client:
        if self._known is None:
            try:
                import appwrite.client as sdk
            except ImportError as error:
                raise NotFound(
                    "Publishing to Appwrite needs its SDK, which is not installed.",
                    hint="In the checkout: pip install '.[appwrite]'",
                ) from error
            vars(sdk)["requests"] = _BoundedRequests()
            client = sdk.Client()
            client.set_endpoint(self._endpoint).set_project(self._project).set_key(self._key)
            self._known = client
        return self._known

    async def _do(self, what: str, call: Callable[[], _T], deadline_s: float = CALL_DEADLINE_S) -> _T:
        """Run `call` in a thread. Raises what stands between a question and its answer."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(call), deadline_s)
        except TimeoutError as error:
            raise TimedOut(
                f"{self.host} did not finish to {what} within {deadline_s:.0f} seconds.", hint="Go on later."
            ) from error
        except StudioError:
            raise
        except Exception as error:
            raise self._told(error, what) from None  # the SDK's own text may hold a whole page

    def _told(self, error: Exception, what: str) -> ProviderError | Conflict | NotFound:
        code = getattr(error, "code", None)
        said = one_line(str(getattr(error, "message", error)).replace(self._key, "[key removed]"), 300).rstrip(".")
        # Code 0 is the SDK's for a failed request, with the exception as its message, and for a reply that is not its model's.
        if not isinstance(code, int) or (code == 0 and not isinstance(getattr(error, "message", None), OSError)):
            return BadReply(f"{self.host} answered with something that is not of its API when asked to {what}.")
        if code == 0:
            return ConnectionFailed(f"{self.host} could not be reached to {what}: {said}.", hint="Go on later.")
        if code in (401, 403):
            return AuthenticationFailed(
                f"{self.host} does not allow to {what}: {said}.",
                hint="Give the API key the scopes it needs.",
                status=code,
            )
        if code == 404:
            return NotFound(f"{self.host} does not find what it needs to {what}: {said}.", data={"status": code})
        if code == 409:
            return Conflict(f"{self.host} has it already ({what}): {said}.", data={"status": code})
        if code == 429:
            return RateLimited(f"{self.host} asks to wait: {said}.", hint="Go on later.", retry_after=60.0, status=code)
        if code >= 500:
            return Overloaded(f"{self.host} is in trouble (status {code}).", hint="Go on later.", status=code)
        return RequestRejected(f"{self.host} refused to {what} (status {code}): {said}.", status=code)

    def _service(self, kind: str) -> Any:
        if kind == "site":
            from appwrite.services.sites import Sites

            return Sites(self._client())
        from appwrite.services.functions import Functions

        return Functions(self._client())

    def _tables(self) -> Any:
        from appwrite.services.tables_db import TablesDB

        return TablesDB(self._client())

    async def exists(self, kind: str, identifier: str) -> bool:
        """Whether there is a site, function or database of that id."""

        def get() -> object:
            return (self._tables() if kind == "database" else self._service(kind)).get(identifier)

        try:
            found = await self._do(f"look at the {kind} {identifier}", get)
        except NotFound as error:
            if "status" not in error.data:
                raise
            return False
        self._is(found, identifier)
        return True

    def _is(self, found: object, identifier: str) -> None:
        """Raises BadReply for an answer about something else: the SDK fills what is missing in a reply with blanks."""
        if getattr(found, "id", None) != identifier:
            raise BadReply(f"{self.host} answered with something that is not of its API when asked for {identifier}.")

    async def create(self, wanted: Resource) -> bool:
        """Make a site or function; False when it is there already."""

        def make() -> object:
            client = self._client()
            return _make_site(client, wanted) if wanted.kind == "site" else _make_function(client, wanted)

        return await self._unless_there(f"make the {wanted.kind} {wanted.id}", make, wanted.id)

    async def _unless_there(self, what: str, call: Callable[[], object], identifier: str = "") -> bool:
        try:
            made = await self._do(what, call)
        except Conflict:
            return False
        if identifier:
            self._is(made, identifier)
        return True

    async def variables(self, wanted: Resource) -> tuple[Variable, ...]:
        found = await self._do(
            f"list the variables of {wanted.id}", lambda: self._service(wanted.kind).list_variables(wanted.id)
        )
        return tuple(Variable(row.id, row.key, row.value, row.secret) for row in found.variables)

    async def set_variable(self, wanted: Resource, variable: Variable) -> None:
        """Change the variable of that id, or make one when the id is empty."""
        service_of, value, secret = self._service, variable.value, variable.secret

        def put() -> object:
            service = service_of(wanted.kind)
            if variable.id:
                return service.update_variable(wanted.id, variable.id, key=variable.key, value=value, secret=secret)
            from appwrite.id import ID

            return service.create_variable(wanted.id, ID.unique(), variable.key, value, secret=secret)

        await self._do(f"set the variable {variable.key}", put)

    async def deployments(self, wanted: Resource) -> tuple[Deployment, ...]:
        """All of them: the server gives a page at a time, of 25 unless more is asked for."""
        found: dict[str, Deployment] = {}
        for page in range(_PAGES_LIMIT):
            rows = await self._do(f"list the deployments of {wanted.id}", partial(self._page, wanted, page))
            found |= {row.id: _deployment(row) for row in rows}
            if len(rows) < _PAGE:
                return tuple(found.values())
        raise BadReply(f"{self.host} lists more than {_PAGE * _PAGES_LIMIT} deployments of {wanted.id}.")

    def _page(self, wanted: Resource, page: int) -> list[Any]:
        from appwrite.query import Query

        queries = [Query.limit(_PAGE), Query.offset(page * _PAGE)]
        rows: list[Any] = self._service(wanted.kind).list_deployments(wanted.id, queries).deployments
        return rows

    async def deploy(self, wanted: Resource, archive: bytes) -> Deployment:
        """Upload a tar.gz (in pieces of 5 MiB, as the SDK does) and have it built and put in use."""

        def upload() -> object:
            from appwrite.input_file import InputFile

            code = InputFile.from_bytes(archive, "code.tar.gz", "application/gzip")
            return self._service(wanted.kind).create_deployment(wanted.id, code, activate=True)

        made = _deployment(await self._do(f"deploy {wanted.id}", upload, UPLOAD_DEADLINE_S))
        if not made.id:
            raise BadReply(f"{self.host} answered with no deployment when {wanted.id} was uploaded.")
        return made

    async def deployment(self, wanted: Resource, identifier: str) -> Deployment:
        found = await self._do(
            f"look at the deployment {identifier}",
            lambda: self._service(wanted.kind).get_deployment(wanted.id, identifier),
        )
        self._is(found, identifier)
        return _deployment(found)

    async def domain(self, wanted: Resource) -> str:
        """A domain that leads to the site or function; empty when the key may not see one."""
        from appwrite.services.proxy import Proxy

        try:
            found = await self._do("list the domains", lambda: Proxy(self._client()).list_rules())
        except StudioError:
            return ""
        names = [rule.domain for rule in found.rules if rule.deploymentresourceid == wanted.id]
        return one_line(names[0], 200) if names else ""

    async def create_database(self, identifier: str) -> bool:
        return await self._unless_there(
            f"make the database {identifier}", lambda: self._tables().create(identifier, identifier), identifier
        )

    async def table(self, database: str, table: str) -> TableThere | None:
        try:
            found = await self._do(f"look at the table {table}", lambda: self._tables().get_table(database, table))
        except NotFound as error:
            if "status" not in error.data:
                raise
            return None
        columns = {column.key: str(column.status.value) for column in found.columns}
        return TableThere(columns, frozenset(index.key for index in found.indexes))

    async def create_table(self, database: str, table: str) -> bool:
        return await self._unless_there(
            f"make the table {table}",
            lambda: self._tables().create_table(database, table, table, permissions=[], row_security=True),
            table,
        )

    async def create_column(self, database: str, table: str, column: Column) -> bool:
        return await self._unless_there(
            f"make the column {column.name} of {table}", lambda: _make_column(self._tables(), database, table, column)
        )

    async def create_index(self, database: str, table: str, column: Column) -> bool:
        """An index on one column; `index_key` names it."""

        def make() -> object:
            from appwrite.enums.tables_db_index_type import TablesDBIndexType

            kind = TablesDBIndexType.UNIQUE if column.unique else TablesDBIndexType.KEY
            return self._tables().create_index(database, table, index_key(column), kind, [column.name])

        return await self._unless_there(f"make the index on {column.name} of {table}", make)


def index_key(column: Column) -> str:
    return f"{column.name[:30]}_idx"


def _deployment(row: Any) -> Deployment:
    return Deployment(row.id, str(row.status.value), int(row.sourcesize), row.buildlogs)


def _make_site(client: Client, wanted: Resource) -> object:
    from appwrite.enums.adapter import Adapter
    from appwrite.enums.build_runtime import BuildRuntime
    from appwrite.enums.framework import Framework
    from appwrite.services.sites import Sites

    return Sites(client).create(
        wanted.id,
        wanted.name,
        Framework(wanted.framework),
        BuildRuntime(wanted.runtime),
        install_command=wanted.install or None,
        build_command=wanted.build or None,
        output_directory=wanted.output or None,
        adapter=Adapter.STATIC,
        fallback_file=wanted.fallback or None,
    )


def _make_function(client: Client, wanted: Resource) -> object:
    from appwrite.enums.runtime import Runtime
    from appwrite.services.functions import Functions

    return Functions(client).create(
        wanted.id,
        wanted.name,
        Runtime(wanted.runtime),
        entrypoint=wanted.entrypoint or None,
        commands=wanted.commands or None,
    )


def _make_column(tables: Any, database: str, table: str, column: Column) -> object:
    place = (database, table, column.name)
    match "uuid" if column.references else column.type:
        case "integer":
            return tables.create_integer_column(*place, required=column.required)
        case "bigint":
            return tables.create_big_int_column(*place, required=column.required)
        case "float" | "decimal":
            return tables.create_float_column(*place, required=column.required)
        case "boolean":
            return tables.create_boolean_column(*place, required=column.required)
        case "date" | "timestamp":
            return tables.create_datetime_column(*place, required=column.required)
        case "text" | "json":
            return tables.create_text_column(*place, required=column.required)
        case "uuid":
            return tables.create_varchar_column(*place, size=36, required=column.required)
        case _:
            return tables.create_varchar_column(*place, size=255, required=column.required)
