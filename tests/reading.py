"""Whether a store still holds what was put into it."""

import hashlib
from collections.abc import Mapping

from coatcheck.store import MediaStore


async def assert_reads_back(store: MediaStore, expected: Mapping[str, str]) -> None:
    """Every id has the content of its SHA-256, and every picture its thumbnail."""
    for identifier, digest in expected.items():
        stream = await store.open(identifier)
        content = b"".join([chunk async for chunk in stream.chunks])
        assert hashlib.sha256(content).hexdigest() == digest
        if stream.reference.mime_type == "image/png":
            assert (await store.thumbnail(identifier)).data.startswith(b"RIFF")
