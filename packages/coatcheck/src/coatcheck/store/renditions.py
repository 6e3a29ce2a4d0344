"""What the renderer makes of stored images: variants, edits and palettes.

Variants are rendered when they are first asked for, or before that in idle time, and kept in the
blob store. Content that could not be decoded is remembered by its digest and not tried again soon.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from anyio import CancelScope

from coatcheck.bounded import BoundedMemory
from coatcheck.edits import Edit
from coatcheck.errors import (
    CoatcheckError,
    InvalidInputError,
    NotFoundError,
    UnprocessableMediaError,
    VariantBudgetError,
    WorkerTimeoutError,
)
from coatcheck.mediatype import IMAGE_TYPES
from coatcheck.ports import (
    THUMBNAIL,
    BlobStore,
    Catalog,
    MediaRecord,
    RenderedImage,
    Renderer,
    Swatch,
    VariantRecord,
)
from coatcheck.reference import MediaReference
from coatcheck.store.reading import BlobReader
from coatcheck.variants import PREPARED, VariantSpec, after_prepared

_logger: Final = logging.getLogger(__name__)

CONDEMNED_SECONDS: Final = 300.0
"""How long content that could not be decoded is not tried again."""

QUIET_SECONDS: Final = 0.2
"""How long no picture was put when one is rendered ahead: those of an answer come one by one."""

_MAX_CONDEMNED: Final = 1000
_MAX_AHEAD: Final = 64


@dataclass(frozen=True, slots=True)
class _Finding:
    error: type[CoatcheckError]
    message: str


class Condemned:
    """Remembers what hangs or ends a decoder: it does so again, and costs as much each time."""

    def __init__(self) -> None:
        self._found = BoundedMemory[tuple[str, str], _Finding](
            entries=_MAX_CONDEMNED, seconds=CONDEMNED_SECONDS
        )

    def check(self, digest: str, operation: str) -> None:
        """Raise again what `operation` on this content raised a short time ago."""
        found = self._found.get((digest, operation))
        if found is not None:
            raise found.error(found.message)

    @contextmanager
    def remembering(self, digest: str, operation: str) -> Iterator[None]:
        """Remember if the image, or the time that it takes, makes `operation` fail."""
        try:
            yield
        except (UnprocessableMediaError, WorkerTimeoutError) as error:
            self._found.put((digest, operation), _Finding(type(error), error.message))
            raise


class Renditions:
    """Renders each variant once, however many ask for it at the same time.

    Args:
        blobs: where originals are read and variants kept.
        catalog: where variants are recorded.
        renderer: renders.
        reading: distinguishes damaged media from deleted media.
        condemned: content that could not be decoded.
        max_bytes: what all variants but thumbnails and `PREPARED` may occupy together.
    """

    def __init__(
        self,
        *,
        blobs: BlobStore,
        catalog: Catalog,
        renderer: Renderer,
        reading: BlobReader,
        condemned: Condemned,
        max_bytes: int,
    ) -> None:
        self._blobs = blobs
        self._catalog = catalog
        self._renderer = renderer
        self._reading = reading
        self._condemned = condemned
        self._max_bytes = max_bytes
        self._flights: dict[tuple[str, str], _Flight] = {}

    async def get(self, record: MediaRecord, spec: VariantSpec) -> VariantRecord:
        """The variant of a recorded image; see `MediaStore.variant`."""
        if record.reference.mime_type not in IMAGE_TYPES:
            raise NotFoundError("This media has no variants: it is no image.")
        known = record.variants.get(spec.name)
        if known is not None:
            return known
        key = (record.reference.digest, spec.name)
        self._condemned.check(*key)
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(
                lambda started: self._render(record, spec, started),
                lambda over: self._forget(key, over),
            )
            self._flights[key] = flight
        async with self._reading.kept(record.reference.id):
            return await flight.join()

    async def edit(self, reference: MediaReference, edits: Sequence[Edit]) -> RenderedImage:
        """The edited image; see `MediaStore.edit`."""
        if reference.mime_type not in IMAGE_TYPES:
            raise InvalidInputError("This media is no image; only images can be edited.")
        async with (
            self._reading.kept(reference.id),
            self._blobs.local_file(reference.digest) as path,
        ):
            return await self._renderer.edit(path, reference.mime_type, edits)

    async def palette(self, record: MediaRecord) -> Sequence[Swatch]:
        """The main colors of an image; see `MediaStore.palette`."""
        thumbnail = thumbnail_of(record)
        async with (
            self._reading.kept(record.reference.id),
            self._blobs.local_file(thumbnail.digest) as path,
        ):
            return await self._renderer.palette(path, thumbnail.media_type)

    async def aclose(self) -> None:
        """Drop what is being rendered."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.drop()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)

    async def has_room_ahead(self) -> bool:
        """Whether variants may be made that were not asked for: half of the budget is kept."""
        return await self._catalog.rendered_bytes() < self._max_bytes // 2

    def _forget(self, key: tuple[str, str], flight: "_Flight") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _render(
        self, record: MediaRecord, spec: VariantSpec, on_start: Callable[[], None]
    ) -> VariantRecord:
        reference = record.reference
        # `record` may have been read before another request's rendering was recorded.
        known = await self._catalog.find_blob(reference.digest)
        for variant in known[1] if known else ():
            if variant.name == spec.name:
                return variant
        if await self._catalog.rendered_bytes() >= self._max_bytes:
            raise VariantBudgetError
        async with self._blobs.local_file(reference.digest) as path:
            with self._condemned.remembering(reference.digest, spec.name):
                image = await self._renderer.render(
                    path,
                    reference.mime_type,
                    spec,
                    on_start=on_start,
                    share=share_of(record.owner, reference.digest),
                )
        async with self._blobs.stage() as staged:
            await staged.seal(image.data)
            rendered = variant_record(spec.name, staged.digest, image)
            with CancelScope(shield=True):
                async with self._catalog.transaction() as transaction:
                    recorded = await transaction.add_variant(reference.digest, rendered)
                    if recorded == rendered:  # another node may have been first, with other bytes
                        await self._blobs.publish(staged)
        if recorded is None:
            raise NotFoundError("There is no media under this id.")
        return recorded


class _Flight:
    """One rendering that any number of requests wait for.

    No request owns the task: one that is cancelled leaves it to the others. When the last
    one leaves, work that still queues is dropped; work that has begun is finished and kept.
    """

    def __init__(
        self,
        work: Callable[[Callable[[], None]], Coroutine[Any, Any, VariantRecord]],
        on_over: Callable[["_Flight"], None],
    ) -> None:
        self._waiting = 0
        self._started = False
        self._on_over = on_over
        self._scope = CancelScope()
        self.task = asyncio.create_task(self._run(work))
        self.task.add_done_callback(self._finish)

    async def join(self) -> VariantRecord:
        self._waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self._waiting -= 1
            if self._waiting == 0 and not self._started:
                self._on_over(self)  # a request from now on begins anew
                self.drop()

    def drop(self) -> None:
        """End the work, also for those who wait for it."""
        self._scope.cancel()

    async def _run(
        self, work: Callable[[Callable[[], None]], Coroutine[Any, Any, VariantRecord]]
    ) -> VariantRecord:
        # A scope of anyio, so that what shields itself within (the database) is not torn apart.
        with self._scope:
            return await work(self._start)
        raise asyncio.CancelledError

    def _finish(self, task: asyncio.Task[VariantRecord]) -> None:
        self._on_over(self)
        if not task.cancelled():
            task.exception()  # seen, also when everybody has left

    def _start(self) -> None:
        self._started = True


class Ahead:
    """Starts the renderer's workers, then makes the next variant of new pictures in idle time.

    It waits until no picture was put for `QUIET_SECONDS` and the renderer has time, and makes one
    at a time. At most `_MAX_AHEAD` pictures wait; the oldest give way. What is not made ahead is
    made on request.

    Args:
        renditions: renders.
        renderer: says whether it has time.
    """

    def __init__(self, renditions: Renditions, renderer: Renderer) -> None:
        self._renditions = renditions
        self._renderer = renderer
        self._queue: deque[MediaRecord] = deque(maxlen=_MAX_AHEAD)
        self._added = asyncio.Event()
        self._scope: CancelScope | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._scope = CancelScope()
        self._task = asyncio.create_task(self._run(self._scope))

    def add(self, record: MediaRecord) -> None:
        """Note a picture that was put; media without `PREPARED` is left out."""
        if self._task is not None and PREPARED.name in record.variants:
            self._queue.append(record)
            self._added.set()

    async def aclose(self) -> None:
        """Stop, whatever is still to be made."""
        if self._scope is not None and self._task is not None:
            self._scope.cancel()
            await asyncio.wait([self._task])

    async def _run(self, scope: CancelScope) -> None:
        # A scope of anyio, so that what shields itself within (the database) is not torn apart.
        with scope:
            try:
                await self._renderer.warm()
            except CoatcheckError:
                _logger.warning("The workers do not start; a picture tries again.", exc_info=True)
            while True:
                await self._added.wait()
                await self._wait_for_quiet()
                try:
                    await self._make_next()
                except CoatcheckError:
                    _logger.debug("A variant is left to the first request for it.", exc_info=True)

    async def _wait_for_quiet(self) -> None:
        self._added.clear()
        await asyncio.sleep(QUIET_SECONDS)
        while self._added.is_set() or not self._renderer.has_time:
            self._added.clear()
            await asyncio.sleep(QUIET_SECONDS)

    async def _make_next(self) -> None:
        record = self._queue.popleft()
        if self._queue:
            self._added.set()
        width = record.reference.width
        if width is not None and await self._renditions.has_room_ahead():
            await self._renditions.get(record, after_prepared(record.reference.mime_type, width))


def thumbnail_of(record: MediaRecord) -> VariantRecord:
    """The thumbnail of recorded media.

    Raises:
        NotFoundError: it is no image.
    """
    thumbnail = record.variants.get(THUMBNAIL)
    if thumbnail is None:
        raise NotFoundError("This media has no thumbnail: it is no image.")
    return thumbnail


def share_of(owner: str | None, digest: str) -> str:
    """Whose share of the workers a task takes: its owner's, or that of the content without one."""
    return digest if owner is None else f"owner {owner}"


def variant_record(name: str, digest: str, image: RenderedImage) -> VariantRecord:
    """The record of a rendered image whose bytes have `digest`."""
    return VariantRecord(
        name=name,
        digest=digest,
        size=len(image.data),
        media_type=image.media_type,
        width=image.width,
        height=image.height,
    )
