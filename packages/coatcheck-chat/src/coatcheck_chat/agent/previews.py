"""Drafts of a picture that is being made, shown as previews. The newest wins; none is kept."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio

from coatcheck import media_part
from coatcheck.delivery import PreviewBoard
from coatcheck.errors import CoatcheckError
from coatcheck.store import RenderedImage, Shrinker
from coatcheck_chat.providers.image import Draft

_SHRINK_SECONDS: Final = 5.0

Show = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes the data of a ``data-media`` part for the user to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """Makes previews of drafts.

    Attributes:
        shrinker: makes them small.
        board: where they wait to be fetched.
        count: how many drafts a provider is asked for.
    """

    shrinker: Shrinker
    board: PreviewBoard
    count: int = 3


async def watch(
    drafts: AsyncIterator[Draft],
    show: Show,
    previews: Previews | None,
    *,
    owner: str | None,
    conversation_id: str | None,
) -> Draft | None:
    """Show a preview of each draft that there is time for, and return the last draft.

    The provider never waits for a preview: while one is being shrunk, the newest draft takes the
    place of the one before it. A draft that cannot be shown is passed over, because it is the
    picture that was asked for. Nothing is shown after this has returned.

    Args:
        drafts: what a provider yields.
        show: told of each preview.
        previews: what makes them; None where they are not shown.
        owner: whom the picture is going to belong to.
        conversation_id: what it is going to belong to.

    Raises:
        CoatcheckError: what the provider raises.
    """
    newest = _Newest()
    if previews is None:
        return await _last(drafts, newest)
    shrinker, board = previews.shrinker, previews.board

    async def show_each() -> None:
        while (draft := await newest.take()) is not None:
            image = await _shrunk(draft, shrinker)
            if image is not None and not newest.is_closed:
                preview_id = board.put(image, owner=owner, conversation_id=conversation_id)
                await show(media_part.preview(progress=draft.progress, preview_id=preview_id))

    last: Draft | CoatcheckError | None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(show_each)
        try:
            last = await _last(drafts, newest)
        except CoatcheckError as error:  # raised below: a task group would wrap it
            last = error
        finally:
            newest.close()
    if isinstance(last, CoatcheckError):
        raise last
    return last


async def _last(drafts: AsyncIterator[Draft], newest: "_Newest") -> Draft | None:
    draft = None
    async for draft in drafts:
        if draft.progress >= 1:
            break
        newest.put(draft)
    return draft


async def _shrunk(draft: Draft, shrinker: Shrinker) -> RenderedImage | None:
    try:
        with anyio.fail_after(_SHRINK_SECONDS):
            return await shrinker.shrink(draft.data)
    except (CoatcheckError, TimeoutError):
        return None


class _Newest:
    """Room for one draft: a newer one takes the place of one that was not taken."""

    def __init__(self) -> None:
        self._draft: Draft | None = None
        self._changed = anyio.Event()
        self.is_closed = False

    def put(self, draft: Draft) -> None:
        self._draft = draft
        self._changed.set()

    def close(self) -> None:
        self.is_closed = True
        self._changed.set()

    async def take(self) -> Draft | None:
        """The draft, as soon as there is one; None when there will be none."""
        await self._changed.wait()
        if self.is_closed:
            return None
        draft, self._draft = self._draft, None
        self._changed = anyio.Event()
        return draft
