"""The peak of memory while a history is offloaded, in a process of its own.

::

    python -m benchmarks.history_memory resident
    python -m benchmarks.history_memory traced

Prints the characters of the history, and the bytes that it and the work on it took together.
``resident`` is what the system counts, ``traced`` what Python allocated.
"""

import asyncio
import json
import sys
import tempfile
import tracemalloc
from pathlib import Path

from benchmarks.inputs import HISTORY_IMAGES, history
from coatcheck import open_store
from coatcheck.payload.offload import offload


def resident(member: str) -> int:
    """Bytes of resident memory: now (``VmRSS``), or the most so far (``VmHWM``).

    Raises:
        RuntimeError: the system does not tell.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == member:
            return int(value.removesuffix("kB")) * 1024
    raise RuntimeError(f"The system does not tell {member}.")


async def measure(how: str) -> dict[str, int]:
    """Offload one history into a store.

    Raises:
        RuntimeError: not every image was offloaded.
    """
    with tempfile.TemporaryDirectory() as data:
        async with open_store(data) as store:
            if how == "traced":
                tracemalloc.start()
            before = 0 if how == "traced" else resident("VmRSS")
            messages = history()
            if how == "traced":
                tracemalloc.reset_peak()
            _, report = await offload(messages, store)
            if how == "traced":
                _, peak = tracemalloc.get_traced_memory()
            else:
                peak = resident("VmHWM")
    if report.offloaded != HISTORY_IMAGES:
        raise RuntimeError(f"{report.offloaded} of {HISTORY_IMAGES} images were offloaded.")
    return {"size": report.bytes_before, "peak": peak - before}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1]))))
