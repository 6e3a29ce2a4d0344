"""Drafts are shown while the picture is made: the newest, never too late, and none is kept."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from coatcheck.delivery.previews import PreviewStore
from coatcheck.errors import NotFoundError, UnprocessableMediaError
from coatcheck.ports import RenderedImage
from coatcheck_chat.agent.previews import Previews, watch
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.providers.image import Draft

pytestmark = pytest.mark.anyio


class Shrinker:
    """Shrinks as long as the test wants it to."""

    def __init__(self, *, open_gate: bool = True) -> None:
        self.gate = anyio.Event()
        if open_gate:
            self.gate.set()
        self.asked: list[bytes] = []

    async def shrink(self, data: bytes) -> RenderedImage:
        self.asked.append(data)
        await self.gate.wait()
        if data == b"damaged":
            raise UnprocessableMediaError
        return RenderedImage(data=b"small " + data, media_type="image/webp", width=8, height=6)


class Shown:
    """What the user sees: progress and bytes of each preview."""

    def __init__(self, board: PreviewStore) -> None:
        self._board = board
        self.seen: list[tuple[float, bytes]] = []
        self.on_show: Callable[[], None] = lambda: None

    async def __call__(self, data: dict[str, Any]) -> None:
        assert data["state"] == "preview"
        self.seen.append((data["progress"], self._board.read(data["previewId"]).data))
        self.on_show()


@pytest.fixture
def board() -> PreviewStore:
    return PreviewStore()


@pytest.fixture
def shown(board: PreviewStore) -> Shown:
    return Shown(board)


async def drafts(*given: Draft | Exception | anyio.Event) -> AsyncIterator[Draft]:
    for one in given:
        if isinstance(one, Exception):
            raise one
        if isinstance(one, anyio.Event):
            await one.wait()
        else:
            yield one
            await anyio.wait_all_tasks_blocked()


def draft(progress: float, data: bytes | None = None) -> Draft:
    return Draft(data=str(progress).encode() if data is None else data, progress=progress)


async def watched(
    stream: AsyncIterator[Draft], shown: Shown, shrinker: Shrinker, board: PreviewStore
) -> Draft | None:
    previews = Previews(shrinker=shrinker, board=board)
    with anyio.fail_after(10):
        return await watch(stream, shown, previews, owner="anna", conversation_id="c")


async def test_each_draft_is_shown_and_the_picture_is_returned(
    shown: Shown, board: PreviewStore
) -> None:
    last = await watched(drafts(draft(0.25), draft(0.5), draft(1.0)), shown, Shrinker(), board)
    assert last == draft(1.0)
    assert shown.seen == [(0.25, b"small 0.25"), (0.5, b"small 0.5")]


async def test_a_preview_belongs_to_whom_the_picture_will(
    shown: Shown, board: PreviewStore
) -> None:
    await watched(drafts(draft(0.5), draft(1.0)), shown, Shrinker(), board)
    (preview_id,) = board._shown._known
    record = await board.record(preview_id)
    assert (record.owner, record.conversation_id) == ("anna", "c")


async def test_the_provider_never_waits_and_the_newest_draft_wins(
    shown: Shown, board: PreviewStore
) -> None:
    shrinker, go_on = Shrinker(open_gate=False), anyio.Event()
    shown.on_show = lambda: go_on.set() if len(shown.seen) == 2 else None

    async def stream() -> AsyncIterator[Draft]:
        for step in range(1, 8):
            yield draft(step / 10)
            await anyio.wait_all_tasks_blocked()
        shrinker.gate.set()
        await go_on.wait()
        yield draft(1.0)

    await watched(stream(), shown, shrinker, board)
    assert [progress for progress, _ in shown.seen] == [0.1, 0.7]


async def test_nothing_is_shown_once_the_picture_is_there(
    shown: Shown, board: PreviewStore
) -> None:
    shrinker = Shrinker(open_gate=False)

    async def stream() -> AsyncIterator[Draft]:
        yield draft(0.5)
        await anyio.wait_all_tasks_blocked()
        yield draft(0.75)
        shrinker.gate.set()
        yield draft(1.0)

    assert await watched(stream(), shown, shrinker, board) == draft(1.0)
    assert shown.seen == []
    assert board._shown._known == {}


async def test_a_draft_that_cannot_be_shown_is_passed_over(
    shown: Shown, board: PreviewStore
) -> None:
    given = drafts(draft(0.25, b"damaged"), draft(0.5), draft(0.75, b"damaged"), draft(1.0))
    assert await watched(given, shown, Shrinker(), board) == draft(1.0)
    assert [progress for progress, _ in shown.seen] == [0.5]


async def test_what_the_provider_raises_is_raised_as_it_is(
    shown: Shown, board: PreviewStore
) -> None:
    with pytest.raises(GenerationError, match="No paint"):
        await watched(drafts(draft(0.5), GenerationError("No paint.")), shown, Shrinker(), board)
    assert len(shown.seen) == 1


async def test_a_provider_that_ends_early_is_seen_through(
    shown: Shown, board: PreviewStore
) -> None:
    assert await watched(drafts(), shown, Shrinker(), board) is None
    assert await watched(drafts(draft(0.5)), shown, Shrinker(), board) == draft(0.5)


async def test_without_anyone_who_looks_the_drafts_are_passed_over(board: PreviewStore) -> None:
    async def never(_data: dict[str, Any]) -> None:
        pytest.fail("a preview was shown")

    given = drafts(draft(0.5), draft(1.0))
    assert await watch(given, never, None, owner=None, conversation_id=None) == draft(1.0)


async def test_a_turn_that_is_cancelled_takes_its_previews_along(
    shown: Shown, board: PreviewStore
) -> None:
    shrinker = Shrinker(open_gate=False)
    with anyio.move_on_after(0.05):
        await watched(drafts(draft(0.5), anyio.Event()), shown, shrinker, board)
        pytest.fail("it ended by itself")
    assert (shrinker.asked, shown.seen) == ([b"0.5"], [])


def test_a_board_forgets() -> None:
    with pytest.raises(NotFoundError):
        PreviewStore().read("9188cc90-b172-47e9-b493-4e22175bd478")
