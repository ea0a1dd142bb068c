"""Whether this computer ends a person's programs at logout, which an engine would not outlive (logind.conf(5), KillUserProcesses)."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path

# In the order in which systemd reads them: a later file, and a later name in the folders, overrides an earlier one.
_MAIN = ("usr/lib/systemd/logind.conf", "etc/systemd/logind.conf")
_FOLDERS = ("usr/lib/systemd/logind.conf.d", "run/systemd/logind.conf.d", "etc/systemd/logind.conf.d")
_LINE = re.compile(r"^\s*(KillUserProcesses|KillOnlyUsers|KillExcludeUsers)\s*=\s*(.*?)\s*$")
_YES = {"yes", "true", "on", "1"}


def ends_at_logout(system: Path = Path("/"), user: str | None = None, cgroup: str | None = None) -> str:
    """A sentence that says so and what to do, empty where an engine goes on. `system` is the root of the file system to look at."""
    if not (system / "run/systemd/system").is_dir():
        return ""
    found = _settings(system)
    if found.get("KillUserProcesses", "no").lower() not in _YES:
        return ""
    name = user if user is not None else _user()
    only, excluded = found.get("KillOnlyUsers", "").split(), found.get("KillExcludeUsers", "root").split()
    if (only and name not in only) or name in excluded:
        return ""
    where = cgroup if cgroup is not None else _read(system / "proc/self/cgroup")
    if "session-" not in where:  # a service or a scope of its own (systemd-run) outlives the login
        return ""
    return (
        "This computer ends all your programs when you log out (KillUserProcesses=yes in logind.conf), also the engine and its drafts. "
        "To let them go on, start with: systemd-run --user --scope studio"
    )


def _settings(system: Path) -> dict[str, str]:
    files = [system / name for name in _MAIN]
    parts = {file.name: file for folder in _FOLDERS for file in sorted((system / folder).glob("*.conf"))}
    files += [parts[name] for name in sorted(parts)]
    found: dict[str, str] = {}
    for file in files:
        for line in _read(file).splitlines():
            if match := _LINE.match(line):
                found[match[1]] = match[2]
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
