"""Settings of the chat, in addition to those of any server.

Each is documented in ``docs/reference/settings.md``; a test compares the two.
"""

from typing import Annotated

from pydantic import Field, SecretStr

from coatcheck.server import Settings as ServerSettings


class Settings(ServerSettings):
    """The settings of the media service, and the chat's own."""

    delete_grace_seconds: Annotated[float, Field(ge=30)] = 600
    """How long the deletion of a conversation can be taken back, in seconds."""

    model: str = "offline"
    """The agent's model: `offline`, or a pydantic-ai model name such as `openai:gpt-5-mini`."""

    providers: str = "procedural"
    """Who draws, separated by commas: each is asked when the one before has no picture. See
    `coatcheck_chat.providers.registry` for the names."""

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
