"""Another try, its pause, and the limits on both."""

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
from coatcheck_chat.providers.image import Draft, ImageProvider
from coatcheck_chat.providers.retrying import RetryingProvider, RetryLimits
from tests.unit.agent.providers.scripted import PICTURE, REQUEST, SKETCH, Scripted

pytestmark = pytest.mark.anyio

HANGS = 20


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def around(
    inner: ImageProvider, clock: Clock, limits: RetryLimits | None = None, jitter: float = 1.0
) -> RetryingProvider:
    return RetryingProvider(inner, limits, clock=clock, sleep=clock.sleep, jitter=lambda: jitter)


async def drawn(provider: ImageProvider) -> list[Draft]:
    with anyio.fail_after(HANGS):
        return [draft async for draft in provider.generate(REQUEST)]


async def test_what_works_is_left_alone(clock: Clock) -> None:
    inner = Scripted([SKETCH, PICTURE])
    provider = around(inner, clock)
    assert await drawn(provider) == [SKETCH, PICTURE]
    assert (inner.asked, clock.slept) == (["generate the sea"], [])
    assert (provider.model, provider.capabilities) == (inner.model, inner.capabilities)


async def test_an_edit_is_tried_like_a_picture(clock: Clock) -> None:
    inner = Scripted([ProviderUnavailableError()], [PICTURE])
    provider = around(inner, clock)
    assert [draft async for draft in provider.edit(REQUEST)] == [PICTURE]
    assert inner.asked == ["edit the sea"] * 2


async def test_a_passing_failure_is_tried_again_after_growing_pauses(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    busy = ProviderUnavailableError("scripted cannot draw now.")
    inner = Scripted([busy], [busy], [busy], [busy], [PICTURE])
    limits = RetryLimits(tries=5, first_pause=1, longest_pause=3)
    with caplog.at_level(logging.WARNING):
        assert await drawn(around(inner, clock, limits)) == [PICTURE]
    assert clock.slept == [1, 2, 3, 3]
    assert caplog.messages[0] == "scripted cannot draw now. Asking again in 1.0 seconds."
    assert inner.closed == 5


async def test_a_pause_is_between_its_half_and_its_whole(clock: Clock) -> None:
    inner = Scripted([ProviderUnavailableError()], [ProviderUnavailableError()], [PICTURE])
    await drawn(around(inner, clock, jitter=0.0))
    assert clock.slept == [0.5, 1.0]


async def test_the_provider_is_never_asked_earlier_than_it_wants(clock: Clock) -> None:
    inner = Scripted([ProviderUnavailableError(retry_after=17)], [PICTURE])
    await drawn(around(inner, clock, jitter=0.25))
    assert clock.slept == [17.25]


async def test_it_is_tried_so_often_and_no_more(clock: Clock) -> None:
    last = ProviderUnavailableError("the third")
    inner = Scripted([ProviderUnavailableError()], [ProviderUnavailableError()], [last])
    with pytest.raises(ProviderUnavailableError, match="the third"):
        await drawn(around(inner, clock, RetryLimits(tries=3)))
    assert len(inner.asked) == 3


async def test_a_pause_that_ends_too_late_is_not_begun(clock: Clock) -> None:
    inner = Scripted([ProviderUnavailableError("come tomorrow", retry_after=86_400)])
    with pytest.raises(ProviderUnavailableError, match="come tomorrow"):
        await drawn(around(inner, clock, RetryLimits(seconds=180)))
    assert clock.slept == []


async def test_all_tries_together_have_so_much_time(clock: Clock) -> None:
    async def work() -> None:
        clock.now += 4

    busy = ProviderUnavailableError()
    inner = Scripted([work, busy], [work, busy], [work, busy])
    with pytest.raises(ProviderUnavailableError):
        await drawn(around(inner, clock, RetryLimits(tries=9, seconds=10)))
    # 4 s of work, 1 s of pause, 4 s of work: the next pause would be over the limit.
    assert len(inner.asked) == 2


@pytest.mark.parametrize(
    "error",
    [
        GenerationError(),
        ModerationError(),
        OverloadedError(),
        InvalidInputError(),
        RuntimeError("a bug"),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(clock: Clock, error: Exception) -> None:
    inner = Scripted([error])
    with pytest.raises(type(error)) as caught:
        await drawn(around(inner, clock))
    assert caught.value is error
    assert len(inner.asked) == 1


async def test_after_a_draft_was_shown_there_is_no_other_try(clock: Clock) -> None:
    inner = Scripted([SKETCH, ProviderUnavailableError()])
    with pytest.raises(ProviderUnavailableError):
        await drawn(around(inner, clock))
    assert len(inner.asked) == 1


async def test_unless_it_is_wanted(clock: Clock) -> None:
    inner = Scripted([SKETCH, ProviderUnavailableError()], [SKETCH, PICTURE])
    provider = around(inner, clock, RetryLimits(after_drafts=True))
    assert await drawn(provider) == [SKETCH, SKETCH, PICTURE]


async def test_a_provider_that_hangs_is_left() -> None:
    inner = Scripted([SKETCH, anyio.sleep_forever])
    provider = RetryingProvider(inner, RetryLimits(seconds=0.05, tries=9, after_drafts=True))
    with pytest.raises(ProviderTimeoutError, match=r"scripted made no picture within 0\.05 s"):
        await drawn(provider)
    assert (len(inner.asked), inner.closed) == (1, 1)


async def test_who_takes_drafts_may_take_time(clock: Clock) -> None:
    inner = Scripted([SKETCH, SKETCH, PICTURE])
    provider = around(inner, clock, RetryLimits(seconds=10))
    with anyio.fail_after(HANGS):
        async for _ in provider.generate(REQUEST):
            clock.now += 60
    assert inner.closed == 1


async def test_closing_closes_the_provider(clock: Clock) -> None:
    inner = Scripted([SKETCH, anyio.sleep_forever])
    async with aclosing(around(inner, clock).generate(REQUEST)) as drafts:
        assert await anext(drafts) == SKETCH
        assert inner.closed == 0
    assert inner.closed == 1


async def test_cancelling_closes_the_provider(clock: Clock) -> None:
    reached = anyio.Event()

    async def hang() -> None:
        reached.set()
        await anyio.sleep_forever()

    inner = Scripted([hang])
    with anyio.fail_after(HANGS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drawn, around(inner, clock))
            await reached.wait()
            tasks.cancel_scope.cancel()
    assert inner.closed == 1
