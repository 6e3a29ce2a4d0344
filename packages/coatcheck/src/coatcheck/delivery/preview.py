"""``GET`` and ``HEAD`` of previews: small, short-lived, and kept by no cache."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coatcheck.delivery.access import Authorizer
from coatcheck.ports import PreviewBoard

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


class PreviewEndpoint:
    """Answers ``/preview/{id}``.

    Args:
        previews: what is served.
        access: decides who gets it, by the rules for media.
    """

    def __init__(self, previews: PreviewBoard, access: Authorizer) -> None:
        self._previews = previews
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            UnauthorizedError, ForbiddenError: the client may not have it.
            NotFoundError: there is no such preview, or none any more.
        """
        record = await self._access.find_readable(scope, self._previews)
        image = self._previews.read(record.reference.id)
        response = Response(image.data, headers=_HEADERS, media_type=image.media_type)
        await response(scope, receive, send)
