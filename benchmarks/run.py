"""Every benchmark, one after the other: ``make bench``.

Absolute times belong to the machine they are measured on; what is worth quoting are the ratios,
each taken within one run. ``docs/explanation/benchmarks.md`` holds a run with its conditions.
"""

import asyncio
import os
import platform
from pathlib import Path

from benchmarks import delivery, headline, intake, payload, prompt_cache, stream
from benchmarks.chats import __main__ as chats
from benchmarks.peers.processes import UnavailableError
from coatcheck_chat.cli import stream_cost

RESULTS = Path("benchmarks-results")
"""Where figures and charts are written."""


def main() -> None:
    """Run them all."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    asyncio.run(stream_cost.run(RESULTS))
    asyncio.run(stream.run())
    try:
        headline.run(RESULTS, full=False)
    except UnavailableError as error:
        print(f"The browser benchmark: {error}\n")
    try:
        chats.show(chats.measure(quick=True, output=RESULTS))
    except UnavailableError as error:
        print(f"The chats' benchmark: {error}\n")
    asyncio.run(intake.run())
    asyncio.run(payload.run())
    asyncio.run(prompt_cache.run())
    delivery.run()


if __name__ == "__main__":
    main()
