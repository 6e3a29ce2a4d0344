"""What is served: pictures in a Coatcheck store, and the very same files for the other servers."""

import asyncio
import os
import shutil
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from coatcheck import open_store
from coatcheck.ports import THUMBNAIL
from coatcheck_chat.painter import paint

SAMPLES = 8
"""How many different pictures there are; each original is one of them with a number in it."""

_SUBJECTS = ("a lighthouse at dusk", "a mountain lake", "a city at night", "a forest in autumn")
_EDGE = 1024
_NOISE_EDGE = 1000
_AFTER_HEADER = 33  # PNG's signature and its first chunk


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where everything lies.

    Attributes:
        data: the Coatcheck store's directory.
        served: a copy of it for a second server, which so renders its own variants.
        blobs: what nginx and Starlette serve: the store's own files.
        pictures: a directory with the originals under the names ``0.png``, ``1.png``, ….
        ids: the references to these originals, by the same numbers.
        thumbnail: path below `blobs` of the thumbnail of picture 0.
        large_id: the reference to an original of 3 MB.
        large: path below `blobs` of that original.
        large_bytes: its size.
    """

    data: Path
    served: Path
    blobs: Path
    pictures: Path
    ids: list[str]
    thumbnail: str
    large_id: str
    large: str
    large_bytes: int


async def lay_out(place: Path, count: int) -> Corpus:
    """Store `count` different originals and the large one in a new store below `place`."""
    data, served, pictures = place / "data", place / "served", place / "pictures"
    pictures.mkdir()
    painted = [
        paint(_SUBJECTS[seed % len(_SUBJECTS)], seed=seed, width=_EDGE, height=_EDGE)
        for seed in range(SAMPLES)
    ]
    async with open_store(data) as store:
        gate = asyncio.Semaphore(4)

        async def put(number: int) -> str:
            async with gate:
                content = numbered(painted[number % SAMPLES], number)
                stored = await store.put(content)
                os.link(data / "blobs" / _path(stored.digest), pictures / f"{number}.png")
                return stored.id

        ids = await asyncio.gather(*(put(number) for number in range(count)))
        large = await store.put(_noise())
        record = await store.record(ids[0])
    shutil.copytree(data, served, copy_function=_link_blobs)
    return Corpus(
        data=data,
        served=served,
        blobs=data / "blobs",
        pictures=pictures,
        ids=ids,
        thumbnail=_path(record.variants[THUMBNAIL].digest),
        large_id=large.id,
        large=_path(large.digest),
        large_bytes=large.size,
    )


def _link_blobs(source: str, target: str) -> None:
    """Copy the catalog, which is written to, and link the blobs, which are not."""
    (os.link if "/blobs/" in source else shutil.copy2)(source, target)


def _path(digest: str) -> str:
    name = digest.removeprefix("sha-256:")
    return f"{name[:2]}/{name[2:4]}/{name}"


def numbered(png: bytes, number: int) -> bytes:
    """The same picture with a comment: other bytes, the same work for a decoder."""
    return png[:_AFTER_HEADER] + _chunk(b"tEXt", b"Comment\0%d" % number) + png[_AFTER_HEADER:]


def _noise() -> bytes:
    """A picture that does not compress: 3 bytes a pixel."""
    rows = b"".join(b"\0" + os.urandom(3 * _NOISE_EDGE) for _ in range(_NOISE_EDGE))
    header = struct.pack(">IIBBBBB", _NOISE_EDGE, _NOISE_EDGE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
