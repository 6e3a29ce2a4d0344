"""The chat's JSON API: which conversations there are, and what was said."""

from typing import Any

from fastapi import APIRouter, Response

from coatcheck.chat.history import History


def conversations_api(history: History, *, listed: bool = True) -> APIRouter:
    """``GET /api/conversations`` and ``GET /api/conversations/{id}/messages``.

    Args:
        history: what is read.
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
        """The messages of a conversation in order, references in UI form."""
        response.headers["cache-control"] = "no-store"
        return {"messages": await history.shown(conversation_id)}

    return router
