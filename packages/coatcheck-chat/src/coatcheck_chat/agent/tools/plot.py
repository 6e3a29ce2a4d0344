"""The tool `plot`."""

import math
from typing import Final

from coatcheck.errors import InvalidInputError
from coatcheck.reference import ALT_WEIGHT, MediaReference, clean_text
from coatcheck_chat.agent.previews import Show
from coatcheck_chat.agent.tools.context import Announce, ToolContext, announced
from coatcheck_chat.agent.tools.results import ImageResult, slug

_SIZE: Final = (1024, 768)


async def plot(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    expression: str,
    x_min: float = -10.0,
    x_max: float = 10.0,
    title: str | None = None,
) -> ImageResult:
    """Plot a function of x and keep the picture.

    Args:
        context: what to work with.
        announce: told of the picture's states.
        part_id: the id of the part that shows them.
        expression: arithmetic over x, for example ``sin(x)/x``.
        x_min: left end of the interval.
        x_max: right end of the interval.
        title: above the plot; the expression when None.

    Raises:
        InvalidInputError: the expression or the interval cannot be used; the message says why.
        WorkerError: the plotter failed.
        StorageError: the picture could not be kept.
    """
    caption = f"plot of {expression.strip()} for x from {x_min:g} to {x_max:g}"
    alt = clean_text(caption, ALT_WEIGHT)

    async def work(_show: Show) -> MediaReference:
        if not (math.isfinite(x_min) and math.isfinite(x_max)):  # JSON cannot carry others
            raise InvalidInputError("The plot needs an interval between two finite numbers.")
        _, data = await context.painters.run(
            "plot", expression=expression, x_min=x_min, x_max=x_max, title=title
        )
        return await context.keep(data, filename=f"{slug(f'plot {expression}')}.png", alt=alt)

    return ImageResult(
        reference=await announced(context, announce, work, part_id=part_id, size=_SIZE, alt=alt),
        prompt=caption,
        model="matplotlib",
        message="Plot drawn.",
    )
