"""List all media of the client, for ``GET`` and ``HEAD``."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from coatcheck.delivery.access import Authorizer
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.observation import Observation
from coatcheck.delivery.origin import check_origins
from coatcheck.delivery.problems import answer_error
from coatcheck.delivery.sharing import shared_with
from coatcheck.delivery.uncached import REVALIDATE, UncachedJson
from coatcheck.errors import CoatcheckError, InvalidInputError
from coatcheck.ports import ListedMedia, MediaCursor
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

PAGE: Final = 50
"""The default size of a page."""

MAX_PAGE: Final = 200

_CURSOR: Final = re.compile(r"(?P<created_at>[0-9]{1,14})-(?P<id>[0-9a-f-]{36})", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def media_list(
    store: MediaStore,
    urls: MediaUrls,
    access: Authorizer,
    metrics: Metrics | None = None,
    *,
    allow_origins: Collection[str] = (),
) -> ASGIApp:
    """Return an endpoint that lists the client's media, at ``/api/media`` by convention.

    ::

        Route("/api/media", media_list(store, urls, access), methods=["GET"])

    It is not a part of `media_app`, because listing ids to anonymous clients makes them public.
    With `OpenAccess`, it lists media without an owner to everyone.

    Args:
        store: the store whose media it lists.
        urls: mints the URLs.
        access: identifies the client. The list depends on the owner of media, not on the hooks of
            `PrincipalAccess`.
        metrics: counts its answers.
        allow_origins: front ends of other origins whose pages may read it; see `media_app`.

    Raises:
        ConfigurationError: an allowed origin is not one.
    """
    endpoint = ExceptionMiddleware(
        _MediaList(store, urls, access), handlers={CoatcheckError: answer_error}
    )
    shared = shared_with(endpoint, check_origins(allow_origins), access)
    return Observation(shared, lambda _scope: "list", metrics)


class _MediaList:
    def __init__(self, store: MediaStore, urls: MediaUrls, access: Authorizer) -> None:
        self._store = store
        self._urls = urls
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Before any parameter is read.
        principal = self._access.identify(scope)
        query = QueryParams(scope["query_string"])
        limit = _parse_limit(_single(query, "limit"))
        # One more than shown tells whether there are more.
        found = await self._store.list_media(
            owner=None if principal is None else principal.id,
            before=_parse_cursor(_single(query, "before")),
            limit=limit + 1,
        )
        shown = found[:limit]
        content: dict[str, Any] = {"media": [self._shown(one) for one in shown]}
        if len(found) > limit:
            content["before"] = _cursor(shown[-1])
        await UncachedJson(content, cache_control=REVALIDATE)(scope, receive, send)

    def _shown(self, one: ListedMedia) -> dict[str, Any]:
        shown = {
            "reference": one.reference.to_ui(self._urls),
            "createdAt": one.created_at.isoformat(timespec="milliseconds"),
            "conversationId": one.conversation_id,
            "messageId": one.holder,
        }
        return {name: value for name, value in shown.items() if value is not None}


def _single(query: QueryParams, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise InvalidInputError(f"{name} is given more than once.")
    return values[0] if values else None


def _parse_limit(text: str | None) -> int:
    if text is None:
        return PAGE
    limit = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInputError(f"limit is a number from 1 to {MAX_PAGE}.")
    return limit


def _cursor(last: ListedMedia) -> str:
    return f"{round(last.created_at.timestamp() * 1000)}-{last.reference.id}"


def _parse_cursor(text: str | None) -> MediaCursor | None:
    if text is None:
        return None
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InvalidInputError("before is what an earlier page gave, unchanged.")
    return MediaCursor(datetime.fromtimestamp(int(match["created_at"]) / 1000, UTC), match["id"])
