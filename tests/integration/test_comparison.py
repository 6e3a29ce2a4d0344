"""The demo's comparison over a real socket."""

import json
from pathlib import Path
from secrets import token_hex

import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.serving import serving

pytestmark = pytest.mark.anyio


async def test_both_sides_play_the_same_pictures_and_leave_nothing_behind(data: Path) -> None:
    app = create_app(Settings(data=data))
    async with serving(app) as host:
        address = f"ws://{host}/ws/compare?way=frame&count=1"
        async with connect(f"{address}&side=references") as socket:
            light = [str(frame) async for frame in socket]
        async with connect(f"{address}&side=legacy", max_size=None) as socket:
            heavy = [str(frame) async for frame in socket]
        reference = json.loads(light[0])["output"]
        async with connect(f"{address}&side=references") as socket:
            assert json.loads(await socket.recv())["output"]["id"] == reference["id"]
    assert len(light) == len(heavy) == 2
    assert json.loads(light[-1]) == json.loads(heavy[-1]) == {"type": "finish"}
    assert len(heavy[0]) > 50 * len(light[0])
    async with open_backends(StoreOptions(data=data)) as backends:
        assert [finding async for finding in backends.store.verify()] == []


@pytest.mark.parametrize(
    "query", ["", "side=legacy", "side=both&way=frame", "side=legacy&way=frame&count=-1"]
)
async def test_a_query_that_asks_for_nothing_known_is_refused(data: Path, query: str) -> None:
    app = create_app(Settings(data=data))
    async with serving(app) as host:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"ws://{host}/ws/compare?{query}")


async def test_a_page_of_another_origin_is_refused(data: Path) -> None:
    app = create_app(Settings(data=data))
    async with serving(app) as host:
        address = f"ws://{host}/ws/compare?side=legacy&way=frame"
        with pytest.raises(InvalidStatus, match="403"):
            await connect(address, origin="http://elsewhere.example")  # type: ignore[arg-type]


async def test_under_access_control_there_is_no_comparison(data: Path) -> None:
    app = create_app(Settings(data=data, access="cookie", keys=SecretStr(f"a:{token_hex(32)}")))
    async with serving(app) as host:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://{host}/ws/compare?side=legacy&way=frame")
