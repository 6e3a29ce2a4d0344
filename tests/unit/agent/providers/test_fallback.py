"""The next provider draws where one cannot."""

import logging
from contextlib import aclosing

import anyio
import pytest

from coatcheck.errors import InvalidInputError, OverloadedError
from coatcheck_chat.errors import (
    GenerationError,
    ModerationError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from coatcheck_chat.providers.fallback import FallbackProvider
from coatcheck_chat.providers.image import Capabilities, Draft
from tests.unit.agent.providers.scripted import PICTURE, REQUEST, SKETCH, Scripted

pytestmark = pytest.mark.anyio


async def drawn(provider: FallbackProvider) -> list[Draft]:
    return [draft async for draft in provider.generate(REQUEST)]


async def test_the_first_draws_if_it_can() -> None:
    first, second = Scripted([SKETCH, PICTURE], model="first"), Scripted(model="second")
    drafts = await drawn(FallbackProvider([first, second]))
    assert [(draft.data, draft.model) for draft in drafts] == [
        (b"sketch", "first"),
        (b"picture", "first"),
    ]
    assert second.asked == []


@pytest.mark.parametrize(
    "error",
    [GenerationError(), ProviderUnavailableError(), ProviderTimeoutError(), OverloadedError()],
)
async def test_the_next_one_draws_and_is_named(
    error: GenerationError, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Scripted([error], model="first"), Scripted([PICTURE], model="second")
    with caplog.at_level(logging.WARNING):
        (draft,) = await drawn(FallbackProvider([first, second]))
    assert (draft.data, draft.model) == (b"picture", "second")
    assert caplog.messages == [f"{error.message} The next provider is asked."]
    assert first.closed == 1


async def test_the_last_ones_failure_is_told() -> None:
    provider = FallbackProvider(
        [Scripted([GenerationError("a")]), Scripted([GenerationError("b")])]
    )
    with pytest.raises(GenerationError, match="b"):
        await drawn(provider)


@pytest.mark.parametrize("error", [ModerationError("no"), InvalidInputError(), RuntimeError("bug")])
async def test_a_refusal_is_final(error: Exception) -> None:
    second = Scripted([PICTURE])
    with pytest.raises(type(error)):
        await drawn(FallbackProvider([Scripted([error]), second]))
    assert second.asked == []


async def test_what_was_shown_is_not_taken_back() -> None:
    second = Scripted([PICTURE])
    with pytest.raises(ProviderUnavailableError):
        await drawn(FallbackProvider([Scripted([SKETCH, ProviderUnavailableError()]), second]))
    assert second.asked == []


async def test_only_those_who_can_edit_do() -> None:
    painter, first = Scripted(edits=False), Scripted([GenerationError()], model="first")
    second = Scripted([PICTURE], model="second")
    provider = FallbackProvider([painter, first, second])
    (draft,) = [draft async for draft in provider.edit(REQUEST)]
    assert draft.model == "second"
    assert (painter.asked, first.asked) == ([], ["edit the sea"])


async def test_where_nobody_can_edit_the_first_one_says_so() -> None:
    painter = Scripted([InvalidInputError("it cannot change one")], edits=False)
    with pytest.raises(InvalidInputError, match="cannot change one"):
        async for _ in FallbackProvider([painter]).edit(REQUEST):
            pass


def test_it_looks_like_the_first_one() -> None:
    first, second = Scripted(model="first", edits=False), Scripted(previews=0)
    provider = FallbackProvider([first, second])
    assert provider.model == "first"
    assert provider.capabilities == Capabilities(edits=True, previews=2)
    with pytest.raises(InvalidInputError):
        FallbackProvider([])


async def test_closing_closes_the_provider_that_draws() -> None:
    first = Scripted([SKETCH, anyio.sleep_forever])
    async with aclosing(FallbackProvider([first]).generate(REQUEST)) as drafts:
        await anext(drafts)
    assert first.closed == 1
