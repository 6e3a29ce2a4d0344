"""Runs the cases; within a case the chats take turns."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TypeVar

from benchmarks.chats.album import Album
from benchmarks.chats.contenders import Chat
from benchmarks.chats.conversation import Counted, Timed, count_conversation, time_conversation
from benchmarks.chats.tab import PageError
from benchmarks.network import BROADBAND

BASELINE = "Coatcheck"
"""What the others are divided by."""

LOOPBACK = "loopback"
"""The network on which nothing is slowed down."""

_CONVERSATION_SECONDS = 300.0  # a page that hangs answers nothing, not even that it hangs

_Outcome = TypeVar("_Outcome", Timed, Counted)

Progress = Callable[[str], None]
"""Hears of each conversation."""

Keep = Callable[[Sequence["Result"]], None]
"""Takes the results so far, after each case: a long run that is broken off is not for nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation.

    Attributes:
        count: how many pictures are asked for, one after the other.
        edge: their width and height, pixels.
        slowdown: by how much the page's CPU is throttled; 1 for not at all.
        network: what is between the page and the server.
    """

    count: int
    edge: int = 1024
    slowdown: int = 1
    network: str = LOOPBACK

    def __str__(self) -> str:
        parts = [f"{self.count} × {self.edge}²", f"{self.slowdown}×"]
        return ", ".join([*parts, *([self.network] if self.network != LOOPBACK else [])])

    @property
    def counted(self) -> "Case":
        """The case whose bytes are those of this one: the CPU makes no difference to them."""
        return replace(self, slowdown=1)


QUICK = [
    Case(1),
    Case(3),
    Case(10),
    Case(3, slowdown=4),
    Case(1, network=str(BROADBAND)),
    Case(3, network=str(BROADBAND)),
]
"""Each number of pictures, each slow-down and each network, not each with each."""

FULL = [
    *(
        Case(count, 1024, slowdown, network)
        for network, slowdown, count in product((LOOPBACK, str(BROADBAND)), (1, 4), (1, 3, 10))
    ),
    *(Case(count, 2048) for count in (1, 10)),
]


@dataclass(slots=True)
class Record:
    """What one chat did in a case.

    Attributes:
        timed: by round; None where the conversation did not come to its end.
        counted: None likewise.
        failure: why one did not; empty if all did.
    """

    timed: list[Timed | None] = field(default_factory=list)
    counted: Counted | None = None
    failure: str = ""

    def rounds(self, read: Callable[[Timed], float]) -> list[float | None]:
        """One figure of each round."""
        return [None if each is None else read(each) for each in self.timed]


@dataclass(frozen=True, slots=True)
class Result:
    """What every chat did in a case, by its name."""

    case: Case
    records: dict[str, Record]

    def ratio(self, name: str, read: Callable[[Timed], float]) -> float | None:
        """The median of the rounds' ratios to Coatcheck; None without a round that both ended."""
        if BASELINE not in self.records:
            return None
        mine, theirs = self.records[name].rounds(read), self.records[BASELINE].rounds(read)
        found = [a / b for a, b in zip(mine, theirs, strict=True) if a is not None and b]
        return statistics.median(found) if found else None


async def run(
    cases: Sequence[Case],
    networks: Mapping[str, Sequence[Chat]],
    album: Album,
    executable: Path,
    *,
    rounds: int,
    progress: Progress,
    keep: Keep,
) -> list[Result]:
    """Measure `cases`.

    Args:
        cases: what to measure.
        networks: the chats that are running as each network of the cases reaches them.
        album: where they find their pictures.
        executable: the browser.
        rounds: how often each conversation is timed. Each begins with another chat.
        progress: hears of each conversation.
        keep: takes the results so far, after each case.
    """
    results: list[Result] = []
    # What a chat does but once, such as starting its workers, is not the pictures' cost.
    names = album.fresh(1, cases[0].edge)
    for chat in networks[LOOPBACK]:
        await _attempt(time_conversation(executable, chat, names), Record())
    counted: dict[Case, dict[str, Counted | None]] = {}
    for case in cases:
        chats = networks[case.network]
        records = {chat.name: Record() for chat in chats}
        for number in range(rounds):
            names = album.fresh(case.count, case.edge)
            first = number % len(chats)
            for chat in (*chats[first:], *chats[:first]):
                progress(f"{case}, round {number + 1} of {rounds}: {chat.name}")
                mine = records[chat.name]
                talk = time_conversation(executable, chat, names, slowdown=case.slowdown)
                mine.timed.append(await _attempt(talk, mine))
        if case.counted not in counted:
            names = album.fresh(case.count, case.edge)
            found = counted[case.counted] = {}
            for chat in chats:
                progress(f"{case.counted}, bytes: {chat.name}")
                count = count_conversation(executable, chat, names)
                found[chat.name] = await _attempt(count, records[chat.name])
        for name, bytes_of in counted[case.counted].items():
            records[name].counted = bytes_of
        results.append(Result(case, records))
        keep(results)
    return results


async def _attempt(conversation: Awaitable[_Outcome], record: Record) -> _Outcome | None:
    try:
        async with asyncio.timeout(_CONVERSATION_SECONDS):
            return await conversation
    except TimeoutError:
        record.failure = "a picture did not come"
    except PageError as error:
        record.failure = str(error)
    return None
