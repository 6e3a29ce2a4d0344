"""A pydantic-ai agent as the chat's `Responder`."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self, cast

from pydantic_ai import Agent
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.messages import BinaryContent
from pydantic_ai.models import Model
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, UIMessage
from pydantic_ai.ui.vercel_ai.response_types import (
    BaseChunk,
    DoneChunk,
    ErrorChunk,
    FileChunk,
    ToolOutputAvailableChunk,
)

from coatcheck.agent import tools
from coatcheck.errors import ResponderError
from coatcheck.integrations.pydantic_ai.toolset import TurnDeps, media_toolset
from coatcheck.integrations.pydantic_ai.viewing import forget_viewed
from coatcheck.payload.media_part import MEDIA_PART, media_part, ready
from coatcheck.payload.projection import for_model, reference_ids
from coatcheck.reference import clean_text

_SDK_VERSION: Final = 6
_MAX_ERROR: Final = 500
_INSTRUCTIONS: Final = (
    "You are the drawing companion of a chat. When the user asks for a picture, call"
    " generate_image; for the graph of a function of x, call plot. To change a picture that is"
    " there, call edit_image with the id from its line; what that cannot do, generate_image with"
    " the id as its source may. To know what a picture shows, call view_media. The user sees each"
    " picture by themselves: never repeat a tool's result, never write a URL, and keep to a"
    " sentence or two."
)


class PydanticAIResponder:
    """Answers a conversation with a pydantic-ai agent; a `Responder`. Use it as ``async with``.

    Args:
        model: what drives the agent.
        context: what the tools work with; the conversation is filled in for each turn.
    """

    def __init__(self, model: Model, context: tools.ToolContext) -> None:
        self._context = context
        self._agent: Agent[TurnDeps, str] = Agent(
            model,
            deps_type=TurnDeps,
            instructions=_INSTRUCTIONS,
            toolsets=[media_toolset()],
            capabilities=[ProcessHistory(forget_viewed)],
        )

    async def __aenter__(self) -> Self:
        await self._agent.__aenter__()  # opens the model's connections
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._agent.__aexit__(*error)

    @asynccontextmanager
    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        conversation_id: str,
        message_id: str,
        owner: str | None,
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """One turn, as AI SDK UI message chunks with media in UI form (see `Responder`)."""
        async with aclosing(self._chunks(messages, conversation_id, message_id, owner)) as chunks:
            yield chunks

    async def _chunks(
        self,
        messages: Sequence[Mapping[str, Any]],
        conversation_id: str,
        message_id: str,
        owner: str | None,
    ) -> AsyncGenerator[dict[str, Any]]:
        context = replace(
            self._context,
            conversation_id=conversation_id,
            owner=owner or self._context.owner,
            attached=reference_ids(list(messages)),
        )
        deps = TurnDeps(context, {})
        adapter = VercelAIAdapter(
            agent=self._agent,
            run_input=SubmitMessage(
                id=conversation_id,
                messages=[
                    UIMessage.model_validate(_as_read(for_model(message))) for message in messages
                ],
            ),
            sdk_version=_SDK_VERSION,
            server_message_id=message_id,
        )
        # The adapter's stream is a generator whatever its annotation says: closing it ends the run.
        stream = cast("AsyncGenerator[BaseChunk]", adapter.run_stream(deps=deps))
        async with aclosing(stream):
            async for chunk in stream:
                if isinstance(chunk, DoneChunk):
                    continue  # the end of the stream says so already
                if isinstance(chunk, ToolOutputAvailableChunk):
                    # The model got a line; the user's side gets the whole result.
                    result = deps.results.get(chunk.tool_call_id)
                    if result is not None:
                        chunk.output = result.to_ui(self._context.urls)
                elif isinstance(chunk, FileChunk):
                    # A model that draws by itself sends the bytes inline: they are kept like any.
                    yield await self._keep_file(chunk, context)
                    continue
                elif isinstance(chunk, ErrorChunk):
                    yield {
                        "type": "error",
                        "errorText": clean_text(chunk.error_text, _MAX_ERROR)
                        or ResponderError().message,
                        "code": ResponderError.code,
                    }
                    continue
                yield json.loads(chunk.encode(_SDK_VERSION))

    async def _keep_file(self, chunk: FileChunk, context: tools.ToolContext) -> dict[str, Any]:
        try:
            content = BinaryContent.from_data_uri(chunk.url).data
        except ValueError as error:
            raise ResponderError("The model sent a file that cannot be read.") from error
        reference = await context.store.put(
            content, conversation_id=context.conversation_id, owner=context.owner
        )
        return media_part(reference.id, ready(reference.to_ui(context.urls)))


def _as_read(message: dict[str, Any]) -> dict[str, Any]:
    """A user's pictures become text: the adapter passes over parts that it does not know."""
    if message["role"] != "user":
        return message
    parts = [
        {"type": "text", "text": part["data"]["reference"]} if part["type"] == MEDIA_PART else part
        for part in message["parts"]
    ]
    return message | {"parts": parts}
