"""A Flask application; its users log in."""

import os
from typing import Any

from flask import Flask, abort, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from starlette.requests import HTTPConnection
from werkzeug.wrappers import Response

from coatcheck import wrap
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from tests.e2e.strangers.page import HISTORY, PAGE

inner = Flask(__name__)
inner.secret_key = "a key of the stranger's"  # noqa: S105 - a test's


@inner.get("/")
def page() -> str:
    return PAGE


@inner.post("/login")
def login() -> Response:
    session["user"] = request.form["user"]
    return redirect("./", 303)


@inner.get("/history")
def history() -> dict[str, Any]:
    if "user" not in session:
        abort(401)
    return HISTORY


@inner.post("/echo")
def echo() -> dict[str, bool]:
    return {"same": request.get_json() == HISTORY}


def user_of(connection: HTTPConnection) -> Principal | None:
    serializer = SecureCookieSessionInterface().get_signing_serializer(inner)
    assert serializer is not None
    try:
        return Principal(serializer.loads(connection.cookies["session"])["user"])
    except (KeyError, BadSignature):
        return None


def owner_of(scope: Any) -> str | None:
    principal = user_of(HTTPConnection(scope))
    return None if principal is None else principal.id


if os.environ.get("ACCESS") == "asked":
    app = wrap(inner, owner=owner_of, access=PrincipalAccess(user_of))
else:
    app = wrap(inner)
