"""From settings to back ends: the one place that knows what stands behind each port."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from coatcheck.blobs import LocalBlobStore
from coatcheck.catalog import Database, SqlCatalog, SqlConversationLog
from coatcheck.imaging import ImagingPool
from coatcheck.ports import ConversationLog
from coatcheck.settings import Settings, read_settings
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerLimits


@dataclass(frozen=True, slots=True)
class Backends:
    """What an installation runs on."""

    store: MediaStore
    conversations: ConversationLog


@asynccontextmanager
async def open_backends(settings: Settings) -> AsyncIterator[Backends]:
    """Open everything that `settings` ask for, and close it at the end.

    Raises:
        StorageError: the data directory or the catalog cannot be opened.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.data / "catalog.sqlite3")
        stack.push_async_callback(database.aclose)
        store = MediaStore(
            blobs=await LocalBlobStore.open(settings.data),
            catalog=SqlCatalog(database),
            renderer=ImagingPool(
                max_pixels=settings.max_pixels,
                limits=WorkerLimits(processes=settings.workers),
                max_renditions_waiting=2 * settings.workers,
            ),
            max_bytes=settings.max_bytes,
            variant_bytes=settings.variant_bytes,
        )
        await stack.enter_async_context(store)
        yield Backends(store, SqlConversationLog(database))


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
