"""pydantic-ai: Coatcheck's tools as a toolset, and an agent as the chat's `Responder`."""

from coatcheck.integrations.pydantic_ai.models import load_model
from coatcheck.integrations.pydantic_ai.responder import PydanticAIResponder
from coatcheck.integrations.pydantic_ai.toolset import TurnDeps, media_toolset

__all__ = ["PydanticAIResponder", "TurnDeps", "load_model", "media_toolset"]
