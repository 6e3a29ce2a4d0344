"""Settings from the environment, read once and then frozen.

Each is documented in ``docs/reference/settings.md``; a test compares the two.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from coatcheck.errors import ConfigurationError


class Settings(BaseSettings):
    """What an installation decides. Every field is an environment variable with this prefix."""

    model_config = SettingsConfigDict(env_prefix="COATCHECK_", frozen=True, extra="ignore")

    data: Path = Path(".coatcheck")
    """Directory of the catalog and the blobs; made when missing."""

    max_bytes: Annotated[int, Field(ge=1)] = 64 * 1024 * 1024
    """Largest media that is accepted, in bytes."""

    max_pixels: Annotated[int, Field(ge=1)] = 50_000_000
    """Largest image that is decoded: width × height × frames."""

    variant_bytes: Annotated[int, Field(ge=0)] = 10 * 1024**3
    """What rendered variants may occupy together, in bytes; thumbnails do not count."""

    owner_bytes: Annotated[int, Field(ge=0)] = 0
    """What the media of one owner may occupy together, in bytes; 0 for no limit. Media without an
    owner counts as one owner's."""

    upload_seconds: Annotated[float, Field(gt=0)] = 120
    """How long one upload may take to arrive, in seconds."""

    delete_grace_seconds: Annotated[float, Field(ge=30)] = 600
    """How long the deletion of a conversation can be taken back, in seconds."""

    fetch_seconds: Annotated[float, Field(gt=0)] = 30
    """How long fetching one URL may take, redirects and all, in seconds."""

    fetch_ports: str = "80,443"
    """Ports that URLs are fetched from, separated by commas."""

    fetch_allow: str = ""
    """Addresses that URLs are fetched from although they are not public, separated by commas:
    `10.1.2.3`, `10.1.0.0/16`, `127.0.0.1:8080`, `[fd00::/8]:443`. With a port, that port alone."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
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
    """Who gets media: `open` (whoever knows an id), `signed` (whoever has a URL that is good) or
    `cookie` (its owner's browser)."""

    keys: SecretStr = SecretStr("")
    """What signs URLs and cookies: `id:secret` by commas; the first signs, all verify."""

    sendfile: str = "off"
    """Who sends the bytes of originals: `off` (this server), `x-accel-redirect:/internal/prefix`
    (nginx in front) or `x-sendfile` (Apache and others)."""

    model: str = "offline"
    """The agent's model: `offline`, or a pydantic-ai model name such as `openai:gpt-5-mini`."""

    providers: str = "procedural"
    """Who draws, separated by commas: each is asked when the one before has no picture. See
    `coatcheck.imagery` for the names."""

    provider_seconds: Annotated[float, Field(gt=0)] = 180
    """How long one provider may take for a picture, all tries together, in seconds."""

    provider_tries: Annotated[int, Field(ge=1, le=10)] = 3
    """How often one provider is asked for a picture when it is out of reach or too busy."""

    provider_key: SecretStr = SecretStr("")
    """The key of `compatible` endpoints. The other providers' keys are in the variables of their
    own, such as OPENAI_API_KEY and GEMINI_API_KEY."""

    paid_turns: Annotated[int, Field(ge=0)] = 500
    """Turns of a model other than `offline` in a day, over all clients; 0 for no limit."""

    paid_pictures: Annotated[int, Field(ge=0)] = 200
    """Pictures of providers other than `procedural` in a day, over all clients; 0 for no limit."""

    chat_sockets: Annotated[int, Field(ge=1)] = 32
    """Connections of the chat that one principal may have open; an address in open mode."""

    chat_messages: Annotated[int, Field(ge=1)] = 120
    """Frames of the chat that one principal may send in a minute."""

    uploads: Annotated[int, Field(ge=1)] = 240
    """Uploads that one principal may begin in a minute."""

    per_address: Annotated[int, Field(ge=1)] = 8
    """How many principals' worth of connections, frames and uploads one address may use."""

    in_all: Annotated[int, Field(ge=1)] = 64
    """How many principals' worth of connections, frames and uploads all clients may use."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is logged: DEBUG, INFO, WARNING or ERROR."""


def read_settings() -> Settings:
    """The settings of this process's environment.

    Raises:
        ConfigurationError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        variable = "COATCHECK_" + str(first["loc"][0]).upper()
        raise ConfigurationError(f"{variable}: {first['msg']}.") from error
