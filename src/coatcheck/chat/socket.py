"""The chat's WebSocket: ``/ws/chat``."""

from urllib.parse import urlsplit

import anyio
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from coatcheck.chat.events import (
    MAX_CLIENT_FRAME,
    MessageSend,
    StreamCancel,
    encode_frame,
    error_chunk,
    parse_frame,
)
from coatcheck.chat.history import History
from coatcheck.chat.turns import Turn, Turns
from coatcheck.errors import CoatcheckError, ProtocolError
from coatcheck.reference import is_reference_id

_UNSUPPORTED_DATA = 1003
_POLICY_VIOLATION = 1008
_TOO_BIG = 1009


class ChatSocket:
    """Serves one browser's socket.

    Args:
        history: accepts messages.
        turns: answers them.
    """

    def __init__(self, history: History, turns: Turns) -> None:
        self._history = history
        self._turns = turns

    async def serve(self, websocket: WebSocket, *, owner: str | None = None) -> None:
        """Read frames and send what the turns say until the client leaves.

        Args:
            websocket: the browser's.
            owner: who the browser is: it refers to its own media only, and what is made is its own.
                None where nobody is told apart.
        """
        if not is_same_origin(websocket):
            # A page of another site may open sockets to us with the user's cookies: not answered.
            await websocket.close(_POLICY_VIOLATION)
            return
        await websocket.accept()
        connection = _Connection(websocket)
        async with anyio.create_task_group() as readers:
            try:
                while True:
                    text = (await _receive(websocket)).get("text")
                    if text is None:
                        await websocket.close(_UNSUPPORTED_DATA, "Frames are text.")
                        break
                    if len(text) > MAX_CLIENT_FRAME:
                        await websocket.close(_TOO_BIG, "The frame is too long.")
                        break
                    try:
                        turn = await self._obey(text, owner)
                    except CoatcheckError as error:
                        await connection.refuse(error)
                    else:
                        if turn is not None:
                            readers.start_soon(connection.relay, turn)
            except WebSocketDisconnect:
                pass
            readers.cancel_scope.cancel()  # the turns themselves go on

    async def _obey(self, text: str, owner: str | None) -> Turn | None:
        match parse_frame(text):
            case MessageSend(conversation_id, message):
                if not is_reference_id(conversation_id):
                    raise ProtocolError("A conversationId is a UUIDv4 in lower case.")
                accepted = await self._history.accept(message, owner=owner)
                return await self._turns.begin(conversation_id, accepted, owner=owner)
            case StreamCancel(conversation_id):
                self._turns.cancel(conversation_id)
                return None


class _Connection:
    """The sending side: numbers the frames and sends one at a time."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._sending = anyio.Lock()
        self._sequence = 0

    async def relay(self, turn: Turn) -> None:
        try:
            async for chunk in turn.follow():
                await self._send(chunk)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client left in the middle; the reading side notices too

    async def refuse(self, error: CoatcheckError) -> None:
        await self._send(error_chunk(error))
        await self._send({"type": "finish"})

    async def _send(self, chunk: dict[str, object]) -> None:
        async with self._sending:
            self._sequence += 1
            await self._websocket.send_text(encode_frame(self._sequence, chunk))


async def _receive(websocket: WebSocket) -> Message:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    return message


def is_same_origin(websocket: WebSocket) -> bool:
    """Whether the handshake comes from a page of ours, or from no page."""
    origin = websocket.headers.get("origin")
    # Programs send no Origin; browsers always do.
    return origin is None or urlsplit(origin).netloc == websocket.headers.get("host")
