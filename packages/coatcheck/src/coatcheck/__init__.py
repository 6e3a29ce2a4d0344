"""Coatcheck keeps pictures out of an AI application's message stream.

`open_store` opens a store. Its `MediaStore.put` takes bytes and gives a `MediaReference`, which has
a form for the history, one for the browser and one for the model. `wrap` does the same for a whole
application.

The names below are the public surface; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coatcheck.delivery.middleware import OffloadMiddleware
    from coatcheck.errors import CoatcheckError
    from coatcheck.opening import open_store
    from coatcheck.payload.hydrate import hydrate
    from coatcheck.payload.offload import offload, offload_document
    from coatcheck.payload.projection import for_model, for_storage, for_ui
    from coatcheck.payload.restore import restore
    from coatcheck.payload.scrubbing import ScrubFilter, scrub
    from coatcheck.payload.streaming import offload_stream
    from coatcheck.payload.tool import offload_tool
    from coatcheck.reference import MediaReference, MediaUrls
    from coatcheck.store import MediaStore
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
    "offload_document",
    "offload_stream",
    "offload_tool",
    "open_store",
    "restore",
    "scrub",
    "wrap",
]

_HOMES = {
    "CoatcheckError": "coatcheck.errors",
    "MediaReference": "coatcheck.reference",
    "MediaStore": "coatcheck.store",
    "MediaUrls": "coatcheck.reference",
    "OffloadMiddleware": "coatcheck.delivery.middleware",
    "ScrubFilter": "coatcheck.payload.scrubbing",
    "__version__": "coatcheck.version",
    "for_model": "coatcheck.payload.projection",
    "for_storage": "coatcheck.payload.projection",
    "for_ui": "coatcheck.payload.projection",
    "hydrate": "coatcheck.payload.hydrate",
    "offload": "coatcheck.payload.offload",
    "offload_document": "coatcheck.payload.offload",
    "offload_stream": "coatcheck.payload.streaming",
    "offload_tool": "coatcheck.payload.tool",
    "open_store": "coatcheck.opening",
    "restore": "coatcheck.payload.restore",
    "scrub": "coatcheck.payload.scrubbing",
    "wrap": "coatcheck.wrapping",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        # A worker process imports this package too and must not pay for the database's import.
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'coatcheck' has no attribute {name!r}")
        return getattr(import_module(home), name)
