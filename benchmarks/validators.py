"""The checks of generated files against reference parsers, on published packages: `python -m benchmarks.validators`.

Needs node and npm (with a registry), and says so without them; packages go to a temporary folder, nothing of theirs is run but the
reference parsers oxc-parser and esbuild. Printed and required:

- no false alarm on the sources of five npm packages, on CPython's own modules, and on the HTML, CSS, YAML and JSON of more packages;
- of single-character mutants that oxc-parser refuses, at least 99% flagged, and none flagged that oxc-parser and esbuild accept;
- `strip_types` and esbuild make the same JavaScript of every TypeScript file, white space apart, but for those told as not erasable.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference_parsers import Mutant, Oracle, Pair
from studio.validators.registry import CHARACTERS_LIMIT, check_file
from studio.validators.stripping import strip_types

SOURCES = (
    "lodash-es@4.18.1",
    "three@0.187.0",
    "@docusaurus/theme-classic@3.10.2",
    "ra-ui-materialui@5.15.4",
    "zod@4.6.7",
)
OTHERS = (
    "govuk-frontend@6.6.0",
    "spectre.css@0.5.9",
    "startbootstrap-sb-admin-2@4.1.4",
    "uswds@2.14.0",
    "bootstrap@5.3.9",
    "@picocss/pico@2.1.1",
    "tailwindcss@4.3.5",
    "bulma@1.0.4",
    "open-props@1.7.23",
    "swagger-ui-dist@5.35.0",
    "@octokit/openapi@23",
)
SCRIPTS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
MARKUP = (".html", ".css", ".json", ".yml", ".yaml", ".toml")
# Files of CPython that CPython refuses: its tests of errors, and Python 2.
REFUSED = ("badsyntax_", "bad_coding", "lib2to3/tests/data")
PUNCTUATION = "(){}[]<>;:,.=+-*/&|!?'\"`\\#@"
CAUGHT = 0.99
PER_PACKAGE = 80


@dataclass(frozen=True, slots=True)
class Options:
    mutants: int
    seed: int


def fetch(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Each package unpacked in a folder of its own; scripts of packages are not run."""
    found: dict[str, Path] = {}
    for name in names:
        target = folder / name.replace("/", "-").replace("@", "_")
        target.mkdir()
        command = ["npm", "pack", "--silent", "--pack-destination", str(target), name]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=180, check=False)
        (archive,) = list(target.glob("*.tgz")) or [None]
        if archive is None:
            sys.exit(f"npm could not fetch {name}: {done.stderr.strip()[-300:]}")
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
        archive.unlink()
        found[name] = target
    return found


def files(folder: Path, suffixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(path, text) of what can be read and is not over the limit."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in suffixes or not path.is_file():
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if len(text) <= CHARACTERS_LIMIT:
            yield path.relative_to(folder).as_posix(), text


def sweep(title: str, found: Iterator[tuple[str, str]], oracle: Oracle | None = None) -> int:
    """Check every file; the number of false alarms. A script that both references refuse is not sound, and is listed as such."""
    started, size, unread, kinds = time.process_time(), 0, 0, Counter[str]()
    alarms: list[tuple[str, str, str]] = []
    for path, text in found:
        checked = check_file(path, text)
        kinds[Path(path).suffix] += 1
        size += len(text)
        unread += any(problem.rule == "too-slow" for problem in checked.problems)
        problems = [problem for problem in (*checked.fixed, *checked.problems) if problem.rule != "too-slow"]
        told = [f"{problem.rule} in line {problem.line}: {problem.message}" for problem in problems]
        if told:
            alarms.append((path, text, told[0]))
    refused = (
        oracle.refused([Mutant(path, text) for path, text, _ in alarms]) if oracle and alarms else [False] * len(alarms)
    )
    false = [alarm for alarm, bad in zip(alarms, refused, strict=True) if not bad]
    spent = time.process_time() - started
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    print(
        f"{title}: {sum(kinds.values())} files ({counts}), {size / 1e6:.1f} MB, {spent:.1f} s of CPU: {len(false)} false alarms",
        flush=True,
    )
    if unread:
        print(f"  {unread} took too long and were not read, which is told as a warning")
    if len(false) < len(alarms):
        print(f"  {len(alarms) - len(false)} flagged that the references refuse too")
    for path, _, told_first in false[:10]:
        print(f"  {path}: {told_first[:160]}")
    return len(false)


def python_modules() -> Iterator[tuple[str, str]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path, text in files(root, (".py",)):
        if not path.startswith("site-packages/") and not any(word in path for word in REFUSED):
            yield path, text


def mutate(text: str, chance: random.Random) -> str:
    """One character deleted, inserted or replaced; punctuation more often than letters."""
    places = [at for at, character in enumerate(text) if character in PUNCTUATION]
    kind = chance.choice(("delete", "delete", "insert", "replace", "delete any"))
    at = chance.randrange(len(text)) if kind in ("insert", "delete any") else chance.choice(places)
    if kind == "insert":
        return text[:at] + chance.choice(PUNCTUATION) + text[at:]
    return text[:at] + (chance.choice(PUNCTUATION) if kind == "replace" else "") + text[at + 1 :]


def mutants(packages: dict[str, Path], oracle: Oracle, options: Options) -> bool:
    chance = random.Random(options.seed)
    pool: list[tuple[str, str]] = []
    for folder in packages.values():
        every = list(_plain(folder))
        pool += chance.sample(every, min(PER_PACKAGE, len(every)))
    made = [Mutant(path, mutate(text, chance)) for path, text in (chance.choice(pool) for _ in range(options.mutants))]
    verdicts = oracle.verdicts(made)
    flagged = [any(problem.rule != "elision" for problem in check_file(one.path, one.text).problems) for one in made]
    broken = [mine for mine, verdict in zip(flagged, verdicts, strict=True) if verdict.oxc]
    false = [
        one.path for one, mine, v in zip(made, flagged, verdicts, strict=True) if mine and not v.oxc and not v.esbuild
    ]
    share = sum(broken) / len(broken) if broken else 0.0
    print(
        f"mutants: {len(made)} made, {len(broken)} refused by oxc-parser, {sum(broken)} of them flagged ({share:.1%}); "
        f"{len(false)} of the {len(made) - len(broken)} that it accepts flagged"
    )
    return len(broken) >= 300 and share >= CAUGHT and not false


def _plain(folder: Path) -> Iterator[tuple[str, str]]:
    for path, text in files(folder, SCRIPTS):
        if ".d." not in path and 300 < len(text) < 40_000:
            yield path, text


def stripping(packages: dict[str, Path], oracle: Oracle) -> bool:
    every = [one for folder in packages.values() for one in files(folder, (".ts", ".tsx")) if ".d." not in one[0]]
    told, pairs = 0, []
    for path, text in every:
        stripped = strip_types(text, path.endswith("x"))
        told += bool(stripped.not_erasable)
        if not stripped.not_erasable:
            pairs.append(Pair(path, text, stripped.text))
    different = [pair for pair, same in zip(pairs, oracle.same(pairs), strict=True) if not same]
    print(
        f"types: {len(every)} files, {told} told as not erasable, {len(pairs) - len(different)} of {len(pairs)} the same as esbuild's"
    )
    for pair in different[:10]:
        print(f"  different: {pair.path}")
    return len(pairs) >= 100 and not different


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutants", type=int, default=2000, help="how many to make (default: 2000)")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(arguments)
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("This needs node and npm for the reference parsers; they are not installed.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="studio-validators-") as place:
        folder = Path(place)
        oracle = Oracle.install(folder / "oracle")
        packages = fetch(folder, SOURCES)
        false = sum(sweep(name, files(path, SCRIPTS), oracle) for name, path in packages.items())
        false += sweep("CPython's modules", python_modules())
        others = {**packages, **fetch(folder, OTHERS)}
        false += sweep("markup and data", (one for path in others.values() for one in files(path, MARKUP)))
        good = mutants(packages, oracle, Options(given.mutants, given.seed))
        good = stripping(packages, oracle) and good
    return 0 if good and not false else 1


if __name__ == "__main__":
    sys.exit(main())
