"""Wraps applications, adds the middleware, mounts the endpoint, shares the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import ColumnElement, MetaData, SelectBase, Subquery, Table, literal, select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Scope

from coatcheck import MediaStore, MediaUrls, OffloadMiddleware, open_store, wrap
from coatcheck.delivery import media_app
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.payload.offload import OffloadReport
from coatcheck.ports import MediaRecord, Participant, Schema, SharedTransaction


def tell(report: OffloadReport) -> None:
    print(report.found)


def owner_of(scope: Scope) -> str | None:
    return scope.get("user")


def identify(connection: HTTPConnection) -> Principal | None:
    name = connection.headers.get("x-user")
    return Principal(name) if name else None


async def authorize(principal: Principal, record: MediaRecord) -> bool:
    return record.owner in {None, principal.id}


def wrapped(app: FastAPI, starlette: Starlette) -> ASGIApp:
    wrap(starlette, Path("data"), on_report=tell, owner=owner_of)
    return wrap(app, public=True)


def with_middleware(store: MediaStore) -> None:
    app = FastAPI()
    app.add_middleware(OffloadMiddleware, store)
    app.add_middleware(OffloadMiddleware, lambda: store, measure_only=True, on_report=tell)
    starlette = Starlette(middleware=[Middleware(OffloadMiddleware, store, owner="anna")])
    starlette.add_middleware(OffloadMiddleware, store, urls=MediaUrls(), owner=owner_of)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    access = PrincipalAccess(identify, authorize, manage=lambda principal, record: True)
    async with open_store(participants=[Notes()]) as store:
        media = media_app(store, access=access, allow_origins=["https://app.example.com"])
        mounted: Starlette = media
        app.mount("/api/media", mounted)
        yield


class Notes:
    """A participant by shape."""

    schema = Schema(name="notes", metadata=MetaData(), migrations=Path("m"), revision="1")

    def is_withdrawn(self, conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
        return conversation_id == literal("gone")

    def select_places(self, held: Subquery) -> SelectBase:
        return select(held.c.media_id, held.c.conversation_id, held.c.holder)

    async def forget_conversation(
        self, transaction: SharedTransaction, conversation_id: str
    ) -> None:
        await transaction.release(conversation_id, ["note"])

    def is_owned(self, table: Table, owner: str) -> ColumnElement[bool]:
        return literal(owner) == table.name

    async def erase_owner(self, transaction: SharedTransaction, owner: str) -> int:
        return len(owner)


notes: Participant = Notes()
app = Starlette(lifespan=lifespan)
