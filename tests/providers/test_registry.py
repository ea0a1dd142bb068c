"""References, default models, keys and addresses: what is meant, and where a key may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.errors import BadInput, MissingKey, MissingModel, NotFound, RequestRejected
from studio.domain.run import Usage
from studio.providers.base import Finished, ModelProfile, ModelRef
from studio.providers.endpoints import merge_endpoints
from studio.providers.registry import LocalHook, ProviderRegistry
from studio.providers.scripted import ScriptedProvider
from tests.fakes.wire_server import WireServer
from tests.providers.conftest import asking, collect, text_of


def local(ready: str | None = "small") -> LocalHook:
    profile = ModelProfile(local=True, label="local 1.5B - draft quality", template_variant="small")
    return LocalHook(
        ("small", "tiny"),
        lambda: ready,
        lambda model: profile,
        lambda: ScriptedProvider(name="local"),
        lambda model: model == ready,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anthropic:claude-opus-5-5", "anthropic:claude-opus-5-5"),
        ("  OpenAI:gpt-6-sol ", "openai:gpt-6-sol"),
        ("ollama:qwen2.5:3b", "ollama:qwen2.5:3b"),
        ("openrouter:deepseek/deepseek-r1:free", "openrouter:deepseek/deepseek-r1:free"),
        ("claude-sonnet-5-5", "anthropic:claude-sonnet-5-5"),
        ("claude-something-new", "anthropic:claude-something-new"),
        ("gpt-6-sol", "openai:gpt-6-sol"),
        ("grok-4.7", "xai:grok-4.7"),
        ("mistralai/mistral-large", "openrouter:mistralai/mistral-large"),
        ("deepseek/deepseek-r1:free", "openrouter:deepseek/deepseek-r1:free"),
        ("qwen3:8b", "ollama:qwen3:8b"),
        ("xai", "xai:grok-4.7"),
        ("local", "local:small"),
        ("local:tiny", "local:tiny"),
        ("tiny", "local:tiny"),
    ],
)
def test_a_name_resolves(text: str, expected: str) -> None:
    assert str(ProviderRegistry(local=local()).parse_ref(text)) == expected


@pytest.mark.parametrize("text", ["", ":", "nonsense", "mistral:7b", "local:", "open ai:gpt"])
def test_an_unknown_name_is_refused_with_a_way_on(text: str) -> None:
    with pytest.raises(NotFound, match="No model or provider") as caught:
        ProviderRegistry().parse_ref(text)

    assert "provider:model" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "near"),
    [("cluade-sonnet-5-5", "anthropic:claude-sonnet-5-5"), ("antropic", "anthropic"), ("grook-4.7x", "xai:grok-4.7")],
)
def test_a_slip_of_the_pen_is_answered_with_near_names(text: str, near: str) -> None:
    with pytest.raises(NotFound) as caught:
        ProviderRegistry().parse_ref(text)

    assert f"Did you mean {near}" in caught.value.hint


def test_escapes_in_a_name_do_not_reach_the_message() -> None:
    with pytest.raises(NotFound) as caught:
        ProviderRegistry().parse_ref("\x1b]0;x\x07\nmodel")

    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"XAI_API_KEY": "x"}, "xai:grok-4.7"),
        ({"GROK_API_KEY": "x"}, "xai:grok-4.7"),
        ({"XAI_API_KEY": "x", "OPENROUTER_API_KEY": "x"}, "openrouter:anthropic/claude-sonnet-5.5"),
        ({"OPENROUTER_API_KEY": "x", "OPENAI_API_KEY": "x"}, "openai:gpt-6.1-terra"),
        ({"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x"}, "anthropic:claude-sonnet-5-5"),
        ({"ANTHROPIC_API_KEY": "  ", "OPENAI_API_KEY": "x"}, "openai:gpt-6.1-terra"),
        ({}, "local:small"),
    ],
)
def test_the_default_is_the_first_service_with_a_key_and_else_the_local_model(
    env: dict[str, str], expected: str
) -> None:
    assert str(ProviderRegistry(env=env, local=local()).require_default()) == expected


LAB = {"lab": {"base_url": "http://127.0.0.1:9/v1", "models": ["big", "small"], "key_env": ["LAB_KEY"]}}
KEYLESS = {"lab": {"base_url": "http://127.0.0.1:9/v1", "models": ["big"], "key_required": False}}
NAMELESS = {"lab": {"base_url": "http://127.0.0.1:9/v1", "key_required": False}}


@pytest.mark.parametrize(
    ("user", "project", "env", "expected"),
    [
        (LAB, {}, {"LAB_KEY": "x"}, "lab:big"),
        (LAB, {}, {}, "local:small"),
        (LAB, {}, {"LAB_KEY": "x", "XAI_API_KEY": "x"}, "xai:grok-4.7"),
        (KEYLESS, {}, {}, "lab:big"),
        (NAMELESS, {}, {}, "local:small"),
        ({}, KEYLESS, {}, "local:small"),  # a project's, which nobody has allowed
        ({"ollama": {"base_url": "http://127.0.0.1:9/v1", "models": ["qwen"]}}, {}, {}, "ollama:qwen"),
        ({"ollama": {"read_timeout": 5.0}}, {}, {}, "local:small"),
    ],
)
def test_a_service_that_the_settings_add_is_the_default_where_no_known_one_has_a_key(
    user: dict[str, dict[str, object]], project: dict[str, dict[str, object]], env: dict[str, str], expected: str
) -> None:
    endpoints = merge_endpoints(user, project)

    assert str(ProviderRegistry(endpoints, env, local=local()).require_default()) == expected


def test_with_nothing_set_up_one_line_says_what_to_do() -> None:
    registry = ProviderRegistry(local=local(ready=None))

    assert registry.default_ref() is None
    with pytest.raises(MissingModel) as caught:
        registry.require_default()
    assert "ANTHROPIC_API_KEY" in str(caught.value)
    assert "studio local setup" in str(caught.value)
    assert "pip install studio" not in str(caught.value)


def test_a_runtime_that_is_installed_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = ProviderRegistry(env={"STUDIO_MODELS_DIR": str(tmp_path)}, local=local(ready=None))
    for version, asked in (("2026.10", False), (None, True)):
        monkeypatch.setattr("studio.providers.local.runtime.runtime_version", lambda version=version: version)
        with pytest.raises(MissingModel) as caught:
            registry.require_default()
        assert ("pip install xllamacpp" in str(caught.value)) == asked


def test_known_models_say_whether_they_can_be_used_and_why_not() -> None:
    known = {
        str(model.ref): model for model in ProviderRegistry(env={"OPENAI_API_KEY": "x"}, local=local()).known_models()
    }

    assert known["openai:gpt-6.1-terra"].available
    assert known["openai:gpt-6.1-terra"].key == "OPENAI_API_KEY"
    assert not known["anthropic:claude-sonnet-5-5"].available
    assert "ANTHROPIC_API_KEY" in known["anthropic:claude-sonnet-5-5"].reason
    assert known["local:small"].profile.label == "local 1.5B - draft quality"


def test_a_local_model_whose_file_is_not_here_cannot_be_used_though_another_can() -> None:
    known = {str(model.ref): model for model in ProviderRegistry(env={}, local=local()).known_models()}

    assert known["local:small"].available != known["local:tiny"].available
    (missing,) = (model for name, model in known.items() if name.startswith("local:") and not model.available)
    assert missing.reason == f"not set up: studio local setup {missing.ref.model}"


def test_a_provider_is_made_once() -> None:
    registry = ProviderRegistry(env={"OPENAI_API_KEY": "x"}, local=local())

    assert registry.provider("openai") is registry.provider("openai")
    assert registry.provider("local") is registry.provider("local")
    with pytest.raises(NotFound, match="nobody"):
        registry.provider("nobody")


async def test_closing_closes_every_provider_although_one_fails() -> None:
    class FakeStubborn(ScriptedProvider):
        async def aclose(self) -> None:
            raise OSError("no")

    hook = local()
    registry = ProviderRegistry(local=LocalHook(hook.models, hook.default, hook.profile, FakeStubborn, hook.installed))
    registry.provider("local")
    registry.provider("openai")

    await registry.aclose()


async def test_the_sdks_base_url_variables_are_honoured(server: WireServer) -> None:
    env = {
        "OPENAI_BASE_URL": server.openai_url,
        "OPENAI_API_KEY": "o",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "a",
    }
    registry = ProviderRegistry(env=env)

    for name, path in (("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")):
        parts = await collect(registry.provider(name), asking("messages", model=registry.parse_ref(name).model))
        assert isinstance(parts[-1], Finished)
        assert server.calls[-1].path == path
    # A compatible server gets no field that only OpenAI's own API knows.
    assert "prompt_cache_options" not in server.calls[0].body
    await registry.aclose()


def test_openais_own_address_in_the_variable_keeps_the_responses_api() -> None:
    registry = ProviderRegistry(env={"OPENAI_BASE_URL": "https://api.openai.com/v1/", "OPENAI_API_KEY": "x"})

    assert type(registry.provider("openai")).__name__ == "OpenAIResponses"
    assert (
        type(ProviderRegistry(env={"OPENAI_BASE_URL": "https://gate.example/v1"}).provider("openai")).__name__
        == "OpenAIChat"
    )


@pytest.mark.parametrize(
    "address", ["not an address", "ftp://host/v1", "https://me:secret@host/v1", "http://models.example.com/v1"]
)
def test_a_bad_base_url_in_the_environment_is_named(address: str) -> None:
    with pytest.raises(BadInput, match="OPENAI_BASE_URL") as caught:
        ProviderRegistry(env={"OPENAI_BASE_URL": address})

    assert "secret" not in str(caught.value)


async def test_a_users_endpoint_is_reached_with_its_own_key(server: WireServer) -> None:
    table = {
        "base_url": server.openai_url,
        "api": "responses",
        "key_env": ["WIRE_KEY"],
        "models": ["scripted-model"],
        "headers": {"X-Team": "comics"},
    }
    registry = ProviderRegistry(merge_endpoints({"wire": table}), {"WIRE_KEY": "w", "OPENAI_API_KEY": "o"})

    parts = await collect(registry.provider("wire"), asking(model="scripted-model"))

    assert text_of(parts)
    assert server.calls[0].path == "/v1/responses"
    assert server.calls[0].headers["authorization"] == "Bearer w"
    assert server.calls[0].headers["x-team"] == "comics"
    check = await registry.check("wire")
    assert "scripted-model" in check.models
    assert check.base_url == registry.base_url("wire") == server.openai_url
    assert registry.base_url("local") == ""
    await registry.aclose()


async def test_a_projects_endpoint_gets_nothing_before_the_persons_yes(server: WireServer) -> None:
    table = {"base_url": server.openai_url, "key_env": ["OPENAI_API_KEY", "THEIRS"], "models": ["m"]}
    env = {"OPENAI_API_KEY": "o"}

    closed = ProviderRegistry(merge_endpoints(project={"theirs": table}), env)
    with pytest.raises(RequestRejected, match="not allowed"):
        closed.provider("theirs")
    assert closed.key_source("theirs") == ""

    opened = ProviderRegistry(merge_endpoints(project={"theirs": table}, project_trusted=True), env)
    with pytest.raises(MissingKey):
        await collect(opened.provider("theirs"), asking(model="m"))
    assert server.requests == []
    await opened.aclose()


async def test_keys_come_from_the_lookup_at_each_call(server: WireServer) -> None:
    asked: list[tuple[str, tuple[str, ...], str]] = []

    def keys(name: str, variables: tuple[str, ...], command: str) -> str | None:
        asked.append((name, variables, command))
        return f"key-{len(asked)}-abcdef" if command else None

    table = {"base_url": server.openai_url, "key_env": ["WIRE_KEY"], "api_key_cmd": "pass show wire", "models": ["m"]}
    registry = ProviderRegistry(merge_endpoints({"wire": table}), keys=keys)

    assert registry.key_source("wire") == "api_key_cmd"
    assert asked == [("wire", ("WIRE_KEY",), "")]  # the command was not run to see whether there is a key
    await collect(registry.provider("wire"), asking(model="m"))
    await collect(registry.provider("wire"), asking(model="m"))

    assert asked[1:] == [("wire", ("WIRE_KEY",), "pass show wire")] * 2
    assert [seen.headers["authorization"] for seen in server.calls] == ["Bearer key-2-abcdef", "Bearer key-3-abcdef"]
    await registry.aclose()


async def test_prewarming_makes_the_first_call_find_everything_ready(server: WireServer) -> None:
    registry = ProviderRegistry(env={"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "a"})

    await registry.prewarm(ModelRef("anthropic", "claude-sonnet-5-5"))
    await registry.prewarm(ModelRef("nobody", "x"))

    assert server.requests == []
    assert text_of(await collect(registry.provider("anthropic"), asking("messages")))
    await registry.aclose()


def test_prices_follow_the_endpoint() -> None:
    table = {"base_url": "https://gate.example/v1", "models": ["claude-sonnet-5-5"], "price_table": "anthropic"}
    mine = {"base_url": "http://127.0.0.1:9/v1", "models": ["m"], "local": True}
    registry = ProviderRegistry(merge_endpoints({"gate": table, "mine": mine}), local=local())
    usage = Usage(input_tokens=1_000_000, output_tokens=0)

    assert registry.price(ModelRef("gate", "claude-sonnet-5-5"), usage).cost_usd == pytest.approx(2.0)
    assert registry.price(ModelRef("mine", "m"), usage).source == "local"
    assert registry.price(ModelRef("local", "small"), usage).cost_usd == 0
    assert registry.price(ModelRef("xai", "grok-unheard-of"), usage).cost_usd is None
    assert registry.estimate_range(ModelRef("mine", "m"), 100, 1, 2) == (0.0, 0.0)
    assert registry.estimate_range(ModelRef("xai", "grok-unheard-of"), 100, 1, 2) is None


def test_the_high_end_of_a_price_pays_for_the_thoughts_of_a_model_that_thinks_first() -> None:
    registry = ProviderRegistry()
    ref = ModelRef("openai", "gpt-6.1-terra")

    found = registry.estimate_range(ref, 1_000, 100, 100)

    assert registry.profile(ref).reasoning_reserve > 0
    assert found is not None
    assert found[1] - found[0] > registry.profile(ref).reasoning_reserve * 4e-6  # at $5 per million tokens out
