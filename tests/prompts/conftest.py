"""A renderer, a catalog over temporary folders, and the packaged templates, for the tests of this room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from studio.prompts.catalog import Catalog
from studio.prompts.render import Renderer

PACKAGED = Path(__file__).parents[2] / "prompts"

PREFIX = "system:\nYou write {{ project.title }}.\n{% for d in canon.always %}\n{{ d.text }}\n{% endfor %}\n"
PRIOR = "Earlier: {{ prior_page.title }}\n{% for s in prior_page.sections %}\n{{ s.text }}\n{% endfor %}\n"
MENTIONED = "{% for d in canon.mentioned %}\n{{ d.name }}: {{ d.text }}\n{% endfor %}\n"
STAGE = 'Write: {{ brief }}\n{% include "_parts/notes.md.j2" %}\n'
NOTES = "{% for note in feedback %}\nNote: {{ note.text }}\n{% endfor %}\n"


@dataclass(slots=True)
class FakeMemory:
    """Keeps texts as the store would, across catalogs."""

    texts: dict[str, str] = field(default_factory=dict)

    async def remember(self, name: str, digest: str, text: str) -> None:
        self.texts[name] = text

    async def recall(self, name: str) -> str | None:
        return self.texts.get(name)


@dataclass(slots=True)
class Folders:
    """A packaged and a project prompts folder."""

    packaged: Path
    project: Path

    def write(self, name: str, text: str) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer()
    yield made
    await made.aclose()


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    packaged, project = tmp_path / "packaged", tmp_path / "book" / "prompts"
    texts = {
        "story/_prefix.md.j2": PREFIX,
        "story/_prior_page.md.j2": PRIOR,
        "story/_mentioned.md.j2": MENTIONED,
        "story/narration.md.j2": STAGE,
        "_parts/notes.md.j2": NOTES,
    }
    for name, text in texts.items():
        path = packaged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Folders(packaged, project)


@pytest.fixture
def catalog(folders: Folders, renderer: Renderer) -> Catalog:
    return Catalog(folders.project, folders.packaged, renderer=renderer)
