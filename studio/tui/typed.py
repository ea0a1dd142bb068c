"""What comes from the keyboard, between the bytes and Textual's parser: bytes that are no text, and escapes inside a paste."""

from __future__ import annotations

import codecs

_START, _END = "\x1b[200~", "\x1b[201~"
_ESCAPE = "\x1b"


class TypedText:
    """Stands in for Textual's UTF-8 decoder.

    Its input thread would die of a byte that is no UTF-8 (a Latin-1 keyboard, noise on the line): such bytes are passed over.
    Its parser takes an escape inside a bracketed paste for the beginning of a key: up to 32 characters of the paste would be
    lost from the text and carried out as keys. kitty, iTerm2 and tmux hand such pastes through: the escapes are taken out here.
    """

    def __init__(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._pasting = False
        self._before = ""  # the last characters that went through: the mark of a paste may come in two reads
        self._held = ""  # what may become the mark of its end

    def decode(self, data: bytes, final: bool = False) -> str:
        """The text of the next bytes."""
        text, self._held = self._held + self._bytes.decode(data, final), ""
        passed: list[str] = []
        while text:
            passing, text = self._pasted(text, final) if self._pasting else self._typed(text)
            passed.append(passing)
        return "".join(passed)

    def _typed(self, text: str) -> tuple[str, str]:
        """Up to and with the mark of a paste, and the rest."""
        whole = self._before + text
        place = whole.find(_START)
        if place < 0:
            self._before = whole[-(len(_START) - 1) :]
            return text, ""
        self._pasting, self._before = True, ""
        end = place + len(_START) - (len(whole) - len(text))
        return text[:end], text[end:]

    def _pasted(self, text: str, final: bool) -> tuple[str, str]:
        """Up to and with the mark of the paste's end, and the rest."""
        place = text.find(_END)
        if place >= 0:
            self._pasting = False
            return text[:place].replace(_ESCAPE, "") + _END, text[place + len(_END) :]
        last = text.rfind(_ESCAPE)
        if last >= 0 and _END.startswith(text[last:]) and not final:
            self._held, text = text[last:], text[:last]
        return text.replace(_ESCAPE, ""), ""


def use_typed_text() -> None:
    """Have Textual's driver read through `TypedText`. To be called before the application starts."""
    from textual.drivers import linux_driver

    vars(linux_driver)["getincrementaldecoder"] = lambda encoding: TypedText
