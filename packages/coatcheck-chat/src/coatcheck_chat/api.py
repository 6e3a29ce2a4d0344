"""The chat's JSON API: which conversations there are, what was said, and what becomes of them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from coatcheck.delivery import read_body, require_same_origin
from coatcheck.errors import InvalidInputError
from coatcheck.store import MediaStore
from coatcheck_chat.history.conversations import Conversations, Listed
from coatcheck_chat.history.download import Download
from coatcheck_chat.history.export import HtmlExport, as_json_lines
from coatcheck_chat.history.history import History
from coatcheck_chat.history.ports import ConversationRecord
from coatcheck_chat.streaming.streams import Streams

PAGE: Final = 50
"""Conversations or messages that a page has unless the client says otherwise."""

MAX_PAGE: Final = 200
_MAX_BODY: Final = 16 * 1024
_LAST_POSITION: Final = 2**31 - 1
_NO_STORE: Final = {"cache-control": "no-store"}
# The reader's own browser may keep it and show it while there is no network (RFC 9111, 4.2.4).
_REVALIDATE: Final = {"cache-control": "private, max-age=0"}

Identify = Callable[[Request], Awaitable[str | None]]
"""Tells whose conversations a request is about; None where clients are anonymous."""


class ExportFormat(StrEnum):
    """Formats of an export; the value is the extension of the file."""

    HTML = "html"
    JSON_LINES = "jsonl"


_MEDIA_TYPES: Final = {
    ExportFormat.HTML: "text/html; charset=utf-8",
    ExportFormat.JSON_LINES: "application/jsonl",
}

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]


async def anonymous_owner(_request: Request) -> None:
    """Clients are anonymous."""


def conversations_api(
    conversations: Conversations,
    history: History,
    streams: Streams,
    store: MediaStore,
    identify: Identify = anonymous_owner,
) -> APIRouter:
    """``/api/conversations`` and what is below it; see ``docs/reference/http.md``.

    Args:
        conversations: what is listed, renamed and deleted.
        history: what is read.
        streams: tells up to where of its stream a conversation has been read.
        store: what exported pictures are read from.
        identify: tells whose conversations are meant; it raises where a client has to be known.
    """
    router = APIRouter(
        prefix="/api/conversations",
        tags=["conversations"],
        dependencies=[Depends(_refuse_other_origins)],
    )
    Owner = Annotated[str | None, Depends(identify)]  # noqa: N806 - a type

    @router.get("")
    async def list_conversations(
        response: Response,
        owner: Owner,
        limit: Limit = PAGE,
        before: str | None = None,
        q: str = "",
    ) -> dict[str, Any]:
        """The newest conversations, or those of them in which the words of `q` stand."""
        response.headers.update(_REVALIDATE)
        page = await conversations.page(owner=owner, limit=limit, before=before, query=q)
        shown = [_listed(one) for one in page.conversations]
        return {"conversations": shown} | ({"before": page.before} if page.before else {})

    @router.get("/{conversation_id}")
    async def show_conversation(
        conversation_id: str, response: Response, owner: Owner
    ) -> dict[str, Any]:
        """One conversation as the list shows it."""
        response.headers.update(_REVALIDATE)
        return _shown(await conversations.find(conversation_id, owner=owner))

    @router.patch("/{conversation_id}")
    async def rename_conversation(
        conversation_id: str, request: Request, response: Response, owner: Owner
    ) -> dict[str, Any]:
        """Change the title."""
        response.headers.update(_NO_STORE)
        title = await _read_title(request)
        return _shown(await conversations.rename(conversation_id, title, owner=owner))

    @router.delete("/{conversation_id}")
    async def delete_conversation(
        conversation_id: str, response: Response, owner: Owner
    ) -> dict[str, Any]:
        """Delete with the media that nothing else refers to; it can be restored for a while."""
        response.headers.update(_NO_STORE)
        until = await conversations.delete(conversation_id, owner=owner)
        return {"id": conversation_id, "restorableUntil": _instant(until)}

    # Routes of FastAPI's on one path would each name itself alone in `Allow`.
    path = f"{router.prefix}/{{conversation_id}}"
    router.routes.append(Route(path, _RefusedMethod("DELETE, GET, PATCH")))

    @router.post("/{conversation_id}/restore")
    async def restore_conversation(
        conversation_id: str, response: Response, owner: Owner
    ) -> dict[str, Any]:
        """Take a deletion back."""
        response.headers.update(_NO_STORE)
        return _shown(await conversations.restore(conversation_id, owner=owner))

    @router.get("/{conversation_id}/messages")
    async def list_messages(
        conversation_id: str,
        response: Response,
        owner: Owner,
        limit: Limit = PAGE,
        before: Annotated[int | None, Query(ge=1, le=_LAST_POSITION)] = None,
    ) -> dict[str, Any]:
        """The last messages in order, and where in the stream to go on from there."""
        response.headers.update(_REVALIDATE)
        # Before the messages are read: what comes while they are is then sent once more, not lost.
        stream = streams.find(conversation_id, owner)
        seq = None if stream is None else stream.position
        page = await history.page(conversation_id, owner=owner, limit=limit, before=before)
        read = {
            "messages": page.messages,
            "seq": streams.open(conversation_id, owner).origin if seq is None else seq,
        }
        return read | ({"before": page.before} if page.before else {})

    @router.get("/{conversation_id}/export", response_class=Response)
    async def export_conversation(
        conversation_id: str,
        owner: Owner,
        format: ExportFormat = ExportFormat.HTML,  # noqa: A002 - the parameter's name in the URL
        originals: bool = False,  # noqa: FBT001, FBT002 - a parameter of the URL
    ) -> Response:
        """The conversation as one file."""
        conversation = await conversations.find(conversation_id, owner=owner)
        messages = history.read(conversation_id, owner=owner)
        content: AsyncGenerator[bytes]
        if format is ExportFormat.JSON_LINES:
            content = as_json_lines(messages)
        else:
            export = HtmlExport(store, owner=owner, originals=originals)
            content = export.write(conversation, messages)
        return Download(content, f"{conversation.title}.{format}", _MEDIA_TYPES[format])

    return router


async def _refuse_other_origins(request: Request) -> None:
    require_same_origin(request)  # asynchronous, or FastAPI would call it in a thread


class _RefusedMethod:
    """Answers the other methods of a path with 405."""

    def __init__(self, allowed: str) -> None:
        self._headers = {"allow": allowed}

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers=self._headers)


async def _read_title(request: Request) -> str:
    body = await read_body(request, max_bytes=_MAX_BODY)
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInputError("The request is no JSON.") from error
    title = members.get("title") if isinstance(members, dict) else None
    if not isinstance(title, str):
        raise InvalidInputError('The request is a JSON object such as {"title": "Lighthouses"}.')
    return title


def _listed(one: Listed) -> dict[str, Any]:
    if one.message_id is None:
        return _shown(one.conversation)
    match = {"messageId": one.message_id, "snippet": one.snippet}
    return _shown(one.conversation) | {"match": match}


def _shown(conversation: ConversationRecord) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "updatedAt": _instant(conversation.updated_at),
    }


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")
