"""What models are told of the tools: every schema is in the subset that strict services take."""

from collections.abc import Iterator, Mapping

import pytest

from studio.domain.errors import BadInput
from studio.domain.tooling import ToolSpec
from studio.tools.catalog import ACTIONS, nearest, specs

# What OpenAI's and Anthropic's strict modes both take (structured outputs, supported schemas).
KEYWORDS = {"type", "properties", "required", "additionalProperties", "description", "enum", "items", "anyOf"}


def parts(schema: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield schema
    properties = schema.get("properties", {})
    assert isinstance(properties, Mapping)
    alternatives = schema.get("anyOf", [])
    assert isinstance(alternatives, list)
    for inner in [*properties.values(), *alternatives, schema.get("items")]:
        if isinstance(inner, Mapping):
            yield from parts(inner)


def test_there_are_nine_tools_and_those_that_write_say_so() -> None:
    assert list(ACTIONS) == [
        "create_file",
        "update_file",
        "read_file",
        "list_files",
        "delete_file",
        "rename_file",
        "broadcast_progress",
        "create_version_snapshot",
        "finish_app",
    ]
    assert [spec.name for spec in specs(ACTIONS) if spec.writes] == [
        "create_file",
        "update_file",
        "delete_file",
        "rename_file",
    ]


@pytest.mark.parametrize("spec", specs(ACTIONS), ids=lambda spec: spec.name)
def test_every_schema_is_in_the_strict_subset(spec: ToolSpec) -> None:
    assert spec.parameters["type"] == "object"
    for part in parts(spec.parameters):
        assert set(part) <= KEYWORDS, part
        assert "type" in part or "anyOf" in part
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ACTIONS)
def test_every_optional_argument_is_nullable_in_the_schema(name: str) -> None:
    from studio.tools.arguments import required

    properties = specs([name])[0].parameters["properties"]
    assert isinstance(properties, Mapping)
    for argument, schema in properties.items():
        nullable = {"type": "null"} in schema.get("anyOf", [])
        assert nullable is (argument not in required(ACTIONS[name])), argument


@pytest.mark.parametrize("spec", specs(ACTIONS), ids=lambda spec: spec.name)
def test_every_tool_is_described_in_words(spec: ToolSpec) -> None:
    assert 30 < len(spec.description) < 300
    assert spec.description.endswith(".")


def test_the_order_is_the_catalogs_so_that_prompts_stay_the_same() -> None:
    assert [spec.name for spec in specs(["read_file", "create_file"])] == ["create_file", "read_file"]


def test_an_unknown_name_is_refused_and_a_close_one_is_found() -> None:
    with pytest.raises(BadInput, match="There are: create_file"):
        specs(["create_file", "shell"])
    assert nearest("CreateFile", ACTIONS) == "create_file"
    assert nearest("edit", ACTIONS) is None
