"""pydantic-ai: Coatcheck's tools as a toolset, and an agent as the chat's `Responder`."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field
from pydantic_ai import Agent, CustomEvent, RunContext
from pydantic_ai.exceptions import ToolFailed, UserError
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import SubmitMessage, UIMessage
from pydantic_ai.ui.vercel_ai.response_types import (
    BaseChunk,
    DataChunk,
    DoneChunk,
    ErrorChunk,
    FileChunk,
    ToolOutputAvailableChunk,
)

from coatcheck.agent import offline, tools
from coatcheck.errors import CoatcheckError, ConfigurationError, ResponderError
from coatcheck.payload.media_part import MEDIA_PART, media_part, ready
from coatcheck.payload.projection import for_model
from coatcheck.reference import clean_text

_SDK_VERSION: Final = 6
_MAX_ERROR: Final = 500
_INSTRUCTIONS: Final = (
    "You are the drawing companion of a chat. When the user asks for a picture, call"
    " generate_image; for the graph of a function of x, call plot. The user sees each picture by"
    " themselves: never repeat a tool's result, never write a URL, and keep to a sentence or two."
)


@dataclass(kw_only=True)
class MediaShown(CustomEvent):
    """A tool's picture changed its state; passes to the user's side as it is."""

    part: dict[str, Any]

    def to_payload(self) -> DataChunk:
        """The ``data-media`` part as a chunk of the UI stream."""
        return DataChunk(type=MEDIA_PART, id=self.part["id"], data=self.part["data"])


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """What one turn's tools share: their context, and what they made by tool call."""

    context: tools.ToolContext
    results: dict[str, tools.ImageResult]


def media_toolset() -> FunctionToolset[TurnDeps]:
    """`generate_image` and `plot` for any pydantic-ai agent whose dependencies are `TurnDeps`."""
    toolset: FunctionToolset[TurnDeps] = FunctionToolset()

    @toolset.tool
    async def generate_image(
        ctx: RunContext[TurnDeps],
        prompt: Annotated[str, Field(description="What to draw, in a sentence.")],
        aspect_ratio: Annotated[
            str | None, Field(description=f"One of {', '.join(tools.ASPECT_RATIOS)}.")
        ] = None,
        width: Annotated[int | None, Field(description="Pixels, 64 to 2048.")] = None,
        height: Annotated[int | None, Field(description="Pixels, 64 to 2048.")] = None,
        seed: Annotated[int | None, Field(description="The same seed, the same picture.")] = None,
        filename: Annotated[str | None, Field(description="What to save it as.")] = None,
    ) -> str:
        """Draw a picture. The user sees it at once; the result only names it."""
        turn = _Turn(ctx)
        with turn:
            return turn.keep(
                await tools.generate_image(
                    ctx.deps.context,
                    turn.announce,
                    part_id=turn.part_id,
                    prompt=prompt,
                    aspect_ratio=aspect_ratio,
                    width=width,
                    height=height,
                    seed=seed,
                    filename=filename,
                )
            )

    @toolset.tool
    async def plot(
        ctx: RunContext[TurnDeps],
        expression: Annotated[str, Field(description="A function of x, such as sin(x)/x.")],
        x_min: float = -10.0,
        x_max: float = 10.0,
        title: str | None = None,
    ) -> str:
        """Plot a function of x. The user sees it at once; the result only names it."""
        turn = _Turn(ctx)
        with turn:
            return turn.keep(
                await tools.plot(
                    ctx.deps.context,
                    turn.announce,
                    part_id=turn.part_id,
                    expression=expression,
                    x_min=x_min,
                    x_max=x_max,
                    title=title,
                )
            )

    return toolset


class _Turn:
    """One tool call: where its states go, and how its errors are told."""

    def __init__(self, ctx: RunContext[TurnDeps]) -> None:
        self._ctx = ctx
        self._call_id = ctx.tool_call_id or "call"
        self.part_id = f"media-{self._call_id}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CoatcheckError):
            raise ToolFailed(error.message) from error  # the model reads it and tells the user

    async def announce(self, part: dict[str, Any]) -> None:
        await self._ctx.emit(MediaShown(part=part))

    def keep(self, result: tools.ImageResult) -> str:
        self._ctx.deps.results[self._call_id] = result
        return result.to_model()


class PydanticAIResponder:
    """Answers a conversation with a pydantic-ai agent; a `Responder`. Use it as ``async with``.

    Args:
        model: what drives the agent.
        context: what the tools work with; the conversation is filled in for each turn.
    """

    def __init__(self, model: Model, context: tools.ToolContext) -> None:
        self._context = context
        self._agent: Agent[TurnDeps, str] = Agent(
            model, deps_type=TurnDeps, instructions=_INSTRUCTIONS, toolsets=[media_toolset()]
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
            self._context, conversation_id=conversation_id, owner=owner or self._context.owner
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


def load_model(name: str) -> Model:
    """The model of this name: `offline`, or any that pydantic-ai knows, such as ``openai:gpt-5``.

    Raises:
        ConfigurationError: there is no such model, or its key or its package is missing.
    """
    if name == offline.MODEL_NAME:
        return FunctionModel(stream_function=_stream_offline, model_name=offline.MODEL_NAME)
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
                text = part.model_response_str(wrap_if_error=False)
                return offline.Speak(offline.conclude(part.tool_name, text, failed=failed))
            if isinstance(part, UserPromptPart):
                said = part.content
                texts = [said] if isinstance(said, str) else [t for t in said if isinstance(t, str)]
                return offline.answer(" ".join(texts))
    return offline.answer("")
