"""Decide who gets which media: three modes behind one protocol.

* **open**: knowing the unguessable id is the permission.
* **signed**: a URL is valid for one id until it expires; anyone who has it may read.
* **cookie**: a browser is a `Principal`, and gets what the application's hook allows
  (`PrincipalAccess`).

An `Authorizer` decides before anything is answered, also before answers from a cache and 304. A
client cannot distinguish media that it may not read from media that does not exist: signatures and
cookies are checked before the catalog is read, and another owner's media is answered as if it did
not exist.
"""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Final, Protocol

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.types import Scope

from coatcheck.delivery.conditional import CACHE_FOREVER
from coatcheck.delivery.cookies import Principal
from coatcheck.errors import ExpiredUrlError, ForbiddenError, NotFoundError, UnauthorizedError
from coatcheck.ports import MediaRecord, MediaRecords
from coatcheck.reference import normalize_reference_id
from coatcheck.signing import UrlSigner

CACHE_PRIVATELY: Final = CACHE_FOREVER.replace("public", "private")
"""Like `CACHE_FOREVER`, but only for the client's own browser."""

PRINCIPAL: Final = "coatcheck.principal"
"""The key in a request's scope for the id of its principal, once it is known."""

Authorize = Callable[[Principal, MediaRecord], bool | Awaitable[bool]]
"""A hook of the application that decides whether a principal may read, or manage, media."""

Identify = Callable[[HTTPConnection], Principal | None]
"""Returns the principal of the application's own session; None for an anonymous client."""


Admit = Callable[[str, Mapping[bytes, bytes]], bool]
"""Decides whether a request reads the bytes of media, given its id and the URL's parameters."""


class Authorizer(Protocol):
    """Decides who reads, who manages and who uploads."""

    @property
    def cache_control(self) -> str:
        """The ``Cache-Control`` of successful answers with media."""
        ...

    async def find_readable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """Return the record of the media whose bytes the request asks for.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.

        Raises:
            UnauthorizedError: the client must say who it is.
            ForbiddenError: the URL is not valid.
            NotFoundError: there is none that this client may read.
        """
        ...

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """Return the record of the media whose JSON form the request asks for; raises likewise.

        This form contains new URLs, so it requires permission to read the media without a URL.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.
        """
        ...

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """Return the record of the media that the request deletes; raises likewise.

        Args:
            scope: the request's ASGI scope.
            store: where the records are.

        Raises:
            ForbiddenError: also if the client may read the media but not manage it.
        """
        ...

    def identify(self, scope: Scope) -> Principal | None:
        """Return the principal who uploads; None if clients are anonymous.

        Args:
            scope: the request's ASGI scope.

        Raises:
            UnauthorizedError: the client must say who it is.
        """
        ...


def is_owner(principal: Principal, record: MediaRecord) -> bool:
    """Allow only the owner: the default hook. Media without an owner is refused.

    Args:
        principal: the principal of the request.
        record: the requested media.
    """
    return record.owner is not None and record.owner == principal.id


class OpenAccess:
    """Anyone who knows an id may read, describe and delete its media; anyone may upload."""

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
        """Return None, because clients are anonymous; see `Authorizer.identify`."""
        return None


class PrincipalAccess:
    """Lets two hooks decide who reads and who deletes. With `SignedCookie.read`: the cookie mode.

    Args:
        identify: returns the principal of a request.
        authorize: decides whether a principal may read and describe media; by default only the
            owner.
        manage: decides whether a principal who may read media may delete it; by default only the
            owner.
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
        """The record, if both hooks allow it; see `Authorizer.find_manageable`."""
        record = await self.find_readable(scope, store)  # what may not be read does not exist
        if not await _allows(self._manage, self.identify(scope), record):
            raise ForbiddenError("This media may be read and not deleted.")
        return record

    def identify(self, scope: Scope) -> Principal:
        """The principal, or an error; see `Authorizer.identify`."""
        principal = self._identify(HTTPConnection(scope))
        if principal is None:
            raise UnauthorizedError
        scope[PRINCIPAL] = principal.id
        return principal


async def _allows(hook: Authorize, principal: Principal, record: MediaRecord) -> bool:
    verdict = hook(principal, record)
    return (await verdict if isawaitable(verdict) else verdict) is True


class SignedAccess:
    """Lets signed URLs read media; another authorizer decides everything else.

    A signed URL does not give access to the JSON form, which contains new URLs: otherwise a leaked
    URL would never expire.

    Args:
        signer: the signer of the `MediaUrls`.
        others: decides who describes, deletes and uploads; without it, all of these are refused.
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
            is_ours = self._signer.has_signed(reference_id, expires[0], signature[0])
            raise ExpiredUrlError if is_ours else ForbiddenError
        return await store.record(reference_id)

    def admits(self, reference_id: str, query: Mapping[bytes, bytes]) -> bool:
        """Whether `find_readable` would return the record, if there is one.

        Args:
            reference_id: the id in the URL.
            query: the URL's parameters, each of which stands there once and without an encoding.
        """
        expires, signature = query.get(b"expires", b""), query.get(b"signature", b"")
        return self._signer.accepts(
            reference_id, expires.decode("latin-1"), signature.decode("latin-1")
        )

    async def find_describable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if the other authorizer says so; see `Authorizer.find_describable`."""
        return await self._others.find_describable(scope, store)

    async def find_manageable(self, scope: Scope, store: MediaRecords) -> MediaRecord:
        """The record, if the other authorizer says so; see `Authorizer.find_manageable`."""
        return await self._others.find_manageable(scope, store)

    def identify(self, scope: Scope) -> Principal | None:
        """The principal of the other authorizer; see `Authorizer.identify`."""
        return self._others.identify(scope)


def admission_of(access: Authorizer) -> Admit | None:
    """Return who reads as a function that never waits and needs no record; None if there is none.

    A class that is derived from one of ours may decide otherwise, so it has none.

    Args:
        access: decides who gets what.
    """
    if type(access) is OpenAccess:
        return lambda _reference_id, _query: True
    return access.admits if type(access) is SignedAccess else None
