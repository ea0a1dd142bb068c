"""Every publisher is found by its name, knows its options, and is imported when it is used."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.errors import BadInput
from studio.publishers.base import Option
from studio.publishers.registry import NAMES, publisher
from tests.publishers.making import target


@pytest.mark.parametrize("name", NAMES)
def test_each_publisher_has_its_name_and_options_that_say_what_they_mean(name: str) -> None:
    found = publisher(name)
    assert found.name == name
    for option in found.options:
        assert option.meaning
        assert option.default is None or type(option.default) is option.kind
    assert len({option.name for option in found.options}) == len(found.options)
    assert found.keys(target(name)) is not None


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="there are folder"):
        publisher("ftp")


def test_finding_publishers_imports_no_http_client_and_no_sdk() -> None:
    code = (
        "import sys; from studio.publishers.registry import NAMES, publisher; [publisher(name) for name in NAMES]; "
        "print([name for name in ('httpx2', 'appwrite', 'requests', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_guide_names_every_option_with_its_default() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs/guide/publishing.md").read_text("utf-8")
    sections = {part.partition("\n")[0]: part for part in guide.split("\n## ")[1:]}
    assert tuple(sections) == NAMES
    for name, section in sections.items():
        rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", section, re.MULTILINE))
        wanted = {option.name: _default(option) for option in publisher(name).options}
        assert {key: value.strip() for key, value in rows.items()} == wanted


def _default(option: Option) -> str:
    if option.required:
        return "required"
    return (
        "" if option.default is None else f"`{str(option.default).lower() if option.kind is bool else option.default}`"
    )
