"""Where references are in messages, and the messages with media and lines in those places. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from coatcheck.payload.hydration.limits import Inline
from coatcheck.payload.hydration.places import MENTIONED, See, Takes, Visitor
from coatcheck.payload.hydration.providers.base import MessageForm
from coatcheck.ports import MediaRecord

NOT_AVAILABLE: Final = "[media not available]"
"""Stands for media that does not exist or is another owner's; which of both is not said."""

Visiting = Callable[[See], Visitor]


class Place(NamedTuple):
    """Where a reference is: its number among all, in which message, and what may stand there."""

    number: int
    message: int
    reference_id: str
    takes: Takes


class Found(NamedTuple):
    """The places of references in messages, and what was not looked into, by reason."""

    places: list[Place]
    left: Mapping[str, int]


def find_places(messages: Sequence[Any], form: MessageForm, visiting: Visiting) -> Found:
    """All places of references, in the order in which they are."""
    finder = _Finder()
    visitor = visiting(finder.see)
    for finder.message, message in enumerate(messages):
        if isinstance(message, Mapping):
            form.rewrite(message, visitor)
    return Found(finder.places, dict(visitor.left))


class _Finder:
    """Notes where references are; what it puts in their places is thrown away."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.message = 0

    def see(self, reference_id: str, takes: Takes) -> str:
        self.places.append(Place(len(self.places), self.message, reference_id, takes))
        return NOT_AVAILABLE


def standing(places: Iterable[Place]) -> dict[str, list[Place]]:
    """The places in which media may be shown, or after which it may follow, by its id."""
    found = defaultdict(list)
    for place in places:
        if place.takes is not MENTIONED:
            found[place.reference_id].append(place)
    return dict(found)


class Assembly:
    """Puts media and lines into the places of references, once each has been decided on.

    Args:
        form: the form of the messages.
        records: the media that may be named, by id.
        where: in which place each medium is shown, by id.
        shown: what is shown, by id. What has been placed is let go of: it is empty in the end.
    """

    def __init__(
        self,
        form: MessageForm,
        records: Mapping[str, MediaRecord],
        where: Mapping[str, Place],
        shown: dict[str, Inline],
    ) -> None:
        self._form = form
        self._records = records
        self._where = where
        self._shown = shown
        self._number = 0
        self._following: list[str] = []

    def run(self, messages: Sequence[Any], visiting: Visiting) -> list[Any]:
        """The messages for one request.

        Args:
            messages: those in which the places were found.
            visiting: makes the same visitor.
        """
        visitor = visiting(self._see)
        following: dict[int, list[str]] = defaultdict(list)
        rewritten = []
        for index, message in enumerate(messages):
            is_read = isinstance(message, Mapping)
            rewritten.append(self._form.rewrite(message, visitor) if is_read else message)
            if self._following:
                following[self._form.after(messages, index)] += self._following
                self._following = []
        asked = [
            place.reference_id
            for place in sorted(self._where.values(), key=lambda place: place.number)
            if place.message == len(messages) and place.reference_id in self._shown
        ]
        assembled: list[Any] = []
        for index in range(len(messages) + 1):
            if following[index]:
                assembled.append(self._show(following[index]))
            assembled += rewritten[index : index + 1]
        # In a message of its own: what was asked for is gone in the next request.
        return self._form.finish([*assembled, self._show(asked)] if asked else assembled)

    def _show(self, reference_ids: Iterable[str]) -> dict[str, Any]:
        return self._form.show([self._shown.pop(each) for each in reference_ids])

    def _see(self, reference_id: str, takes: Takes) -> Inline | str:
        number = self._number
        self._number += 1
        record = self._records.get(reference_id)
        if record is None:
            return NOT_AVAILABLE
        inline = self._shown.get(reference_id)
        if inline is not None and takes is not None and self._where[reference_id].number == number:
            if inline.kind in takes:
                return self._shown.pop(reference_id)
            self._following.append(reference_id)
        return record.reference.to_model()
