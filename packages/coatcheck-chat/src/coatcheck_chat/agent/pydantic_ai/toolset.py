"""Coatcheck's tools as a pydantic-ai toolset."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, WithJsonSchema
from pydantic_ai import CustomEvent, RunContext, ToolReturn
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.ui.vercel_ai.response_types import DataChunk

from coatcheck.edits import edits_schema
from coatcheck.errors import CoatcheckError
from coatcheck.media_part import MEDIA_PART
from coatcheck_chat.agent import tools
from coatcheck_chat.agent.pydantic_ai.viewing import picture_content, sees_pictures

_RETRIES: Final = 2  # a model whose arguments do not fit the schema reads why, and tries again

_Edge = Annotated[int | None, Field(description="Pixels, 64 to 2048.")]
_FileName = Annotated[str | None, Field(description="What to save it as.")]
_MediaId = Annotated[str, Field(description="The id from the picture's line: 36 characters.")]


@dataclass(kw_only=True)
class MediaShown(CustomEvent):
    """A tool's picture changed its state; passes to the user's side as it is."""

    part: dict[str, Any]

    def to_payload(self) -> DataChunk:
        """The ``data-media`` part as a chunk of the UI stream."""
        return DataChunk(type=MEDIA_PART, id=self.part["id"], data=self.part["data"])


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """What one turn's tools share: their context, and what they made by tool call.

    Attributes:
        context: what the tools work with.
        results: what each call of a tool made, by the call's id.
    """

    context: tools.ToolContext
    results: dict[str, tools.ImageResult]


def media_toolset() -> FunctionToolset[TurnDeps]:
    """Coatcheck's tools for any pydantic-ai agent whose dependencies are `TurnDeps`.

    Such an agent also takes the capability ``ProcessHistory(forget_viewed)``, so that it sends a
    picture that it looked at only once.
    """
    toolset: FunctionToolset[TurnDeps] = FunctionToolset(max_retries=_RETRIES)
    toolset.add_function(_generate_image, name="generate_image")
    toolset.add_function(_edit_image, name="edit_image")
    toolset.add_function(_view_media, name="view_media")
    toolset.add_function(_show_media, name="show_media")
    toolset.add_function(_list_media, name="list_media")
    toolset.add_function(_plot, name="plot")
    return toolset


async def _generate_image(
    ctx: RunContext[TurnDeps],
    prompt: Annotated[str, Field(description="What to draw, or how to change the source.")],
    aspect_ratio: Annotated[
        str | None, Field(description=f"One of {', '.join(tools.ASPECT_RATIOS)}.")
    ] = None,
    width: _Edge = None,
    height: _Edge = None,
    seed: Annotated[int | None, Field(description="The same seed, the same picture.")] = None,
    filename: _FileName = None,
    source: Annotated[
        str | None, Field(description="The id of a picture to begin with, for a variation.")
    ] = None,
    mode: Annotated[
        Literal["auto", "generate", "edit"],
        Field(description="auto edits if there is a source, else it draws."),
    ] = "auto",
) -> str:
    """Draw a picture. The user sees it at once; the result only names it."""
    with _Turn(ctx) as turn:
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
                source=source,
                mode=mode,
            )
        )


async def _edit_image(
    ctx: RunContext[TurnDeps],
    id: _MediaId,  # noqa: A002 - what it is called on the wire
    edits: Annotated[
        list[dict[str, Any]], WithJsonSchema({**edits_schema(), "description": "In order."})
    ],
    filename: _FileName = None,
) -> str:
    """Crop, resize, rotate, flip, blur, recolor or write on a picture, exactly and at once.

    The user sees the new picture; the old one stays.
    """
    with _Turn(ctx) as turn:
        return turn.keep(
            await tools.edit_image(
                ctx.deps.context,
                turn.announce,
                part_id=turn.part_id,
                reference_id=id,
                edits=edits,
                filename=filename,
            )
        )


async def _view_media(
    ctx: RunContext[TurnDeps],
    id: _MediaId,  # noqa: A002 - what it is called on the wire
) -> str | ToolReturn[str]:
    """Look at a picture. It is shown to you once, with the result."""
    with _Turn(ctx):
        viewed = await tools.view_media(
            ctx.deps.context, reference_id=id, with_picture=sees_pictures(ctx.model)
        )
    if viewed.picture is None:
        return viewed.to_model()
    return ToolReturn(
        viewed.to_model(), content=[picture_content(viewed.reference.id, viewed.picture)]
    )


async def _show_media(
    ctx: RunContext[TurnDeps],
    id: _MediaId,  # noqa: A002 - what it is called on the wire
) -> str:
    """Show the user a picture of this conversation again, for example to go back to it."""
    with _Turn(ctx) as turn:
        return await tools.show_media(
            ctx.deps.context, turn.announce, part_id=turn.part_id, reference_id=id
        )


async def _list_media(
    ctx: RunContext[TurnDeps],
    limit: Annotated[int, Field(description=f"1 to {tools.MAX_LISTED}.")] = 10,
    before: Annotated[
        str | None, Field(description="The last id of the list before, for the next page.")
    ] = None,
) -> str:
    """List this conversation's pictures and files, newest first."""
    with _Turn(ctx):
        listing = await tools.list_media(ctx.deps.context, limit=limit, before=before)
    return listing.to_model()


async def _plot(
    ctx: RunContext[TurnDeps],
    expression: Annotated[str, Field(description="A function of x, such as sin(x)/x.")],
    x_min: float = -10.0,
    x_max: float = 10.0,
    title: str | None = None,
) -> str:
    """Plot a function of x. The user sees it at once; the result only names it."""
    with _Turn(ctx) as turn:
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


class _Turn:
    """One tool call: where its states go, and how its errors are told."""

    def __init__(self, ctx: RunContext[TurnDeps]) -> None:
        self._ctx = ctx
        self._call_id = ctx.tool_call_id or "call"
        self.part_id = f"media-{self._call_id}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CoatcheckError):
            raise ToolFailed(error.message) from error  # the model reads it and tells the user

    async def announce(self, part: dict[str, Any]) -> None:
        await self._ctx.emit(MediaShown(part=part))

    def keep(self, result: tools.ImageResult) -> str:
        self._ctx.deps.results[self._call_id] = result
        return result.to_model()
