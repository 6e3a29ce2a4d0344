"""URLs from outside, read strictly: what two readers might read differently is refused. Pure."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urljoin

from coatcheck.errors import FetchRefusedError
from coatcheck.fetching.addresses import MAX_PORT, Address

MAX_URL_LENGTH: Final = 4096
"""Characters. Signed links of object stores have 1,000 to 2,000."""

PORTS: Final = {"http": 80, "https": 443}

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.IGNORECASE
)
# No userinfo, no zone id, no percent-encoding, no other script's digits, no empty port.
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::(?P<port>[0-9]{1,5}))?"
)
_FORBIDDEN_CHARACTERS: Final = re.compile(r"[\x00-\x20\x7f\\]")
# What old readers take for an IPv4 address: 127.1, 0177.0.0.1, 0x7f000001, 2130706433 (WHATWG URL,
# "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Target:
    """One request: whom to ask and for what. `literal` is the address if the host is one."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def authority(self) -> str:
        """The ``Host`` header."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def file_name(self) -> str | None:
        """The last component of the path, if it looks like a file's name."""
        name = PurePosixPath(unquote(self.path.partition("?")[0])).name
        return name if PurePosixPath(name).suffix else None

    def follow(self, location: str) -> "Target":
        """Where a redirect leads.

        Raises:
            FetchRefusedError: it leads to no URL that may be fetched, or from https to http.
        """
        _check_characters(location)
        try:
            joined = urljoin(f"{self.scheme}://{self.authority}{self.path}", location)
        except ValueError as error:
            raise FetchRefusedError("A redirect leads to what is no URL.") from error
        target = read_url(joined)
        if self.scheme == "https" and target.scheme == "http":
            raise FetchRefusedError("A redirect leads from https to http.")
        return target


def read_url(url: str) -> Target:
    """Take a URL apart.

    Raises:
        FetchRefusedError: it is not http or https, holds a user name, or cannot be read with
            certainty.
    """
    _check_characters(url)
    match = _URL.fullmatch(url)
    if match is None:
        raise FetchRefusedError("Only http and https URLs are fetched.")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise FetchRefusedError("The host in the URL cannot be used.")
    scheme = match["scheme"].lower()
    port = PORTS[scheme] if authority["port"] is None else int(authority["port"])
    if not 0 < port <= MAX_PORT:
        raise FetchRefusedError("The port in the URL cannot be used.")
    rest = match["rest"]
    path = rest if rest.startswith("/") else f"/{rest}"
    host, literal = _read_host(authority["v6"], authority["name"])
    return Target(scheme, host, port, _encoded(path), literal)


def _read_host(v6: str | None, name: str) -> tuple[str, Address | None]:
    try:
        if v6 is not None:
            address = IPv6Address(v6)
            return address.compressed, address
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            return name, IPv4Address(name)
    except AddressValueError as error:
        raise FetchRefusedError("The address in the URL cannot be used.") from error
    if not all(name.split(".")):
        raise FetchRefusedError("The host in the URL cannot be used.")
    return name.lower(), None


def _encoded(path: str) -> str:
    try:
        return quote(path, safe=_SAFE)
    except UnicodeEncodeError as error:
        raise FetchRefusedError("The path of the URL cannot be used.") from error


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise FetchRefusedError(f"The URL is longer than {MAX_URL_LENGTH:,} characters.")
    if _FORBIDDEN_CHARACTERS.search(url):
        raise FetchRefusedError("The URL holds a character that has no place in one.")
