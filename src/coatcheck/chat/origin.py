"""Where a request to the chat comes from: whether its page may speak, and who is counted."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether the request comes from a page of this very host, or from no page at all.

    A page of another site may open sockets and post to us with the user's cookies. Programs send no
    Origin; browsers always do where it matters.
    """
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def principal_of(connection: HTTPConnection, owner: str | None) -> str:
    """Who is counted: the owner, or the client's address where nobody is told apart."""
    if owner is not None:
        return owner
    return "" if connection.client is None else connection.client.host
