"""What every test may use: a real store in a temporary directory, and a loop that may not block."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from coatcheck.opening import Backends, open_backends
from coatcheck.options import StoreOptions
from coatcheck.store import MediaStore
from coatcheck_chat.history.participant import ChatHistory


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[BlockBuster]:
    """A blocking call of our own code on the event loop fails the test."""
    with blockbuster_ctx(["coatcheck"]) as blockbuster:
        yield blockbuster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory of `store` and `backends`."""
    return tmp_path / "data"


@pytest.fixture
async def backends(data: Path) -> AsyncIterator[Backends]:
    async with open_backends(StoreOptions(data=data), participants=[ChatHistory()]) as opened:
        yield opened


@pytest.fixture
def store(backends: Backends) -> MediaStore:
    return backends.store
