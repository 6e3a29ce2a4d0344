"""Which addresses may be connected to. Pure.

The lists follow the IANA special-purpose registries (RFC 6890 and its updates), read 2026-11. They
stand here rather than in `ipaddress.is_global`, whose answers differ between Python releases.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Self

from coatcheck.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORBIDDEN: Final[dict[str, str]] = {
    "0.0.0.0/8": "this host, unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared behind carriers' NAT",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, clouds' metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relays, deprecated",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, broadcast",
    # Public by registry, but inside Azure every machine reaches its host's services there.
    "168.63.129.16/32": "Azure's host",
    # Within IPv6's global unicast:
    "2001::/23": "protocol assignments, Teredo among them",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4, which carries an IPv4 address",
    "3fff::/20": "documentation",
}
"""Networks that nothing is fetched from, and what they are for."""

GLOBAL_V6: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that is assigned for the internet. Outside of it lie ``::``, loopback,
IPv4-mapped and -compatible addresses, NAT64, discard-only, unique local, link-local, site-local
and multicast."""

_FORBIDDEN: Final = tuple(ip_network(network) for network in FORBIDDEN)
# ISATAP (RFC 5214): an IPv4 address in the lower half, after this, under any prefix.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_ENTRY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+(?:/[0-9]+)?)\]|(?P<v4>[0-9.]+(?:/[0-9]+)?))(?::(?P<port>[0-9]{1,5}))?"
)
MAX_PORT: Final = 65_535


def is_public(address: Address) -> bool:
    """Whether an address is a host's on the internet, and not one with a special meaning."""
    if isinstance(address, IPv6Address) and (
        address not in GLOBAL_V6 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
    ):
        return False
    return not any(address in network for network in _FORBIDDEN)


@dataclass(frozen=True, slots=True)
class _Exception:
    network: Network
    port: int | None


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which address and port may be connected to: public ones at `ports`, and the exceptions."""

    ports: frozenset[int] = frozenset({80, 443})
    exceptions: tuple[_Exception, ...] = ()

    @classmethod
    def parse(cls, *, ports: str = "80,443", allow: str = "") -> Self:
        """Read the settings, both lists separated by commas.

        Args:
            ports: port numbers.
            allow: addresses or networks that need not be public, each with or without a port:
                ``10.1.2.3``, ``10.1.0.0/16``, ``127.0.0.1:8080``, ``[fd00::/8]:443``. Names are not
                taken: the server that answers for a name could let it point anywhere.

        Raises:
            ConfigurationError: an entry is no such thing.
        """
        return cls(
            frozenset(_read_port(entry) for entry in _entries(ports)),
            tuple(_read_exception(entry) for entry in _entries(allow)),
        )

    def may_use_port(self, port: int) -> bool:
        """Whether any address may be connected to at `port`."""
        return port in self.ports or any(port == one.port for one in self.exceptions)

    def may_connect(self, address: Address, port: int) -> bool:
        """Whether this address may be connected to at this port."""
        if port in self.ports and is_public(address):
            return True
        return any(
            address in one.network
            and (port in self.ports if one.port is None else port == one.port)
            for one in self.exceptions
        )


def _entries(setting: str) -> Iterable[str]:
    return (entry.strip() for entry in setting.split(",") if entry.strip())


def _read_port(entry: str) -> int:
    # ASCII digits alone: int() takes every script's digits, signs and underscores.
    digits = entry.isascii() and entry.isdigit() and len(entry) <= len(str(MAX_PORT))
    if digits and 0 < int(entry) <= MAX_PORT:
        return int(entry)
    raise ConfigurationError(f"fetch_ports: '{entry}' is not a port.")


def _read_exception(entry: str) -> _Exception:
    unreadable = ConfigurationError(
        f"fetch_allow: '{entry}' is not an address or a network, with or without a port."
    )
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise unreadable
    try:
        port = None if match["port"] is None else _read_port(match["port"])
        return _Exception(ip_network(match["v6"] or match["v4"]), port)
    except (ValueError, ConfigurationError) as error:
        raise unreadable from error
