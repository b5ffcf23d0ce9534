"""Measure, and print one table:  PYTHONPATH=.:tests python -m bench [--full]"""

import asyncio
import sys
from collections import defaultdict
from contextlib import AsyncExitStack, closing

from bench.measures import Place, turn
from bench.plan import ALL, FULL, SHORT, Size, schedule
from bench.table import Results, table
from bench.targets import Model, Target
from bench.visitors import door
from bench.window import chromium


async def run(size: Size) -> Results:
    """All that is measured in a run of this size."""
    results: Results = defaultdict(list)
    async with AsyncExitStack() as stack:
        places = await open_all(stack)
        for case, target in schedule(size):
            print(f"\r{case.name}: {target}".ljust(60), end="", file=sys.stderr, flush=True)  # noqa: T201
            results[case.name, target].append(await case.measure(places[target]))
    return results


async def open_all(stack: AsyncExitStack) -> dict[str, Place]:
    """Everything that is measured, each warmed up by a first answer."""
    model = stack.enter_context(closing(Model()))
    browser = await stack.enter_async_context(chromium())
    places = {}
    for name in ALL:
        target = stack.enter_context(closing(Target(name, **model.environment)))
        way_in = await stack.enter_async_context(door(target))
        places[name] = Place(target, way_in, model, browser)
        await turn(places[name], 1, 0)
    return places


def main() -> None:
    """Run it, and print what there is to say."""
    size = FULL if "--full" in sys.argv else SHORT
    lines = table(asyncio.run(run(size)))
    print("\n", *lines, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
