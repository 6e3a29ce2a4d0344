"""Verify that stored bytes are still the original ones."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from coatcheck.errors import DamagedBlobError
from coatcheck.ports import BlobStore, Catalog

BlobState = Literal["sound", "missing", "damaged", "orphan"]


@dataclass(frozen=True, slots=True)
class BlobFinding:
    """One blob of `size` bytes and its state; an orphan is a harmless remnant of a crash."""

    digest: str
    size: int
    state: BlobState


async def verify_blobs(blobs: BlobStore, catalog: Catalog) -> AsyncGenerator[BlobFinding]:
    """Hash every blob of the catalog, then look for blobs that the catalog does not know."""
    expected = set()
    async for digest, size in catalog.expected_blobs():
        expected.add(digest)
        state = await _examine(blobs, digest, size)
        if state != "sound":
            async with catalog.transaction() as transaction:
                used = await transaction.is_used(digest)
            if not used:
                continue  # deleted while it was looked at
        yield BlobFinding(digest, size, state)
    async for digest in blobs.digests():
        if digest not in expected:
            yield BlobFinding(digest, await blobs.size(digest) or 0, "orphan")


async def _examine(blobs: BlobStore, digest: str, size: int) -> BlobState:
    if await blobs.size(digest) is None:
        return "missing"
    sha256, length = hashlib.sha256(), 0
    try:
        async with aclosing(blobs.read(digest)) as chunks:
            async for chunk in chunks:
                sha256.update(chunk)
                length += len(chunk)
    except DamagedBlobError:
        return "damaged"
    sound = f"sha-256:{sha256.hexdigest()}" == digest and length == size
    return "sound" if sound else "damaged"
