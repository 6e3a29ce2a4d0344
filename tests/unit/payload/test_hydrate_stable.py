"""A request begins with the bytes of the one before, but where media was retired."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.payload.hydrate import Hydrated, hydrate
from coatcheck.payload.hydration.frontier import KEPT, Budget, Candidate, retire
from coatcheck.payload.hydration.policies import stable
from coatcheck.payload.hydration.providers import ProviderName, provider_named
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from tests.media import image_bytes
from tests.unit.payload.conversations import (
    PROVIDERS,
    answer,
    follow_up,
    image_block,
    picture,
    text_block,
    tool_turn,
    user,
)

pytestmark = pytest.mark.anyio


def prefix(hydrated: Hydrated) -> bytes:
    """What a request begins with, whatever follows: the messages without the closing bracket."""
    return json.dumps(hydrated.messages).encode()[:-1]


async def conversation(
    store: MediaStore, provider: ProviderName, turns: int
) -> list[tuple[list[Any], MediaReference]]:
    """Of each request the messages that are new, and the picture that came up."""
    steps = []
    for turn in range(turns):
        reference = await store.put(picture(turn), alt=f"picture {turn}")
        if turn % 2:
            result: Any = {"image": reference.to_stored()}
            new = tool_turn(provider, result if provider == "gemini" else json.dumps(result))
        else:
            new = [user(provider, text_block(provider, "Look."), reference.to_stored())]
        steps.append((new if turn == 0 else [answer(provider), *new], reference))
    return steps


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_by_default_every_picture_stays_where_it_came_up(
    store: MediaStore, provider: ProviderName
) -> None:
    messages: list[Any] = []
    requests = []
    frontier: Mapping[str, int] | None = None
    shown: list[str] = []
    for new, reference in await conversation(store, provider, 5):
        messages += new
        shown.append(reference.id)
        hydrated = await hydrate(messages, store, provider=provider, frontier=frontier)
        frontier = hydrated.frontier
        assert hydrated.report.shown == tuple(shown)
        assert (hydrated.report.retired, hydrated.frontier) == ((), {})
        requests.append(prefix(hydrated))
    assert all(after.startswith(before) for before, after in pairwise(requests))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("keeps", [True, False], ids=["frontier-kept", "decided-anew"])
async def test_when_room_runs_out_a_batch_is_retired_and_stays_so(
    store: MediaStore, provider: ProviderName, *, keeps: bool
) -> None:
    messages: list[Any] = []
    before: Hydrated | None = None
    retired: list[str] = []
    retirements = []
    policy = stable(media=4)
    for turn, (new, reference) in enumerate(await conversation(store, provider, 11)):
        messages += new
        kept = before.frontier if keeps and before is not None else None
        hydrated = await hydrate(messages, store, provider=provider, policy=policy, frontier=kept)
        gone = [name for name in hydrated.report.retired if name not in retired]
        retired += gone
        assert reference.id in hydrated.report.shown
        assert not set(retired) & set(hydrated.report.shown)
        assert set(hydrated.frontier) == set(retired)
        if before is not None and not gone:
            assert prefix(hydrated).startswith(prefix(before))
        elif gone:
            retirements.append((turn, len(gone)))
        json.dumps(hydrated.frontier)
        before = hydrated
    # Four are shown; the fifth leaves half of that. Then two turns pass without a retirement.
    assert retirements == [(4, 3), (7, 3), (10, 3)]


async def test_what_the_provider_takes_is_a_budget_too(store: MediaStore) -> None:
    content = picture()
    references = [await store.put(content) for _ in range(101)]
    messages = [user("anthropic", reference.to_stored()) for reference in references]
    policy = stable(tokens=None)
    hydrated = await hydrate(messages, store, provider="anthropic", policy=policy)
    most = provider_named("anthropic").limits.request_media
    assert len(hydrated.report.shown) == most * KEPT
    assert hydrated.report.shown[-1] == references[-1].id
    # Smaller than one picture: it is its line from the beginning.
    tiny = await hydrate(
        messages[:1], store, provider="anthropic", policy=stable(length=len(content))
    )
    assert (tiny.report.shown, tiny.report.retired) == ((), (references[0].id,))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_retired_comes_back_where_it_is_shown_anew(
    store: MediaStore, provider: ProviderName
) -> None:
    old, new = await store.put(picture(1)), await store.put(picture(2))
    messages = [user(provider, old.to_stored()), answer(provider)]
    frontier = {old.id: 1}
    hydrated = await hydrate(messages, store, provider=provider, frontier=frontier)
    assert hydrated.report.shown == ()
    # By the way, as in a tool's list, it does not.
    listed: Any = {"media": [old.to_stored(), new.to_stored()]}
    messages += tool_turn(provider, listed if provider == "gemini" else json.dumps(listed))
    hydrated = await hydrate(messages, store, provider=provider, frontier=frontier)
    assert hydrated.report.shown == (new.id,)
    assert hydrated.frontier == frontier
    messages += [answer(provider), user(provider, old.to_stored())]
    hydrated = await hydrate(messages, store, provider=provider, frontier=frontier)
    assert hydrated.report.shown == (new.id, old.id)
    assert hydrated.messages[0] == user(provider, text_block(provider, old.to_model()))
    assert hydrated.messages[-1] == user(provider, image_block(provider, picture(1)))
    # Retired again, it is so in all of these places.
    policy = stable(media=1)
    messages += [answer(provider), user(provider, new.to_stored(), new.to_stored())]
    frontier = {new.id: 1, old.id: 1}
    hydrated = await hydrate(messages, store, provider=provider, frontier=frontier, policy=policy)
    assert hydrated.report.shown == (new.id,)
    assert hydrated.frontier == {new.id: 1, old.id: 3}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_picture_that_comes_up_again_stays_where_it_was(
    store: MediaStore, provider: ProviderName
) -> None:
    reference = await store.put(picture())
    messages = [user(provider, reference.to_stored())]
    before = await hydrate(messages, store, provider=provider)
    messages += [answer(provider), user(provider, reference.to_stored())]
    after = await hydrate(messages, store, provider=provider)
    assert prefix(after).startswith(prefix(before))
    assert after.messages[-1] == user(provider, text_block(provider, reference.to_model()))
    assert after.report.shown == (reference.id,)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_asked_for_follows_once_and_changes_nothing_before(
    store: MediaStore, provider: ProviderName
) -> None:
    old, new = await store.put(picture(1)), await store.put(picture(2))
    messages = [user(provider, old.to_stored()), answer(provider), user(provider, new.to_stored())]
    frontier = {old.id: 1}
    plain = await hydrate(messages, store, provider=provider, frontier=frontier)
    policy = stable(also=[old.id, new.id.upper()])
    asked = await hydrate(messages, store, provider=provider, frontier=frontier, policy=policy)
    assert asked.messages == [*plain.messages, follow_up(provider, (old, picture(1)))]
    assert asked.frontier == frontier


async def test_the_frontier_forgets_what_the_messages_no_longer_name(store: MediaStore) -> None:
    old, other = await store.put(picture(1)), await store.put(picture(2))
    frontier = {old.id: 3, other.id: 1}
    messages = [user("openai", old.to_stored(), old.to_stored())]
    hydrated = await hydrate(messages, store, provider="openai", frontier=frontier)
    assert hydrated.frontier == {old.id: 2}


@pytest.mark.parametrize(
    "frontier",
    [
        ["9188cc90-b172-47e9-b493-4e22175bd478"],
        {"9188cc90": 1},
        {"9188cc90-b172-47e9-b493-4e22175bd478": 0},
        {"9188cc90-b172-47e9-b493-4e22175bd478": True},
        {"9188cc90-b172-47e9-b493-4e22175bd478": "1"},
        {1: 1},
    ],
)
async def test_a_frontier_that_is_none_is_refused(store: MediaStore, frontier: Any) -> None:
    with pytest.raises(InvalidInputError, match="frontier"):
        await hydrate([], store, provider="openai", frontier=frontier)


async def test_calls_that_come_later_do_not_move_a_picture_of_the_responses_api(
    store: MediaStore,
) -> None:
    reference = await store.put(picture())
    results = [json.dumps(reference.to_stored()), "done"]
    messages = tool_turn("openai-responses", *results)
    before = await hydrate(messages, store, provider="openai-responses")
    later = [
        {"type": "function_call", "name": "draw", "arguments": "{}", "call_id": "c7"},
        {"type": "function_call_output", "call_id": "c7", "output": "done"},
    ]
    after = await hydrate([*messages, *later], store, provider="openai-responses")
    assert after.messages == [*before.messages, *later]
    assert before.messages[-1] == follow_up("openai-responses", (reference, picture()))


async def test_media_that_was_deleted_since_becomes_what_is_not_available(
    store: MediaStore,
) -> None:
    gone, kept = await store.put(picture(1)), await store.put(picture(2))
    messages = [user("openai", gone.to_stored(), kept.to_stored())]
    await store.delete(gone.id)
    hydrated = await hydrate(messages, store, provider="openai")
    assert hydrated.report.shown == (kept.id,)
    assert hydrated.report.refused == 1
    assert "not available" in json.dumps(hydrated.messages)


async def test_a_picture_costs_what_it_is_sent_as(store: MediaStore) -> None:
    """A budget of tokens counts the size that is sent, not that of the original."""
    reference = await store.put(image_bytes("png", 2048, 2048))
    messages = [user("anthropic", reference.to_stored())]
    policy = stable(tokens=1369)
    hydrated = await hydrate(messages, store, provider="anthropic", policy=policy)
    assert (hydrated.report.shown, hydrated.report.tokens) == ((reference.id,), 1369)
    policy = stable(tokens=1368)
    hydrated = await hydrate(messages, store, provider="anthropic", policy=policy)
    assert hydrated.report.retired == (reference.id,)


# --- the choice itself ---------------------------------------------------------------------------

candidates = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 900), st.integers(1, 900)), max_size=30
).map(
    lambda drawn: [
        Candidate(
            id=str(number),
            message=sum(step for step, *_ in drawn[: number + 1]),
            tokens=tokens,
            length=length,
        )
        for number, (_, tokens, length) in enumerate(drawn)
    ]
)
budgets = st.builds(
    Budget,
    tokens=st.none() | st.integers(0, 3000),
    media=st.none() | st.integers(0, 8),
    length=st.none() | st.integers(0, 3000),
)


@given(candidates, budgets)
def test_no_budget_is_overspent_and_the_oldest_go_first(
    offered: list[Candidate], budget: Budget
) -> None:
    retired = retire(offered, budget)
    assert retired == [each.id for each in offered[: len(retired)]]
    shown = offered[len(retired) :]
    assert budget.tokens is None or sum(each.tokens for each in shown) <= budget.tokens
    assert budget.media is None or len(shown) <= budget.media
    assert budget.length is None or sum(each.length for each in shown) <= budget.length


@given(candidates, budgets, st.data())
def test_it_does_not_matter_whether_the_frontier_is_carried_or_decided_anew(
    offered: list[Candidate], budget: Budget, data: st.DataObject
) -> None:
    carried: list[str] = []
    for end in [*sorted(data.draw(st.sets(st.integers(0, len(offered))))), len(offered)]:
        carried += retire([each for each in offered[:end] if each.id not in carried], budget)
        assert carried == retire(offered[:end], budget)


@given(st.integers(2, 40), st.integers(2, 12))
def test_between_two_retirements_half_of_the_budget_fits(turns: int, media: int) -> None:
    offered = [Candidate(id=str(n), message=n, tokens=1, length=1) for n in range(turns)]
    sizes = [len(retire(offered[:end], Budget(media=media))) for end in range(turns + 1)]
    retirements = [end for end, (before, after) in enumerate(pairwise(sizes)) if after > before]
    assert all(later - earlier >= media - media // 2 for earlier, later in pairwise(retirements))
