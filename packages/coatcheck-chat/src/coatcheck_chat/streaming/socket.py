"""The chat's WebSocket, ``/ws/chat``: what stands between a `Session` and a real socket."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from coatcheck.delivery import ClientLimits, PreviewBoard, client_of, is_same_origin
from coatcheck.errors import CoatcheckError, TooManySocketsError
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore, RenderedImage
from coatcheck_chat.history.history import History
from coatcheck_chat.streaming.events import (
    ClientFrame,
    MessageRegenerate,
    MessageSend,
    StreamCancel,
    StreamResume,
    encode_frame,
    error_chunk,
)
from coatcheck_chat.streaming.feed import Bell
from coatcheck_chat.streaming.frames import (
    PLAIN_SUBPROTOCOL,
    SUBPROTOCOL,
    BinaryFrame,
    FrameHeader,
    FrameKind,
    encode_binary_frame,
)
from coatcheck_chat.streaming.session import (
    HEARTBEAT_SECONDS,
    POLICY_VIOLATION,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    Close,
    Output,
    SendBytes,
    SendText,
    Session,
)
from coatcheck_chat.streaming.turns import Turns

WRITE_SECONDS: Final = 60.0
"""How long a client may take nothing of what is written to it."""

_STOP_SECONDS: Final = 2.0
_GONE: Final = (WebSocketDisconnect, RuntimeError)  # Starlette raises either


class ChatSocket:
    """Serves browsers' sockets. Use it as ``async with`` `ChatSocket.running`.

    Args:
        history: accepts messages.
        turns: answers them.
        store: has the thumbnails that are pushed.
        previews: has the previews that are pushed.
        urls: mints the URLs of previews for clients that fetch them.
        limits: what clients may do.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        history: History,
        turns: Turns,
        store: MediaStore,
        previews: PreviewBoard,
        urls: MediaUrls,
        limits: ClientLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._turns = turns
        self._store = store
        self._previews = previews
        self._urls = urls
        self._limits = limits
        self._clock = clock
        self._sessions: set[Session] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """When the context ends, every client is asked to reconnect."""
        try:
            yield self
        finally:
            with anyio.move_on_after(_STOP_SECONDS, shield=True):
                for session in self._sessions:
                    session.close(SERVICE_RESTART, "The server restarts.")
                while self._sessions:  # noqa: ASYNC110 - each takes its own time to say goodbye
                    await anyio.sleep(0.01)

    async def serve(self, websocket: WebSocket, *, owner: str | None = None) -> None:
        """Obey a client's frames and write what its conversation says, until it leaves.

        Args:
            websocket: the browser's.
            owner: who the browser is: it refers to its own media only, and what is made is its own.
                None where clients are anonymous.
        """
        if not is_same_origin(websocket):
            await websocket.close(POLICY_VIOLATION)  # not answered at all: 403
            return
        offered = websocket.scope.get("subprotocols", [])
        known = [name for name in (SUBPROTOCOL, PLAIN_SUBPROTOCOL) if name in offered]
        await websocket.accept(known[0] if known else None)
        try:
            client = client_of(websocket, owner)
            with self._limits.admit(client, self._clock()) as allowance:
                bell = Bell()
                session = Session(
                    allowance,
                    self._urls,
                    binary=known[:1] == [SUBPROTOCOL],
                    wake=bell.ring,
                    now=self._clock(),
                )
                self._sessions.add(session)
                try:
                    await self._run(websocket, session, bell, owner)
                finally:
                    session.end()
                    self._sessions.discard(session)
        except TooManySocketsError as error:
            with suppress(*_GONE):
                await websocket.send_text(encode_frame(0, error_chunk(error)))
                await websocket.close(TRY_AGAIN_LATER, error.message)

    async def _run(
        self, websocket: WebSocket, session: Session, bell: Bell, owner: str | None
    ) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, websocket, session, bell, tasks.cancel_scope, owner)
            tasks.start_soon(self._tick, session)
            while (message := await websocket.receive())["type"] != "websocket.disconnect":
                text, data = message.get("text"), message.get("bytes")
                frame = session.receive(data or b"" if text is None else text, self._clock())
                if frame is not None:
                    with anyio.CancelScope(shield=True):  # a message is taken whole or not at all
                        await self._obey(session, frame, owner)
            tasks.cancel_scope.cancel()  # the turns themselves go on

    async def _obey(self, session: Session, frame: ClientFrame, owner: str | None) -> None:
        conversation_id = frame.conversation_id
        try:
            match frame:
                case MessageSend(message=message):
                    accepted = await self._history.accept(message, owner=owner)
                    turn = await self._turns.begin(conversation_id, accepted, owner=owner)
                    session.follow(conversation_id, turn.stream, turn.start)
                case MessageRegenerate(message_id=message_id):
                    turn = await self._turns.regenerate(conversation_id, message_id, owner=owner)
                    session.follow(conversation_id, turn.stream, turn.start)
                case StreamResume(seq=seq):
                    await self._history.require(conversation_id, owner=owner)
                    stream = self._turns.streams.open(conversation_id, owner)
                    session.resume(conversation_id, stream, seq)
                case StreamCancel():
                    await self._history.require(conversation_id, owner=owner)
                    self._turns.cancel(conversation_id, owner=owner)
        except CoatcheckError as error:
            session.refuse(error)

    async def _write(
        self,
        websocket: WebSocket,
        session: Session,
        bell: Bell,
        connection: anyio.CancelScope,
        owner: str | None,
    ) -> None:
        try:
            while True:
                output = session.next(self._clock())
                if output is None:
                    await bell.wait()
                    continue
                with anyio.fail_after(WRITE_SECONDS):
                    await self._send(websocket, output, owner)
        except _GONE:
            pass  # the reading side hears of it too
        except TimeoutError:
            connection.cancel()  # a client that does not read does not read a goodbye either

    async def _send(self, websocket: WebSocket, output: Output, owner: str | None) -> None:
        match output:
            case SendText(text):
                await websocket.send_text(text)
            case SendBytes():
                image = await self._image(output, owner)
                if image is not None:
                    await websocket.send_bytes(_encode(output, image))
            case Close(code, reason):
                await websocket.close(code, reason)

    async def _image(self, output: SendBytes, owner: str | None) -> RenderedImage | None:
        # A courtesy: without the bytes the client fetches them, or waits for the next preview.
        try:
            if output.kind is FrameKind.PREVIEW:
                return self._previews.read(output.media_id)
            if owner is not None and (await self._store.record(output.media_id)).owner != owner:
                return None  # a chunk may name any id
            return await self._store.thumbnail(output.media_id)
        except CoatcheckError:
            return None

    async def _tick(self, session: Session) -> None:
        while True:
            await anyio.sleep(HEARTBEAT_SECONDS / 5)
            session.tick(self._clock())


def _encode(output: SendBytes, image: RenderedImage) -> bytes:
    header = FrameHeader(
        id=output.part_id,
        mime_type=image.media_type,
        width=image.width,
        height=image.height,
        seq=output.seq,
    )
    return encode_binary_frame(BinaryFrame(output.kind, header, image.data))
