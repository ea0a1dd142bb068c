"""The real runtime with the real tiny model. What is asserted is structure, never content: 135 million parameters write nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from studio.domain.errors import ConnectionFailed, ContextTooLong, MissingModel
from studio.domain.tooling import ToolSpec
from studio.providers.actions import ActingProvider
from studio.providers.base import (
    Finished,
    FinishReason,
    JsonSchema,
    Message,
    ModelRequest,
    StreamPart,
    TextDelta,
    ToolCallReady,
    ToolCallStarted,
)
from studio.providers.local.choice import find_model, read_choice
from studio.providers.local.process import Endpoint, ServerState, http_client
from studio.providers.local.profiles import PROFILES
from studio.providers.local.progress import Progress, Step
from studio.providers.local.provider import LocalProvider
from studio.providers.local.setup import set_up
from studio.providers.local.weights import TINY, models_folder

pytestmark = [pytest.mark.local_model, pytest.mark.asyncio(loop_scope="module")]

CANON = "The lamp keeper lives alone. " * 40
LONG = JsonSchema("long", {"type": "array", "items": {"type": "integer"}, "minItems": 300})
STATES: list[tuple[str, ServerState]] = []


@pytest.fixture(scope="module", autouse=True)
def _logs_of_the_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[LocalProvider]:
    made = LocalProvider(on_state=lambda model, state: STATES.append((model, state)))
    yield made
    await made.aclose()


def ask(text: str = "Name three lamps.", *, tokens: int = 24, schema: JsonSchema | None = None) -> ModelRequest:
    said = (Message("system", CANON, cache=True), Message("user", text), Message("user", "Be short."))
    sampling = replace(PROFILES["tiny"].sampling["draft"], seed=7)
    return ModelRequest("tiny", said, tokens, sampling, json_schema=schema)


async def answer(provider: LocalProvider, request: ModelRequest) -> tuple[str, Finished]:
    parts = [part async for part in provider.stream(request)]
    assert isinstance(parts[-1], Finished)
    return "".join(part.text for part in parts if isinstance(part, TextDelta)), parts[-1]


def weights_in(folder: Path) -> Path:
    """The tiny weights under another folder, without a copy."""
    path = folder / TINY.file_name
    path.symlink_to(models_folder() / TINY.file_name)
    return path


async def test_it_streams_counts_and_serves_the_shared_prefix_from_its_cache(provider: LocalProvider) -> None:
    assert await provider.count_tokens(ask()) is None
    text, first = await answer(provider, ask())
    assert text
    assert first.reason in (FinishReason.COMPLETE, FinishReason.LENGTH)
    assert first.served_model == "tiny"
    _, second = await answer(provider, ask("Name three ships."))
    assert (second.usage.output_tokens or 0) > 0
    assert (second.usage.cached_tokens or 0) > 100
    assert STATES[:2] == [("tiny", ServerState.LOADING), ("tiny", ServerState.READY)]


async def test_the_count_is_exact(provider: LocalProvider) -> None:
    _, finished = await answer(provider, ask())
    assert await provider.count_tokens(ask()) == finished.usage.input_tokens


async def test_an_answer_fits_the_schema(provider: LocalProvider) -> None:
    line = {
        "type": "object",
        "properties": {"speaker": {"type": "string", "maxLength": 12}, "kind": {"enum": ["speech", "sfx"]}},
        "required": ["speaker", "kind"],
        "additionalProperties": False,
    }
    lines = {"type": "array", "items": line, "minItems": 1, "maxItems": 2}
    shape = {"type": "object", "properties": {"lines": lines}, "required": ["lines"], "additionalProperties": False}
    text, finished = await answer(provider, ask("Write lines.", tokens=400, schema=JsonSchema("dialogue", shape)))
    assert finished.reason is FinishReason.COMPLETE
    found = json.loads(text)["lines"]
    assert 1 <= len(found) <= 2
    assert all(entry["kind"] in ("speech", "sfx") for entry in found)


CREATE = ToolSpec(
    "create_file",
    "Write a new file.",
    {
        "type": "object",
        "properties": {"path": {"type": "string", "maxLength": 20}, "content": {"type": "string", "maxLength": 60}},
        "required": ["path", "content"],
        "additionalProperties": False,
    },
)


async def test_it_calls_a_tool_by_schema_and_goes_on_from_the_result(provider: LocalProvider) -> None:
    acting = ActingProvider(provider, provider.profile("tiny"))
    request = replace(ask("Create hello.txt with a greeting.", tokens=300), tools=(CREATE,), tool_choice="required")
    request = replace(request, parallel_tools=False)

    first = [part async for part in acting.stream(request)]
    calls = [part.call for part in first if isinstance(part, ToolCallReady)]
    assert [call.name for call in calls] == ["create_file"]
    assert set(calls[0].arguments) == {"path", "content"}
    assert first[0] == ToolCallStarted(0, "create_file")
    assert not [part for part in first if isinstance(part, TextDelta)]
    assert isinstance(first[-1], Finished)
    assert first[-1].reason is FinishReason.TOOL_USE

    said = Message("assistant", "", tool_calls=tuple(calls))
    told = Message("tool", "Created.", tool_call_id=calls[0].id, tool_name="create_file")
    second = [part async for part in acting.stream(replace(request, messages=(*request.messages, said, told)))]
    after = [part.call for part in second if isinstance(part, ToolCallReady)]
    assert [call.name for call in after] == ["create_file"]
    assert after[0].id != calls[0].id
    assert isinstance(second[-1], Finished)
    assert (second[-1].usage.cached_tokens or 0) > 100


async def test_hanging_up_frees_the_model(provider: LocalProvider) -> None:
    async with aclosing(provider.stream(ask(tokens=4000, schema=LONG))) as parts:
        async for part in parts:
            assert isinstance(part, TextDelta)
            break
    endpoint = await provider.ensure_running("tiny")
    await _idle(endpoint)
    text, _ = await answer(provider, ask())
    assert text


async def _idle(endpoint: Endpoint) -> None:
    async with http_client(endpoint, seconds=10) as client:
        while any(slot["is_processing"] for slot in (await client.get("http://localhost/slots")).json()):
            pass  # each turn is a request of its own


async def test_two_at_once_are_both_answered(provider: LocalProvider) -> None:
    both = await asyncio.gather(answer(provider, ask("One.")), answer(provider, ask("Two.")))
    assert all(text for text, _ in both)


async def test_a_prompt_beyond_the_context_is_named(provider: LocalProvider) -> None:
    with pytest.raises(ContextTooLong):
        await answer(provider, ask("word " * 9000))


async def test_the_server_wants_its_key(provider: LocalProvider) -> None:
    endpoint = await provider.ensure_running("tiny")
    async with http_client(replace(endpoint, key="guess"), seconds=10) as client:
        assert (await client.get("http://localhost/v1/models")).status_code == 401


async def test_a_child_that_is_killed_while_it_writes_is_explained_and_replaced(provider: LocalProvider) -> None:
    seen: list[StreamPart] = []

    async def read() -> None:
        async for part in provider.stream(ask(tokens=4000, schema=LONG)):
            if not seen:
                os.kill(_children()[0].pid, signal.SIGKILL)
            seen.append(part)

    with pytest.raises(ConnectionFailed, match="memory ran out"):
        await read()
    assert seen
    text, _ = await answer(provider, ask())
    assert text
    assert ("tiny", ServerState.RESTARTING) in STATES


def _children() -> list[psutil.Process]:
    here = psutil.Process().children(recursive=True)
    return [child for child in here if "studio.providers.local.server" in " ".join(child.cmdline())]


async def test_closing_ends_the_child_and_its_socket() -> None:
    provider = LocalProvider()
    endpoint = await provider.ensure_running("tiny")
    before = {child.pid for child in _children()}
    assert endpoint.socket is not None
    await provider.aclose()
    assert len({child.pid for child in _children()}) == len(before) - 1
    assert endpoint.unreachable


OWNER = """
import asyncio, psutil, sys
from studio.providers.local.provider import LocalProvider
async def own():
    endpoint = await LocalProvider().ensure_running("tiny")
    print(psutil.Process().children()[0].pid, endpoint.socket, flush=True)
    await asyncio.sleep(600)
asyncio.run(own())
"""


def kill_an_owner() -> tuple[psutil.Process, Path]:
    """Start a process that owns a child and kill it; returns the child, given time to end, and its socket's folder."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, socket = owner.stdout.readline().split()
    child = psutil.Process(int(pid))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    psutil.wait_procs([child], 30)
    return child, Path(socket).parent


async def test_the_childs_life_ends_with_an_owner_that_is_killed() -> None:
    child, folder = await asyncio.to_thread(kill_an_owner)
    assert not child.is_running()
    assert not await asyncio.to_thread(folder.exists)


async def test_a_file_with_a_good_beginning_and_nothing_else_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "cut.gguf").write_bytes(b"GGUF" + bytes(200))
    monkeypatch.setenv("STUDIO_LOCAL_MODEL", str(folder / "cut.gguf"))
    provider = LocalProvider(folder=folder)
    with pytest.raises(MissingModel, match="file could not be loaded"):
        await provider.ensure_running("own")
    await provider.aclose()


async def test_the_set_up_tries_the_model_and_remembers_it(folder: Path) -> None:
    weights_in(folder)
    seen: list[Progress] = []
    done = await set_up("tiny", folder=folder, tell=seen.append)
    assert done.source == "already there"
    assert done.trial.tokens > 0
    assert [step for step in Step if any(progress.step is step for progress in seen)][-3:] == [
        Step.LOADING,
        Step.TRYING,
        Step.DONE,
    ]
    assert read_choice(folder).model == "tiny"
    assert not any(
        "models" in " ".join(child.cmdline()) and str(folder) in str(child.cmdline()) for child in _children()
    )


async def test_an_own_file_is_set_up_by_its_path_and_answers_under_its_own_name(folder: Path) -> None:
    path = folder / "mine.gguf"
    path.symlink_to(models_folder() / TINY.file_name)
    done = await set_up(str(path), folder=folder)
    assert (done.model.name, done.source) == ("own", "your own file")
    assert find_model("own", folder, {}).path == path
    provider = LocalProvider(folder=folder, environ={})
    assert await provider.list_models() == ["own"]
    assert provider.profile("own").label == "local mine - your own model"
    _, finished = await answer(provider, replace(ask(), model="own"))
    assert finished.served_model == "own"
    await provider.aclose()
