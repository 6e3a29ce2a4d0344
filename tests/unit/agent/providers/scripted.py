"""A provider that does what it is told, try by try."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest

Step = Draft | Exception | Callable[[], Awaitable[None]]

SKETCH = Draft(data=b"sketch", progress=0.5)
PICTURE = Draft(data=b"picture", progress=1.0)
REQUEST = ImageRequest(prompt="the sea", width=64, height=64, seed=1)


class Scripted:
    """Each try runs the next script: drafts are given, exceptions raised, functions awaited."""

    def __init__(
        self, *scripts: list[Step], model: str = "scripted", edits: bool = True, previews: int = 2
    ) -> None:
        self.model = model
        self.capabilities = Capabilities(edits=edits, previews=previews)
        self._scripts = list(scripts)
        self.asked: list[str] = []
        self.closed = 0

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        return self._run(f"generate {request.prompt}")

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        return self._run(f"edit {request.prompt}")

    async def _run(self, asked: str) -> AsyncGenerator[Draft]:
        self.asked.append(asked)
        try:
            for step in self._scripts.pop(0):
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Draft):
                    yield step
                else:
                    await step()
        finally:
            self.closed += 1
