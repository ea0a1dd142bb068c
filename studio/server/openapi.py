"""The OpenAPI 3.1 document, made from the table of endpoints and the types they read and answer; nothing in it is written twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from studio import __version__
from studio.server.asked import KEY_HEADER, Endpoint, NoParameters
from studio.server.refusals import Failure

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TAGS = {
    "story": "Named routes for agents that write from outside. A client never sets a state itself.",
    "workflow": "A change to an application, taken through its phases by agents outside. Its progress is at the WebSocket "
    '`/api/progress`: send `{"type": "subscribe-task", "taskId": ID, "after": SEQ}`.',
    "engine": "Every command, query and view of the engine as it is, in tagged JSON.",
    "events": "What happens, as it happens. A WebSocket with the same frames as the engine's socket is at `/api/ws`.",
}
_DESCRIPTION = (
    "The gateway of one project. Send the token as `Authorization: Bearer TOKEN`; a browser has a cookie instead. "
    f"`{KEY_HEADER}` makes a command safe to send again: it acts once and answers the same. Unknown fields are refused."
)
_PATH_NAME = re.compile(r"\{(\w+)\}")


def document(endpoints: Sequence[Endpoint]) -> Json:
    """The whole document as plain JSON."""
    kinds: list[Any] = [Failure]
    for endpoint in endpoints:
        kinds += [*_answers(endpoint), endpoint.parameters, *filter(None, [endpoint.body])]
    schemas, components = msgspec.json.schema_components(kinds, schema_hook=_anything, ref_template=_REF)
    by_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, by_kind, components)
    paths["/api/events"] = {"get": _EVENTS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "studio", "version": __version__, "description": _DESCRIPTION},
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _plain(schema) for name, schema in components.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "studio-PORT"},
            },
        },
    }


def _anything(kind: type[object]) -> Json:
    """The schema of plain JSON of any kind: what an error's details hold."""
    if kind is object:
        return {"description": "Plain JSON of any kind."}
    raise NotImplementedError


def _answers(endpoint: Endpoint) -> tuple[type[msgspec.Struct], ...]:
    return endpoint.answer if isinstance(endpoint.answer, tuple) else (endpoint.answer,)


def _operation(endpoint: Endpoint, by_kind: dict[int, Json], components: dict[str, Json]) -> Json:
    answers = [by_kind[id(kind)] for kind in _answers(endpoint)]
    answer = {"anyOf": answers} if len(answers) > 1 else answers[0]
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint, components)],
        "responses": {"200": _response("Carried out.", answer), **_refusals(by_kind)},
    }
    if endpoint.method == "POST":
        operation["parameters"].append(_KEY)
    if endpoint.body is not None:
        content = {"application/json": {"schema": by_kind[id(endpoint.body)]}}
        operation["requestBody"] = {"required": endpoint.body_required, "content": content}
    return operation


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PATH_NAME.findall(path)
    ]


def _query_parameters(endpoint: Endpoint, components: dict[str, Json]) -> list[Json]:
    """A struct's fields as parameters: one that may be absent is not sent, so its null is left out."""
    if endpoint.parameters is NoParameters:
        return []
    schema = components[endpoint.parameters.__name__]
    required = schema.get("required", [])
    tag = endpoint.parameters.__struct_config__.tag_field
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(dict(field))}
        for name, field in schema["properties"].items()
        if name != tag
    ]


def _without_null(schema: Json) -> Json:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if schema.get("default", 0) is None:
        del schema["default"]
    if len(kinds) == 1:
        return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
    return schema


def _plain(schema: Json) -> Json:
    """Without the wrapped lines of a docstring."""
    if "description" in schema:
        schema = {**schema, "description": " ".join(schema["description"].split())}
    return schema


def _response(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refusals(by_kind: dict[int, Json]) -> Json:
    schema = by_kind[id(Failure)]
    return {status: _response(words, schema) for status, words in _REFUSALS.items()}


_REFUSALS = {
    "400": "The request cannot be read.",
    "401": "No token, or a wrong one.",
    "404": "There is no such page, chapter, revision or run.",
    "409": "Not possible in this state, or decided on something that has changed since.",
    "422": "What was given is not usable.",
    "default": "Too large, too slow, too often, a foreign origin, or a failure of the disk.",
}
_KEY: Json = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key, a request acts once and answers the same.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_SEQUENCE: Json = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_EVENTS: Json = {
    "operationId": "events",
    "summary": "Server-sent events; the id of an event is its journal sequence. Without end: read it with a client that streams.",
    "tags": ["events"],
    "parameters": [
        {"name": "Last-Event-ID", "in": "header", "required": False, "schema": _SEQUENCE},
        {"name": "after", "in": "query", "required": False, "schema": _SEQUENCE},
    ],
    "responses": {
        "200": {"description": "Events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        "default": {"description": "Refused."},
    },
}
