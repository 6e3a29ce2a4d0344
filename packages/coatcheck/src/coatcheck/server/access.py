"""Turn the settings into access control and URLs."""

import time
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from coatcheck.delivery.access import (
    Authorizer,
    Identify,
    OpenAccess,
    PrincipalAccess,
    SignedAccess,
)
from coatcheck.delivery.app import AdmitUpload
from coatcheck.delivery.cookies import SignedCookie
from coatcheck.delivery.limits import Client, ClientLimits
from coatcheck.delivery.origin import check_origins, client_of
from coatcheck.delivery.sendfile import SendFile
from coatcheck.errors import ConfigurationError, QuotaExceededError, RateLimitError
from coatcheck.ports import LocalPaths
from coatcheck.reference import MediaUrls
from coatcheck.server.settings import ServiceSettings, Settings
from coatcheck.signing import Keyring, UrlSigner

_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Access:
    """Decides which client gets media, and mints URLs."""

    authorizer: Authorizer
    urls: MediaUrls


def read_keyring(settings: Settings) -> Keyring | None:
    """Read the keys that sign URLs and cookies; None in open mode, which needs none.

    Raises:
        ConfigurationError: COATCHECK_KEYS cannot be used.
    """
    if settings.access == "open":
        return None
    try:
        return Keyring.parse(settings.keys.get_secret_value())
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_KEYS: {error.message}") from error


def guard(
    settings: Settings,
    keyring: Keyring | None,
    *,
    reads: Identify | None = None,
    uploads: Identify | None = None,
    urls: MediaUrls | None = None,
) -> Access:
    """Build the access control that `settings.access` names.

    Args:
        settings: names the mode.
        keyring: the result of `read_keyring`.
        reads: in cookie mode, identifies clients that ask for media; by default by the media
            cookie.
        uploads: in signed mode, identifies clients that upload, describe and delete; by default
            `reads`.
        urls: mints the URLs, without their signature.
    """
    urls = urls or MediaUrls()
    if keyring is None:
        return Access(OpenAccess(), urls)
    reads = reads or SignedCookie(keyring, time.time).read
    if settings.access == "cookie":
        return Access(PrincipalAccess(reads), urls)
    signer = UrlSigner(keyring, time.time)
    return Access(
        SignedAccess(signer, PrincipalAccess(uploads or reads)), replace(urls, signer=signer)
    )


def read_urls(settings: ServiceSettings) -> MediaUrls:
    """Return the minter of media URLs, without their signature.

    Raises:
        ConfigurationError: COATCHECK_BASE_URL cannot be used.
    """
    try:
        return MediaUrls(base_url=settings.base_url or None)
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_BASE_URL: {error.message}") from error


def read_origins(settings: ServiceSettings) -> frozenset[str]:
    """Read the front ends of other origins.

    Raises:
        ConfigurationError: COATCHECK_ALLOW_ORIGINS cannot be used.
    """
    named = [origin.strip() for origin in settings.allow_origins.split(",") if origin.strip()]
    try:
        return check_origins(named)
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_ALLOW_ORIGINS: {error.message}") from error


def upload_limit(settings: Settings) -> AdmitUpload:
    """Limit the uploads that a client may begin, and, under a quota, an address's bytes a day.

    A browser with a new name gets a new quota, so without the second limit an address could upload
    without end.
    """
    rates = ClientLimits(
        per_minute=settings.uploads, per_address=settings.per_address, in_all=settings.in_all
    )
    share = settings.owner_bytes * settings.per_address
    daily = ClientLimits(per_minute=share, in_all=settings.in_all, minutes=_DAY_MINUTES)

    def admit(connection: HTTPConnection, owner: str | None) -> None:
        now, client = time.monotonic(), client_of(connection, owner)
        rates.of(client, now).take(now)
        if share and owner is not None:
            length = connection.headers.get("content-length", "")
            size = int(length[:20]) if length.isdecimal() else settings.max_bytes
            try:
                daily.of(Client(None, client.address), now).take(now, size)
            except RateLimitError as error:
                raise QuotaExceededError(
                    "This address has uploaded what it may in a day; try again later."
                ) from error

    return admit


def read_sendfile(settings: Settings, paths: LocalPaths) -> SendFile | None:
    """Return what sends the bytes of originals; None for this server itself.

    Raises:
        ConfigurationError: COATCHECK_SENDFILE cannot be used.
    """
    try:
        return SendFile.parse(settings.sendfile, paths)
    except ConfigurationError as error:
        raise ConfigurationError(f"COATCHECK_SENDFILE: {error.message}") from error
