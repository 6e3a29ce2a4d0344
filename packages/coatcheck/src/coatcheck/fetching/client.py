"""From a URL to its bytes: resolve once, check, connect to what was checked, follow redirects."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from socket import SOCK_STREAM
from typing import Final

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from coatcheck.errors import FetchError, FetchRefusedError
from coatcheck.fetching.addresses import Address, AddressPolicy
from coatcheck.fetching.exchange import Deadline, Exchange, translated
from coatcheck.fetching.urls import Target, read_url
from coatcheck.ports import FetchedMedia

Resolver = Callable[[str], Awaitable[Sequence[Address]]]
"""Tells all addresses of a name, best first."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REFUSED: Final = "Nothing is fetched from the address that this URL leads to."


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Bounds on one fetch. `seconds` is for all of it, `connect_seconds` for each address."""

    seconds: float = 30.0
    connect_seconds: float = 5.0
    redirects: int = 5
    addresses: int = 4


class FetchClient:
    """A `Fetcher` over sockets. It holds nothing between calls: no connection, no cookie.

    Args:
        policy: which addresses and ports may be connected to.
        limits: bounds on one fetch.
        resolver: returns the addresses of a name; by default the operating system's resolver.
        tls: whom TLS trusts; by default what the operating system trusts.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        limits: FetchLimits | None = None,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._limits = limits or FetchLimits()
        self._resolve = resolver or resolve
        self._tls = tls

    @asynccontextmanager
    async def fetch(self, url: str, *, max_bytes: int) -> AsyncIterator[FetchedMedia]:
        """Ask for `url`; see `Fetcher.fetch`."""
        target = read_url(url)
        async with AsyncExitStack() as stack:
            exchange = await self._follow(target, Deadline(self._limits.seconds))
            stack.push_async_callback(exchange.aclose)
            size = exchange.check(max_bytes)
            chunks = exchange.body(max_bytes)
            stack.push_async_callback(chunks.aclose)
            yield FetchedMedia(
                display_name=target.file_name,
                media_type=exchange.header("content-type"),
                size=size,
                chunks=chunks,
            )

    async def _follow(self, target: Target, deadline: Deadline) -> Exchange:
        """The first answer that is no redirect."""
        for _ in range(1 + self._limits.redirects):
            exchange = Exchange(await self._connect(target, deadline), deadline)
            async with AsyncExitStack() as stack:
                stack.push_async_callback(exchange.aclose)
                await exchange.ask(target)
                if exchange.status not in _REDIRECTS:
                    stack.pop_all()  # handed on open
                    return exchange
                target = target.follow(exchange.location())
        raise FetchError("The other server redirects too often.")

    async def _connect(self, target: Target, deadline: Deadline) -> ByteStream:
        # The context comes first: it is made in a thread, once, and needs no connection.
        tls = await self._context() if target.scheme == "https" else None
        failure: FetchError | None = None
        for address in await self._addresses(target, deadline):
            try:
                return await self._dial(address, target, tls, deadline)
            except FetchError as error:  # the next one may answer
                failure = error
        raise failure or FetchError("The name in the URL has no address.")

    async def _addresses(self, target: Target, deadline: Deadline) -> Sequence[Address]:
        """Where `target` may be reached: the addresses to dial, its name resolved once."""
        if not self._policy.may_use_port(target.port):
            raise FetchRefusedError("Nothing is fetched from the port in this URL.")
        if target.literal is not None:
            return [target.literal]
        try:
            with deadline.hold():
                found = await self._resolve(target.host)
        except TimeoutError as error:
            raise FetchError("The name in the URL takes too long to resolve.") from error
        except (OSError, UnicodeError) as error:
            raise FetchError("The name in the URL cannot be resolved.") from error
        # A name with one public and one inner address is an attempt at the inner one.
        if not all(self._policy.may_connect(address, target.port) for address in found):
            raise FetchRefusedError(_REFUSED)
        return found[: self._limits.addresses]

    async def _dial(
        self, address: Address, target: Target, tls: ssl.SSLContext | None, deadline: Deadline
    ) -> ByteStream:
        # The last thing before the connection, so that no way leads around it.
        if not self._policy.may_connect(address, target.port):
            raise FetchRefusedError(_REFUSED)
        with translated(), deadline.hold(self._limits.connect_seconds):
            stream: ByteStream = await anyio.connect_tcp(address, target.port)  # noqa: TID251 - here
            if tls is None:
                return stream
            try:
                # The certificate has to name the host of the URL, whatever address it has.
                return await TLSStream.wrap(stream, hostname=target.host, ssl_context=tls)
            except BaseException:
                await anyio.aclose_forcefully(stream)
                raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await anyio.to_thread.run_sync(ssl.create_default_context)
        return self._tls


async def resolve(host: str) -> Sequence[Address]:
    """Return all addresses of a name from the operating system's resolver, without a proxy."""
    # The bytes keep every library on the way from mapping one name to another.
    found = await anyio.getaddrinfo(host.encode("ascii"), None, type=SOCK_STREAM)
    return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))
