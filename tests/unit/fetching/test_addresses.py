"""Attack 20: which addresses may be connected to, and how little a URL may leave to interpretation.

The networks are written down here once more, so that a line lost in the source is noticed.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coatcheck.errors import ConfigurationError, FetchRefusedError
from coatcheck.fetching.addresses import Address, AddressPolicy, is_public
from coatcheck.fetching.urls import MAX_URL_LENGTH, read_url

FORBIDDEN_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
]
FORBIDDEN_V6 = [
    "::/128",  # unspecified
    "::1/128",  # loopback
    "::/96",  # IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64 of a site's own
    "100::/64",  # discard
    "2001::/32",  # Teredo
    "2001:2::/48",  # benchmarks
    "2001:10::/28",  # ORCHID
    "2001:20::/28",  # ORCHIDv2
    "2001::/23",
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing
    "4000::/2",  # not assigned
    "fc00::/7",  # unique local
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local
    "ff00::/8",  # multicast
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7:ffff::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::5efe",
    "3ffe:ffff::1",
]
NETWORKS = [ip_network(network) for network in FORBIDDEN_V4 + FORBIDDEN_V6]


def is_listed(address: Address) -> bool:
    return any(address in network for network in NETWORKS)


@pytest.mark.parametrize("network", FORBIDDEN_V4 + FORBIDDEN_V6)
def test_20_the_ends_of_every_forbidden_network_are_refused(network: str) -> None:
    listed = ip_network(network)
    assert not is_public(listed[0])
    assert not is_public(listed[-1])


@given(st.sampled_from(FORBIDDEN_V4 + FORBIDDEN_V6).flatmap(lambda n: st.ip_addresses(network=n)))
def test_20_every_address_of_every_forbidden_network_is_refused(address: Address) -> None:
    assert not is_public(address)
    assert not AddressPolicy().may_connect(address, 80)
    assert not AddressPolicy().may_connect(address, 443)


@given(st.sampled_from(FORBIDDEN_V4).flatmap(lambda n: st.ip_addresses(v=4, network=n)))
def test_20_an_ipv4_address_inside_an_ipv6_address_is_refused(address: IPv4Address) -> None:
    low, middle = int(address), int(address) << 80
    for carried in [
        low,
        0xFFFF << 32 | low,
        0xFFFF_0000 << 32 | low,
        0x64_FF9B << 96 | low,
        0x64_FF9B_0001 << 80 | low,
        0x2002 << 112 | middle,
        0x2001 << 112 | middle >> 16,  # as Teredo's server
        0x2001 << 112 | low ^ 0xFFFF_FFFF,  # as Teredo's client
        0x2606_4700 << 96 | 0x5EFE << 32 | low,  # ISATAP under a public prefix
        0x2606_4700 << 96 | 0x0200_5EFE << 32 | low,
    ]:
        assert not is_public(IPv6Address(carried)), IPv6Address(carried)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert is_public(ip_address(address))
    assert AddressPolicy().may_connect(ip_address(address), 443)


@given(
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(v=6, network="2a00::/12"))
)
def test_what_is_not_listed_is_public(address: Address) -> None:
    isatap = address.version == 6 and int(address) >> 32 & 0xFDFF_FFFF == 0x5EFE
    global_unicast = address.version == 4 or address in ip_network("2000::/3")
    assert is_public(address) == (global_unicast and not is_listed(address) and not isatap)


# --- how an address may be written ---------------------------------------------------------------


def notations(address: IPv4Address) -> list[str]:
    number, (a, b, c, d) = int(address), address.packed
    return [
        f"{address}",
        f"{address}.",
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"{a:#x}.{b:#X}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"{a}.{b:#x}.0{c:o}.{d}",
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[0:0:0:0:0:ffff:{a:x}{b:02x}:{c:x}{d:02x}]",
        "".join(chr(0xFEE0 + ord(digit)) if digit != "." else "。" for digit in str(address)),
        "".join(f"%{ord(digit):02x}" for digit in str(address)),
    ]


@given(st.sampled_from(FORBIDDEN_V4).flatmap(lambda n: st.ip_addresses(v=4, network=n)))
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("169.254.169.254"))
def test_20_no_notation_of_a_forbidden_address_gets_through(address: IPv4Address) -> None:
    for host in notations(address):
        try:
            target = read_url(f"http://{host}/")
        except FetchRefusedError:
            continue
        assert target.literal is not None, host  # never left to a resolver to read
        assert not AddressPolicy().may_connect(target.literal, target.port), host


@given(st.text(alphabet="0123456789abcdefABCDEFxX.", min_size=1, max_size=40))
@example("127.1")
@example("0x7f.1")
@example("0")
@example("127.0.0.1.")
def test_20_what_the_c_library_takes_for_an_address_is_never_a_name(host: str) -> None:
    try:
        meant = IPv4Address(socket.inet_aton(host))
    except OSError:
        return
    try:
        target = read_url(f"http://{host}/")
    except FetchRefusedError:
        return
    assert target.literal == meant


@pytest.mark.parametrize(
    "url",
    [
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1/",
        "http://::1/",
        "http://[v1.x]/",
        "http://[]/",
        "http://[127.0.0.1]/",
        "http://[1:2:3:4:5:6:7:8:9]/",
        "http://user@example.com/",
        "http://user:word@example.com/",
        "http://example.com@127.0.0.1/",
        "http://@example.com/",
        "http://example.com:80@127.0.0.1/",
        "http://example.com:/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:+80/",
        "http://example.com:８０/",
        "http://example.com:80:80/",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/a\r\nHost: other",
        "http://exam\tple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\x00",
        "http://bücher.example/",
        "http://127。0。0。1/",
        "http://ⓛocalhost/",
        "http://exa%6dple.com/",
        "http://example..com/",
        "http://.example.com/",
        "http://example.com./",
        "http:///etc/passwd",
        "http:/example.com/",
        "http:example.com/",
        "//example.com/",
        "/etc/passwd",
        "",
        " http://example.com/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "jar:http://example.com/",
        "http+unix://socket/",
        "http://example.com/\udc80",
        "http://example.com/" + "a" * MAX_URL_LENGTH,
        "http://" + "a" * 254 + "/",
    ],
)
def test_20_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(FetchRefusedError):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://example.com", "example.com", "/"),
        ("HTTP://Example.COM:80/a/b.png", "example.com", "/a/b.png"),
        ("https://example.com:443?x=1&y=%20#part", "example.com", "/?x=1&y=%20"),
        ("https://example.com:8443/a#b#c", "example.com:8443", "/a"),
        ("http://8.8.8.8:81/", "8.8.8.8:81", "/"),
        ("http://[2606:4700:0::1111]/", "[2606:4700::1111]", "/"),
        ("http://example.com/süß?q=ü", "example.com", "/s%C3%BC%C3%9F?q=%C3%BC"),
        ("http://example.com/a//../b;c,d=(e)'!*", "example.com", "/a//../b;c,d=(e)'!*"),
    ],
)
def test_a_url_is_read_as_it_is_meant(url: str, authority: str, path: str) -> None:
    target = read_url(url)
    assert (target.authority, target.path) == (authority, path)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://a", "http://a/", "http://["]))
def test_any_text_is_read_or_refused(text: str, start: str) -> None:
    try:
        target = read_url(start + text)
    except FetchRefusedError:
        return
    sent = f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n"
    assert sent.isascii()
    assert len(sent.split()) == 5


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/sea.png?w=1", "sea.png"),
        ("/a%2Fb%20c.png", "b c.png"),
        ("/a/", None),
        ("/avatar", None),
    ],
)
def test_a_file_name_is_taken_from_the_path(path: str, name: str | None) -> None:
    assert read_url(f"http://example.com{path}").file_name == name


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("c.png", "a.example/b/c.png"),
        ("/c", "a.example/c"),
        ("//b.example/c", "b.example/c"),
        ("?q", "a.example/b/x?q"),
        ("https://b.example:444/", "b.example:444/"),
        ("http://b.example/", None),  # from https to http
        ("//[", None),
        ("//b.example/a b", None),
        ("/c\t.png", None),  # the standard library would take the tab out
        ("h\nttps://b.example/", None),
        ("file:///etc/passwd", None),
        ("//user@b.example/", None),
    ],
)
def test_21_a_redirect_is_read_like_any_url(location: str, leads_to: str | None) -> None:
    target = read_url("https://a.example/b/x?y")
    if leads_to is None:
        with pytest.raises(FetchRefusedError):
            target.follow(location)
    else:
        followed = target.follow(location)
        assert followed.authority + followed.path == leads_to


# --- the settings --------------------------------------------------------------------------------


def test_exceptions_are_as_wide_as_they_are_written() -> None:
    policy = AddressPolicy.parse(
        ports="80, 443,8443", allow="127.0.0.1:8080, 10.1.0.0/16,[fd00::/8]:443,[::1]:9000"
    )
    expected = {
        ("127.0.0.1", 8080): True,
        ("127.0.0.1", 80): False,
        ("127.0.0.2", 8080): False,
        ("10.1.255.255", 80): True,
        ("10.1.0.1", 8443): True,
        ("10.1.0.1", 8080): False,
        ("10.2.0.1", 80): False,
        ("fd12::1", 443): True,
        ("fd12::1", 80): False,
        ("::1", 9000): True,
        ("::ffff:127.0.0.1", 8080): False,
        ("8.8.8.8", 8443): True,
        ("8.8.8.8", 8080): False,
    }
    found = {(a, p): policy.may_connect(ip_address(a), p) for a, p in expected}
    assert found == expected
    assert {port: policy.may_use_port(port) for port in (80, 8080, 9000, 22)} == {
        80: True,
        8080: True,
        9000: True,
        22: False,
    }


@pytest.mark.parametrize("ports", ["http", "0", "65536", "-1", "٨٠", "8_0", "80 443", "1" * 5000])
def test_what_is_no_port_is_named(ports: str) -> None:
    with pytest.raises(ConfigurationError, match="fetch_ports"):
        AddressPolicy.parse(ports=ports)


@pytest.mark.parametrize(
    "allow",
    ["localhost", "localhost:80", "10.0.0.1/8", "::1:80", "[::1", "10.0.0.0/33", "1.2.3.4:0", "*"],
)
def test_an_exception_is_an_address_and_never_a_name(allow: str) -> None:
    with pytest.raises(ConfigurationError, match="fetch_allow"):
        AddressPolicy.parse(allow=allow)
