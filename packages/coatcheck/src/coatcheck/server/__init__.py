"""A server of media: its settings, and what `coatcheck serve` and the chat have in common.

`MediaService` is the store, access, limits, metrics, health and readiness that the settings ask
for. An application opens it with its own life span and puts its parts where it likes.
"""

from typing import TYPE_CHECKING

from coatcheck.lazy import lazily

if TYPE_CHECKING:
    from coatcheck.server.access import read_keyring
    from coatcheck.server.service import MediaService, RunningMediaService
    from coatcheck.server.settings import Settings, read_settings

__all__ = [
    "MediaService",
    "RunningMediaService",
    "Settings",
    "read_keyring",
    "read_settings",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = lazily(
        __name__,
        {
            "coatcheck.server.access": ["read_keyring"],
            "coatcheck.server.service": ["MediaService", "RunningMediaService"],
            "coatcheck.server.settings": ["Settings", "read_settings"],
        },
    )
