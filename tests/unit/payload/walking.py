"""Drives walks without a store: media is kept in a dictionary, to check properties."""

import hashlib
from collections.abc import Generator
from typing import Any
from uuid import UUID

from coatcheck.mediatype import sniff
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import OffloadLimits, Rewriter, Walk
from coatcheck.payload.restore import Restorer
from coatcheck.payload.scanning.text import FoundMedia
from coatcheck.payload.shapes import DEFAULT_SHAPES, Original, Replacement
from coatcheck.reference import MediaReference, MediaUrls


def finish(steps: Generator[Any, None, Any]) -> Any:
    """The outcome of work in steps."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


class Shelf:
    """Where media is kept, by id; what a walk said of the rest is in `left`."""

    def __init__(self) -> None:
        self._urls: MediaUrls | None = None
        self.media: dict[str, tuple[MediaReference, bytes]] = {}
        self.left: list[object] = []
        self.found = 0
        self.respelled: list[str] = []

    def offload(self, payload: Any, *, urls: MediaUrls | None = None, **limits: int) -> Any:
        self._urls = urls
        rewriter = Rewriter(OffloadLimits(**limits), links=Links(urls))
        return self.drive(rewriter.walk(payload))

    def document(self, document: bytes) -> Any:
        return self.drive(Rewriter(OffloadLimits()).document(document))

    def drive(self, walk: Walk[Any]) -> Any:
        answer = None
        while True:
            try:
                request = walk.send(answer)
            except StopIteration as done:
                return done.value
            answer = None
            if isinstance(request, FoundMedia):
                self.found += 1
                answer = self.keep(request)
            elif request is not None:
                self.left.append(request)

    def keep(self, found: FoundMedia) -> Replacement:
        data = b"".join(found.media.chunks)
        digest = hashlib.sha256(data).digest()
        reference = MediaReference(
            id=str(UUID(bytes=digest[:16], version=4)),
            mime_type=sniff(found.media.head) or "",
            size=len(data),
            digest=f"sha-256:{digest.hex()}",
            display_name=found.name,
            alt=found.alt,
        )
        self.media[reference.id] = (reference, data)
        if self._urls is None:
            return Replacement(reference=reference, link=reference.uri, body=reference.to_stored())
        link = self._urls.original(reference.id)
        return Replacement(reference=reference, link=link, body=reference.to_ui(self._urls))

    def restore(self, payload: Any, *, urls: MediaUrls | None = None) -> Any:
        restorer = Restorer(Links(urls), DEFAULT_SHAPES)
        walk = restorer.walk(payload)
        answer = None
        while True:
            try:
                reference_id = walk.send(answer)
            except StopIteration as done:
                self.respelled = restorer.respelled
                return done.value
            kept = self.media.get(reference_id or "")
            answer = None if kept is None else Original(reference=kept[0], data=kept[1])
