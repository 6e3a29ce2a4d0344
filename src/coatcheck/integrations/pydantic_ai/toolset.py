"""Coatcheck's tools as a pydantic-ai toolset."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic_ai import CustomEvent, RunContext
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.ui.vercel_ai.response_types import DataChunk

from coatcheck.agent import tools
from coatcheck.errors import CoatcheckError
from coatcheck.payload.media_part import MEDIA_PART


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
