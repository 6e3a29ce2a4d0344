"""A provider's server on loopback: it speaks the shapes that the SDKs expect, good and bad ones."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from coatcheck_chat.providers.image import Draft, ImageProvider, ImageRequest, SourceImage
from tests.media import image_bytes, png_bytes
from tests.serving import serving

HANGS = 20
PICTURE = png_bytes(48, 32, seed=1)
PARTIAL = png_bytes(24, 16, seed=2)
SOURCES = (
    SourceImage(data=png_bytes(40, 40, seed=3), media_type="image/png"),
    SourceImage(data=image_bytes("jpeg", 32, 32, seed=4), media_type="image/jpeg"),
)

Answer = Callable[[Request], Response]


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: Headers
    json: Any = None
    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, str | None, str | None, bytes]] = field(default_factory=list)


class Endpoint:
    """Answers each request with the next of its answers, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        self.address = ""
        self.hanging = anyio.Event()
        """Set while a request is not answered."""
        self.left = anyio.Event()
        """Set when a client went away without its answer."""

    def will(self, *answers: Answer) -> None:
        """Answer like this from now on."""
        self.answers = list(answers)

    async def answer(self, request: Request) -> Response:
        self.asked.append(await _asked(request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is hang:
            self.hanging.set()
            while (await request.receive())["type"] != "http.disconnect":
                pass
            self.left.set()
        return answer(request)

    async def is_left_by(self, draw: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Cancel `draw` while it waits for an answer, and see the connection end with it."""
        with anyio.fail_after(HANGS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(draw)
                await self.hanging.wait()
                assert not self.left.is_set()
                tasks.cancel_scope.cancel()
            await self.left.wait()

    def streams(self, *items: Any) -> Answer:
        """Server-sent events; `hang` never comes to the next, `cut` breaks the connection."""

        async def body() -> AsyncIterator[str]:
            try:
                for item in items:
                    if item is hang:
                        self.hanging.set()
                        await anyio.sleep_forever()
                    elif item is cut:
                        raise ConnectionAbortedError
                    elif isinstance(item, str):
                        yield item
                    else:
                        name = f"event: {item['type']}\n" if "type" in item else ""
                        yield f"{name}data: {json.dumps(item)}\n\n"
            except anyio.get_cancelled_exc_class():
                self.left.set()
                raise

        return lambda _request: StreamingResponse(body(), media_type="text/event-stream")


def hang(_request: Request) -> Response:
    """Never answer; the client's going away ends it."""
    return Response(status_code=204)


def cut(_request: Request) -> Response:
    """In a stream: break the connection."""
    raise ConnectionAbortedError


def says(content: Any, status: int = 200, **headers: str) -> Answer:
    """JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: JSONResponse(content, status, named)


def sends(content: bytes | str, media_type: str, status: int = 200) -> Answer:
    """Anything else."""
    return lambda _request: Response(content, status, media_type=media_type)


def b64(data: bytes) -> str:
    return b64encode(data).decode()


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    routes = [Route("/{path:path}", made.answer, methods=["GET", "POST"])]
    async with serving(Starlette(routes=routes)) as address:
        made.address = address
        yield made


def wish(**changes: Any) -> ImageRequest:
    request = ImageRequest(prompt="the sea", width=1024, height=1024, seed=7)
    return replace(request, **changes)


async def drawn(provider: ImageProvider, request: ImageRequest) -> list[Draft]:
    """Everything that a provider gives, within a time that only a test that hangs needs."""
    with anyio.fail_after(HANGS):
        made = provider.edit(request) if request.sources else provider.generate(request)
        return [draft async for draft in made]


async def _asked(request: Request) -> Asked:
    asked = Asked(request.url.path, request.headers)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        asked.json = await request.json()
    elif kind.startswith("multipart/form-data"):
        async with request.form() as form:
            await _read_form(form, asked)
    return asked


async def _read_form(form: FormData, asked: Asked) -> None:
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            asked.files.append((name, value.filename, value.content_type, data))
        else:
            asked.fields[name] = value
