"""Endpoints from data: the built-in ones, a user's changes, a project's additions, and everything that can be wrong."""

from __future__ import annotations

import pytest

from studio.domain.errors import BadInput
from studio.providers.endpoints import Origin, builtin_endpoints, merge_endpoints


def test_the_services_that_the_product_promises_are_there() -> None:
    found = builtin_endpoints()

    assert list(found) == ["openai", "anthropic", "openrouter", "xai", "ollama", "llamacpp", "vllm"]
    assert found["openai"].api == "responses"
    assert found["anthropic"].api == "messages"
    assert found["xai"].key_env == ("XAI_API_KEY", "GROK_API_KEY")
    assert all(settings.models and settings.title for settings in found.values())
    assert found["llamacpp"].extra_body == {"cache_prompt": True}


@pytest.mark.parametrize(
    ("provider", "model", "temperature", "marks"),
    [
        ("openai", "gpt-6.1-terra", False, "breakpoint"),
        ("openai", "gpt-5.6-sol", False, "breakpoint"),
        ("openai", "gpt-5.1", False, "none"),
        ("openai", "o3-mini", False, "none"),
        ("openai", "gpt-4.1-mini", True, "none"),
        ("anthropic", "claude-opus-5-5", False, "cache_control"),
        ("anthropic", "claude-haiku-4-5", False, "cache_control"),
        ("openrouter", "anthropic/claude-sonnet-5.5", False, "cache_control"),
        ("openrouter", "mistralai/mistral-large", True, "none"),
    ],
)
def test_profiles_follow_the_model(provider: str, model: str, temperature: bool, marks: str) -> None:
    profile = builtin_endpoints()[provider].profile(model)

    assert profile.supports_temperature is temperature
    assert profile.cache_marks == marks
    assert profile.context_tokens > profile.max_output_tokens > 0


def test_a_user_changes_one_key_of_a_built_in_endpoint() -> None:
    found = merge_endpoints({"anthropic": {"models": ["claude-opus-5-5"]}})["anthropic"]

    assert found.models == ("claude-opus-5-5",)
    assert found.base_url == "https://api.anthropic.com"
    assert found.origin is Origin.BUILTIN


def test_another_address_for_openai_means_chat_completions_unless_the_table_says_otherwise() -> None:
    gate = {"base_url": "https://gate.example/v1"}

    assert merge_endpoints({"openai": gate})["openai"].api == "chat"
    assert merge_endpoints({"openai": {**gate, "api": "responses"}})["openai"].api == "responses"


def test_a_new_endpoint_needs_no_more_than_an_address() -> None:
    found = merge_endpoints({"den": {"base_url": "http://192.168.1.7:8080/v1", "key_required": False}})["den"]

    assert found.origin is Origin.USER
    assert found.api == "chat"
    assert found.profile("anything").context_tokens == 128_000


@pytest.mark.parametrize("name", ["openai", "anthropic", "mine"])
def test_a_project_cannot_take_a_name_that_a_key_is_bound_to(name: str) -> None:
    with pytest.raises(BadInput, match=name):
        merge_endpoints({"mine": {"base_url": "https://a.example"}}, {name: {"base_url": "https://evil.example"}})


def test_a_project_cannot_declare_itself_trusted() -> None:
    with pytest.raises(BadInput, match="trusted"):
        merge_endpoints(project={"theirs": {"base_url": "https://evil.example", "trusted": True}})
    assert not merge_endpoints(project={"theirs": {"base_url": "https://a.example"}})["theirs"].trusted


@pytest.mark.parametrize(
    ("name", "table", "words"),
    [
        ("x", {}, "base_url"),
        ("x", {"base_url": 7}, "base_url"),
        ("x", {"base_url": "gopher://a"}, "https"),
        ("x", {"base_url": "https://"}, "host"),
        ("x", {"base_url": "https://a:99999/v1"}, "address"),
        ("x", {"base_url": "https://me:pw@a/v1"}, "password"),
        ("x", {"base_url": "http://api.example.com/v1", "key_env": ["K"]}, "readable"),
        ("x", {"base_url": "https://a", "api": "soap"}, "soap"),
        ("x", {"base_url": "https://a", "models": "one"}, "models"),
        ("x", {"base_url": "https://a", "read_timeout": 0}, "timeouts"),
        ("x", {"base_url": "https://a", "api_key": "sk-secret"}, "api_key"),
        ("x", {"base_url": "https://a", "profiles": [{"match": ["*"], "contxt": 1}]}, "contxt"),
        ("x", "https://a", "table"),
        ("a:b", {"base_url": "https://a"}, "name"),
        ("", {"base_url": "https://a"}, "name"),
        ("local", {"base_url": "https://a"}, "local"),
    ],
)
def test_what_is_wrong_is_named_with_its_table(name: str, table: object, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        merge_endpoints({name: table})  # type: ignore[dict-item]

    assert f"[endpoints.{name}]" in caught.value.message
    assert words in caught.value.message
    assert "sk-secret" not in str(caught.value)
