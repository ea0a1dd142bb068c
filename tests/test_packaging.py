"""The package's files: the lock file, the README's commands, what a wheel takes along."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "uv.lock").read_text("utf-8")


def requirements() -> set[tuple[str, str, str]]:
    """(name, specifier, extra) of every requirement, written as uv writes them."""
    wanted = [(line, "") for line in PYPROJECT["project"]["dependencies"]]
    wanted += [
        (line, extra) for extra, lines in PYPROJECT["project"]["optional-dependencies"].items() for line in lines
    ]
    return {(*_parts(line), extra) for line, extra in wanted}


def _parts(line: str) -> tuple[str, str]:
    match = re.match(r"([\w.-]+)(?:\[[^\]]*\])?(.*)", line)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[1]).lower(), ",".join(sorted(match[2].replace(" ", "").split(",")))


def test_the_lock_file_was_made_from_these_requirements() -> None:
    (package,) = [entry for entry in tomllib.loads(LOCK)["package"] if entry["name"] == PYPROJECT["project"]["name"]]
    locked = set()
    for entry in package["metadata"]["requires-dist"]:
        extra = re.search(r"extra == '([\w-]+)'", entry.get("marker", ""))
        specifier = ",".join(sorted(entry.get("specifier", "").replace(" ", "").split(",")))
        locked.add((entry["name"], specifier, extra[1] if extra else ""))
    assert locked == requirements(), "run `uv lock`"


def test_the_lock_file_names_the_public_index_only() -> None:
    hosts = set(re.findall(r"(?:https?|file)://([^/\"]*)", LOCK))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_readme_s_first_two_blocks_are_the_demo_and_the_checks() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks[0].splitlines()[-1].startswith("studio demo")
    assert blocks[1].splitlines()[-1] == "./.ci/checks"
    for block in blocks[:2]:
        assert re.match(r"python3? -m pip install -e '\.\[[a-z,]+\]'$", block.splitlines()[0])
    assert "dev" in blocks[1].splitlines()[0]


def test_the_scripts_of_the_checks_are_runnable_and_sound() -> None:
    for name in ("run", "checks"):
        path = ROOT / ".ci" / name
        assert path.stat().st_mode & 0o111
        subprocess.run(["bash", "-n", str(path)], check=True)


def test_no_message_tells_people_to_install_another_program_of_the_same_name() -> None:
    for path in [*ROOT.glob("studio/**/*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        assert not re.search(r"pip install (?:-U |--upgrade )?['\"]?studio\b", path.read_text("utf-8")), path


def test_each_folder_of_data_is_in_the_wheel() -> None:
    included = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {name: f"studio/_data/{name}" for name in ("prompts", "canon", "sample_projects")}
    assert all((ROOT / name).is_dir() for name in included)
