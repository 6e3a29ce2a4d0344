"""A pydantic-ai agent as the chat's `Responder`."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self, cast

from pydantic_ai import Agent
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, UIMessage
from pydantic_ai.ui.vercel_ai.response_types import (
    BaseChunk,
    DoneChunk,
    ErrorChunk,
    ReasoningDeltaChunk,
    ReasoningEndChunk,
    ReasoningStartChunk,
    TextDeltaChunk,
    TextEndChunk,
    TextStartChunk,
    ToolOutputAvailableChunk,
)

from coatcheck import for_model, hydrate, scrub
from coatcheck.legacy import summarize
from coatcheck.media_part import MEDIA_PART
from coatcheck.payload import never, shown_ids
from coatcheck.reference import clean_text
from coatcheck_chat.agent import tools
from coatcheck_chat.agent.pydantic_ai.toolset import TurnDeps, media_toolset
from coatcheck_chat.agent.pydantic_ai.viewing import (
    ANY_MODEL,
    SHOWN,
    forget_viewed,
    sees_pictures,
)
from coatcheck_chat.errors import ResponderError

_SDK_VERSION: Final = 6
_MAX_ERROR: Final = 500
_TEXT_CHUNKS: Final = (
    TextStartChunk,
    TextDeltaChunk,
    TextEndChunk,
    ReasoningStartChunk,
    ReasoningDeltaChunk,
    ReasoningEndChunk,
)
_INSTRUCTIONS: Final = (
    "You are the drawing companion of a chat. When the user asks for a picture, call"
    " generate_image; for the graph of a function of x, call plot. To change a picture that is"
    " there, call edit_image with the id from its line; what that cannot do, generate_image with"
    " the id as its source may. To know what a picture shows, call view_media; to show one to"
    " the user again, call show_media. The user sees each picture by themselves: never repeat a"
    " tool's result, never write a URL, and keep to a sentence or two."
)


class PydanticAIResponder:
    """Answers a conversation with a pydantic-ai agent; a `Responder`. Use it as ``async with``.

    Args:
        model: what drives the agent.
        context: what the tools work with; the conversation is filled in for each turn.
    """

    def __init__(self, model: Model, context: tools.ToolContext) -> None:
        self._context = context
        self._model = model
        self._agent: Agent[TurnDeps, str] = Agent(
            model,
            deps_type=TurnDeps,
            instructions=_INSTRUCTIONS,
            toolsets=[media_toolset()],
            capabilities=[ProcessHistory(_sent)],  # each one costs time with every event of a turn
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
        """One turn, as AI SDK UI message chunks; see `Responder`."""
        context = replace(
            self._context,
            conversation_id=conversation_id,
            owner=owner or self._context.owner,
            attached=frozenset(shown_ids(list(messages), with_links=False)),
        )
        async with aclosing(self._chunks(messages, context, message_id)) as chunks:
            yield chunks

    async def _chunks(
        self,
        messages: Sequence[Mapping[str, Any]],
        context: tools.ToolContext,
        message_id: str,
    ) -> AsyncGenerator[dict[str, Any]]:
        deps = TurnDeps(context, {})
        adapter = VercelAIAdapter(
            agent=self._agent,
            run_input=SubmitMessage(
                id=context.conversation_id or message_id,
                messages=await self._asked(messages, context),
            ),
            sdk_version=_SDK_VERSION,
            server_message_id=message_id,
        )
        names: dict[str, str] = {}
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
                elif isinstance(chunk, ErrorChunk):
                    yield {
                        "type": "error",
                        "errorText": clean_text(chunk.error_text, _MAX_ERROR)
                        or ResponderError().message,
                        "code": ResponderError.code,
                    }
                    continue
                elif isinstance(chunk, _TEXT_CHUNKS):
                    # Unique in the message is enough; each delta carries it.
                    chunk.id = names.setdefault(chunk.id, str(len(names) + 1))
                # What the SDK's JSON would be read back as; it is encoded once, when published.
                yield chunk.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def _asked(
        self, messages: Sequence[Mapping[str, Any]], context: tools.ToolContext
    ) -> list[UIMessage]:
        """The conversation for the model: lines for its media, and the user's own pictures.

        A model that sees gets those right-sized, in the same places in every request.
        """
        read = [_as_read(message) for message in messages]
        hydrated = await hydrate(
            read,
            context.store,
            provider=ANY_MODEL,
            policy=SHOWN if sees_pictures(self._model) else never(),
            owner=context.owner,
        )
        return [UIMessage.model_validate(message) for message in hydrated.messages]


async def _sent(messages: list[ModelMessage]) -> list[ModelMessage]:
    """What a model is asked, without base64 that it wrote itself earlier in this turn.

    Pictures that a tool shows it on purpose are no text; they stay for one request.
    """
    return await forget_viewed([_without_inline(message) for message in messages])


def _without_inline(message: ModelMessage) -> ModelMessage:
    parts: list[Any] = [_without_inline_text(part) for part in message.parts]
    if all(part is before for part, before in zip(parts, message.parts, strict=True)):
        return message
    cleaned: ModelMessage = replace(cast("Any", message), parts=parts)
    return cleaned


def _without_inline_text(part: Any) -> Any:
    texts = {name: getattr(part, name, None) for name in ("content", "args")}
    cut = {name: scrub(text) for name, text in texts.items() if isinstance(text, str | dict)}
    changed = {name: text for name, text in cut.items() if text is not texts[name]}
    return replace(part, **changed) if changed else part


def _as_read(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with lines for its media, but for pictures that the user handed in.

    A picture that a tool made has its line in the tool's result, and no part of its own.
    """
    is_users = message["role"] == "user"
    told = for_model(message, summarize=summarize)
    parts = [
        part if part["type"] == MEDIA_PART else read
        for part, read in zip(message["parts"], told["parts"], strict=True)
        if is_users or part["type"] != MEDIA_PART
    ]
    return {**told, "parts": parts}
