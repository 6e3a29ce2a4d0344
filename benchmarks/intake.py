"""What a put costs, against the least that a durable store can do."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pyvips
from anyio import to_thread

from benchmarks.timing import alternate, show
from coatcheck import open_store
from coatcheck_chat.painter import paint

ROUNDS = 15


def write_durably(directory: Path, content: bytes) -> None:
    """Hash, write, sync, rename, sync the directory: nothing less survives a power cut."""
    path = directory / hashlib.sha256(content).hexdigest()
    with path.with_suffix(".part").open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    path.with_suffix(".part").rename(path)
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def render_bare(content: bytes) -> None:
    """Make what a put makes of a picture, with libvips alone: one decode, two renditions."""
    # Any: the stubs have no names of libvips' flags.
    wide: Any = pyvips.Image.thumbnail_buffer(content, 512, height=10_000_000, size="down")
    wide = wide.copy_memory()
    wide.webpsave_buffer(Q=80, effort=2, keep="none")
    wide.thumbnail_image(256, height=256).webpsave_buffer(Q=80, effort=4, keep="none")


async def run() -> None:
    """Compare a durable write, bare libvips, a new and a known picture, and a file that is none."""
    pictures = iter(
        paint("a mountain lake", seed=seed, width=1024, height=1024) for seed in range(ROUNDS + 1)
    )
    with tempfile.TemporaryDirectory() as temporary:
        bare = Path(temporary) / "bare"
        bare.mkdir()
        known = paint("a lighthouse", seed=1, width=1024, height=1024)
        new = list(pictures)
        count = iter(range(1_000_000))
        async with open_store(Path(temporary) / "data") as store:
            await store.put(known)

            async def write() -> None:
                await to_thread.run_sync(
                    write_durably, bare, known + next(count).to_bytes(8, "big")
                )

            async def render() -> None:
                await to_thread.run_sync(render_bare, known)

            async def put_file() -> None:
                await store.put(b"%PDF-" + known + next(count).to_bytes(8, "big"))

            async def put_new() -> None:
                await store.put(new.pop())

            async def put_known() -> None:
                await store.put(known)

            seconds = await alternate(
                {
                    "durable write": write,
                    "libvips: thumbnail and 512 pixels": render,
                    "put of a file": put_file,
                    "put of a known picture": put_known,
                    "put of a new picture": put_new,
                },
                ROUNDS,
            )
    show(f"Taking in {len(known) / 1e6:.1f} MB", seconds, "durable write")
