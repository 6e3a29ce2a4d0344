"""Running turns, which outlive the socket that began them and are published to every reader."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, Self
from uuid import uuid4

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from coatcheck.errors import CoatcheckError
from coatcheck.media_part import is_preview
from coatcheck_chat.errors import CancelledTurnError, ResponderError, TurnInProgressError
from coatcheck_chat.history.history import History
from coatcheck_chat.streaming.assembly import MessageAssembly
from coatcheck_chat.streaming.coalescing import Relay
from coatcheck_chat.streaming.events import (
    ENDS,
    REGENERATE,
    SUBMIT,
    UNREAD,
    error_chunk,
    shown,
    turn_chunk,
)
from coatcheck_chat.streaming.feed import follow
from coatcheck_chat.streaming.responder import Responder
from coatcheck_chat.streaming.stream import Chunk, Entry, Stream
from coatcheck_chat.streaming.streams import Streams

_logger: Final = logging.getLogger(__name__)


class Turn:
    """One answer: the part of its conversation's stream from `start` to the next end.

    Args:
        stream: the conversation's.
        trigger: what asked for it: `SUBMIT` or `REGENERATE`.
    """

    def __init__(self, stream: Stream, trigger: str) -> None:
        self.stream = stream
        self.start = stream.last
        self.trigger = trigger
        self.question: str | None = None
        """The id of the message that is answered, once that is known."""
        self.scope = anyio.CancelScope()

    async def follow(self) -> AsyncIterator[Chunk]:
        """Every chunk from the first to the one that ends the turn."""
        async with aclosing(follow(self.stream, self.start)) as items:
            async for item in items:
                if isinstance(item, Entry):
                    yield item.chunk


class Turns:
    """Runs turns, one at a time in each conversation. Use it as ``async with`` `Turns.running`.

    Args:
        history: where messages are kept.
        responder: who answers.
        streams: where the answers are published.
        tasks: what the turns run in.
    """

    def __init__(
        self, history: History, responder: Responder, streams: Streams, tasks: TaskGroup
    ) -> None:
        self._history = history
        self._responder = responder
        self._tasks = tasks
        self._running: dict[tuple[str | None, str], Turn] = {}
        self.streams = streams

    @classmethod
    @asynccontextmanager
    async def running(
        cls, history: History, responder: Responder, streams: Streams | None = None
    ) -> AsyncIterator[Self]:
        """Turns that are stopped, and kept as far as they came, when the context ends.

        Args:
            history: where messages are kept.
            responder: who answers.
            streams: who follows; streams of their own where it is left out.
        """
        async with anyio.create_task_group() as tasks:
            yield cls(history, responder, streams or Streams(), tasks)
            tasks.cancel_scope.cancel()

    async def begin(
        self, conversation_id: str, message: dict[str, Any], *, owner: str | None = None
    ) -> Turn:
        """Keep an accepted user message and begin to answer it; what is made is `owner`'s.

        The very message that is being answered is not taken twice: its client did not hear that it
        had arrived.

        Args:
            conversation_id: the conversation, by its id.
            message: the user's message, as an AI SDK UI message.
            owner: whom what is made will belong to; None where clients are anonymous.

        Raises:
            TurnInProgressError: the conversation is still answering another message.
            InvalidInputError: the message has the id of one of the assistant's.
            StorageError: the message could not be kept.
        """
        running = self._running.get((owner, conversation_id))
        if running is not None and (running.trigger, running.question) == (SUBMIT, message["id"]):
            return running
        async with self._beginning(conversation_id, SUBMIT, owner) as turn:
            turn.question = message["id"]
            shown_message = await self._history.as_shown(conversation_id, message, owner=owner)
            edited = await self._history.append_or_edit(conversation_id, message, owner=owner)
            begun = turn_chunk(SUBMIT, message["id"], shown_message, edited=edited)
            turn.stream.begin_turn(*begun)
        return turn

    async def regenerate(
        self, conversation_id: str, message_id: str | None, *, owner: str | None = None
    ) -> Turn:
        """Forget an answer, or the last one, and begin another in its place.

        Args:
            conversation_id: the conversation, by its id.
            message_id: the answer, by its ``id``; None for the last one.
            owner: whose it must be; None where clients are anonymous.

        Raises:
            TurnInProgressError: the conversation is answering something else.
            NotFoundError: there is nothing to answer.
            StorageError: the old answer could not be removed.
        """
        running = self._running.get((owner, conversation_id))
        if running is not None and (running.trigger, running.question) == (REGENERATE, message_id):
            return running
        async with self._beginning(conversation_id, REGENERATE, owner) as turn:
            turn.question = await self._history.rewind_to_question(
                conversation_id, message_id, owner=owner
            )
            turn.stream.begin_turn(*turn_chunk(REGENERATE, turn.question))
        return turn

    def cancel(self, conversation_id: str, *, owner: str | None = None) -> None:
        """Stop the owner's turn in the conversation, if one is under way.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where clients are anonymous.
        """
        turn = self._running.get((owner, conversation_id))
        if turn is not None:
            turn.scope.cancel()

    @asynccontextmanager
    async def _beginning(
        self, conversation_id: str, trigger: str, owner: str | None
    ) -> AsyncIterator[Turn]:
        """A turn that begins at the end of the context, and not at all on an exception."""
        if (owner, conversation_id) in self._running:
            raise TurnInProgressError
        turn = Turn(self.streams.hold(conversation_id, owner), trigger)
        self._running[owner, conversation_id] = turn
        try:
            yield turn
        except BaseException:
            self._forget(conversation_id, owner)
            raise
        self._tasks.start_soon(self._run, conversation_id, turn, owner)

    def _forget(self, conversation_id: str, owner: str | None) -> None:
        del self._running[owner, conversation_id]
        self.streams.release(conversation_id, owner)

    async def _run(self, conversation_id: str, turn: Turn, owner: str | None) -> None:
        message_id = str(uuid4())
        assembly = MessageAssembly(message_id)
        end: dict[str, Any] = {"type": "abort"}
        closing: CoatcheckError = CancelledTurnError()
        try:
            with turn.scope:
                try:
                    end = await self._answer(conversation_id, message_id, turn, assembly, owner)
                    closing = ResponderError("The model left this unfinished.")
                except CoatcheckError as error:
                    end, closing = {"type": "finish"}, error
                    turn.stream.publish(error_chunk(error))
                except Exception:  # the seam to the agent: any bug of it must end the turn, told
                    _logger.exception("A turn failed.")
                    end, closing = {"type": "finish"}, ResponderError()
                    turn.stream.publish(error_chunk(closing))
        finally:
            with anyio.CancelScope(shield=True):
                for chunk in assembly.close(closing):
                    turn.stream.publish(chunk)
                await self._keep(conversation_id, turn, assembly)
                # Only now may the next message come: it will find this one in the history.
                turn.stream.publish(end)
                self._forget(conversation_id, owner)

    async def _answer(
        self,
        conversation_id: str,
        message_id: str,
        turn: Turn,
        assembly: MessageAssembly,
        owner: str | None,
    ) -> dict[str, Any]:
        """Publish the responder's chunks but the last, which is returned."""
        end = {"type": "finish"}
        messages = await self._history.stored(conversation_id)
        await anyio.lowlevel.checkpoint()  # a turn that is cancelled by now does not ask
        relay = Relay(
            self._responder.respond(
                messages, conversation_id=conversation_id, message_id=message_id, owner=owner
            ),
            unread=UNREAD,
        )
        self._tasks.start_soon(relay.run)
        try:
            async with (
                aclosing(relay.chunks()) as said,
                aclosing(self._history.offloaded(said, conversation_id, owner=owner)) as chunks,
            ):
                async for chunk in chunks:
                    if chunk["type"] in ENDS:
                        end = chunk
                        continue
                    if is_preview(chunk):
                        turn.stream.show(chunk)
                        continue
                    assembly.apply(chunk)
                    for visible, text in shown(chunk):
                        turn.stream.publish(visible, text)
        finally:
            await relay.aclose()
        return end

    async def _keep(self, conversation_id: str, turn: Turn, assembly: MessageAssembly) -> None:
        if not assembly.message["parts"]:
            return
        try:
            await self._history.append(conversation_id, assembly.message)
        except CoatcheckError as error:
            # The user saw an answer that will be gone after a reload: say so.
            _logger.exception("An answer could not be kept.")
            turn.stream.publish(error_chunk(error))
