"""What a prompt cache can reuse of a conversation's requests, by policy and provider.

A cache holds what a request began with. So of each request those bytes count that begin the one
before, up to the first that differs, against all of its bytes: the messages as JSON, as they are
sent. The conversation is always the same, so the figures hold on any machine.
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from coatcheck import open_store
from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.policies import HydrationPolicy, latest, stable
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck_chat.painter import paint

TURNS: Final = 40
PICTURES: Final = 12
EDGE: Final = 1024
LEAST: Final = 0.90
"""The share that the default is meant to reach."""

PROVIDERS: Final[tuple[ProviderName, ...]] = ("openai", "anthropic")

_MEGABYTE: Final = 1_000_000
_QUESTION: Final = "And how would the same lighthouse look an hour later, with the tide coming in? "
_ANSWER: Final = (
    "Here it is, a little darker; the lamp is lit, and the rocks are half under water. "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How a conversation's requests are put together.

    Attributes:
        name: what is printed.
        policy: which pictures are shown.
        original: whether as originals.
        keeps: whether the frontier is handed from turn to turn.
    """

    name: str
    policy: HydrationPolicy
    original: bool = False
    keeps: bool = True


CASES: Final = (
    Case(name="latest(1), originals: the former default", policy=latest(), original=True),
    Case(name="latest(1), right-sized", policy=latest()),
    Case(name="stable(): the default", policy=stable()),
    Case(name="stable(media=8)", policy=stable(media=8)),
    Case(name="stable(media=8), no frontier kept", policy=stable(media=8), keeps=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What became of a conversation's requests.

    Attributes:
        sent: bytes of all requests but the first.
        reused: how many of these begin the request before.
        retirements: requests in which pictures were retired.
        shown: pictures in the last request.
    """

    sent: int
    reused: int
    retirements: int
    shown: int

    @property
    def share(self) -> float:
        """What a prompt cache could reuse, from 0 to 1."""
        return self.reused / self.sent


async def run() -> None:
    """Measure everything; takes about ten seconds."""
    title = f"Prompt caches: {TURNS} turns, {PICTURES} pictures of {EDGE} × {EDGE}"
    columns = ("", "provider", "reusable", "target", "sent", "read anew", "retirements")
    table = Table(*columns, title=title)
    with tempfile.TemporaryDirectory() as data:
        async with open_store(data) as store:
            references = await put_pictures(store)
            for provider in PROVIDERS:
                for case in CASES:
                    reuse = await measure(store, provider, case, references)
                    is_new = isinstance(case.policy, type(stable()))
                    table.add_row(
                        case.name,
                        provider,
                        f"{reuse.share:.1%}",
                        ("reached" if reuse.share > LEAST else "MISSED") if is_new else "",
                        f"{reuse.sent / _MEGABYTE:.1f} MB",
                        f"{(reuse.sent - reuse.reused) / _MEGABYTE:.1f} MB",
                        str(reuse.retirements),
                    )
    Console(width=120).print(table)


async def put_pictures(store: MediaStore, edge: int = EDGE) -> list[MediaReference]:
    """The pictures of the conversation.

    Args:
        store: where they are kept.
        edge: width and height in pixels.
    """
    references = []
    for seed in range(PICTURES):
        content = await asyncio.to_thread(
            paint, "a lighthouse at dusk", seed=seed, width=edge, height=edge
        )
        references.append(await store.put(content, alt=f"a lighthouse at dusk, {seed}"))
    return references


async def measure(
    store: MediaStore, provider: ProviderName, case: Case, references: list[MediaReference]
) -> Reuse:
    """Put together the request of each turn, and compare it with the one before.

    Args:
        store: where the pictures are.
        provider: whose messages they are, ``openai`` or ``anthropic``.
        case: how the requests are put together.
        references: the pictures, in the order in which they come up.
    """
    messages: list[Any] = []
    frontier: Mapping[str, int] | None = None
    before = b""
    sent = reused = retirements = shown = 0
    for turn in range(TURNS):
        messages += _turn(provider, turn, _picture_of(turn, references))
        hydrated = await hydrate(
            messages,
            store,
            provider=provider,
            policy=case.policy,
            original=case.original,
            frontier=frontier if case.keeps else None,
        )
        gone = set(hydrated.frontier) - set(frontier or {})
        frontier = hydrated.frontier
        retirements += bool(gone)
        shown = len(hydrated.report.shown)
        request = json.dumps(hydrated.messages).encode()
        if before:
            sent += len(request)
            reused += _common(before, request)
        before = request
    return Reuse(sent=sent, reused=reused, retirements=retirements, shown=shown)


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with: halved until it is found, since both have megabytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _picture_of(turn: int, references: list[MediaReference]) -> MediaReference | None:
    """The picture that comes up in a turn, if one does: they are spread evenly."""
    number = turn * PICTURES // TURNS
    is_new = turn == 0 or (turn - 1) * PICTURES // TURNS != number
    return references[number] if is_new else None


def _turn(provider: ProviderName, turn: int, reference: MediaReference | None) -> list[Any]:
    """What is new in a turn's request. Every third picture is the user's, the others a tool's."""
    said: list[Any] = [] if turn == 0 else [{"role": "assistant", "content": _ANSWER * 4}]
    question = {"role": "user", "content": _QUESTION * 2}
    if reference is None:
        return [*said, question]
    if turn % 3 == 0:
        text = {"type": "text", "text": _QUESTION * 2}
        return [*said, {"role": "user", "content": [text, reference.to_stored()]}]
    result = json.dumps({"ok": True, "image": reference.to_stored()})
    call_id = f"call_{turn}"
    tool: list[Any]
    if provider == "anthropic":
        use = {"type": "tool_use", "id": call_id, "name": "draw", "input": {"prompt": _QUESTION}}
        answer = {"type": "tool_result", "tool_use_id": call_id, "content": result}
        tool = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [answer]}]
    else:
        function = {"name": "draw", "arguments": json.dumps({"prompt": _QUESTION})}
        call = {"id": call_id, "type": "function", "function": function}
        tool = [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": result},
        ]
    return [*said, question, *tool]


if __name__ == "__main__":
    asyncio.run(run())
