"""Schemas for the strict modes."""

from __future__ import annotations

from studio.providers.prompt_shape import strict_schema


def test_bounds_are_left_out_and_objects_closed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "lines": {
                "type": "array",
                "maxItems": 9,
                "items": {"type": "object", "properties": {"text": {"type": "string", "maxLength": 5}}},
            },
            "mood": {"enum": ["a", "b"], "description": "one of two"},
        },
    }

    assert strict_schema(schema) == {
        "type": "object",
        "properties": {
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"text": {"type": "string"}},
                    "required": ["text"],
                    "additionalProperties": False,
                },
            },
            "mood": {"enum": ["a", "b"], "description": "one of two"},
        },
        "required": ["lines", "mood"],
        "additionalProperties": False,
    }


def test_a_property_named_like_a_bound_is_kept() -> None:
    schema = {"type": "object", "properties": {"pattern": {"type": "string"}, "maximum": {"type": "integer"}}}

    assert set(strict_schema(schema)["properties"]) == {"pattern", "maximum"}
    assert "pattern" in schema["properties"]  # type: ignore[operator]
