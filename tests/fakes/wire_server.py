"""A loopback model server that does as its script says: Chat Completions, Responses and Messages on the wire.

In a test:  `async with WireServer() as server: server.play(Step(fault=Fault.RESET)); ... server.requests[0].body`
In a thread (for tests whose own loop is busy):  `with running_wire_server() as server: ...`
As a process:  `python -m tests.fakes.wire_server --port-file F [--script NAME|FILE.py] [--repeat] [--tokens-per-second N]`
Control from outside: `GET /__wire__/requests`, `POST /__wire__/script` with `{"name": ...}` or `{"steps": [{...}]}`.

A scripted application build is a function of the request, the same for all three wires and for models without tools (which get
their calls as a JSON object). It is told who asks by words of the system prompt, and how far it is by the results in the request:

    def respond(asked: Asked) -> Answering:
        if asked.says("You plan"):                       # the lead: a JSON plan
            return json.dumps({"tasks": [...]})
        if asked.says("You write code", "task-2"):       # a worker, told apart by its task
            if not asked.done("create_file"):
                return ["The page first.", Call("create_file", {"path": "a.html", "content": "..."}), Call("list_files")]
            if asked.last and asked.last.is_error:       # the program refused something
                return Call("create_file", {...})
            return Call("finish_app", {"summary": "done"})
        return None                                      # a page of prose, or an object that fits the schema

    WireServer(respond=respond), running_wire_server(respond=respond), or a FILE.py that defines `respond`.

It may be `async` (to wait for other requests: a barrier shows that workers run side by side) and may return a `Step` for faults:
`Step(parts=(Call("create_file", {...}, cut=20),))` ends inside the arguments, `Call(name, '{"path": ')` is not JSON, `id=""` is no
id, `piece=1` dribbles. Steps that were queued with `play` come first. Requests are held to the wire's rules (`wire_rules`): a call
without its result is a 400, as at the service.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import json
import os
import runpy
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes import wire_prose
from tests.fakes.wire_asked import Respond, as_offered, read_asked, step_of
from tests.fakes.wire_cache import Block, Count, PromptCache, token_count
from tests.fakes.wire_chat import ChatDialect
from tests.fakes.wire_dialect import Answer, Dialect
from tests.fakes.wire_http import ClientGoneError, HttpRequest, Responder, read_request
from tests.fakes.wire_messages import MessagesDialect
from tests.fakes.wire_plan import Move, ending, pieces_of, sections_of, text_section, until
from tests.fakes.wire_responses import ResponsesDialect
from tests.fakes.wire_rules import broken_rule
from tests.fakes.wire_script import SCRIPTS, Call, Fault, Finish, Step, dumps, step_from_json

MODELS = ("gpt-6.1-terra", "gpt-4.1", "claude-sonnet-5-5", "scripted-model")
DIALECTS: dict[str, Dialect] = {
    "/chat/completions": ChatDialect(),
    "/responses": ResponsesDialect(),
    "/messages": MessagesDialect(),
}


@dataclass(slots=True)
class Recorded:
    """One request as it came. `hung_up` is set when the client left before the answer was whole; `count` is the input's tokens."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    hung_up: bool = False
    answered: bool = False
    text: str = ""
    called: tuple[str, ...] = ()
    count: Count | None = None

    def as_json(self) -> dict[str, object]:
        count = None if self.count is None else [self.count.total, self.count.read, self.count.write]
        return {
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body": self.body,
            "hung_up": self.hung_up,
            "answered": self.answered,
            "text": self.text,
            "called": list(self.called),
            "count": count,
        }


@dataclass(slots=True)
class WireServer:
    """The server. `keys` (when given) are the only API keys let in; `context_tokens` is the largest prompt accepted."""

    tokens_per_second: float = 0.0
    keys: frozenset[str] | None = None
    context_tokens: int | None = None
    requests: list[Recorded] = field(default_factory=list)
    cache: PromptCache = field(default_factory=PromptCache)
    port: int = 0
    play_on_models: Step | None = None  # answer to /v1/models, instead of the list
    respond: Respond | None = None
    _steps: deque[Step] = field(default_factory=deque)
    _repeat: bool = False
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Root address; what the Anthropic SDK wants as base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """Address with `/v1`; what the OpenAI SDK wants as base URL."""
        return f"{self.url}/v1"

    @property
    def calls(self) -> list[Recorded]:
        """The requests that asked a model for text."""
        return [seen for seen in self.requests if seen.path.removeprefix("/v1") in DIALECTS]

    @property
    def cached_share(self) -> float:
        """The part of all input tokens that came from the cache."""
        counts = [seen.count for seen in self.calls if seen.count]
        return sum(count.read for count in counts) / max(sum(count.total for count in counts), 1)

    def play(self, *steps: Step, repeat: bool = False) -> None:
        """Queue steps for the next requests; with `repeat`, go round for ever. When the queue is empty, answers are good."""
        self._steps.extend(steps)
        self._repeat = repeat

    def play_script(self, name: str, *, repeat: bool = False) -> None:
        self.play(*SCRIPTS[name], repeat=repeat)

    async def __aenter__(self) -> WireServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._on_connection, "127.0.0.1", self.port, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await read_request(reader)) is not None:
                await self._serve(request, Responder(reader, writer))
                if writer.is_closing():
                    break
        except (ClientGoneError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, request: HttpRequest, out: Responder) -> None:
        if request.path.startswith("/__wire__/"):
            await self._control(request, out)
            return
        seen = Recorded(request.method, request.path, request.headers, _json(request.body))
        self.requests.append(seen)
        try:
            await self._answer(seen, out)
            seen.answered = True
        except ClientGoneError:
            seen.hung_up = True
            raise

    async def _answer(self, seen: Recorded, out: Responder) -> None:
        path = seen.path.removeprefix("/v1")
        if self.keys is not None and _key(seen) not in self.keys:
            await self._refuse_key(path, out)
        elif path == "/models" and self.play_on_models is not None:
            await self._plain(self.play_on_models, DIALECTS["/chat/completions"], out)
        elif path == "/models":
            data = [
                {"id": name, "object": "model", "type": "model", "created": 0, "owned_by": "wire"} for name in MODELS
            ]
            page = {"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None}
            await _send_json(out, 200, page)
        elif path in ("/messages/count_tokens", "/responses/input_tokens"):
            blocks = DIALECTS[path.rsplit("/", 1)[0]].blocks(seen.body)
            tokens = sum(len(block.rendered) for block in blocks) // 4
            await _send_json(out, 200, {"object": "response.input_tokens", "input_tokens": tokens})
        elif path in DIALECTS:
            await self._model(DIALECTS[path], seen, out)
        else:
            await _send_json(out, 404, {"error": {"message": f"no such path {seen.path}", "type": "not_found_error"}})

    async def _refuse_key(self, path: str, out: Responder) -> None:
        step = Step(status=401, error_message="invalid API key")
        await _send_json(out, 401, DIALECTS.get(path, DIALECTS["/chat/completions"]).error_body(step))

    async def _model(self, dialect: Dialect, seen: Recorded, out: Responder) -> None:
        number = len(self.calls)
        step = await self._chosen_step(dialect, seen, number)
        await out.pause(step.first_byte_delay)
        headers = ((dialect.request_id_header, f"req_{number}"), *step.headers)
        blocks = dialect.blocks(seen.body)
        step = self._checked(step, dialect, blocks)
        if step.plain:
            await self._plain(step, dialect, out, headers)
            return
        answer = self._compose(dialect, seen, number, step, blocks)
        seen.text, seen.count = answer.text, answer.count
        seen.called = tuple(section.name for section in answer.calls)
        if not seen.body.get("stream"):
            await _send_json(out, 200, dialect.whole(answer), headers)
            return
        await self._stream(dialect, answer, out, headers)

    @staticmethod
    async def _plain(step: Step, dialect: Dialect, out: Responder, headers: tuple[tuple[str, str], ...] = ()) -> None:
        body = step.raw_body if step.raw_body is not None else dumps(dialect.error_body(step))
        await out.whole(step.status, body.encode(), step.content_type, headers or step.headers)

    def _next_step(self) -> Step:
        if not self._steps:
            return Step()
        step = self._steps.popleft()
        if self._repeat:
            self._steps.append(step)
        return step

    async def _chosen_step(self, dialect: Dialect, seen: Recorded, number: int) -> Step:
        """The next queued step, else what `respond` says to this request, as far as the wire's rules let the request through."""
        path, schema = seen.path.removeprefix("/v1"), dialect.schema(seen.body)
        if words := broken_rule(path, seen.body):
            return Step(status=400, error_message=words)
        if self._steps or self.respond is None:
            return self._next_step()
        asked = read_asked(path, seen.body, number, schema)
        answer = self.respond(asked)
        step = step_of(await answer if inspect.isawaitable(answer) else answer)
        return as_offered(step, asked)

    def _checked(self, step: Step, dialect: Dialect, blocks: list[Block]) -> Step:
        """The step, or the 400 that a real service would answer to this request."""
        tokens = sum(len(block.rendered) for block in blocks) // 4
        if self.context_tokens is not None and tokens > self.context_tokens:
            words = f"request ({tokens} tokens) exceeds the available context size ({self.context_tokens} tokens)"
            return Step(status=400, error_message=words, error_type="exceed_context_size_error")
        if isinstance(dialect, MessagesDialect) and (words := dialect.too_many_marks(blocks) or ""):
            return Step(status=400, error_message=words)
        return step

    def _compose(self, dialect: Dialect, seen: Recorded, number: int, step: Step, blocks: list[Block]) -> Answer:
        schema = dialect.schema(seen.body)
        prompt = "\n".join(block.text for block in blocks)
        sections = sections_of(step.parts, f"{dialect.call_prefix}_{number}") if step.parts is not None else ()
        finish = ending(sections, step.finish)
        if step.parts is None:
            deltas, finish = self._prose(step, finish, prompt, schema, dialect.max_tokens(seen.body))
            sections = (text_section(deltas),)
            if finish is Finish.TOOL_USE:
                sections = (*sections, *sections_of((Call("create_file", {"path": "a.py"}),), "call"))
        count = dialect.count(self.cache, seen.body, blocks)
        return Answer(number, str(seen.body.get("model")), sections, count, finish, step)

    @staticmethod
    def _prose(
        step: Step, finish: Finish, prompt: str, schema: Mapping[str, object] | None, limit: int | None
    ) -> tuple[tuple[str, ...], Finish]:
        """The pieces of a text answer and how it ends: at the request's limit, when the text is not the script's own."""
        text = step.text
        if text is None:
            text = wire_prose.fitting(prompt, schema) if schema else wire_prose.page(prompt)
        deltas = step.deltas or tuple(wire_prose.pieces(text))
        if finish is Finish.LENGTH:
            return deltas[: max(len(deltas) // 2, 1)], finish
        if step.text is None and step.deltas is None and limit and token_count(text) > limit:
            return tuple(wire_prose.pieces(text[: limit * 4])), Finish.LENGTH
        return deltas, finish

    async def _stream(
        self, dialect: Dialect, answer: Answer, out: Responder, headers: tuple[tuple[str, str], ...]
    ) -> None:
        step = answer.step
        delay = step.delta_delay
        if delay is None:
            delay = 1 / self.tokens_per_second if self.tokens_per_second else 0.0
        await out.start_stream(headers)
        for data in dialect.opening(answer):
            await out.chunk(data, step.split_every)
        whole = step.fault is Fault.NONE
        pieces = pieces_of(answer.sections, mixed=step.mixed)
        for piece in pieces if whole else until(pieces, step.after):
            await out.pause(delay if piece.move is Move.DELTA else 0.0)
            for data in dialect.piece(answer, piece):
                await out.chunk(data, step.split_every)
        if not whole:
            await self._break_off(dialect, answer, out)
            return
        for data in dialect.closing(answer):
            await out.chunk(data, step.split_every)
        await out.end_stream()

    async def _break_off(self, dialect: Dialect, answer: Answer, out: Responder) -> None:
        match answer.step.fault:
            case Fault.RESET | Fault.FIN as fault:
                # A beat, so that what was sent has left before the connection goes: a reset drops unsent and unread bytes.
                await out.pause(0.05)
                (out.reset if fault is Fault.RESET else out.close)()
            case Fault.STALL:
                await out.pause(3600)
            case Fault.BAD_JSON:
                await out.chunk(b'event: content_block_delta\ndata: {"type": "content_block_delta", "cut\n\n')
                await out.end_stream()
            case Fault.ERROR_FRAME:
                await out.chunk(dialect.error_frame(answer))
                await out.end_stream()
            case Fault.FAILED:
                await out.chunk(dialect.failed_frame(answer))
                await out.end_stream()
            case _:
                await out.end_stream()

    async def _control(self, request: HttpRequest, out: Responder) -> None:
        if request.path == "/__wire__/script":
            order = _json(request.body)
            steps: Iterable[Step] = [step_from_json(step) for step in order.get("steps", ())]
            self._steps.clear()
            self.play(*SCRIPTS.get(order.get("name", ""), ()), *steps, repeat=bool(order.get("repeat")))
        await _send_json(out, 200, {"requests": [seen.as_json() for seen in self.requests]})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return body.decode("utf-8", "replace")


def _key(seen: Recorded) -> str:
    return seen.headers.get("x-api-key") or seen.headers.get("authorization", "").removeprefix("Bearer ")


async def _send_json(out: Responder, code: int, data: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
    await out.whole(code, dumps(data).encode("utf-8", "surrogatepass"), "application/json", headers)


@contextlib.contextmanager
def running_wire_server(**options: Any) -> Iterator[WireServer]:
    """A server on a loop of its own, in a thread, for the length of a `with` block."""
    server, ready = WireServer(**options), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def main() -> None:
        async with server:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="wire-server", daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _serve_until_signal(args: argparse.Namespace) -> None:
    server = WireServer(tokens_per_second=args.tokens_per_second, context_tokens=args.context_tokens, port=args.port)
    if args.script in SCRIPTS:
        server.play_script(args.script, repeat=args.repeat)
    else:
        server.respond = runpy.run_path(args.script)["respond"]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        if args.port_file:
            partial = args.port_file.with_suffix(".partial")
            partial.write_text(f"{server.port}\n")
            os.replace(partial, args.port_file)
        print(f"LISTENING {server.url}", flush=True)
        await stop.wait()


def _script(given: str) -> str:
    if given in SCRIPTS or Path(given).is_file():
        return given
    raise argparse.ArgumentTypeError(f"no such file, and not one of {', '.join(sorted(SCRIPTS))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted model server on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, help="written once listening: the port number")
    parser.add_argument("--script", type=_script, default="good", help="a name, or a file that defines respond(asked)")
    parser.add_argument("--repeat", action="store_true", help="go through the script for ever")
    parser.add_argument("--tokens-per-second", type=float, default=0.0)
    parser.add_argument("--context-tokens", type=int)
    asyncio.run(_serve_until_signal(parser.parse_args()))


if __name__ == "__main__":
    main()
