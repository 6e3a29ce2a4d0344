"""From settings to back ends: the one place that knows what stands behind each port."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coatcheck.blobs import LocalBlobStore
from coatcheck.catalog import (
    CachedCatalog,
    Database,
    SqlCatalog,
    SqlConversationDirectory,
    SqlConversationLog,
)
from coatcheck.errors import StorageError
from coatcheck.fetching import AddressPolicy, FetchClient, FetchLimits
from coatcheck.imaging import ImagingPool
from coatcheck.ports import (
    ConversationDirectory,
    ConversationLog,
    Fetcher,
    LocalPaths,
    QueuedRenderer,
    Renderer,
    Shrinker,
)
from coatcheck.readiness import Readiness
from coatcheck.settings import Settings, read_settings
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerLimits

_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backends:
    """What an installation runs on."""

    store: MediaStore
    conversations: ConversationLog
    directory: ConversationDirectory
    readiness: Readiness
    local_paths: LocalPaths
    fetcher: Fetcher
    shrinker: Shrinker


@asynccontextmanager
async def open_backends(
    settings: Settings, wrap_renderer: Callable[[QueuedRenderer], Renderer] = lambda inner: inner
) -> AsyncIterator[Backends]:
    """Open everything that `settings` ask for, and close it at the end.

    Args:
        settings: what the installation decides.
        wrap_renderer: puts something around the renderer, such as what counts its work.

    Raises:
        StorageError: the data directory or the catalog cannot be opened.
        ConfigurationError: a setting cannot be used.
    """
    policy = AddressPolicy.parse(ports=settings.fetch_ports, allow=settings.fetch_allow)
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.data / "catalog.sqlite3")
        stack.push_async_callback(database.aclose)
        blobs = await LocalBlobStore.open(settings.data)
        catalog = CachedCatalog(SqlCatalog(database))
        imaging = ImagingPool(
            max_pixels=settings.max_pixels,
            limits=WorkerLimits(processes=settings.workers),
            # As many as before a share had a half: a browser asks for six pictures at a time.
            max_renditions_waiting=2 * (2 * settings.workers + 1),
        )
        fetcher = FetchClient(policy, FetchLimits(seconds=settings.fetch_seconds))
        renderer = wrap_renderer(imaging)
        store = MediaStore(
            blobs=blobs,
            catalog=catalog,
            renderer=renderer,
            fetcher=fetcher,
            max_bytes=settings.max_bytes,
            owner_bytes=settings.owner_bytes,
            variant_bytes=settings.variant_bytes,
        )
        await stack.enter_async_context(store)
        await _finish_deletions(store)
        yield Backends(
            store=store,
            conversations=SqlConversationLog(database),
            directory=SqlConversationDirectory(database),
            readiness=Readiness(catalog, renderer),
            local_paths=blobs,
            fetcher=fetcher,
            shrinker=imaging,
        )


async def _finish_deletions(store: MediaStore) -> None:
    """Do what a killed process left to do; what cannot be removed keeps nobody from the rest."""
    try:
        await store.sweep()
    except StorageError:
        _logger.exception("What was deleted still takes room; the next start tries again.")


@asynccontextmanager
async def open_store(data: Path | str = ".coatcheck") -> AsyncIterator[MediaStore]:
    """Open the embedded store in a directory: files and SQLite, nothing to configure.

    Limits come from the environment (``docs/reference/settings.md``), the directory from here.

    Args:
        data: the directory; made when missing. Several processes may share it.

    Raises:
        StorageError: the directory or the catalog cannot be opened.
        ConfigurationError: a setting in the environment cannot be used.
    """
    settings = read_settings().model_copy(update={"data": Path(data)})
    async with open_backends(settings) as backends:
        yield backends.store
