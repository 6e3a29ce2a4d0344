"""What the chats' benchmark was set out to show, against the fastest peer of each case."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from benchmarks.chats.bench import BASELINE, Record, Result
from benchmarks.chats.conversation import Counted, Timed
from benchmarks.targets import Target

INLINE: Final = "Gradio, base64"
"""The chat whose messages hold the pictures."""

_READABLE: Final = 0.6
_TURN_KILOBYTES: Final = 2.5
_MANY: Final = 10

_Read = Callable[[Timed], float]


def first(timed: Timed) -> float:
    """Milliseconds until anything was in the picture's place, the median of the turns."""
    return statistics.median(each.first for each in timed.turns)


def readable(timed: Timed) -> float:
    """Milliseconds until a readable picture, the median of the turns."""
    return statistics.median(each.readable for each in timed.turns)


def full(timed: Timed) -> float:
    """Milliseconds until the full picture, the median of the turns."""
    return statistics.median(each.full for each in timed.turns)


def busy(timed: Timed) -> float:
    """Milliseconds that the main thread was busy."""
    return timed.busy * 1000


def messages(counted: Counted) -> float:
    """Bytes of the messages of a turn on average, without the pictures that were pushed."""
    return statistics.mean(each.stream - each.pushed for each in counted.turns)


def targets(results: Sequence[Result]) -> Iterator[Target]:
    """All that these results can tell."""
    for result in results:
        ours = result.records.get(BASELINE)
        if ours is not None and any(ours.timed):
            yield from _against_peers(result)
            yield from _of_the_page(result, ours)
            if result.case.count >= _MANY:
                yield from _against_base64(result)
    yield from _stream(results)


def _against_peers(result: Result) -> Iterator[Target]:
    case = result.case
    for text, ours, theirs, bound in (
        ("blur ÷ picture of the fastest peer", first, full, None),
        ("readable thumbnail ÷ picture of the fastest peer", readable, full, _READABLE),
        ("full picture ÷ picture of the fastest peer", full, full, 1.0),
        ("main thread ÷ that of the lowest peer", busy, busy, 1.0),
    ):
        peer = best_peer(result, theirs)
        value = None if peer is None else ratio(result, ours, peer, theirs)
        yield Target(f"{case}: {text}", value, bound, "at most", note=peer or "no peer")


def _of_the_page(result: Result, ours: Record) -> Iterator[Target]:
    rounds = [each for each in ours.timed if each is not None]
    violations = max(len(each.violations) for each in rounds)
    yield Target(f"{result.case}: violations that Chrome reports", violations, 0, "at most")
    if result.case.slowdown == 1:
        tasks = statistics.median(each.long_tasks for each in rounds)
        yield Target(f"{result.case}: tasks over 50 ms", tasks, 0, "at most")


def _against_base64(result: Result) -> Iterator[Target]:
    for text, read in (
        ("first pixels", first),
        ("readable", readable),
        ("full picture", full),
        ("main thread", busy),
    ):
        value = ratio(result, read, INLINE, read) if INLINE in result.records else None
        what = f"{result.case}: {text} ÷ base64's"
        yield Target(what, value, 1.0, "at most", note=INLINE)


def _stream(results: Sequence[Result]) -> Iterator[Target]:
    for result in results:
        ours = result.records.get(BASELINE)
        if ours is not None and ours.counted is not None and result.case.counted == result.case:
            what = f"{result.case}: stream of a turn without pushed bytes"
            kilobytes = messages(ours.counted) / 1000
            yield Target(what, kilobytes, _TURN_KILOBYTES, "at most", unit="KB")


def best_peer(result: Result, read: _Read) -> str | None:
    """The peer with the lowest median; None if none came to its end."""
    medians = {
        name: statistics.median(found)
        for name, record in result.records.items()
        if name != BASELINE and (found := [one for one in record.rounds(read) if one is not None])
    }
    return min(medians, key=lambda name: medians[name], default=None)


def ratio(result: Result, ours: _Read, peer: str, theirs: _Read) -> float | None:
    """The median of the rounds' ratios of Coatcheck to a peer; None without a common round."""
    pairs = zip(
        result.records[BASELINE].rounds(ours), result.records[peer].rounds(theirs), strict=True
    )
    found = [mine / other for mine, other in pairs if mine is not None and other]
    return statistics.median(found) if found else None
