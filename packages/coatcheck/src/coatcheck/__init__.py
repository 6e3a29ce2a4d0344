"""Coatcheck keeps pictures out of an AI application's message stream.

`open_store` opens a store. Its `MediaStore.put` takes bytes and gives a `MediaReference`, which has
a form for the history, one for the browser and one for the model. `wrap` does the same for a whole
application.

The names below are what most applications need; each is imported when it is first used. The other
public modules are listed in ``docs/reference/python.md``.
"""

from typing import TYPE_CHECKING

from coatcheck.lazy import lazily

if TYPE_CHECKING:
    from coatcheck.delivery.middleware import OffloadMiddleware
    from coatcheck.errors import CoatcheckError
    from coatcheck.opening import open_store
    from coatcheck.payload.hydrate import hydrate
    from coatcheck.payload.offload import offload
    from coatcheck.payload.projection import for_model, for_storage, for_ui
    from coatcheck.payload.restore import restore
    from coatcheck.payload.scrubbing import ScrubFilter, scrub
    from coatcheck.payload.streaming import offload_stream
    from coatcheck.payload.tool import offload_tool
    from coatcheck.reference import MediaReference, MediaUrls
    from coatcheck.store.media_store import MediaStore
    from coatcheck.version import __version__
    from coatcheck.wrapping import wrap

__all__ = [
    "CoatcheckError",
    "MediaReference",
    "MediaStore",
    "MediaUrls",
    "OffloadMiddleware",
    "ScrubFilter",
    "__version__",
    "for_model",
    "for_storage",
    "for_ui",
    "hydrate",
    "offload",
    "offload_stream",
    "offload_tool",
    "open_store",
    "restore",
    "scrub",
    "wrap",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = lazily(
        __name__,
        {
            "coatcheck.delivery.middleware": ["OffloadMiddleware"],
            "coatcheck.errors": ["CoatcheckError"],
            "coatcheck.opening": ["open_store"],
            "coatcheck.payload.hydrate": ["hydrate"],
            "coatcheck.payload.offload": ["offload"],
            "coatcheck.payload.projection": ["for_model", "for_storage", "for_ui"],
            "coatcheck.payload.restore": ["restore"],
            "coatcheck.payload.scrubbing": ["ScrubFilter", "scrub"],
            "coatcheck.payload.streaming": ["offload_stream"],
            "coatcheck.payload.tool": ["offload_tool"],
            "coatcheck.reference": ["MediaReference", "MediaUrls"],
            "coatcheck.store.media_store": ["MediaStore"],
            "coatcheck.version": ["__version__"],
            "coatcheck.wrapping": ["wrap"],
        },
    )
