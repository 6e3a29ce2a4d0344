"""Rows put together into batches that are bounded in memory. Pure."""

from collections.abc import Iterable, Iterator

from coatcheck.migration.source import Key


def batched(lengths: Iterable[tuple[Key, int]], limit: int) -> Iterator[list[Key]]:
    """Keys in batches whose rows have `limit` bytes together; a larger row is one of its own."""
    keys: list[Key] = []
    size = 0
    for key, length in lengths:
        if keys and size + length > limit:
            yield keys
            keys, size = [], 0
        keys.append(key)
        size += length
    if keys:
        yield keys
