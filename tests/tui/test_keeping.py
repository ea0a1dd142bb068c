"""Words being typed are kept in order, soon after each key, and again at the end."""

import asyncio

from studio.domain.errors import StorageError
from studio.protocol.commands import KeepWords
from studio.tui.keeping import Keeper


class Engine:
    def __init__(self) -> None:
        self.kept: list[str] = []
        self.broken = False
        self.problems: list[bool] = []

    async def send(self, command: KeepWords) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise StorageError("The disk is full.")
        self.kept.append(command.text)

    def keeper(self, saved: str = "") -> Keeper:
        return Keeper(self.send, _words, lambda error: self.problems.append(error is not None), saved=saved)


def _words(text: str) -> KeepWords:
    return KeepWords(page="p", place="brief", text=text)


async def test_steady_typing_is_kept_though_no_pause_comes() -> None:
    engine = Engine()
    keeper = engine.keeper()
    for count in range(1, 60):
        keeper.changed("x" * count)
        await asyncio.sleep(0.02)
        if engine.kept:
            break
    assert engine.kept


async def test_the_last_words_are_the_ones_kept_in_the_order_they_were_typed() -> None:
    engine = Engine()
    keeper = engine.keeper()
    keeper.changed("a")
    await keeper.flush()
    keeper.changed("ab")
    await keeper.flush()
    assert engine.kept == ["a", "ab"]
    assert keeper.safe


async def test_what_is_saved_already_is_not_sent_again_unless_it_is_said_to_be_unsaved() -> None:
    engine = Engine()
    keeper = engine.keeper(saved="a")
    keeper.changed("a")
    await keeper.flush()
    assert engine.kept == []
    keeper.unsaved()
    await keeper.flush()
    assert engine.kept == ["a"]


async def test_a_failed_save_is_told_and_tried_again() -> None:
    engine = Engine()
    engine.broken = True
    keeper = engine.keeper()
    keeper.changed("a")
    await keeper.flush()
    assert not keeper.safe
    assert engine.problems == [True]
    engine.broken = False
    await keeper.flush()
    assert (engine.kept, keeper.safe) == (["a"], True)


async def test_what_was_sent_is_forgotten_but_not_what_was_typed_since() -> None:
    engine = Engine()
    keeper = engine.keeper()
    keeper.changed("sent")
    await keeper.flush()
    await keeper.forget("sent")
    assert engine.kept == ["sent", ""]
    keeper.changed("more")
    await keeper.flush()
    await keeper.forget("sent")
    assert engine.kept[-1] == "more"
