"""Settings from the environment, read once and then frozen.

Each is documented in ``docs/reference/settings.md``; a test compares the two.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from coatcheck.errors import ConfigurationError
from coatcheck.options import (
    DEFAULT_FETCH_PORTS,
    DEFAULT_FETCH_SECONDS,
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_PIXELS,
    DEFAULT_VARIANT_BYTES,
    DEFAULT_WORKERS,
    StoreOptions,
)

T = TypeVar("T", bound="Settings")


class Settings(BaseSettings):
    """What an installation decides. Every field is an environment variable with this prefix."""

    model_config = SettingsConfigDict(env_prefix="COATCHECK_", frozen=True, extra="ignore")

    data: Path = Path(".coatcheck")
    """Directory of the catalog and the blobs; made when missing."""

    max_bytes: Annotated[int, Field(ge=1)] = DEFAULT_MAX_BYTES
    """Largest media that is accepted, in bytes."""

    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    """Largest image that is decoded: width × height × frames."""

    variant_bytes: Annotated[int, Field(ge=0)] = DEFAULT_VARIANT_BYTES
    """What rendered variants may occupy together, in bytes, as `open_store` counts them."""

    owner_bytes: Annotated[int, Field(ge=0)] = 0
    """What the media of one owner may occupy together, in bytes; 0 for no limit. Media without an
    owner counts as one owner's."""

    upload_seconds: Annotated[float, Field(gt=0)] = 120
    """How long one upload may take to arrive, in seconds."""

    fetch_seconds: Annotated[float, Field(gt=0)] = DEFAULT_FETCH_SECONDS
    """How long fetching one URL may take, redirects and all, in seconds."""

    fetch_ports: str = DEFAULT_FETCH_PORTS
    """Ports that URLs are fetched from, separated by commas."""

    fetch_allow: str = ""
    """Addresses that URLs are fetched from although they are not public, separated by commas:
    `10.1.2.3`, `10.1.0.0/16`, `127.0.0.1:8080`, `[fd00::/8]:443`. With a port, that port alone."""

    workers: Annotated[int, Field(ge=1, le=64)] = DEFAULT_WORKERS
    """Worker processes that look at images."""

    allowed_hosts: str = ""
    """Names in the Host header that are answered, separated by commas. When it is empty, a server
    on a loopback address answers to 127.0.0.1 and localhost, and any other to every name."""

    trusted_proxies: str = ""
    """Addresses and networks of the proxies in front, separated by commas. Their X-Forwarded-For
    and X-Forwarded-Proto are believed, and no others are."""

    connections: Annotated[int, Field(ge=1)] = 500
    """Connections that are open at once, WebSockets included; a request on one more gets 503."""

    access: Literal["open", "signed", "cookie"] = "open"
    """Who gets media: `open` (everyone who knows an id), `signed` (everyone with a good URL) or
    `cookie` (its owner's browser)."""

    keys: SecretStr = SecretStr("")
    """What signs URLs and cookies: `id:secret` by commas; the first signs, all verify."""

    sendfile: str = "off"
    """Who sends the bytes of originals: `off` (this server), `x-accel-redirect:/internal/prefix`
    (nginx in front) or `x-sendfile` (Apache and others)."""

    uploads: Annotated[int, Field(ge=1)] = 240
    """Uploads that one principal may begin in a minute."""

    per_address: Annotated[int, Field(ge=1)] = 8
    """How many principals' worth of connections, frames and uploads one address may use."""

    in_all: Annotated[int, Field(ge=1)] = 64
    """How many principals' worth of connections, frames and uploads all clients may use."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."""

    @property
    def store_options(self) -> StoreOptions:
        """What of this a store is opened with."""
        return StoreOptions(
            data=self.data,
            max_bytes=self.max_bytes,
            max_pixels=self.max_pixels,
            variant_bytes=self.variant_bytes,
            owner_bytes=self.owner_bytes,
            workers=self.workers,
            fetch_seconds=self.fetch_seconds,
            fetch_ports=self.fetch_ports,
            fetch_allow=self.fetch_allow,
        )


class ServiceSettings(Settings):
    """What the media service by itself decides beside that: where its front ends are."""

    base_url: str = ""
    """Scheme, host and, if there is one, path that browsers reach the service at, such as
    `https://media.example.com`. URLs of media begin with it; when it is empty, they are paths."""

    allow_origins: str = ""
    """Origins of front ends whose pages may read media, upload and delete, separated by commas:
    `https://app.example.com`. When it is empty, pages of the service's own origin alone may."""


def read_settings(kind: type[T]) -> T:
    """The settings of this process's environment.

    Args:
        kind: `Settings`, or what an application derives from it.

    Raises:
        ConfigurationError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        variable = "COATCHECK_" + str(first["loc"][0]).upper()
        raise ConfigurationError(f"{variable}: {first['msg']}.") from error
