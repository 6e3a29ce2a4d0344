"""The provider `procedural`: paints without a network, and says so by its name."""

from collections.abc import AsyncIterator

from coatcheck.agent.providers.image import Draft, ImageRequest
from coatcheck.errors import GenerationError, WorkerError
from coatcheck.workers import WorkerPool


class ProceduralProvider:
    """Paints landscapes from the words of the prompt, in worker processes.

    Args:
        painters: a pool that offers the task ``paint`` (`coatcheck.agent.painting`).
    """

    model = "procedural"

    def __init__(self, painters: WorkerPool) -> None:
        self._painters = painters

    async def generate(self, request: ImageRequest) -> AsyncIterator[Draft]:
        """The same scene at rising resolution, then the picture.

        Raises:
            GenerationError: the painter failed.
            OverloadedError: too many pictures are waiting already.
        """
        for step in range(request.previews, -1, -1):
            try:
                _, data = await self._painters.run(
                    "paint",
                    prompt=request.prompt,
                    seed=request.seed,
                    width=request.width,
                    height=request.height,
                    stage=0.5**step,
                )
            except WorkerError as error:
                raise GenerationError(f"The painter failed: {error.message}") from error
            yield Draft(data=data, progress=1 - step / (request.previews + 1))
