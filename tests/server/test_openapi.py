"""The OpenAPI document against the running gateway: it is valid, complete and true, and nothing it allows breaks the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from studio.protocol import commands as c
from studio.protocol import queries as q
from studio.protocol import wire
from studio.server.app import endpoints
from studio.server.asked import KEY_HEADER
from studio.server.builds import endpoints as builds
from tests.fakes.project import add_page, draft
from tests.fakes.wire_server import WireServer
from tests.server.build_walk import app_gate, begin, complete, up_to
from tests.server.conftest import BEARER, Running

EXAMPLES = 8
EACH_COMMAND = 6
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
# Streams have no end to wait for; they have tests of their own.
ENDLESS = "/api/events"


async def document(gate: Running) -> Any:
    return await gate.get("/openapi.json")


async def test_every_command_query_and_route_is_in_the_document(gate: Running) -> None:
    told = await document(gate)
    assert told["openapi"].startswith("3.1")
    assert {one.path for one in endpoints()} < set(told["paths"])
    tags = told["components"]["schemas"]
    for kinds in (wire.COMMANDS, wire.QUERIES):
        for tag, kind in kinds.items():
            assert tags[kind.__name__]["properties"]["op"] == {"enum": [tag]}
    names = [operation["operationId"] for one in told["paths"].values() for operation in one.values()]
    assert len(names) == len(set(names))


async def test_the_document_is_shown_on_a_page_that_needs_nothing_else(gate: Running) -> None:
    page = await gate.http.get("/reference")
    assert page.headers["content-type"].startswith("text/html")
    for one in endpoints():
        assert one.path in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_no_request_that_the_document_allows_breaks_the_server(gate: Running) -> None:
    known = await furnish(gate)
    schema = schemathesis.openapi.from_dict(await document(gate))
    schema.config.update(base_url=gate.url, headers=dict(BEARER))
    operations = [one.ok() for one in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        if operation.path != ENDLESS:
            strategy = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
            many = EACH_COMMAND * len(wire.COMMANDS) if operation.path == "/api/commands" else EXAMPLES
            await asyncio.to_thread(ask_often, strategy, known, many)


async def test_requests_that_the_document_forbids_are_refused_and_break_nothing(
    limited: Callable[..., AbstractAsyncContextManager[Running]],
) -> None:
    async with limited(failures=100_000.0) as gate:
        known = await furnish(gate)
        schema = schemathesis.openapi.from_dict(await document(gate))
        schema.config.update(base_url=gate.url, headers=dict(BEARER))
        for operation in (one.ok() for one in schema.get_all_operations()):
            if operation.path != ENDLESS and operation.body:
                strategy = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
                await asyncio.to_thread(ask_often, strategy, known, EXAMPLES)


async def test_no_request_to_the_workflow_api_breaks_a_project_of_its_own_kind(
    wire_server: WireServer, tmp_path: Path
) -> None:
    async with app_gate(wire_server, tmp_path) as gate:
        known = await furnish_app(gate)
        schema = schemathesis.openapi.from_dict(await document(gate))
        schema.config.update(base_url=gate.url, headers=dict(BEARER))
        asked = set()
        for operation in (one.ok() for one in schema.get_all_operations()):
            if operation.path.startswith("/api/ai-workflows/") or operation.path == "/api/orchestrator":
                asked.add(operation.path)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[: 2 if operation.body else 1]:
                    await asyncio.to_thread(ask_often, operation.as_strategy(generation_mode=mode), known, EXAMPLES)
        assert asked == {one.path for one in builds.endpoints()}


async def furnish_app(gate: Running) -> dict[str, list[str]]:
    """Changes at their beginning, in the middle and at their end."""
    begun, halfway, done = [await begin(gate, build_id=f"b-{number}") for number in range(3)]
    await up_to(gate, halfway, "TESTING")
    await up_to(gate, done, "DEPLOYMENT")
    await complete(gate, done, "DEPLOYMENT")
    ids = [begun, halfway, done, "b-1"]
    return {"id": ids, "workflow_id": ids, "current_state": ["DISCOVERY", "TESTING"], "chapterId": ["1"], "model": [""]}


async def furnish(gate: Running) -> dict[str, list[str]]:
    """A project with something of everything; the names by which it can be asked for."""
    page = await add_page(gate.client)
    run = await draft(gate.client, page)
    assert run.revision is not None
    await gate.client.execute(c.Comment(revision=run.revision, text="Shorter."))
    other = await add_page(gate.client, "Bram drops the pole.")
    pages = [page, other, "1/1", "next"]
    templates = (await gate.client.query(q.GetTemplates())).templates
    return {
        "id": pages, "page": pages, "chapter": ["1", "the-crossing"], "chapterId": ["1"], "run": [run.id],
        "name": [templates[0].name, "craft/pacing.md"], "model": ["openai:gpt-6-sol"],
        "revision": [run.revision, "1/1@narration:1"], "revisionId": [run.revision], "stage": ["narration", "dialogue"],
    }  # fmt: skip


def ask_often(strategy: st.SearchStrategy[Case], known: dict[str, list[str]], examples: int) -> None:
    """Send drawn requests, most of which name what exists: a request for a page that is not there ends too soon."""

    @seed(7)
    @settings(
        max_examples=examples, derandomize=False, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy, st.data())
    def ask(case: Case, data: st.DataObject) -> None:
        for holder in (case.path_parameters, case.query, case.body):
            fill(holder, known, data)
        if data.draw(st.integers(0, 3)):
            # A key that is drawn twice answers for the first request, which says little about the second.
            case.headers.pop(KEY_HEADER, None)
        answer = case.call()
        case.validate_response(answer, checks=list(CHECKS))

    ask()


def fill(holder: object, known: dict[str, list[str]], data: st.DataObject) -> None:
    if not isinstance(holder, dict):
        return
    for name in [name for name in holder if name in known]:
        if data.draw(st.integers(0, 3)):
            holder[name] = data.draw(st.sampled_from(known[name]))
