"""Turn references in a model's messages into pictures again, for one request at a time.

::

    hydrated = await hydrate(history, store, provider="anthropic", frontier=frontier) await
    client.messages.create(model=…, max_tokens=…, messages=hydrated.messages) frontier =
    hydrated.frontier # store it with the conversation

Hydration trusts only the id of a reference and reads everything else from the catalog. Media that
is not shown becomes its line of text (`MediaReference.to_model`), the same in every request.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from anyio import to_thread

from coatcheck.errors import CoatcheckError
from coatcheck.payload.hydration.assembly import (
    NOT_AVAILABLE,
    Assembly,
    Place,
    find_places,
    standing,
)
from coatcheck.payload.hydration.fitting import Fitted, fit, read_inline
from coatcheck.payload.hydration.frontier import Budget, Candidate, Frontier, read_frontier, retire
from coatcheck.payload.hydration.limits import Inline, MediaLimits
from coatcheck.payload.hydration.places import TEXT_ONLY, UNKNOWN, Visitor
from coatcheck.payload.hydration.policies import HydrationPolicy, Occurrence, Stable, stable
from coatcheck.payload.hydration.providers import Provider, ProviderName, provider_named
from coatcheck.payload.links import Links
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.ports import MediaRecord
from coatcheck.reference import MediaUrls, normalize_reference_id
from coatcheck.store import MediaStore

__all__ = [
    "NOT_AVAILABLE",
    "OVER_BUDGET",
    "Frontier",
    "Hydrated",
    "HydrationReport",
    "hydrate",
]

OVER_BUDGET: Final = "request_budget"
"""The reason for media that did not fit into the request."""

_STABLE: Final = stable()


@dataclass(frozen=True, slots=True, kw_only=True)
class HydrationReport:
    """What became of the references.

    Attributes:
        found: how many there were, including repetitions.
        shown: ids of the media that is shown, in the order of the messages.
        retired: ids of the media that this call retired. The request differs from the previous one
            from the first of them on; a prompt cache helps up to there.
        refused: references to media that is unknown or another owner's, including repetitions.
        tokens: estimate of what the shown pictures cost, without documents and audio.
        length: characters of base64 in the messages.
        left: how often something was left, by reason: an error's code or `OVER_BUDGET` for media
            that the policy chose but that is not shown; ``too_deep``, ``too_long`` or ``signed``
            for parts that were not searched.
    """

    found: int
    shown: tuple[str, ...]
    retired: tuple[str, ...]
    refused: int
    tokens: int
    length: int
    left: Mapping[str, int]


class Hydrated(NamedTuple):
    """Messages for one request, a report on the references in them, and the frontier to keep.

    The frontier is JSON. Store it with the conversation and pass it to the next call.
    """

    messages: list[Any]
    report: HydrationReport
    frontier: dict[str, int]


async def hydrate(
    messages: Sequence[Any],
    store: MediaStore,
    *,
    provider: ProviderName | Provider,
    policy: HydrationPolicy = _STABLE,
    frontier: Frontier | None = None,
    original: bool = False,
    owner: str | None = None,
    urls: MediaUrls | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
) -> Hydrated:
    """Put media into the messages of one request to a model, in the form its provider accepts.

    By default, media is shown where it first appeared, with the same bytes in every request, so
    that prompt caches stay warm; when the budget is used up, many are retired at once (`stable`).
    Any other policy chooses again each time, and shows media where it occurs last.

    Where the provider accepts only text, the line replaces the reference, and the picture follows
    in a user message, after all results of the same tool calls. All other references become their
    lines, also those in the words of people and models. Media that cannot be read or rendered
    becomes its line and is counted. The same input gives the same messages. The given messages are
    not changed.

    Memory: the base64 of what is shown, at most the provider's limit for a request (18 to 48 MB),
        and a second copy of one picture at a time.

    Args:
        messages: dictionaries in the provider's own form, as its SDK or HTTP API accepts them.
            Objects of the SDK among them pass unchanged.
        store: where the media is.
        provider: the form of the messages and the limits: ``openai`` (Chat Completions),
            ``openai-responses``, ``anthropic``, ``gemini``, or a `Provider`.
        policy: chooses which media is shown.
        frontier: the frontier that the previous call returned, so that retired media stays retired.
            Without it, everything is decided again from the messages.
        original: send originals bit for bit unless the provider would refuse them, instead of a
            size at which the model looks at every pixel.
        owner: the owner whose media may be shown; None for media without an owner.
        urls: the `MediaUrls` that minted links of the form ``ui``; without it, only ``media://`` is
            a link.
        shapes: other ways in which content parts may name media.

    Raises:
        InvalidInputError: the provider is unknown, or the frontier is not valid.
        StorageError: the catalog cannot be read.
    """
    asked_of = provider_named(provider)
    form, limits = asked_of.form, asked_of.limits
    retired = read_frontier(frontier)
    budget = policy.budget if isinstance(policy, Stable) else None
    visiting = partial(Visitor, Links(urls), shapes)
    # In threads: what tools returned may be large, and a server has others to serve meanwhile.
    found = await to_thread.run_sync(find_places, messages, form, visiting)
    named = standing(found.places)
    where = _first(named, retired) if budget is not None else _last(named)
    asked = _asked(policy, where, len(found.places), len(messages))
    records = await _find_records(store, [*found.places, *asked.values()], owner)
    where = {name: place for name, place in (where | asked).items() if name in records}
    offered = [
        _occurrence(place, records, limits, original=original)
        for place in sorted(where.values(), key=lambda place: place.number)
        if limits.takes(records[place.reference_id].reference.mime_type)
    ]
    chosen = set(policy.choose(offered))
    wanted = [each for each in offered if each.reference.id in chosen]
    media = _Media(store, limits, records, original=original)
    if budget is None:
        await media.read_newest(wanted)
    else:
        await media.read_all(wanted, budget)
    report = HydrationReport(
        found=len(found.places),
        shown=tuple(each.reference.id for each in offered if each.reference.id in media.shown),
        retired=tuple(media.retired),
        refused=sum(
            place.reference_id not in records for place in [*found.places, *asked.values()]
        ),
        tokens=sum(map(media.tokens, media.fitted)),
        length=sum(fitted.length for fitted in media.fitted),
        left=dict(media.left + Counter(found.left)),
    )
    assembly = Assembly(form, records, where, media.shown)
    assembled = await to_thread.run_sync(assembly.run, messages, visiting)
    retired |= {name: len(named[name]) for name in media.retired if name in named}
    kept = {
        name: min(places, len(named[name])) for name, places in retired.items() if name in named
    }
    return Hydrated(assembled, report, kept)


def _last(named: Mapping[str, Sequence[Place]]) -> dict[str, Place]:
    return {name: places[-1] for name, places in named.items()}


def _first(named: Mapping[str, Sequence[Place]], retired: Mapping[str, int]) -> dict[str, Place]:
    """The first place of each; of what was retired, a later one that is a part of its own."""
    found = {}
    for name, places in named.items():
        since = retired.get(name, 0)
        later = places if since == 0 else [place for place in places[since:] if place.takes]
        if later:
            found[name] = later[0]
    return found


def _asked(
    policy: HydrationPolicy, where: Mapping[str, Place], number: int, message: int
) -> dict[str, Place]:
    """Places after the last message, for media that is asked for and has no other place."""
    asked = dict.fromkeys(normalize_reference_id(each) or UNKNOWN for each in policy.asked)
    added = [each for each in asked if each not in where]
    return {each: Place(at, message, each, TEXT_ONLY) for at, each in enumerate(added, number)}


async def _find_records(
    store: MediaStore, places: Iterable[Place], owner: str | None
) -> dict[str, MediaRecord]:
    """The records of those media that the owner may have, by id."""
    ids = dict.fromkeys(place.reference_id for place in places)
    records = await store.records([each for each in ids if each != UNKNOWN])
    return {name: record for name, record in records.items() if record.owner == owner}


def _occurrence(
    place: Place, records: Mapping[str, MediaRecord], limits: MediaLimits, *, original: bool
) -> Occurrence:
    reference = records[place.reference_id].reference
    size = limits.best_size(reference, original=original)
    return Occurrence(
        reference=reference,
        message=place.message,
        tokens=None if size is None else limits.estimate_tokens(*size),
    )


class _Media:
    """What is shown, by id; which blobs that is; what was retired; why the rest is not shown."""

    def __init__(
        self,
        store: MediaStore,
        limits: MediaLimits,
        records: Mapping[str, MediaRecord],
        *,
        original: bool,
    ) -> None:
        self.shown: dict[str, Inline] = {}
        self.fitted: list[Fitted] = []
        self.retired: list[str] = []
        self.left: Counter[str] = Counter()
        self._store = store
        self._limits = limits
        self._records = records
        self._original = original

    def tokens(self, fitted: Fitted) -> int:
        """An estimate of what it costs; 0 where that is not known."""
        if fitted.width is None or fitted.height is None:
            return 0
        return self._limits.estimate_tokens(fitted.width, fitted.height)

    async def read_newest(self, wanted: Sequence[Occurrence]) -> None:
        """Read the media; if it does not fit into the request, leave out the oldest."""
        room = self._limits.request_length
        for each in reversed(wanted):
            if room == 0 or len(self.fitted) == self._limits.request_media:
                self.left[OVER_BUDGET] += 1
                continue
            fitted = await self._fit(each.reference.id)
            if fitted is None:
                continue
            if fitted.length > room:
                self.left[OVER_BUDGET] += 1
                room = 0
            elif await self._read(each.reference.id, fitted):
                room -= fitted.length

    async def read_all(self, wanted: Sequence[Occurrence], budget: Budget) -> None:
        """Read the media that fits the budget and the provider's limits; retire the rest."""
        limits = Budget(media=self._limits.request_media, length=self._limits.request_length)
        fitting = {}
        candidates = []
        for each in wanted:
            name = each.reference.id
            fitted = await self._fit(name)
            if fitted is None:
                continue
            fitting[name] = fitted
            candidates.append(
                Candidate(
                    id=name,
                    message=each.message,
                    tokens=self.tokens(fitted),
                    length=fitted.length,
                )
            )
        self.retired = retire(candidates, budget.within(limits))
        for name in self.retired:
            del fitting[name]
        for name, fitted in fitting.items():
            await self._read(name, fitted)

    async def _fit(self, reference_id: str) -> Fitted | None:
        try:
            return await fit(
                self._store, self._records[reference_id], self._limits, original=self._original
            )
        except CoatcheckError as error:
            self.left[error.code] += 1
            return None

    async def _read(self, reference_id: str, fitted: Fitted) -> bool:
        try:
            inline = await read_inline(self._store, self._records[reference_id].reference, fitted)
        except CoatcheckError as error:
            self.left[error.code] += 1
            return False
        self.shown[reference_id] = inline
        self.fitted.append(fitted)
        return True
