"""Who gets which media: three modes behind one protocol.

* **open**: knowing the unguessable id is the permission.
* **signed**: a URL is good for one id until it expires; its holder may read.
* **cookie**: a browser is a `Principal`, and gets what the application's hook lets it have
  (`PrincipalAccess`).

An `Authorizer` is asked before anything is answered, be it from a cache or with 304. What a client
may not have it cannot tell from what does not exist: a signature and a cookie are looked at before
the catalog is, and another owner's media is answered like none.
"""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final, Protocol

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.types import Scope

from coatcheck.delivery.conditional import CACHE_FOREVER
from coatcheck.delivery.cookies import Principal
from coatcheck.errors import ForbiddenError, NotFoundError, UnauthorizedError
from coatcheck.ports import MediaRecord, MediaRecords
from coatcheck.reference import normalize_reference_id
from coatcheck.signing import UrlSigner

CACHE_PRIVATELY: Final = CACHE_FOREVER.replace("public", "private")
"""Like `CACHE_FOREVER`, and kept by the one browser alone."""

PRINCIPAL: Final = "coatcheck.principal"
"""Where the scope of a request keeps the id of who asks, once that is known."""

Authorize = Callable[[Principal, MediaRecord], bool | Awaitable[bool]]
"""A hook of the application: whether this principal may read, or manage, this media."""

Identify = Callable[[HTTPConnection], Principal | None]
"""Tells who asks, from the application's own session; None for a stranger."""


class Authorizer(Protocol):
    """Decides who reads, who manages and who uploads."""

    @property
    def cache_control(self) -> str:
        """The ``Cache-Control`` of a good answer with media."""
        ...

    async def find_readable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record of the media whose bytes the request asks for.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.

        Raises:
            UnauthorizedError: the client must say who it is.
            ForbiddenError: the URL is not good.
            NotFoundError: there is none that this client may have.
        """
        ...

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record of the media whose JSON form the request asks for; raises likewise.

        That form mints new URLs: it is for those who may read the media without one.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.
        """
        ...

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record of the media that the request deletes; raises likewise.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.

        Raises:
            ForbiddenError: also where the client may read the media and not manage it.
        """
        ...

    def identify(self, scope: Scope) -> Principal | None:
        """Who uploads; None where clients are anonymous.

        Args:
            scope: the request's ASGI scope.

        Raises:
            UnauthorizedError: the client must say who it is.
        """
        ...


def is_owner(principal: Principal, record: MediaRecord) -> bool:
    """The usual hook: media is its owner's alone. What has no owner is refused.

    Args:
        principal: who asks.
        record: the media that is asked for.
    """
    return record.owner is not None and record.owner == principal.id


class OpenAccess:
    """An id is the permission to read, describe and delete; anyone may upload."""

    cache_control: str = CACHE_FOREVER

    async def find_readable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if there is one; see `Authorizer.find_readable`."""
        return await store.record(scope["path_params"]["id"])

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if there is one; see `Authorizer.find_describable`."""
        return await store.record(scope["path_params"]["id"])

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if there is one; see `Authorizer.find_manageable`."""
        return await store.record(scope["path_params"]["id"])

    def identify(self, scope: Scope) -> Principal | None:  # noqa: ARG002 - as the protocol has it
        """None: clients are anonymous; see `Authorizer.identify`."""
        return None


class PrincipalAccess:
    """Two hooks decide who reads and who deletes; with `SignedCookie.read` this is the cookie mode.

    Args:
        identify: tells who asks.
        authorize: whether a principal may read and describe media; by default its owner alone.
        manage: whether a principal who may read media may delete it; by default its owner alone.
    """

    cache_control: str = CACHE_PRIVATELY

    def __init__(
        self, identify: Identify, authorize: Authorize = is_owner, manage: Authorize = is_owner
    ) -> None:
        self._identify = identify
        self._authorize = authorize
        self._manage = manage

    async def find_readable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if `authorize` says so; see `Authorizer.find_readable`."""
        principal = self.identify(scope)
        record = await store.record(scope["path_params"]["id"])
        if not await _allows(self._authorize, principal, record):
            # The very error of an id that does not exist.
            raise NotFoundError("There is no media under this id.")
        return record

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if `authorize` says so; see `Authorizer.find_describable`."""
        return await self.find_readable(scope, store)

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if both hooks say so; see `Authorizer.find_manageable`."""
        record = await self.find_readable(scope, store)  # what may not be read does not exist
        if not await _allows(self._manage, self.identify(scope), record):
            raise ForbiddenError("This media may be read and not deleted.")
        return record

    def identify(self, scope: Scope) -> Principal:
        """Who asks, or an error; see `Authorizer.identify`."""
        principal = self._identify(HTTPConnection(scope))
        if principal is None:
            raise UnauthorizedError
        scope[PRINCIPAL] = principal.id
        return principal


async def _allows(hook: Authorize, principal: Principal, record: MediaRecord) -> bool:
    verdict = hook(principal, record)
    return (await verdict if isawaitable(verdict) else verdict) is True


class SignedAccess:
    """A signed URL is good for reading; everything else goes by another authorizer.

    A signed URL does not open the JSON form: that one mints new URLs, and a URL that had leaked
    would never expire.

    Args:
        signer: the one that `MediaUrls` mints with.
        others: decides who describes, deletes and uploads; without it, all of this is refused.
    """

    cache_control: str = CACHE_PRIVATELY

    def __init__(self, signer: UrlSigner, others: Authorizer | None = None) -> None:
        self._signer = signer
        self._others = others or PrincipalAccess(lambda _: None)

    async def find_readable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if the URL is signed for it; see `Authorizer.find_readable`."""
        reference_id = normalize_reference_id(scope["path_params"]["id"])
        query = QueryParams(scope["query_string"])
        expires, signature = query.getlist("expires"), query.getlist("signature")
        # Exactly one of each: two readers of the URL must not pick different ones.
        if reference_id is None or len(expires) != 1 or len(signature) != 1:
            raise ForbiddenError
        if not self._signer.accepts(reference_id, expires[0], signature[0]):
            raise ForbiddenError
        return await store.record(reference_id)

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if the other authorizer says so; see `Authorizer.find_describable`."""
        return await self._others.find_describable(scope, store)

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if the other authorizer says so; see `Authorizer.find_manageable`."""
        return await self._others.find_manageable(scope, store)

    def identify(self, scope: Scope) -> Principal | None:
        """Who the other authorizer says it is; see `Authorizer.identify`."""
        return self._others.identify(scope)
