"""The model that drives an agent, by its name: any that pydantic-ai knows, or the offline one."""

import json
from collections.abc import AsyncIterator
from secrets import token_hex

from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.profiles import ModelProfile

from coatcheck.errors import ConfigurationError
from coatcheck_chat.agent import offline


def load_model(name: str) -> Model:
    """The model of this name: `offline`, or any that pydantic-ai knows, such as ``openai:gpt-5``.

    Args:
        name: for example ``openai:gpt-5``.

    Raises:
        ConfigurationError: there is no such model, or its key or its package is missing.
    """
    if name == offline.MODEL_NAME:
        return FunctionModel(
            stream_function=_stream_offline,
            model_name=offline.MODEL_NAME,
            profile=ModelProfile(supports_image_input=False),
        )
    try:
        return infer_model(name)
    except (UserError, ImportError, ValueError) as error:
        raise ConfigurationError(f"COATCHECK_MODEL={name}: {error}") from error


async def _stream_offline(
    messages: list[ModelMessage], _info: AgentInfo
) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
    match _decide(messages):
        case offline.Speak(text):
            for word in text.split(" "):
                yield f"{word} "
        case offline.CallTool(name, arguments):
            yield {
                0: DeltaToolCall(
                    name=name, json_args=json.dumps(arguments), tool_call_id=f"call_{token_hex(6)}"
                )
            }


def _decide(messages: list[ModelMessage]) -> offline.Speak | offline.CallTool:
    last = messages[-1]
    if isinstance(last, ModelRequest):
        # From the end: a stopped turn's tool result may stand before the new message.
        for part in reversed(last.parts):
            if isinstance(part, ToolReturnPart):
                failed = part.outcome != "success"
                return offline.Speak(offline.conclude(part.tool_name, _text(part), failed=failed))
            if isinstance(part, UserPromptPart):
                return offline.answer(_text(part), _pictures(messages))
    return offline.answer("")


def _pictures(messages: list[ModelMessage]) -> list[str]:
    """The pictures that the conversation names, oldest first; a mere list of them aside."""
    return [
        identifier
        for message in messages
        for part in message.parts
        if isinstance(part, UserPromptPart)
        or (isinstance(part, ToolReturnPart) and part.tool_name != "list_media")
        for identifier in offline.pictures_in(_text(part))
    ]


def _text(part: ToolReturnPart | UserPromptPart) -> str:
    if isinstance(part, ToolReturnPart):
        return part.model_response_str(wrap_if_error=False)
    said = part.content
    return said if isinstance(said, str) else " ".join(t for t in said if isinstance(t, str))
