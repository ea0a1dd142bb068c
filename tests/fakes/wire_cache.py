"""Honest accounting of prompt caches, as the services document theirs; a token is four bytes of UTF-8.

- `common_prefix`: OpenAI before gpt-5.6 and most compatible services: the longest prefix shared with an earlier request of the
  same model, from 1,024 tokens, in steps of 128.
- `exact_marks`: gpt-5.6 and later: only a prefix that ends at a breakpoint of this request and was written by an earlier one.
- `cache_control`: Anthropic: entries are written at breakpoints (four at most) and found by looking back 20 blocks from one.

A JSON schema is part of the prefix, before the system message (OpenAI's guide says so; Anthropic drops the cache when the output
format changes), so the caller puts it first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MINIMUM = 1024
STEP = 128
LOOK_BACK = 20
LATEST_MARKS = 80


@dataclass(frozen=True, slots=True)
class Block:
    """One content block of a prompt; `mark` says that a cache breakpoint stands at its end."""

    role: str
    text: str
    mark: bool = False

    @property
    def rendered(self) -> bytes:
        return f"<|{self.role}|>\n{self.text}\n".encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Count:
    """Input tokens: `total` includes `read` (from the cache) and `write` (into it)."""

    total: int
    read: int = 0
    write: int = 0


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The prompt up to the end of one block."""

    tokens: int
    digest: str


def token_count(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


class PromptCache:
    """What earlier requests left behind, by model."""

    def __init__(self) -> None:
        self._prompts: dict[str, list[bytes]] = {}
        self._entries: dict[str, set[str]] = {}

    def clear(self) -> None:
        self._prompts.clear()
        self._entries.clear()

    def common_prefix(self, model: str, blocks: list[Block]) -> Count:
        prompt = b"".join(block.rendered for block in blocks)
        earlier = self._prompts.setdefault(model, [])
        shared = max((_shared_bytes(prompt, other) for other in earlier), default=0) // 4
        earlier.append(prompt)
        read = shared // STEP * STEP if shared >= MINIMUM else 0
        return Count(total=max(len(prompt) // 4, 1), read=read)

    def exact_marks(self, model: str, blocks: list[Block], *, implicit: bool) -> Count:
        prefixes = _prefixes(blocks)
        entries = self._entries.setdefault(model, set())
        marks = [at for at, block in enumerate(blocks) if block.mark][-LATEST_MARKS:]
        candidates = [*marks, len(blocks) - 1] if implicit else marks
        read = max((prefixes[at].tokens for at in candidates if prefixes[at].digest in entries), default=0)
        written = [*marks[-3:], len(blocks) - 1] if implicit else marks[-4:]
        return self._store(entries, prefixes, written, read)

    def cache_control(self, model: str, blocks: list[Block]) -> Count:
        prefixes = _prefixes(blocks)
        entries = self._entries.setdefault(model, set())
        marks = [at for at, block in enumerate(blocks) if block.mark]
        looked_at = {back for at in marks for back in range(max(at - LOOK_BACK + 1, 0), at + 1)}
        read = max((prefixes[at].tokens for at in looked_at if prefixes[at].digest in entries), default=0)
        return self._store(entries, prefixes, marks, read)

    @staticmethod
    def _store(entries: set[str], prefixes: list[_Prefix], marks: list[int], read: int) -> Count:
        worthy = [prefixes[at] for at in marks if prefixes[at].tokens >= MINIMUM]
        entries.update(prefix.digest for prefix in worthy)
        longest = max((prefix.tokens for prefix in worthy), default=0)
        return Count(total=max(prefixes[-1].tokens, 1), read=read, write=max(longest - read, 0))


def _prefixes(blocks: list[Block]) -> list[_Prefix]:
    hasher, size, found = hashlib.sha256(), 0, []
    for block in blocks:
        hasher.update(block.rendered)
        size += len(block.rendered)
        found.append(_Prefix(size // 4, hasher.hexdigest()))
    return found


def _shared_bytes(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
