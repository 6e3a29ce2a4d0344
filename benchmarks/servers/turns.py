"""``coatcheck-chat``, but its painter has a small picture at hand, each time another one."""

from collections.abc import AsyncGenerator
from itertools import count

import pyvips

from coatcheck_chat import cli
from coatcheck_chat.providers import registry as imagery
from coatcheck_chat.providers.image import Draft, ImageRequest
from coatcheck_chat.providers.procedural import ProceduralProvider

_NUMBERS = count()
_BASE = pyvips.Image.gaussnoise(96, 64, sigma=40).cast("uchar")


class AtHand(ProceduralProvider):
    """Makes noise of what it is asked to paint."""

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:  # noqa: ARG002 - the port's
        """A picture of 96 × 64 pixels, without drafts."""
        number = next(_NUMBERS)
        picture = _BASE.linear([1, 1], [number % 251, number // 251])
        png = picture.cast("uchar").bandjoin(_BASE)[0:3].pngsave_buffer(compression=1)
        yield Draft(data=png, progress=1.0)


if __name__ == "__main__":
    vars(imagery)["ProceduralProvider"] = AtHand
    cli.main()
