"""What a store may use and how much: plain values, given as arguments."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_PIXELS: Final = 50_000_000
DEFAULT_VARIANT_BYTES: Final = 10 * 1024**3
DEFAULT_FETCH_SECONDS: Final = 30.0
DEFAULT_FETCH_PORTS: Final = "80,443"
DEFAULT_WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Where a store lives and what it may use.

    Attributes:
        data: directory of the catalog and the blobs; made when missing.
        max_bytes: largest media that is accepted.
        max_pixels: largest image that is decoded: width × height × frames.
        variant_bytes: what rendered variants may occupy together; thumbnails do not count, nor do
            WebP of 512 pixels, of which an image has one.
        owner_bytes: what the media of one owner may occupy together; 0 for no limit. Media without
            an owner counts as one owner's.
        workers: processes that look at images.
        eager: start these at once, and make the next variant of a new picture in idle time.
        fetch_seconds: how long fetching one URL may take, redirects and all.
        fetch_ports: ports that URLs are fetched from, separated by commas.
        fetch_allow: addresses that URLs are fetched from although they are not public, separated
            by commas: ``10.1.2.3``, ``10.1.0.0/16``, ``127.0.0.1:8080``, ``[fd00::/8]:443``.
    """

    data: Path = Path(".coatcheck")
    max_bytes: int = DEFAULT_MAX_BYTES
    max_pixels: int = DEFAULT_MAX_PIXELS
    variant_bytes: int = DEFAULT_VARIANT_BYTES
    owner_bytes: int = 0
    workers: int = DEFAULT_WORKERS
    eager: bool = False
    fetch_seconds: float = DEFAULT_FETCH_SECONDS
    fetch_ports: str = DEFAULT_FETCH_PORTS
    fetch_allow: str = ""
