"""Coatcheck keeps pictures out of an AI application's message stream.

::

    from coatcheck import open_store

    async with open_store("data") as store:
        reference = await store.put(png_bytes, display_name="lighthouse.png")
        print(reference.to_model())

The names below are the public surface; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coatcheck.backends import open_store
    from coatcheck.embedding import embed
    from coatcheck.errors import CoatcheckError
    from coatcheck.payload.middleware import OffloadMiddleware
    from coatcheck.reference import MediaReference, MediaUrls
    from coatcheck.store import MediaStore
    from coatcheck.version import __version__

__all__ = [
    "CoatcheckError",
    "MediaReference",
    "MediaStore",
    "MediaUrls",
    "OffloadMiddleware",
    "__version__",
    "embed",
    "open_store",
]

_HOMES = {
    "CoatcheckError": "coatcheck.errors",
    "MediaReference": "coatcheck.reference",
    "MediaStore": "coatcheck.store",
    "MediaUrls": "coatcheck.reference",
    "OffloadMiddleware": "coatcheck.payload.middleware",
    "__version__": "coatcheck.version",
    "embed": "coatcheck.embedding",
    "open_store": "coatcheck.backends",
}


def __getattr__(name: str) -> Any:
    # A worker process imports this package too and must not pay for the database's import.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'coatcheck' has no attribute {name!r}")
    return getattr(import_module(home), name)
