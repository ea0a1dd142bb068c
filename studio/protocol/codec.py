"""JSON for everything that crosses a boundary: commands and queries in, views and events out."""

from __future__ import annotations

import msgspec

from studio.domain.errors import BadInput
from studio.protocol.commands import AnyCommand
from studio.protocol.events import AnyEvent
from studio.protocol.queries import AnyQuery

_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_queries: msgspec.json.Decoder[AnyQuery] = msgspec.json.Decoder(AnyQuery)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


def encode(value: msgspec.Struct) -> bytes:
    """One line of JSON (UTF-8, no newline)."""
    return _encoder.encode(value)


def decode_command(raw: bytes | str) -> AnyCommand:
    """Raises BadInput for an unknown command, an unknown field or a value of the wrong type."""
    try:
        return _commands.decode(raw)
    except msgspec.DecodeError as error:
        raise BadInput(f"The command could not be read: {error}.") from error


def decode_query(raw: bytes | str) -> AnyQuery:
    try:
        return _queries.decode(raw)
    except msgspec.DecodeError as error:
        raise BadInput(f"The query could not be read: {error}.") from error


def decode_event(raw: bytes | str) -> AnyEvent:
    try:
        return _events.decode(raw)
    except msgspec.DecodeError as error:
        raise BadInput(f"The event could not be read: {error}.") from error
