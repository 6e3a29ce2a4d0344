"""Read the bodies of requests with a size limit and one deadline for the whole body."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import anyio
from starlette.requests import ClientDisconnect, Request

from coatcheck.errors import InvalidInputError, UploadTimeoutError

BODY_SECONDS: Final = 30.0
"""How many seconds a body that is read as a whole may take to arrive."""


async def body_chunks(
    request: Request, *, max_bytes: int, seconds: float, too_large: type[InvalidInputError]
) -> AsyncGenerator[bytes]:
    """Stream the body as it arrives.

    Args:
        request: whose body it is.
        max_bytes: most that it may have.
        seconds: how long it may take to arrive, whole, from the first chunk that is asked for.
        too_large: the error for a body that is longer.

    Raises:
        InvalidInputError: the body is longer, or the client disconnected before its end.
        UploadTimeoutError: it did not arrive in time.
    """
    stream, size = request.stream(), 0
    ends_at = anyio.current_time() + seconds
    try:
        while True:
            # One deadline for all of it: each byte that trickles in must not buy more time.
            with anyio.fail_after(max(0.0, ends_at - anyio.current_time())):
                chunk = await anext(stream, None)
            if chunk is None:
                return
            size += len(chunk)
            if size > max_bytes:
                raise too_large(f"The body is larger than {max_bytes:,} bytes.")
            yield chunk
    except TimeoutError as error:
        raise UploadTimeoutError from error
    except ClientDisconnect as error:
        raise InvalidInputError("The body ended early.") from error


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """Read the whole body, within `BODY_SECONDS`.

    Args:
        request: whose body it is.
        max_bytes: most that it may have.

    Raises:
        InvalidInputError, UploadTimeoutError: see `body_chunks`.
    """
    body = bytearray()
    chunks = body_chunks(
        request, max_bytes=max_bytes, seconds=BODY_SECONDS, too_large=InvalidInputError
    )
    async with aclosing(chunks):
        async for chunk in chunks:
            body += chunk
    return bytes(body)
