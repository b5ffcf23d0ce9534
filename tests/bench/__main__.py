"""Measure, and print one table:  python -m tests.bench [tiny|short|full]"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack, closing

from tests.bench.measures import Place, turn
from tests.bench.plan import ALL, SIZES, Size, schedule
from tests.bench.table import Results, table
from tests.bench.targets import Model, Target
from tests.bench.visitors import visitors_of
from tests.bench.window import chromium


async def run(size: Size) -> Results:
    """All that is measured in a run of this size."""
    results: Results = defaultdict(list)
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        places = await open_all(stack)
        for case, target in schedule(size):
            seconds = time.monotonic() - begun
            print(f"{seconds:5.0f} s  {case.name}: {target}", file=sys.stderr)  # noqa: T201
            results[case.name, target].append(await case.measure(places[target]))
    return results


async def open_all(stack: AsyncExitStack) -> dict[str, Place]:
    """Everything that is measured, each warmed up by a first answer."""
    model = stack.enter_context(closing(Model()))
    browser = await stack.enter_async_context(chromium())
    starts = [asyncio.to_thread(Target, name, **model.environment) for name in ALL]
    places = {}
    for target in await asyncio.gather(*starts):
        stack.enter_context(closing(target))
        new_visitor = await stack.enter_async_context(visitors_of(target))
        places[target.name] = Place(target, new_visitor, model, browser)
        await turn(places[target.name], 1, 0)
    return places


def main() -> None:
    """Run it, and print what there is to say."""
    parser = argparse.ArgumentParser("python -m tests.bench")
    parser.add_argument("size", nargs="?", default="short", choices=SIZES)
    size = SIZES[parser.parse_args().size]
    print(*table(asyncio.run(run(size))), sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
