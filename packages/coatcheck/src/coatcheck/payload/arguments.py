"""Where a message holds what a model hands to a tool. Pure.

A model writes there whatever it was told to, the id of another owner's media too: nothing of it is
shown as media. The names are those of pydantic-ai, the AI SDK, LangChain, LlamaIndex, Agno, MCP,
AG-UI, and the APIs of OpenAI, Anthropic, Gemini and Bedrock.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

# An object that has one of these is a call of a tool, or an event of one.
_OF_A_CALL: Final = frozenset({"name", "toolCallId", "toolName", "tool_call_id", "tool_name"})
_ARGUMENTS: Final = frozenset(
    {"args", "args_delta", "input", "inputTextDelta", "rawInput", "tool_args", "tool_kwargs"}
)
_ANYWHERE: Final = frozenset({"arguments"})
_AG_UI: Final = ("TOOL_CALL_ARGS", "TOOL_CALL_CHUNK")


def argument_members(node: Mapping[str, Any]) -> AbstractSet[str]:
    """The names of those members of an object that hold a tool's arguments, or a piece of them.

    Args:
        node: an object of a message, of an event of a stream or of a request to a model.
    """
    kind = node.get("type")
    found = _ANYWHERE & node.keys()
    if not _OF_A_CALL.isdisjoint(node) or str(kind).startswith("tool"):
        found |= _ARGUMENTS & node.keys()
    if kind in _AG_UI:
        found |= {"delta"}
    return found
