"""pydantic-ai: Coatcheck's tools as a toolset, and an agent as the chat's `Responder`."""

from coatcheck.integrations.pydantic_ai.models import load_model
from coatcheck.integrations.pydantic_ai.responder import PydanticAIResponder
from coatcheck.integrations.pydantic_ai.toolset import TurnDeps, media_toolset
from coatcheck.integrations.pydantic_ai.viewing import forget_viewed

__all__ = ["PydanticAIResponder", "TurnDeps", "forget_viewed", "load_model", "media_toolset"]
