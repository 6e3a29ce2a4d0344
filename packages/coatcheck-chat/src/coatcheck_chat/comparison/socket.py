"""The WebSocket that plays a comparison: ``/ws/compare``."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar, get_args

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from coatcheck.delivery import is_same_origin
from coatcheck.errors import CoatcheckError
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck_chat.comparison.frames import Side, Way, frames

_POLICY_VIOLATION: Final = 1008
_INTERNAL_ERROR: Final = 1011
_TRY_AGAIN_LATER: Final = 1013
_FINISH: Final = '{"type":"finish"}'

_PLAYS: Final = 2
"""How many are played at once. Each holds one picture and its frame, a few megabytes."""

_PAUSE_SECONDS: Final = 0.004
"""Between the frames of a text: 250 a second, faster than any model writes."""

Choice = TypeVar("Choice", bound=str)


class ComparisonSocket:
    """Sends a conversation with pictures, in the way that the query asks for.

    Args:
        store: has the pictures' bytes.
        pictures: gives the pictures.
    """

    def __init__(
        self, store: MediaStore, pictures: Callable[[], Awaitable[Sequence[MediaReference]]]
    ) -> None:
        self._store = store
        self._pictures = pictures
        self._plays = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Play once and close. The query has `side`, `way` and, if fewer are wanted, `count`."""
        query = websocket.query_params
        side = _one_of(query.get("side"), get_args(Side))
        way = _one_of(query.get("way"), get_args(Way))
        count = query.get("count", "10")
        if not (is_same_origin(websocket) and side and way and count.isdecimal()):
            await websocket.close(_POLICY_VIOLATION)
            return
        await websocket.accept()
        if self._plays >= _PLAYS:
            await websocket.close(_TRY_AGAIN_LATER, "Others are playing. Try again later.")
            return
        self._plays += 1
        try:
            for number, picture in enumerate((await self._pictures())[: int(count[:4])]):
                await self._play(websocket, picture, number, side, way)
            await websocket.send_text(_FINISH)
            await websocket.close()
        except WebSocketDisconnect:
            pass  # the client is gone
        except CoatcheckError as error:
            await websocket.close(_INTERNAL_ERROR, error.code)
        finally:
            self._plays -= 1

    async def _play(
        self, websocket: WebSocket, picture: MediaReference, number: int, side: Side, way: Way
    ) -> None:
        content = await self._read(picture) if side == "legacy" else b""
        for frame in frames(picture, content, number=number, side=side, way=way):
            await websocket.send_text(frame)
            if way != "frame":
                await anyio.sleep(_PAUSE_SECONDS)

    async def _read(self, picture: MediaReference) -> bytes:
        async with aclosing(self._store.read_blob(picture.digest, picture.size)) as chunks:
            return b"".join([chunk async for chunk in chunks])


def _one_of(value: str | None, choices: tuple[Choice, ...]) -> Choice | None:
    return next((choice for choice in choices if choice == value), None)
