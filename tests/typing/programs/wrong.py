"""What checkers must refuse. A comment names the error of mypy, then that of pyright."""

# pyright: standard

from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette

from coatcheck import opne_store  # attr-defined, reportAttributeAccessIssue
from coatcheck import (
    MediaStore,
    MediaUrls,
    OffloadMiddleware,
    for_ui,
    hydrate,
    offload,
    offload_stream,
    offload_tool,
    open_store,
    wrap,
)
from coatcheck.delivery import media_app
from coatcheck.ports import Participant


async def store_wrongly(store: MediaStore) -> None:
    await store.put("a string")  # arg-type, reportArgumentType
    await store.put(b"a", "a.png")  # call-arg, reportCallIssue
    await store.put(b"a", onwer="anna")  # call-arg, reportCallIssue
    await store.erase_owner(None)  # arg-type, reportArgumentType
    text: str = await store.read("id")  # assignment, reportAssignmentType
    print(text, (await store.get("id")).width + 1)  # operator, reportOptionalOperand
    open_store("data", max_byte=1)  # call-arg, reportCallIssue
    with open_store():  # attr-defined, reportGeneralTypeIssues
        pass


def mint_wrongly() -> None:
    MediaUrls("/media", "https://media.example.com")  # call-arg, reportCallIssue
    MediaUrls(prefix="/api/media/image")  # call-arg, reportCallIssue
    MediaUrls(signer="secret")  # arg-type, reportArgumentType
    MediaUrls().mount = "/other"  # misc, reportAttributeAccessIssue


async def offload_wrongly(store: MediaStore, chunks: AsyncIterator[str]) -> None:
    await offload({}, store, form="iu")  # call-overload, reportArgumentType reportCallIssue
    await offload({}, store, limit=1)  # call-overload, reportCallIssue
    await offload({})  # call-overload, reportCallIssue
    offload({}, store).report  # attr-defined, reportAttributeAccessIssue
    for_ui({}, MediaUrls())  # call-arg, reportCallIssue
    await hydrate([], store, provider="mistral")  # arg-type, reportArgumentType
    async for _ in offload_stream(["a"], store):  # arg-type, reportArgumentType
        pass
    async for _ in await offload_stream(chunks, store):  # misc, reportGeneralTypeIssues
        pass


async def call_tools_wrongly(store: MediaStore) -> None:
    @offload_tool(store)
    def draw(prompt: str, *, width: int = 512) -> bytes:
        return prompt.encode() * width

    await draw(1)  # arg-type, reportArgumentType
    await draw("the sea", height=1)  # call-arg, reportCallIssue
    await draw()  # call-arg, reportCallIssue
    draw("the sea").upper()  # attr-defined, reportAttributeAccessIssue


def wrap_wrongly(app: Starlette, store: MediaStore) -> None:
    wrap("app")  # arg-type, reportArgumentType
    wrap(app, owner=1)  # arg-type, reportArgumentType
    app.add_middleware(OffloadMiddleware)  # call-arg, reportCallIssue
    app.add_middleware(OffloadMiddleware, Path("data"))  # arg-type, reportArgumentType
    media_app(store, access="cookie")  # arg-type, reportArgumentType


class Halved:
    """A participant that lacks most of one."""

    async def erase_owner(self, owner: str) -> int:
        return len(owner)


halved: Participant = Halved()  # assignment, reportAssignmentType
