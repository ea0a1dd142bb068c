"""oxc-parser and esbuild asked about scripts, in one node process per question; installed by npm in a folder that is given."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PACKAGES = ("oxc-parser@0.159.0", "esbuild@0.28.2")
_READ = """
import readline from 'readline';
export async function* asked() {
  const lines = readline.createInterface({input: process.stdin, crlfDelay: Infinity});
  for await (const line of lines) yield JSON.parse(line);
}
export const loaderOf = (path) =>
  ({ts: 'ts', mts: 'ts', cts: 'ts', tsx: 'tsx'})[path.split('.').pop()] ?? 'jsx';
"""
_VERDICTS = """
import {parseSync} from 'oxc-parser';
import * as esbuild from 'esbuild';
import {asked, loaderOf} from './read.mjs';
for await (const {path, text} of asked()) {
  const loader = loaderOf(path);
  let oxc = false, refused = false;
  try { oxc = parseSync(path, text, {lang: loader, sourceType: 'unambiguous'}).errors.length > 0 } catch { oxc = true }
  try { esbuild.transformSync(text, {loader, logLevel: 'silent', jsx: 'preserve', target: 'esnext'}) } catch { refused = true }
  console.log(JSON.stringify({oxc, esbuild: refused}));
}
"""
# A local name that shadows an import of a type is renamed by esbuild (`Props` to `Props2`) while the import is there, and not once
# it is gone: where two texts differ, such renamings are undone on both sides, and the texts compared again.
_SAME = """
import * as esbuild from 'esbuild';
import {asked, loaderOf} from './read.mjs';
const tsconfigRaw = {compilerOptions: {useDefineForClassFields: true, target: 'esnext'}};
const common = {logLevel: 'silent', target: 'esnext', jsx: 'transform', tsconfigRaw};
const made = (text, loader, rest) => {
  try { return esbuild.transformSync(text, {...common, ...rest, loader}).code } catch (error) { return String(error) }
};
for await (const {path, before, after} of asked()) {
  const plain = {minifyWhitespace: true};
  let same = made(before, loaderOf(path), plain) === made(after, 'jsx', plain);
  if (!same) {
    const undone = (code) => code.replace(/\\b([A-Za-z_$]+)2\\b/g, '$1').replace(/\\b(\\w+):\\1\\b/g, '$1');
    const first = made(before, loaderOf(path), plain), second = made(after, 'jsx', plain);
    same = undone(first) === undone(second) && !first.startsWith('Error');
  }
  console.log(JSON.stringify({same}));
}
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """TypeScript before, JavaScript after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who refuses a text."""

    oxc: bool
    esbuild: bool


@dataclass(frozen=True, slots=True)
class Oracle:
    folder: Path

    @classmethod
    def install(cls, folder: Path) -> Oracle:
        """Fetch the parsers. Ends the program with a sentence when npm cannot."""
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}', "utf-8")
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300, check=False)
        if done.returncode:
            sys.exit(f"npm could not fetch the reference parsers: {done.stderr.strip()[-300:]}")
        for name, script in (("read.mjs", _READ), ("verdicts.mjs", _VERDICTS), ("same.mjs", _SAME)):
            (folder / name).write_text(script, "utf-8")
        return cls(folder)

    def verdicts(self, asked: Sequence[Mutant]) -> list[Verdict]:
        return [Verdict(bool(one["oxc"]), bool(one["esbuild"])) for one in self._ask("verdicts.mjs", asked)]

    def refused(self, asked: Sequence[Mutant]) -> list[bool]:
        """Whether both refuse."""
        return [one.oxc and one.esbuild for one in self.verdicts(asked)]

    def same(self, asked: Sequence[Pair]) -> list[bool]:
        """Whether esbuild makes the same of both sides of each pair."""
        return [bool(one["same"]) for one in self._ask("same.mjs", asked)]

    def _ask(self, script: str, asked: Sequence[Mutant] | Sequence[Pair]) -> list[dict[str, object]]:
        lines = "\n".join(json.dumps(asdict(one)) for one in asked)
        done = subprocess.run(
            ["node", script], input=lines, capture_output=True, text=True, cwd=self.folder, timeout=900, check=True
        )
        answers: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) != len(asked):
            sys.exit(f"node answered {len(answers)} of {len(asked)} questions.")
        return answers
