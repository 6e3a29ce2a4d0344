"""The provider `procedural`: paints without a network, and says so by its name."""

from collections.abc import AsyncGenerator

from coatcheck.errors import InvalidInputError, WorkerError
from coatcheck.workers import WorkerPool
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest


class ProceduralProvider:
    """Paints landscapes from the words of the prompt, in worker processes; an `ImageProvider`.

    Args:
        painters: a pool that offers the task ``paint`` (`coatcheck_chat.painting`).
    """

    model = "procedural"
    capabilities = Capabilities(previews=4)

    def __init__(self, painters: WorkerPool) -> None:
        self._painters = painters

    async def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The same scene at rising resolution, then the picture; see `ImageProvider.generate`.

        Each draft has half the edges of the next, so that all of them together take a third of the
        picture's time.

        Raises:
            GenerationError: the painter failed.
            OverloadedError: too many pictures are waiting already.
        """
        previews = min(request.previews, self.capabilities.previews)
        for step in range(previews, -1, -1):
            try:
                told, data = await self._painters.run(
                    "paint",
                    prompt=request.prompt,
                    seed=request.seed,
                    width=request.width,
                    height=request.height,
                    stage=0.5**step,
                )
            except WorkerError as error:
                raise GenerationError(f"The painter failed: {error.message}") from error
            yield Draft(
                data=data, progress=1 - step / (previews + 1), missing=tuple(told["missing"])
            )

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:  # noqa: ARG002 - the protocol's
        """Refused: it paints from nothing but words; see `ImageProvider.edit`.

        Raises:
            InvalidInputError: always.
        """
        raise InvalidInputError("The procedural painter draws new pictures; it cannot change one.")
