"""Turns under way: they outlive the socket that began them; any number of readers follow one."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from uuid import uuid4

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from coatcheck.chat.assembly import MessageAssembly
from coatcheck.chat.events import ENDS, error_chunk, shown
from coatcheck.chat.history import History
from coatcheck.errors import (
    CancelledTurnError,
    CoatcheckError,
    ResponderError,
    TurnInProgressError,
)
from coatcheck.ports import Responder

_logger: Final = logging.getLogger(__name__)


class Turn:
    """The chunks of one answer so far, and more to come.

    Every reader follows the one list at its own pace: a slow reader delays nobody and has no queue
    of its own, and the list is small because pictures are references.
    """

    def __init__(self) -> None:
        self._chunks: list[dict[str, Any]] = []
        self._changed = anyio.Event()
        self.scope = anyio.CancelScope()

    def publish(self, chunk: dict[str, Any]) -> None:
        """Add a chunk for every reader."""
        self._chunks.append(chunk)
        self._changed.set()
        self._changed = anyio.Event()

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Every chunk from the first to the one that ends the turn."""
        position = 0
        while True:
            if position == len(self._chunks):
                await self._changed.wait()
            chunk = self._chunks[position]
            position += 1
            yield chunk
            if chunk["type"] in ENDS:
                return


class Turns:
    """Runs turns, one at a time in each conversation. Use it as ``async with`` `Turns.running`.

    Args:
        history: where messages are kept.
        responder: who answers.
        tasks: what the turns run in.
    """

    def __init__(self, history: History, responder: Responder, tasks: TaskGroup) -> None:
        self._history = history
        self._responder = responder
        self._tasks = tasks
        self._running: dict[str, Turn] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls, history: History, responder: Responder) -> AsyncIterator[Self]:
        """Turns that are stopped, and kept as far as they came, when the context ends."""
        async with anyio.create_task_group() as tasks:
            yield cls(history, responder, tasks)
            tasks.cancel_scope.cancel()

    async def begin(
        self, conversation_id: str, message: dict[str, Any], *, owner: str | None = None
    ) -> Turn:
        """Keep an accepted user message and begin to answer it; what is made is `owner`'s.

        Raises:
            TurnInProgressError: the conversation is still answering.
            StorageError: the message could not be kept.
        """
        if conversation_id in self._running:
            raise TurnInProgressError
        turn = self._running[conversation_id] = Turn()
        try:
            await self._history.append_new(conversation_id, message, owner=owner)
        except BaseException:
            del self._running[conversation_id]
            raise
        self._tasks.start_soon(self._run, conversation_id, turn, owner)
        return turn

    def cancel(self, conversation_id: str) -> None:
        """Stop the conversation's turn, if one is under way."""
        turn = self._running.get(conversation_id)
        if turn is not None:
            turn.scope.cancel()

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
                    turn.publish(error_chunk(error))
                except Exception:  # the seam to the agent: any bug of it must end the turn, told
                    _logger.exception("A turn failed.")
                    end, closing = {"type": "finish"}, ResponderError()
                    turn.publish(error_chunk(closing))
        finally:
            with anyio.CancelScope(shield=True):
                for chunk in assembly.close(closing):
                    turn.publish(chunk)
                await self._keep(conversation_id, turn, assembly)
                # Only now may the next message come: it will find this one in the history.
                del self._running[conversation_id]
                turn.publish(end)

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
        await anyio.lowlevel.checkpoint()  # a turn that is cancelled by now asks nobody
        responding = self._responder.respond(
            messages, conversation_id=conversation_id, message_id=message_id, owner=owner
        )
        async with responding as chunks:
            async for chunk in chunks:
                if chunk["type"] in ENDS:
                    end = chunk
                    continue
                assembly.apply(chunk)
                for visible in shown(chunk):
                    turn.publish(visible)
        return end

    async def _keep(self, conversation_id: str, turn: Turn, assembly: MessageAssembly) -> None:
        if not assembly.message["parts"]:
            return
        try:
            await self._history.append(conversation_id, assembly.message)
        except CoatcheckError as error:
            # The user saw an answer that will be gone after a reload: say so.
            _logger.exception("An answer could not be kept.")
            turn.publish(error_chunk(error))
