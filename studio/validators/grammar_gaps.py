"""Sound code that the grammars do not know, rewritten at the same length so that they do. Used only where a parse failed.

Each gap was met in published packages with tree-sitter-javascript 0.25.0 and tree-sitter-typescript 0.23.2; a rewritten text is
believed only if all of it then parses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

_WORDS = (
    "break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|import|"
    "in|instanceof|new|null|return|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|await|let|static"
)
# A quoted attribute: the grammars want an entity after every `&` in one; browsers and compilers do not.
_ATTRIBUTE = re.compile(r"""(?<=\s)[\w:.-]+=\s*(?:"[^"\n]*"|'[^'\n]*')""")
# <p>Terms & Conditions, R&D, &#8203</p>: what is no entity is text.
_LOOSE = re.compile(rb"(?<!&)&(?![&=])(?!#?\w+;)")
# `export { a as if }`, `import { if as b }`: any word may be the name of an export.
_EXPORTED = re.compile(rf"(?<=\bas )(?:{_WORDS})(?=\s*[,}}])")
_IMPORTED = re.compile(rf"(?<=[{{,]) ?\s?(?:{_WORDS})(?=\s+as\s)")
# `using` is a name where no other name follows it.
_USING = re.compile(r"(?<![\w$.])using(?=\s*(?:[=.,;)(?:+&|}\]]|\[))")
# <Collapse in={open}>: any word may be the name of an attribute.
_ATTRIBUTE_NAMED = re.compile(rf"""(?<=\s)(?:{_WORDS})(?==["'{{])""")
# `import("react").Context<T>` as a type with arguments.
_IMPORT_TYPE = re.compile(r"""\bimport\(\s*(?:"[^"\n]*"|'[^'\n]*')\s*\)(?=\s*\.)""")


# String.raw`\\uc1`: a tagged template may hold any escape.
_TAGGED = re.compile(r"(?<=\.raw)`[^`]*`")
# A property that is named `as` in a type.
_NAMED_AS = re.compile(r"\bas(?=\??\s*:)")
# `global { }` inside `declare module`; `keyof readonly T[]`.
_GLOBAL = re.compile(r"^[ \t]*global(?=\s*\{)", re.MULTILINE)
_KEYS_OF = re.compile(r"(?<=\bkeyof )readonly(?=\s)")
# `export default function (): T;` of a declaration file.
_NAMELESS = re.compile(r"export default function (?=\()")
# `({ a: b }: T) => U` as a type.
_NAME = r"[\w$]+(?:\s*:\s*[\w$]+)?"
_TAKEN_APART = re.compile(rf"(?<=\()\{{\s*(?:{_NAME}\s*,\s*)*{_NAME}\s*+(?:,\s*+)?\}}(?=\s*:)")
# `interface A<in out T>`: variance.
_VARIANCE = re.compile(
    r"(?<=[<,])(\s*(?:/\*[^/]{0,200}\*/\s*)?)((?:in\s+)?(?:out\s+)?)(?=[A-Za-z_$][\w$]*\s*(?:[,>=]|extends\b))"
)
_TEMPLATE_AFTER_TYPES = re.compile(r">\s*`")
_TYPES_OF_MODULE = re.compile(r"^[ \t]*export\s+type\s+\*[^;\n]*;?", re.MULTILINE)
_TYPES_LIMIT = 4000
_TAGS_LIMIT = 100


def without_loose_ampersands(source: bytes, errors: list[tuple[int, int]]) -> bytes:
    """The source with `#` for each `&` that is no entity, inside the given ranges. In text a `#` is text; in code it is an error."""
    result = bytearray(source)
    for start, end in errors:
        for found in _LOOSE.finditer(source, start, end):
            result[found.start()] = ord("#")
    return bytes(result)


def without_types_unknown(text: str) -> str:
    """TypeScript with the types blanked that the grammar does not know: `export type *`, a tag's object type as type argument."""
    text = _TYPES_OF_MODULE.sub(lambda found: " " * len(found.group()), text)
    for found in list(islice(_TEMPLATE_AFTER_TYPES.finditer(text), _TAGS_LIMIT)):
        start = _opening(text, found.start())
        if start is not None:
            inside = re.sub(r"\S", " ", text[start : found.start() + 1])
            text = text[:start] + inside + text[found.start() + 1 :]
    return text


def _opening(text: str, end: int) -> int | None:
    """The `<` that the `>` at `end` closes, if it stands after a name or a call, and before an object type."""
    depth = 0
    for at in range(end, max(-1, end - _TYPES_LIMIT), -1):
        if text[at] == ">" and text[at - 1 : at] != "=":
            depth += 1
        elif text[at] == "<":
            depth -= 1
        if depth == 0:
            tag = at > 0 and (text[at - 1].isalnum() or text[at - 1] in ")_$")
            return at if tag and text[at + 1 : end].lstrip().startswith("{") else None
    return None


def calmed(text: str, grammar: str) -> str:
    """The text with every other known gap rewritten, character for character as long."""
    for pattern, rewrite in _ANY if grammar == "javascript" else (*_ANY, *_TYPED):
        text = pattern.sub(rewrite, text)
    return text


def _as_name(found: re.Match[str]) -> str:
    """Letters instead of everything between the outer white space."""
    inner = found.group().strip()
    return found.group().replace(inner, re.sub(r"[^\n]", "x", inner))


def _as_blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _without_variance(found: re.Match[str]) -> str:
    return found[1] + " " * len(found[2])


def _without_ampersand(found: re.Match[str]) -> str:
    return found.group().replace("&", "_")


def _without_escapes(found: re.Match[str]) -> str:
    return re.sub(r"\\[ux0-9]", "__", found.group())


def _as_declared(found: re.Match[str]) -> str:
    return "declare function ".ljust(len(found.group()), "x")


_ANY: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_ATTRIBUTE, _without_ampersand),
    (_ATTRIBUTE_NAMED, _as_name),
    (_USING, _as_name),
    (_EXPORTED, _as_name),
    (_IMPORTED, _as_name),
    (_TAGGED, _without_escapes),
)
_TYPED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_IMPORT_TYPE, _as_name),
    (_VARIANCE, _without_variance),
    (_GLOBAL, _as_blank),
    (_KEYS_OF, _as_blank),
    (_NAMED_AS, _as_name),
    (_TAKEN_APART, _as_name),
    (_NAMELESS, _as_declared),
)
