"""What becomes of media that was found in a payload: stored once, and told in a report."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Literal

import msgspec
from anyio import to_thread
from anyio.lowlevel import checkpoint

from coatcheck.bounded import BoundedMemory
from coatcheck.errors import CoatcheckError, MediaTooLargeError
from coatcheck.payload.offloading.report import MAX_PLACES, OffloadReport
from coatcheck.payload.offloading.rewriting import Picture, Request, UnclaimedMedia
from coatcheck.payload.scanning.base64text import Steps
from coatcheck.payload.scanning.blocks import Blocks
from coatcheck.payload.scanning.text import FoundMedia
from coatcheck.payload.shapes import Replacement
from coatcheck.reference import URI_SCHEME, MediaReference, MediaUrls
from coatcheck.store import MediaStore

_logger: Final = logging.getLogger(__name__)

Form = Literal["stored", "ui"]
"""``stored`` for what is kept (``media://`` links), ``ui`` for what goes to a browser (URLs)."""

_HASHED_AT_ONCE: Final = 64 * 1024
_ESTIMATED_BODY: Final = 450
_UNEXPECTED: Final = "unexpected"

UNKNOWN_SHAPE: Final = "unknown_shape"
"""Why media was left: it is base64 that no shape claims, and `bare` says to keep it."""


class Keeper:
    """Stores the media of one payload, each content once, and counts.

    Args:
        store: where media goes; None to measure only.
        form: how references are written.
        urls: mints URLs for the form ``ui``.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.
        place: where in the payload the walk is.
        remembered: what payloads before this one were given, by digest: of a stream, say, whose
            last event repeats what the others said. What is stored is added.
        reuse: see `offload`.
    """

    def __init__(
        self,
        store: MediaStore | None,
        *,
        form: Form,
        urls: MediaUrls,
        owner: str | None,
        conversation_id: str | None,
        place: Callable[[], Steps[str]],
        remembered: BoundedMemory[bytes, MediaReference] | None = None,
        reuse: bool = True,
    ) -> None:
        self._store = store
        self._form = form
        self._urls = urls
        self._owner = owner
        self._conversation_id = conversation_id
        self._outcomes: dict[bytes, MediaReference | str] = {}
        self._place = place
        self._remembered = remembered
        self._reuse = reuse
        self._left: Counter[str] = Counter()
        self._places: defaultdict[str, list[str]] = defaultdict(list)
        self._found = self._offloaded = self._before = self._after = 0

    async def keep(self, request: Request) -> Replacement | None:
        """Return the replacement of what a walk found; None for nothing."""
        if isinstance(request, MediaReference):
            # An object that the application made: nothing that was sent or said holds one.
            return self._replacement(request)
        reason: str | None = None
        replacement = None
        if isinstance(request, str):  # the walk tells why it did not look at something
            reason = request
        else:
            self._found += 1
            try:
                reason, replacement = await self._taken(request)
            except CoatcheckError as error:
                reason = error.code
        if reason is not None:
            await self._leave(reason)
        return replacement

    async def _taken(
        self, request: FoundMedia | UnclaimedMedia | Picture | CoatcheckError
    ) -> tuple[str | None, Replacement | None]:
        """Why media was left, or what stands in its place; neither where nothing is stored."""
        if isinstance(request, UnclaimedMedia):
            return UNKNOWN_SHAPE, None
        if isinstance(request, CoatcheckError):
            raise request
        found = request if isinstance(request, FoundMedia) else await _encoded(request)
        outcome = await self._outcome(found)
        if isinstance(outcome, str):
            return outcome, None
        return None, self._counted(found, outcome)

    async def _leave(self, reason: str) -> None:
        """Count what stays inline, and note where."""
        self._left[reason] += 1
        if len(self._places[reason]) == MAX_PLACES:
            return
        steps = self._place()
        while True:
            try:
                next(steps)
            except StopIteration as done:
                self._places[reason].append(done.value)
                return
            await checkpoint()

    @property
    def report(self) -> OffloadReport:
        """What was done so far."""
        references = [kept for kept in self._outcomes.values() if isinstance(kept, MediaReference)]
        return OffloadReport(
            found=self._found,
            offloaded=self._offloaded,
            references=tuple(references),
            bytes_before=self._before,
            bytes_after=self._after,
            left=MappingProxyType(dict(self._left)),
            places=MappingProxyType(
                {reason: tuple(places) for reason, places in self._places.items()}
            ),
        )

    async def _outcome(self, found: FoundMedia) -> MediaReference | str | None:
        """The reference to the media, why there is none, or None where nothing is stored."""
        if self._store is None:
            return None
        if found.media.size > self._store.max_bytes:
            raise MediaTooLargeError
        if not self._outcomes and not self._remembered:
            # Nothing to compare with: the store computes the digest anyway.
            outcome = await self._put(self._store, found)
            digest = await _digest_of(outcome, found.media)
        else:
            digest = await _digest(found.media)
            known = self._outcomes.get(digest)
            if known is None and self._remembered is not None:
                known = self._remembered.get(digest)
            outcome = known or await self._put(self._store, found)
        self._outcomes[digest] = outcome
        if self._remembered is not None and isinstance(outcome, MediaReference):
            self._remembered.put(digest, outcome)
        return outcome

    async def _put(self, store: MediaStore, found: FoundMedia) -> MediaReference | str:
        try:
            return await store.put(
                list(found.media.chunks),
                display_name=found.name,
                alt=found.alt,
                owner=self._owner,
                conversation_id=self._conversation_id,
                reuse=self._reuse,
            )
        except CoatcheckError as error:
            _logger.info("Media stays inline: %s", error.message)
            return error.code
        except Exception:  # whatever a store does: the payload must go on
            _logger.exception("Media stays inline: the store failed.")
            return _UNEXPECTED

    def _counted(self, found: FoundMedia, outcome: MediaReference | None) -> Replacement | None:
        self._before += found.characters
        if outcome is None:
            self._after += _ESTIMATED_BODY
            return None
        replacement = self._replacement(outcome)
        self._offloaded += 1
        self._after += len(msgspec.json.encode(replacement.body))
        return replacement

    def _replacement(self, reference: MediaReference) -> Replacement:
        if self._form == "ui":
            link, body = self._urls.original(reference.id), reference.to_ui(self._urls)
        else:
            link, body = URI_SCHEME + reference.id, reference.to_stored()
        return Replacement(reference=reference, link=link, body=body)


async def _encoded(picture: Picture) -> FoundMedia:
    data = await to_thread.run_sync(picture)
    return FoundMedia(media=Blocks([data]), characters=len(data))


async def _digest_of(outcome: MediaReference | str, media: Blocks) -> bytes:
    if isinstance(outcome, MediaReference):
        return bytes.fromhex(outcome.digest.partition(":")[2])
    return await _digest(media)


async def _digest(media: Blocks) -> bytes:
    def compute() -> bytes:
        digest = hashlib.sha256()
        for chunk in media.chunks:
            digest.update(chunk)
        return digest.digest()

    if media.size <= _HASHED_AT_ONCE:
        return compute()
    return await to_thread.run_sync(compute)
