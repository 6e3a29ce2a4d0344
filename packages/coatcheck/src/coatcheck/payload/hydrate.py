"""References in a model's messages become pictures again: at request assembly, never written back.

::

    hydrated = await hydrate(history, store, provider="anthropic", policy=latest(1))
    await client.messages.create(model=…, max_tokens=…, messages=hydrated.messages)

Of a reference the id alone is believed; everything else is read from the catalog. What is not shown
becomes its line of text (`MediaReference.to_model`), the same at every request.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from anyio import to_thread

from coatcheck.errors import CoatcheckError, NotFoundError
from coatcheck.payload.hydration.fitting import Fitted, fit, read_inline
from coatcheck.payload.hydration.limits import Inline, Kind, MediaLimits
from coatcheck.payload.hydration.places import UNKNOWN, See, Visitor
from coatcheck.payload.hydration.policies import HydrationPolicy, Occurrence, latest
from coatcheck.payload.hydration.providers import Provider, ProviderName, provider_named
from coatcheck.payload.links import Links
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.ports import MediaRecord
from coatcheck.reference import MediaUrls, normalize_reference_id
from coatcheck.store import MediaStore

NOT_AVAILABLE: Final = "[media not available]"
"""Stands for media that does not exist or is another owner's; which of both is not said."""

OVER_BUDGET: Final = "request_budget"
"""Why media is not shown that one request has no room for."""

Visiting = Callable[[See], Visitor]

_LATEST: Final = latest(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HydrationReport:
    """What became of the references.

    Attributes:
        found: how many there were, repetitions counted.
        shown: ids of the media that are shown, in the order in which they stand.
        refused: references to media that is unknown or another owner's, repetitions counted.
        tokens: estimate of what the shown pictures cost; documents and audio are not in it.
        length: characters of base64 in the messages.
        left: why media that the policy chose is not shown, and how many: an error's code or
            `OVER_BUDGET`.
    """

    found: int
    shown: tuple[str, ...]
    refused: int
    tokens: int
    length: int
    left: Mapping[str, int]


class Hydrated(NamedTuple):
    """Messages for one request, and what became of the references in them."""

    messages: list[Any]
    report: HydrationReport


async def hydrate(
    messages: Sequence[Any],
    store: MediaStore,
    *,
    provider: ProviderName,
    policy: HydrationPolicy = _LATEST,
    owner: str | None = None,
    urls: MediaUrls | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
) -> Hydrated:
    """Put media into the messages of one request to a model, as its provider takes it.

    A chosen medium stands where it occurs last, if that place takes it. Where only text may stand,
    its line does, and the picture follows in a user message, after all results of the same tool
    calls. All other references become their lines. What cannot be read or rendered becomes its line
    and is counted. The same input gives the same messages; those given are left as they are.

    Memory: the base64 of what is shown, at most the provider's limit for a request (18 to 48 MB),
    and one medium once more while it is put together.

    Args:
        messages: in the provider's own form: dictionaries, as its SDK or its HTTP API takes them.
            Objects of the SDK among them pass unchanged.
        store: where the media is.
        provider: whose form it is: ``openai`` (Chat Completions), ``openai-responses``,
            ``anthropic`` or ``gemini``.
        policy: which media are shown; by default the one that occurs last.
        owner: whose media may be shown; None for media without an owner.
        urls: how links of the form ``ui`` were minted; without it only ``media://`` is a link.
        shapes: how else content parts may name media.

    Raises:
        InvalidInputError: there is no such provider.
        StorageError: the catalog cannot be read.
    """
    form = provider_named(provider)
    visiting = partial(Visitor, Links(urls), shapes)
    # In threads: what tools returned may be large, and a server has others to serve meanwhile.
    places = await to_thread.run_sync(_find_places, messages, form, visiting)
    places += _places_after(messages, places, policy)
    records = await _find_records(store, places, owner)
    last = {place.reference_id: place for place in places if place.reference_id in records}
    offered = [
        _occurrence(place, records, form)
        for place in sorted(last.values())
        if form.limits.takes(records[place.reference_id].reference.mime_type)
    ]
    chosen = set(policy.choose(offered))
    newest_first = [
        records[each.reference.id] for each in reversed(offered) if each.reference.id in chosen
    ]
    media = await _prepare(newest_first, store, form.limits)
    report = HydrationReport(
        found=sum(place.message < len(messages) for place in places),
        shown=tuple(each.reference.id for each in offered if each.reference.id in media.shown),
        refused=sum(place.reference_id not in records for place in places),
        tokens=sum(
            form.estimate_tokens(fitted.width, fitted.height)
            for fitted in media.fitted
            if fitted.width is not None and fitted.height is not None
        ),
        length=sum(fitted.length for fitted in media.fitted),
        left=dict(media.left),
    )
    assembly = _Assembly(form, records, last, media.shown)
    return Hydrated(await to_thread.run_sync(assembly.run, messages, visiting), report)


class _Place(NamedTuple):
    """Where a reference stands: its number among all of them, and in which message."""

    number: int
    message: int
    reference_id: str


def _find_places(messages: Sequence[Any], form: Provider, visiting: Visiting) -> list[_Place]:
    finder = _Finder()
    visitor = visiting(finder.see)
    for finder.message, message in enumerate(messages):
        if isinstance(message, Mapping):
            form.rewrite(message, visitor)
    return finder.places


def _places_after(
    messages: Sequence[Any], places: Sequence[_Place], policy: HydrationPolicy
) -> list[_Place]:
    """Places after the last message, for media that is asked for and occurs in none."""
    named = {place.reference_id for place in places}
    asked = dict.fromkeys(normalize_reference_id(each) or UNKNOWN for each in policy.asked)
    added = [each for each in asked if each not in named]
    return [_Place(number, len(messages), each) for number, each in enumerate(added, len(places))]


class _Finder:
    """Notes where references stand; what it puts in their places is thrown away."""

    def __init__(self) -> None:
        self.places: list[_Place] = []
        self.message = 0

    def see(self, reference_id: str, _: frozenset[Kind]) -> str:
        self.places.append(_Place(len(self.places), self.message, reference_id))
        return NOT_AVAILABLE


async def _find_records(
    store: MediaStore, places: Iterable[_Place], owner: str | None
) -> dict[str, MediaRecord]:
    """The records of those media that the owner may have, by id."""
    records = {}
    for reference_id in dict.fromkeys(place.reference_id for place in places):
        try:
            record = await store.record(reference_id)
        except NotFoundError:
            continue
        if record.owner == owner:
            records[reference_id] = record
    return records


def _occurrence(place: _Place, records: Mapping[str, MediaRecord], form: Provider) -> Occurrence:
    reference = records[place.reference_id].reference
    size = form.limits.best_size(reference)
    return Occurrence(
        reference=reference,
        message=place.message,
        tokens=None if size is None else form.estimate_tokens(*size),
    )


@dataclass(frozen=True, slots=True)
class _Media:
    """What is shown, by id; which blobs that is; and why the rest is not."""

    shown: dict[str, Inline] = field(default_factory=dict)
    fitted: list[Fitted] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


async def _prepare(
    newest_first: Iterable[MediaRecord], store: MediaStore, limits: MediaLimits
) -> _Media:
    """Read what is shown. Where a request has no room for all of it, the oldest give way."""
    media = _Media()
    room = limits.request_length
    for record in newest_first:
        if room == 0 or len(media.fitted) == limits.request_media:
            media.left[OVER_BUDGET] += 1
            continue
        try:
            fitted = await fit(store, record, limits)
            if fitted.length > room:
                media.left[OVER_BUDGET] += 1
                room = 0
                continue
            inline = await read_inline(store, record.reference, fitted)
        except CoatcheckError as error:
            media.left[error.code] += 1
            continue
        room -= fitted.length
        media.shown[record.reference.id] = inline
        media.fitted.append(fitted)
    return media


class _Assembly:
    """Puts media and lines into the places of references, once each has been decided on.

    What has been placed is let go of: `shown` is empty in the end.
    """

    def __init__(
        self,
        form: Provider,
        records: Mapping[str, MediaRecord],
        last: Mapping[str, _Place],
        shown: dict[str, Inline],
    ) -> None:
        self._form = form
        self._records = records
        self._last = last
        self._shown = shown
        self._number = 0
        self._following: list[str] = []

    def run(self, messages: Sequence[Any], visiting: Visiting) -> list[Any]:
        visitor = visiting(self._see)
        following: dict[int, list[str]] = defaultdict(list)
        rewritten = []
        for index, message in enumerate(messages):
            is_read = isinstance(message, Mapping)
            rewritten.append(self._form.rewrite(message, visitor) if is_read else message)
            if self._following:
                following[self._form.after(messages, index)] += self._following
                self._following = []
        following[len(messages)] += [
            place.reference_id
            for place in sorted(self._last.values())
            if place.message == len(messages) and place.reference_id in self._shown
        ]
        assembled: list[Any] = []
        for index in range(len(messages) + 1):
            if following[index]:
                assembled.append(
                    self._form.show([self._with_line(each) for each in following[index]])
                )
            assembled += rewritten[index : index + 1]
        return assembled

    def _with_line(self, reference_id: str) -> tuple[str, Inline]:
        return self._records[reference_id].reference.to_model(), self._shown.pop(reference_id)

    def _see(self, reference_id: str, takes: frozenset[Kind]) -> Inline | str:
        number = self._number
        self._number += 1
        record = self._records.get(reference_id)
        if record is None:
            return NOT_AVAILABLE
        inline = self._shown.get(reference_id)
        if inline is not None and self._last[reference_id].number == number:
            if inline.kind in takes:
                return self._shown.pop(reference_id)
            self._following.append(reference_id)
        return record.reference.to_model()
