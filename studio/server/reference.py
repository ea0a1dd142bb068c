"""The page that shows the OpenAPI document: rendered here, so that it needs no script and nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from studio.server.pages import page

Json = dict[str, Any]


def reference(document: Json) -> str:
    """The document as HTML, a section for each tag and a fold for each operation and type."""
    info = document["info"]
    parts = [
        f"<h1>studio {escape(info['version'])}</h1>",
        f"<p>{_words(info['description'])}</p>",
        '<p>The same for programs: <a href="/openapi.json">/openapi.json</a></p>',
    ]
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{_words(tag['description'])}</p>")
        parts += [_operation(*one) for one in operations if tag["name"] in one[2]["tags"]]
    parts.append("<h2>types</h2>")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(
            f'<details id="{escape(name)}"><summary><code>{escape(name)}</code> '
            f'<span class="dim">{_words(schema.get("description", ""))}</span></summary>{_json(schema)}</details>'
        )
    return page("studio: the API", "".join(parts))


def _operation(path: str, method: str, operation: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td><td>{_type(one['schema'])}</td></tr>"
        for one in operation["parameters"]
    )
    table = f"<table>{rows}</table>" if rows else ""
    body = _content(operation.get("requestBody", {}))
    answer = _content(operation["responses"]["200"])
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f'<span class="dim">{_words(operation["summary"])}</span></summary>{table}'
        f"{f'<p>body: {body}</p>' if body else ''}<p>answer: {answer}</p></details>"
    )


def _content(holder: Json) -> str:
    return " ".join(_type(one["schema"]) for one in holder.get("content", {}).values())


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    kinds = schema.get("anyOf")
    if kinds:
        return " or ".join(map(_type, kinds))
    words = " ".join(map(str, schema.get("enum", ()))) or schema.get("type", "any")
    return f"<code>{escape(str(words))}</code>"


def _json(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _words(text: str) -> str:
    """Text with its `code` marked."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))
