"""How the tests of the packaged words read them: front matter, documents, where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_projects" / "lantern-ferry"
PROMPTS = ROOT / "prompts"


@dataclass(frozen=True, slots=True)
class Document:
    path: Path
    meta: dict[str, Any]
    body: str


def front_matter(path: Path) -> tuple[dict[str, Any], str]:
    opening, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    assert opening == "", f"{path} does not begin with front matter"
    meta = YAML(typ="safe", pure=True).load(head)
    assert isinstance(meta, dict), path
    return meta, body


def documents(folder: Path) -> list[Document]:
    return [Document(path, *front_matter(path)) for path in sorted(folder.rglob("*.md"))]
