"""A FastAPI application with sessions and GZip, mounted under a path; its users log in."""

import os
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from coatcheck import wrap
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from tests.e2e.strangers.page import HISTORY, PAGE

inner = FastAPI()
inner.add_middleware(GZipMiddleware)


@inner.get("/", response_class=HTMLResponse)
def page() -> str:
    return PAGE


@inner.post("/login")
def login(request: Request, user: Annotated[str, Form()]) -> RedirectResponse:
    request.session["user"] = user
    return RedirectResponse("./", 303)


@inner.get("/history")
def history(request: Request) -> dict[str, Any]:
    if "user" not in request.session:
        raise HTTPException(401)
    return HISTORY


@inner.post("/echo")
def echo(body: dict[str, Any]) -> dict[str, bool]:
    return {"same": body == HISTORY}


def user_of(connection: HTTPConnection) -> Principal | None:
    user = connection.session.get("user")
    return None if user is None else Principal(user)


def owner_of(scope: Any) -> str | None:
    user: str | None = scope["session"].get("user")
    return user


if os.environ.get("ACCESS") == "asked":
    wrapped = wrap(inner, owner=owner_of, access=PrincipalAccess(user_of))
else:
    wrapped = wrap(inner)

app = Starlette(
    routes=[Mount("/bot", wrapped)],
    middleware=[Middleware(SessionMiddleware, secret_key="a key of the stranger's")],  # noqa: S106 - a test's
)
