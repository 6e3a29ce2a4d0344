"""What the fixtures of OpenAI's SDK share: its requests, and its types as parsers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError
from openai._models import BaseModel
from pydantic import TypeAdapter

from tests.golden.loopback import recording


async def sent(call: Callable[[AsyncOpenAI], Awaitable[Any]]) -> Any:
    """The body of the request that `call` makes."""
    async with (
        recording() as recorder,
        AsyncOpenAI(api_key="key", base_url=recorder.url, max_retries=0) as client,
    ):
        with pytest.raises(BadRequestError):
            await call(client)
    return recorder.bodies[0]


def rereads(parser: TypeAdapter[Any] | type[BaseModel]) -> Callable[[Any], Any]:
    """Validate as the SDK's types say and dump as the SDK does."""
    validate = parser.validate_python if isinstance(parser, TypeAdapter) else parser.model_validate
    return lambda payload: validate(payload).to_dict(mode="json")
