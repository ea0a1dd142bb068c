"""Keys that arrive together, as a terminal hands over fast typing or a key that is held down."""

from __future__ import annotations

import unicodedata
from typing import Any

from textual import events
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot


async def burst(pilot: Pilot[Any], *keys: str) -> None:
    """Send keys (names, or characters) without waiting between them, then wait until the screen has taken them.

    `Pilot.press` waits 40 ms and more behind each: for a sentence that is seconds.
    """
    driver = pilot.app._driver
    assert driver is not None
    for key in keys:
        event = _event(key)
        event.set_sender(pilot.app)
        driver.send_message(event)
    await pilot.pause()
    await pilot.pause()


async def typed(pilot: Pilot[Any], text: str) -> None:
    """Type a text of one line."""
    await burst(pilot, *text)


def _event(key: str) -> events.Key:
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        character = name if len(name) == 1 else None
    return events.Key(name, character)
