"""pydantic-ai: Coatcheck's tools as a toolset, and an agent as the chat's `Responder`."""

from coatcheck_chat.agent.pydantic_ai.models import load_model
from coatcheck_chat.agent.pydantic_ai.responder import PydanticAIResponder
from coatcheck_chat.agent.pydantic_ai.toolset import TurnDeps, media_toolset
from coatcheck_chat.agent.pydantic_ai.viewing import forget_viewed

__all__ = ["PydanticAIResponder", "TurnDeps", "forget_viewed", "load_model", "media_toolset"]
