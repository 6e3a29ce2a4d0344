"""``coatcheck``, but its painter takes its time before each stage of a picture.

The stages are real ones, painted by the real workers.
"""

from collections.abc import AsyncGenerator

import anyio

from coatcheck_chat import cli
from coatcheck_chat.providers import registry as imagery
from coatcheck_chat.providers.image import Draft, ImageRequest
from coatcheck_chat.providers.procedural import ProceduralProvider

STAGE_SECONDS = 1.5


class SlowPainter(ProceduralProvider):
    """Rests before each stage."""

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The painter's drafts, slowly."""
        async for draft in super().generate(request):
            await anyio.sleep(STAGE_SECONDS)
            yield draft


if __name__ == "__main__":
    vars(imagery)["ProceduralProvider"] = SlowPainter
    cli.main()
