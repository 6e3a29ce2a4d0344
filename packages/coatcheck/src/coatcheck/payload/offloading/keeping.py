"""What becomes of media that was found in a payload: stored once, and told in a report."""

import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from types import MappingProxyType
from typing import Final, Literal

import msgspec
from anyio import to_thread

from coatcheck.bounded import BoundedMemory
from coatcheck.errors import CoatcheckError, MediaTooLargeError
from coatcheck.payload.offloading.report import OffloadReport
from coatcheck.payload.offloading.rewriting import Request
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


class Keeper:
    """Stores the media of one payload, each content once, and counts.

    Args:
        store: where media goes; None to measure only.
        form: how references are written.
        urls: mints URLs for the form ``ui``.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.
        remembered: what payloads before this one were given, by digest: of a stream, say, whose
            last event repeats what the others said. What is stored is added.
    """

    def __init__(
        self,
        store: MediaStore | None,
        *,
        form: Form,
        urls: MediaUrls,
        owner: str | None,
        conversation_id: str | None,
        remembered: BoundedMemory[bytes, MediaReference] | None = None,
    ) -> None:
        self._store = store
        self._form = form
        self._urls = urls
        self._owner = owner
        self._conversation_id = conversation_id
        self._outcomes: dict[bytes, MediaReference | str] = {}
        self._remembered = remembered
        self._left: Counter[str] = Counter()
        self._found = self._offloaded = self._before = self._after = 0

    async def keep(self, request: Request) -> Replacement | None:
        """What stands in the place of what a walk came upon; None for nothing."""
        if isinstance(request, str):  # the walk tells why it did not look at something
            self._left[request] += 1
            return None
        if isinstance(request, MediaReference):
            # An object that the application made: nothing that was sent or said holds one.
            return self._replacement(request)
        self._found += 1
        if isinstance(request, CoatcheckError):
            self._left[request.code] += 1
            return None
        try:
            found = request if isinstance(request, FoundMedia) else await _encoded(request)
            outcome = await self._outcome(found)
        except CoatcheckError as error:
            self._left[error.code] += 1
            return None
        return self._counted(found, outcome)

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
                _chunks(found.media),
                display_name=found.name,
                alt=found.alt,
                owner=self._owner,
                conversation_id=self._conversation_id,
            )
        except CoatcheckError as error:
            _logger.info("Media stays inline: %s", error.message)
            return error.code
        except Exception:  # whatever a store does: the payload must go on
            _logger.exception("Media stays inline: the store failed.")
            return _UNEXPECTED

    def _counted(
        self, found: FoundMedia, outcome: MediaReference | str | None
    ) -> Replacement | None:
        if isinstance(outcome, str):
            self._left[outcome] += 1
            return None
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


async def _encoded(picture: Request) -> FoundMedia:
    if not callable(picture):
        raise TypeError("A walk asks for media or for a picture.")
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


async def _chunks(media: Blocks) -> AsyncIterator[bytes]:
    for chunk in media.chunks:
        yield chunk
