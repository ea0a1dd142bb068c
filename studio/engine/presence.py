"""Who works on the project now, and on which page. Lives in memory: with the engine's end everybody has gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.domain.text import one_line
from studio.protocol.events import AnyEvent, PresenceChanged
from studio.protocol.views import PresentPerson

_NAME_LENGTH = 60


@dataclass(slots=True)
class _Person:
    who: str
    view: bool
    page: str | None = None


class Presence:
    """People by the id of their attachment. Every change is published."""

    def __init__(self, publish: Callable[[AnyEvent], None]) -> None:
        self._publish = publish
        self._people: dict[str, _Person] = {}

    def join(self, client: str, who: str, *, view: bool = False) -> None:
        person = _Person(one_line(who, _NAME_LENGTH), view)
        self._people[client] = person
        self._tell(person)

    def look(self, client: str, page: str | None) -> None:
        """Somebody put a page on the screen. An id that has not joined (a command) is nobody."""
        person = self._people.get(client)
        if person is not None and person.page != page:
            person.page = page
            self._tell(person)

    def leave(self, client: str) -> None:
        person = self._people.pop(client, None)
        if person is not None:
            self._tell(person, here=False)

    def people(self, client: str) -> tuple[PresentPerson, ...]:
        """Everybody in the order of arrival; `client` is the asker."""
        return tuple(
            PresentPerson(id=key, who=one.who, page=one.page, view=one.view, you=key == client)
            for key, one in self._people.items()
        )

    def __len__(self) -> int:
        return len(self._people)

    def _tell(self, person: _Person, *, here: bool = True) -> None:
        self._publish(PresenceChanged(who=person.who, page=person.page, here=here))
