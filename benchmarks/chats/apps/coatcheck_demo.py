"""``coatcheck``, but its painter has the picture on disk already."""

from collections.abc import AsyncGenerator

import anyio

from benchmarks.chats.prompts import requested
from coatcheck_chat import cli
from coatcheck_chat.providers import registry as imagery
from coatcheck_chat.providers.image import Draft, ImageRequest
from coatcheck_chat.providers.procedural import ProceduralProvider


class Reader(ProceduralProvider):
    """Reads what it is asked to paint."""

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The picture, without drafts."""
        yield Draft(data=await anyio.Path(requested(request.prompt)).read_bytes(), progress=1.0)


if __name__ == "__main__":
    vars(imagery)["ProceduralProvider"] = Reader
    cli.main()
