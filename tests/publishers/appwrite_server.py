"""A loopback Appwrite: the routes that publishing uses, with replies built from the SDK's own models and its documented errors."""

import contextlib
import enum
import json
import re
import threading
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from appwrite.models.base_model import AppwriteModel
from appwrite.models.column_varchar import ColumnVarchar
from appwrite.models.database import Database
from appwrite.models.deployment import Deployment
from appwrite.models.deployment_list import DeploymentList
from appwrite.models.function import Function
from appwrite.models.proxy_rule import ProxyRule
from appwrite.models.proxy_rule_list import ProxyRuleList
from appwrite.models.site import Site
from appwrite.models.table import Table
from appwrite.models.variable import Variable
from appwrite.models.variable_list import VariableList

KEY = "standard_9b1f0c4f7f1d4a0f8a5f"


def _blank(kind: Any) -> object:
    """The emptiest value of a field's type."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return None if type(None) in typing.get_args(kind) else _blank(typing.get_args(kind)[0])
    if typing.get_origin(kind) is list or kind is list:
        return []
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind)).value
    if isinstance(kind, type) and issubclass(kind, AppwriteModel):
        return model(kind)
    return {str: "", bool: False, float: 0, int: 0, dict: {}}.get(kind, "")


def model(kind: type[AppwriteModel], **values: object) -> dict[str, Any]:
    """A reply of that model: every field that it requires, by the names on the wire. The model itself checks it."""
    data: dict[str, Any] = {
        info.alias or name: _blank(info.annotation) for name, info in kind.model_fields.items() if info.is_required()
    }
    data |= values
    kind.model_validate(data)
    return data


@dataclass
class Loopback:
    """The server's state, and every request as method and path."""

    address: str = ""
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deployments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    build: list[str] = field(default_factory=lambda: ["waiting", "building", "ready"])
    log: str = ""
    looks: int = 0

    def answer(self, method: str, path: str, body: Any, headers: Any) -> tuple[int, dict[str, Any]]:
        kind, _, rest = path.strip("/").partition("/")
        if kind == "tablesdb":
            return self._data(method, rest, body)
        if kind == "proxy":
            rule = model(ProxyRule, domain="shop.appwrite.network", deploymentResourceId="shop")
            return 200, model(ProxyRuleList, total=1, rules=[rule])
        what = {"sites": Site, "functions": Function}[kind]
        if not rest:
            return self._make(what, body, body["siteId" if kind == "sites" else "functionId"])
        identifier, _, part = rest.partition("/")
        if identifier not in self.things:
            return missing(kind)
        if not part:
            return 200, self.things[identifier]
        if part.startswith("variables"):
            return self._variable(method, identifier, part.partition("/")[2], body)
        return self._deployment(method, identifier, part.partition("/")[2], body, headers)

    def _make(self, what: type[AppwriteModel], body: Any, identifier: str) -> tuple[int, dict[str, Any]]:
        if identifier in self.things:
            return 409, error(409, "The requested ID already exists.", "already_exists")
        facts = {
            name: value for name, value in body.items() if name in ("name", "framework", "buildRuntime", "runtime")
        }
        self.things[identifier] = model(what, **{"$id": identifier}, **facts)
        return 201, self.things[identifier]

    def _variable(self, method: str, of: str, identifier: str, body: Any) -> tuple[int, dict[str, Any]]:
        rows = self.variables.setdefault(of, [])
        if method == "GET":
            shown = [row | ({"value": ""} if row["secret"] else {}) for row in rows]
            return 200, model(VariableList, total=len(rows), variables=shown)
        if method == "PUT":
            row = next(row for row in rows if row["$id"] == identifier)
            row |= {"value": body["value"], "secret": body["secret"]}
            return 200, row
        if any(row["key"] == body["key"] for row in rows):
            return 409, error(409, "Variable with the same key already exists.", "variable_already_exists")
        made = model(
            Variable, **{"$id": body["variableId"]}, key=body["key"], value=body["value"], secret=body["secret"]
        )
        rows.append(made)
        return 201, made

    def _deployment(self, method: str, of: str, identifier: str, body: Any, headers: Any) -> tuple[int, dict[str, Any]]:
        rows = self.deployments.setdefault(of, [])
        if method == "POST":
            return self._upload(rows, body, headers)
        if not identifier:
            asked = {one["method"]: one["values"][0] for one in body}
            start = asked.get("offset", 0)
            shown = rows[start : start + asked.get("limit", 25)]
            return 200, model(DeploymentList, total=len(rows), deployments=shown)
        row = next((row for row in rows if row["$id"] == identifier), None)
        if row is None:
            return missing("deployment")
        row["status"] = self.build[min(self.looks, len(self.build) - 1)]
        row["buildLogs"] = self.log
        self.looks += 1
        return 200, row

    def _upload(self, rows: list[dict[str, Any]], body: dict[str, bytes], headers: Any) -> tuple[int, dict[str, Any]]:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("content-range", ""))
        identifier = headers.get("x-appwrite-id") or f"dep{len(rows) + 1}"
        total = int(found[3]) if found else len(body["code"])
        start = int(found[1]) if found else 0
        held = self.archives.setdefault(identifier, b"\0" * total)
        self.archives[identifier] = held[:start] + body["code"] + held[start + len(body["code"]) :]
        row = next((row for row in rows if row["$id"] == identifier), None)
        if row is None:
            row = model(Deployment, **{"$id": identifier}, sourceSize=total, status="waiting", activate=True)
            rows.append(row)
        return 202, row

    def _data(self, method: str, rest: str, body: Any) -> tuple[int, dict[str, Any]]:
        parts = rest.split("/") if rest else []
        if not parts:
            if body["databaseId"] in self.things:
                return 409, error(409, "Database already exists.", "database_already_exists")
            self.things[body["databaseId"]] = model(Database, **{"$id": body["databaseId"]}, name=body["name"])
            return 201, self.things[body["databaseId"]]
        if parts[0] not in self.things:
            return missing("database")
        if len(parts) == 1:
            return 200, self.things[parts[0]]
        if len(parts) == 2:
            if body["tableId"] in self.tables:
                return 409, error(409, "Table already exists.", "table_already_exists")
            facts = {"$id": body["tableId"], "rowSecurity": body["rowSecurity"], "$permissions": body["permissions"]}
            self.tables[body["tableId"]] = model(Table, **facts, name=body["name"])
            return 201, self.tables[body["tableId"]]
        table = self.tables.get(parts[2])
        if table is None:
            return missing("table")
        return self._in_table(method, table, parts[3:], body)

    def _in_table(self, method: str, table: dict[str, Any], parts: list[str], body: Any) -> tuple[int, dict[str, Any]]:
        if not parts:
            for column in table["columns"]:  # made behind the answer: ready one look later
                column["status"], column["seen"] = ("available" if column.get("seen") else "processing"), True
            return 200, table
        rows = table[parts[0]]
        if any(row["key"] == body["key"] for row in rows):
            return 409, error(409, "Column or index already exists.", "column_already_exists")
        if parts[0] == "columns":
            made = model(ColumnVarchar, key=body["key"], required=body["required"], status="processing", size=255)
            rows.append(made | {"type": "string", "wire": parts[1]})
            return 202, rows[-1]
        from appwrite.models.column_index import ColumnIndex

        made = model(ColumnIndex, key=body["key"], type=body["type"], status="available", columns=body["columns"])
        rows.append(made)
        return 202, made


def error(code: int, message: str, kind: str) -> dict[str, Any]:
    return {"message": message, "code": code, "type": kind, "version": "1.9.0"}


def missing(kind: str) -> tuple[int, dict[str, Any]]:
    return 404, error(404, f"{kind} with the requested ID could not be found.", f"{kind}_not_found")


def _multipart(kind: str, body: bytes) -> dict[str, bytes]:
    parsed = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = parsed.get_payload()
    assert isinstance(parts, list)
    found: dict[str, bytes] = {}
    for part in parts:
        data = part.get_payload(decode=True)  # type: ignore[union-attr]
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        found[str(name)] = data if isinstance(data, bytes) else b""
    return found


def _handler(state: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            path = urlsplit(self.path).path.removeprefix("/v1")
            name = f"{self.command} {path}"
            state.requests.append(name)
            state.keys.add(self.headers.get("x-appwrite-key", ""))
            if state.faults.get(name):
                self._send(*state.faults[name].pop(0))
                return
            if self.headers.get("x-appwrite-key") != KEY or self.headers.get("x-appwrite-project") != "p1":
                status, data = 401, error(401, "The API key is invalid.", "general_unauthorized_scope")
            else:
                kind = self.headers.get("content-type", "")
                queries = parse_qsl(urlsplit(self.path).query)
                asked = [json.loads(value) for name, value in queries if name.startswith("queries")]
                content: Any = (
                    asked
                    if self.command == "GET"
                    else _multipart(kind, body)
                    if kind.startswith("multipart")
                    else json.loads(body or b"null")
                )
                status, data = state.answer(self.command, path, content, self.headers)
            self._send(status, {"content-type": "application/json"}, json.dumps(data).encode())

        def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = _serve

    return Handler


@contextlib.contextmanager
def running_appwrite() -> Iterator[Loopback]:
    """A server on a free port of loopback."""
    state = Loopback()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
