"""Save-to-reload time of a prompt template against the bare latency of watchfiles, run in turn on the same folder.

    python benchmarks/template_reload.py [--rounds 20]

Bare: from an atomic save to the first event that watchfiles reports with its own settings. Reload: from the same kind of save to
the moment at which the catalog has tried the template and uses it. The catalog waits until a save has lain still, so its floor is
that time; it is printed beside the ratio. Next draft: from the save to the template that a draft asked for at once is given,
without any watcher.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from studio.prompts.catalog import Catalog
from studio.prompts.render import Renderer
from studio.prompts.saves import SETTLE_SECONDS
from studio.prompts.watcher import Watch, changes

PACKAGED = Path(__file__).resolve().parents[1] / "prompts"
NAME = "story/narration.md.j2"


def save(path: Path, number: int) -> float:
    """An editor's atomic save; the time just before it."""
    text = (PACKAGED / NAME).read_text(encoding="utf-8")
    other = path.with_name(".saving")
    started = time.perf_counter()
    other.write_text(f"{text}\n{{# save {number} #}}\n", encoding="utf-8")
    os.replace(other, path)
    return started


async def bare(path: Path, rounds: int) -> list[float]:
    from watchfiles import awatch

    stop, times = asyncio.Event(), []
    events = awatch(path.parent, stop_event=stop)
    waiting = asyncio.ensure_future(anext(events))
    for number in range(rounds):
        await asyncio.sleep(0.3)
        started = save(path, number)
        await waiting
        times.append(time.perf_counter() - started)
        waiting = asyncio.ensure_future(anext(events))
    stop.set()
    await asyncio.gather(waiting, return_exceptions=True)
    return times


async def reload(catalog: Catalog, path: Path, rounds: int) -> list[float]:
    stop, times = asyncio.Event(), []
    taken: asyncio.Queue[float] = asyncio.Queue()

    async def follow() -> None:
        async for _ in changes([Watch(path.parent.parent)], stop):
            for news in await catalog.refresh():
                assert news.problem is None, news
                taken.put_nowait(time.perf_counter())

    following = asyncio.create_task(follow())
    for number in range(rounds):
        await asyncio.sleep(0.3)
        started = save(path, rounds + number)
        times.append(await taken.get() - started)
    stop.set()
    await following
    return times


async def next_draft(catalog: Catalog, path: Path, rounds: int) -> list[float]:
    times = []
    for number in range(rounds):
        await asyncio.sleep(0.3)
        started = save(path, 2 * rounds + number)
        template = await catalog.get("story", "narration")
        assert f"save {2 * rounds + number} " in template.source.text
        times.append(time.perf_counter() - started)
    return times


async def measure(path: Path, rounds: int) -> None:
    renderer = Renderer()
    catalog = Catalog(path.parents[1], PACKAGED, renderer=renderer)
    await catalog.refresh()
    baseline = await bare(path, rounds)
    await catalog.refresh()
    watched = await reload(catalog, path, rounds)
    drafted = await next_draft(catalog, path, rounds)
    await renderer.aclose()
    base = statistics.median(baseline)
    print(f"bare watchfiles   {base * 1000:6.0f} ms p50  {max(baseline) * 1000:6.0f} max")
    for label, times in (("reload", watched), ("next draft", drafted)):
        middle = statistics.median(times)
        print(f"{label:<16}  {middle * 1000:6.0f} ms p50  {max(times) * 1000:6.0f} max  ratio {middle / base:.2f}")
    print(f"(of which {SETTLE_SECONDS * 1000:.0f} ms are the wait for a save to lie still; {rounds} saves each)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "prompts" / NAME
        path.parent.mkdir(parents=True)
        save(path, -1)
        asyncio.run(measure(path, rounds))


if __name__ == "__main__":
    main()
