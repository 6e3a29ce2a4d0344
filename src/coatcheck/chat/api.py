"""The chat's JSON API: which conversations there are, and what was said."""

from typing import Any

from fastapi import APIRouter, Response

from coatcheck.chat.history import History
from coatcheck.chat.streams import Streams


def conversations_api(history: History, streams: Streams, *, listed: bool = True) -> APIRouter:
    """``GET /api/conversations`` and ``GET /api/conversations/{id}/messages``.

    Args:
        history: what is read.
        streams: tells up to where of its stream a conversation has been read.
        listed: whether everyone sees which conversations there are. Where users are told apart they
            must not: a conversation has no owner, and knowing its id is the permission to read it.
    """
    router = APIRouter(prefix="/api/conversations", tags=["conversations"])

    @router.get("")
    async def list_conversations(response: Response) -> dict[str, Any]:
        """The newest conversations, at most 200."""
        response.headers["cache-control"] = "no-store"
        return {
            "conversations": [
                {
                    "id": conversation.id,
                    "title": conversation.title,
                    "updatedAt": conversation.updated_at.isoformat(timespec="milliseconds"),
                }
                for conversation in (await history.conversations() if listed else [])
            ]
        }

    @router.get("/{conversation_id}/messages")
    async def list_messages(conversation_id: str, response: Response) -> dict[str, Any]:
        """The messages of a conversation in order, and where in its stream to go on from there."""
        response.headers["cache-control"] = "no-store"
        # Before the messages are read: what comes while they are is then sent once more, not lost.
        stream = streams.find(conversation_id)
        seq = None if stream is None else stream.position
        messages = await history.shown(conversation_id)
        return {
            "messages": messages,
            "seq": streams.open(conversation_id).origin if seq is None else seq,
        }

    return router
