"""Which paths inside an application's folder may be touched: one rule for every name, told in one sentence. No disk is read."""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase
from functools import lru_cache

from studio.domain.errors import Refused
from studio.domain.text import clean, one_line

PATH_CHARACTERS = 1_000
NAME_BYTES = 255
DEPTH = 12

IGNORED = frozenset(
    {
        "node_modules",
        "bower_components",
        "__pycache__",
        ".venv",
        "venv",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".next",
        ".nuxt",
        ".turbo",
        ".svelte-kit",
        ".parcel-cache",
        ".cache",
        ".gradle",
        ".idea",
        ".ds_store",
        "thumbs.db",
    }
)
"""Names that are no part of an application: installed or made by a program, or left by an editor."""

INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", ".cursorrules")
"""Instructions for coding agents that a code base brings along: https://agents.md and its predecessors."""

_PROTECTED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".studio",
        ".npmrc",
        ".yarnrc",
        ".netrc",
        "_netrc",
        ".pypirc",
        ".pgpass",
        ".htpasswd",
        ".git-credentials",
        ".dockercfg",
        ".ssh",
        ".aws",
        ".gnupg",
        ".kube",
        ".credentials",
        "credentials",
    }
)
_PROTECTED_SHAPES = (
    ".env*",
    ".studio-*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
)
_ALLOWED = frozenset({".env.example"})
# Data files only: `credentials.py` and `CredentialsForm.jsx` are code.
_SECRET_DATA = re.compile(
    r"\.?(credentials?|secrets?|service[-_]?account)([-_.].*)?\.(json|ya?ml|toml|ini|cfg|conf|csv|txt|xml|env|properties)"
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$|clock\$)(\..*)?")
# `git~1` is `.git` where a disk gives short names (NTFS, FAT).
_SHORT_NAME = re.compile(r"\.*[^.]{1,8}~\d+(\.[^.]{0,3})?")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_NOT_PORTABLE = re.compile(r'[<>:"|?*]')
_SLASHES = re.compile("[\u2044\u2215\u2216\u2571\u2572\u29f5\u29f8\u29f9\ufe68\uff0f\uff3c]")
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_INSTRUCTIONS = frozenset(name.casefold() for name in INSTRUCTIONS)
# Letters of other scripts that look the same in most typefaces.
_SAME_LOOK = str.maketrans("аеорсухіѕԁԛѵтнкмıοιντα", "aeopcyxisdqvthkmioivta")


def usable(path: object) -> str:
    """`path` as it may be used inside the folder, without a leading `./`. Raises Refused with the one thing that is wrong."""
    if not isinstance(path, str) or not path:
        raise Refused("A path is missing.", hint="Give a path inside the application, such as src/main.js.")
    if len(path) > PATH_CHARACTERS:
        raise _refused(path, f"has {len(path)} characters, and a path may have {PATH_CHARACTERS}")
    path = path.removeprefix("./")
    _check_characters(path)
    steps = path.split("/")
    if len(steps) > DEPTH:
        raise _refused(path, f"lies {len(steps)} folders deep, and at most {DEPTH} are allowed")
    for step in steps:
        _check_name(path, step)
    return path


def reason_against(path: str) -> str:
    """Why `usable` refuses `path`, in one sentence; empty when it does not."""
    try:
        usable(path)
    except Refused as error:
        return error.message
    return ""


def fold(path: str) -> str:
    """Equal for two paths that are one file on some disk: case, Unicode form and a leading `./` do not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path.removeprefix("./")).casefold())


def ignored(name: str) -> bool:
    return name.casefold() in IGNORED


@lru_cache(maxsize=4096)
def protected(name: str) -> bool:
    """Whether one name of a path is a secret's, a key's or a repository's, however it is written."""
    look = _look(name)
    if name in _ALLOWED:
        return False
    if look in _PROTECTED or any(fnmatchcase(look, shape) for shape in _PROTECTED_SHAPES):
        return True
    return _SECRET_DATA.fullmatch(look) is not None


def instructs(path: str) -> bool:
    """Whether a path is that of instructions for agents, in whatever folder and however it is written: they go into prompts."""
    return _look(path.rpartition("/")[2]) in _INSTRUCTIONS


def _look(name: str) -> str:
    """`name` as a careless reader or disk takes it: compatibility forms, marks, invisible characters, case, end dots dropped."""
    wide = unicodedata.normalize("NFKD", name).casefold().translate(_SAME_LOOK)
    kept = [one for one in wide if not _unseen(one) and unicodedata.category(one) != "Mn"]
    return "".join(kept).strip(" ").rstrip(" .")


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or _BLANK.match(character) is not None


def _check_characters(path: str) -> None:
    if path.startswith(("/", "~")):
        raise _refused(path, "is not relative", "Give a path inside the application, such as src/main.js.")
    if "\\" in path:
        raise _refused(path, "holds a backslash", "Put / between folders.")
    if clean(path) != path or "\n" in path or "\t" in path:
        raise _refused(path, "holds a control character")
    for character in path:
        odd_space = character != " " and unicodedata.category(character) == "Zs"
        if odd_space or _unseen(character):
            raise _refused(path, f"holds the invisible character U+{ord(character):04X}")
    if _PERCENT.search(path):
        raise _refused(path, "is percent-encoded", "Write the name itself.")
    if _SLASHES.search(path):
        raise _refused(path, "holds a character that looks like a slash", "Put / between folders.")
    if found := _NOT_PORTABLE.search(path):
        raise _refused(path, f"holds {found[0]}, which not every disk can keep")


def _check_name(path: str, name: str) -> None:
    if name in ("", ".", ".."):
        raise _refused(path, "does not stay inside the folder" if name == ".." else "has an empty name in it")
    if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES:
        raise _refused(path, f"has a name of more than {NAME_BYTES} bytes")
    if protected(name):
        raise _refused(
            path, f"is not available: {one_line(name, 60)} is protected", "Secrets and keys stay with the person."
        )
    if name != name.strip(" ") or name.endswith("."):
        raise _refused(path, "has a name that starts or ends with a space or ends with a dot")
    look = _look(name)
    if look in ("", ".", "..") or _RESERVED.fullmatch(look):
        raise _refused(path, f"is not available: {one_line(name, 60)} is a reserved name")
    if _SHORT_NAME.fullmatch(look):
        raise _refused(path, f"is not available: {one_line(name, 60)} can be a short name of another file")
    if ignored(name):
        raise _refused(path, f"is not available: {one_line(name, 60)} is no part of the application")


def _refused(path: str, why: str, hint: str = "") -> Refused:
    return Refused(f"{one_line(path, 120) or 'The path'} {why}.", hint=hint, data={"path": one_line(path, 1_000)})
