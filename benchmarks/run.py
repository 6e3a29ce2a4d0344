"""Every benchmark, one after the other: ``make bench``.

Absolute times belong to the machine they are measured on; what is worth quoting are the ratios,
each taken within one run. ``docs/explanation/benchmarks.md`` holds a run with its conditions.
"""

import asyncio
import os
import platform

from benchmarks import delivery, intake, payload, stream


def main() -> None:
    """Run them all."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    asyncio.run(stream.run())
    asyncio.run(intake.run())
    asyncio.run(payload.run())
    delivery.run()


if __name__ == "__main__":
    main()
