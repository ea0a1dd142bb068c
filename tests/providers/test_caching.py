"""Prompt caches on a server that counts honestly: pages of a chapter and both roles share the prefix."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.providers.base import Finished, JsonSchema, Message, ModelProfile, ModelRequest, Provider
from studio.providers.prompt_shape import breakpoint_places, cache_control_places
from tests.fakes.wire_prose import page
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import collect, text_of

Make = Callable[..., Provider]
SCHEMA = JsonSchema(
    "dialogue", {"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "object"}}}}
)
CANON = "\n\n".join(page(f"canon {number}") for number in range(24))  # about 6,000 tokens


def prompt(prior: list[str], brief: str, role: str) -> tuple[Message, ...]:
    """A prompt as the design assembles it: stable first, prior pages one message each, then what changes."""
    pages = [Message("user", text, cache=at == len(prior) - 1) for at, text in enumerate(prior)]
    return (
        Message("system", f"You write a graphic novel.\n\n{CANON}", cache=True),
        *pages,
        Message("user", f"{role}: {brief}"),
    )


async def write_chapter(provider: Provider, model: str, roles: tuple[str, ...], pages: int = 8) -> list[Finished]:
    prior: list[str] = []
    ends: list[Finished] = []
    for number in range(pages):
        approved = []
        for role in roles:
            request = ModelRequest(
                model=model,
                messages=prompt(prior, f"beat {number} " * 20, role),
                max_output_tokens=1_000,
                json_schema=SCHEMA if role == "dialogue" else None,
                cache_key="project",
            )
            parts = await collect(provider, request)
            end = parts[-1]
            assert isinstance(end, Finished)
            ends.append(end)
            approved.append(text_of(parts))
        prior.append("\n\n".join(approved))
    return ends


def share(ends: list[Finished]) -> float:
    given = sum(end.usage.input_tokens or 0 for end in ends)
    return sum(end.usage.cached_tokens or 0 for end in ends) / given


SERVICES = [
    ("chat", "gpt-4.1", "none"),
    ("responses", "gpt-4.1", "none"),
    ("responses", "gpt-6.1-terra", "breakpoint"),
    ("chat", "gpt-5.6-sol", "breakpoint"),
    ("messages", "claude-sonnet-5-5", "cache_control"),
]


@pytest.mark.parametrize(("api", "model", "marks"), SERVICES)
@pytest.mark.parametrize("role", ["narration", "dialogue"])
async def test_eight_pages_of_one_role_read_most_of_their_input_from_the_cache(
    api: str, model: str, marks: str, role: str, server: WireServer, provider_for: Make
) -> None:
    provider = provider_for(api, profile=ModelProfile(cache_marks=marks))  # type: ignore[arg-type]

    ends = await write_chapter(provider, model, (role,))

    assert share(ends) > 0.8
    assert share(ends) == pytest.approx(server.cached_share)
    # Every page after the first reads at least what the page before it had in common.
    assert all((end.usage.cached_tokens or 0) > 5_000 for end in ends[1:])


@pytest.mark.parametrize(("api", "model", "marks"), SERVICES)
async def test_both_roles_together_stay_cached_although_a_schema_starts_a_prefix_of_its_own(
    api: str, model: str, marks: str, server: WireServer, provider_for: Make
) -> None:
    provider = provider_for(api, profile=ModelProfile(cache_marks=marks))  # type: ignore[arg-type]

    assert share(await write_chapter(provider, model, ("narration", "dialogue"))) > 0.8


async def test_without_breakpoints_the_newer_openai_models_find_nothing(server: WireServer, provider_for: Make) -> None:
    provider = provider_for("responses", profile=ModelProfile(cache_marks="none"))

    ends = await write_chapter(provider, "gpt-6.1-terra", ("narration",), pages=4)

    assert share(ends) == 0
    assert all((end.usage.cache_write_tokens or 0) > 5_000 for end in ends)


async def test_the_changing_end_of_a_prompt_is_not_written_to_the_cache(server: WireServer, provider_for: Make) -> None:
    provider = provider_for("responses", profile=ModelProfile(cache_marks="breakpoint"))

    ends = await write_chapter(provider, "gpt-6.1-terra", ("narration",), pages=4)

    body = server.calls[-1].body
    assert body["prompt_cache_options"] == {"mode": "explicit"}
    assert "prompt_cache_breakpoint" not in body["input"][-1]["content"][-1]
    assert all((end.usage.cache_write_tokens or 0) < 600 for end in ends[1:])


async def test_anthropics_counts_add_up_to_the_whole_input(server: WireServer, provider_for: Make) -> None:
    ends = await write_chapter(provider_for("messages"), "claude-sonnet-5-5", ("narration",), pages=3)

    for end, seen in zip(ends, server.calls, strict=True):
        assert seen.count is not None
        assert end.usage.input_tokens == seen.count.total
        assert end.usage.cached_tokens == seen.count.read
        assert end.usage.cache_write_tokens == seen.count.write


async def test_twelve_flagged_messages_become_four_breakpoints(server: WireServer, provider_for: Make) -> None:
    messages = (
        Message("system", CANON, cache=True),
        *(Message("user", f"Page {number}.", cache=True) for number in range(11)),
        Message("user", "Now."),
    )

    await collect(provider_for("messages"), ModelRequest("claude-sonnet-5-5", messages, 500))

    body = server.calls[0].body
    marked = [block["text"] for block in body["messages"][0]["content"] if "cache_control" in block]
    assert "cache_control" in body["system"][0]
    assert marked == ["Page 8.", "Page 9.", "Page 10."]


def test_breakpoints_for_openai_cover_every_place_where_an_earlier_prompt_ended() -> None:
    messages = [
        Message("system", "canon", cache=True),
        Message("user", "one"),
        Message("assistant", "example"),
        Message("user", "two", cache=True),
        Message("user", "now"),
    ]

    assert breakpoint_places(messages) == {0, 1, 3}
    assert breakpoint_places(messages[-1:]) == frozenset()
    assert len(breakpoint_places([Message("user", "x", cache=True)] * 200)) == 80


def test_few_flags_are_kept_as_they_are() -> None:
    messages = [Message("system", "a", cache=True), Message("user", "b"), Message("user", "c", cache=True)]

    assert cache_control_places(messages) == {0, 2}
