"""Keys and signatures: HMAC-SHA256, several keys, expiry in windows. Pure; the time is an argument.

Each use signs under its own domain, so a signature for one use is worthless for another. Fields are
signed with their lengths, so no two lists of fields give the same bytes.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from coatcheck.errors import ConfigurationError

MIN_KEY_BYTES: Final = 32
"""Shortest secret in bytes: the length of the hash's output (RFC 2104, 3)."""

LEEWAY_SECONDS: Final = 60
"""How long after its expiry a signature is accepted, because servers' clocks differ."""

URL_LIFE_SECONDS: Final = 24 * 3600
"""How long a signed URL is valid at least."""

URL_WINDOW_SECONDS: Final = 3600
"""For this long the same media has the same signed URL, so that caches find it again."""

_URL_DOMAIN: Final = "coatcheck media url v1"
# Half of the hash's output is the least that RFC 2104 (5) recommends. It keeps URLs short: two of
# them stand in every reference that is sent.
_TAG_BYTES: Final = 16
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
# What stands in documentation and templates, and what people type when a key is asked for.
_EXAMPLES: Final = re.compile(
    r"example|change.?me|change.?this|your.?(?:own.?)?(?:secret|key)|secret.?key|super.?secret"
    r"|insecure|default|placeholder|password|abcdefgh|01234567|12345678",
    re.IGNORECASE,
)
_FEWEST_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and its id, which signatures contain. The secret is not shown in `repr`."""

    id: str
    secret: bytes = field(repr=False)
    _begun: hmac.HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # To begin with the secret is half of what a signature costs.
        object.__setattr__(self, "_begun", hmac.new(self.secret, digestmod=hashlib.sha256))

    def begin(self) -> hmac.HMAC:
        """Return a message authentication code that has taken nothing yet."""
        return self._begun.copy()


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of an installation: the first signs, all verify.

    To change keys, put the new one first and drop the old one when what it signed has expired.

    Raises:
        ConfigurationError: there is no key, or one that is too short, an example, or given twice.
    """

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ConfigurationError("There is no signing key.")
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ConfigurationError("Two signing keys have the same id.")
        for key in self.keys:
            _check(key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``id:secret`` pairs, separated by commas; the first signs.

        Raises:
            ConfigurationError: the text is not such a list, or a key cannot be used. The message
                names a key by its position and never contains its text.
        """
        keys = []
        for place, item in enumerate(filter(None, map(str.strip, text.split(","))), 1):
            name, separator, secret = item.partition(":")
            if not separator:
                raise ConfigurationError(f"Signing key {place} is not of the form id:secret.")
            keys.append(Key(name.strip(), secret.strip().encode()))
        return cls(tuple(keys))

    def sign(self, domain: str, *fields: str) -> str:
        """Return the signature of these fields: the key's id, a dot and 22 characters."""
        return _signature(self.keys[0], domain, fields)

    def verify(self, signature: str, domain: str, *fields: str) -> bool:
        """Whether one of the keys made this signature of these fields.

        Signatures are compared as text, so each has exactly one valid spelling.
        """
        name = signature.partition(".")[0]
        for key in self.keys:
            if key.id == name:
                expected = _signature(key, domain, fields)
                return hmac.compare_digest(
                    expected.encode(), signature.encode("utf-8", "surrogatepass")
                )
        return False


@dataclass(frozen=True, slots=True)
class UrlSigner:
    """Signs the URLs of media: the id and the time of expiry.

    Other parameters (a thumbnail, a width) are not signed: a client that may see the picture may
    see it in any size.

    Args:
        keyring: the keys.
        clock: returns the time in seconds since the epoch.
        life: how many seconds a URL is valid at least.
        window: seconds in which the same media gets the same URL.
    """

    keyring: Keyring
    clock: Callable[[], float]
    life: int = URL_LIFE_SECONDS
    window: int = URL_WINDOW_SECONDS

    def query(self, reference_id: str) -> str:
        """Return the parameters of a signed URL of this media: ``expires=…&signature=…``."""
        expires = str(expiry(self.clock(), self.life, self.window))
        signature = self.keyring.sign(_URL_DOMAIN, reference_id, expires)
        return f"expires={expires}&signature={signature}"

    def accepts(self, reference_id: str, expires: str, signature: str) -> bool:
        """Whether a URL of this media with these parameters is valid now."""
        # The signature first: without one, an answer says nothing about the time.
        return self.has_signed(reference_id, expires, signature) and (
            is_current(expires, self.clock())
        )

    def has_signed(self, reference_id: str, expires: str, signature: str) -> bool:
        """Whether a URL of this media with these parameters is valid now, or was so once."""
        return self.keyring.verify(signature, _URL_DOMAIN, reference_id, expires)


def expiry(now: float, life: int, window: int) -> int:
    """The time `life` seconds after `now`, rounded up to a whole window, since the epoch."""
    return -(-int(now + life) // window) * window


def is_current(expires: str, now: float) -> bool:
    """Whether this time (decimal seconds since the epoch) has not passed, with some tolerance."""
    return _SECONDS.fullmatch(expires) is not None and now <= int(expires) + LEEWAY_SECONDS


def _signature(key: Key, domain: str, fields: Iterable[str]) -> str:
    mac = key.begin()
    for text in (domain, *fields):
        # A hostile client's text may hold lone surrogates.
        data = text.encode("utf-8", "surrogatepass")
        mac.update(len(data).to_bytes(8, "big") + data)
    tag = base64.urlsafe_b64encode(mac.digest()[:_TAG_BYTES]).rstrip(b"=").decode()
    return f"{key.id}.{tag}"


def _check(key: Key) -> None:
    if _KEY_ID.fullmatch(key.id) is None:
        raise ConfigurationError(
            "A signing key's id is 1 to 16 letters, digits, underscores and hyphens."
        )
    if len(key.secret) < MIN_KEY_BYTES:
        raise ConfigurationError(
            f"The signing key '{key.id}' is shorter than {MIN_KEY_BYTES} bytes. Make one with:"
            " openssl rand -hex 32"
        )
    text = key.secret.decode("latin-1")
    if _EXAMPLES.search(text) or len(set(text)) < _FEWEST_CHARACTERS:
        raise ConfigurationError(
            f"The signing key '{key.id}' is an example or can be guessed. Make one with:"
            " openssl rand -hex 32"
        )
