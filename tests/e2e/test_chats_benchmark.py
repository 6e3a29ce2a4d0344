"""The chats' benchmark measures Coatcheck's own demo, and a page whose bytes are known."""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from benchmarks.browser.bench import find_chromium
from benchmarks.chats.album import Album
from benchmarks.chats.bench import Case, Record, Result
from benchmarks.chats.contenders import Chat, Sight, start_all
from benchmarks.chats.conversation import count_conversation, time_conversation
from benchmarks.chats.prompts import FOLDER_VARIABLE, prompt, requested
from benchmarks.chats.report import Run, tables
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.serving import serving

pytestmark = pytest.mark.timeout(240)  # three browsers, on a machine that has other things to do

EDGE = 256
PAGE = """<!doctype html><link rel="icon" href="data:,"><textarea></textarea><p></p><script>
const socket = new WebSocket(`ws://${location.host}/socket`);
socket.onmessage = ({data}) => {
  const picture = document.createElement("img");
  picture.src = data;
  document.querySelector("p").append(picture);
};
document.querySelector("textarea").onkeydown = ({key, target}) => {
  if (key === "Enter") socket.send(target.value);
};
</script>"""
SIGHT = Sight(composer="textarea", ready="textarea", layers="p img", media="/never/")


@pytest.fixture
def album(tmp_path: Path) -> Album:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Album(folder)


@pytest.fixture
def coatcheck(album: Album, tmp_path: Path) -> Iterator[Chat]:
    with ExitStack() as stack:
        chats, missing = start_all(stack, ["Coatcheck"], album.folder, tmp_path)
        assert missing == {}
        yield chats[0]


def test_the_demo_is_measured(album: Album, coatcheck: Chat) -> None:
    executable = find_chromium()
    names = album.fresh(2, EDGE)
    timed = asyncio.run(time_conversation(executable, coatcheck, names))
    for turn in timed.turns:
        assert 0 < turn.first <= turn.readable <= turn.full
        assert turn.width > 0
    assert len(timed.turns) == 2
    assert timed.busy > 0
    assert timed.heap > 0

    names = album.fresh(2, EDGE)
    counted = asyncio.run(count_conversation(executable, coatcheck, names))
    for name, traffic in zip(names, counted.turns, strict=True):
        size = Path(album.folder, f"{name}.png").stat().st_size
        assert size <= traffic.media <= size + 12_000  # and the thumbnail, and the answers' headers
        assert 0 < traffic.largest < traffic.stream < 50_000
        assert traffic.sent > len(prompt(name))
    assert counted.restored == 2
    assert counted.reload.stream > counted.opening.stream

    result = Result(Case(2, EDGE), {"Coatcheck": Record([timed], counted)})
    assert all(table.rows[0][1] for table in tables(Run({}, {}, [result])))


@pytest.mark.anyio
async def test_base64_in_messages_is_counted_to_the_byte(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(album.folder))
    sent: list[int] = []

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        async for message in socket.iter_text():
            data = base64.b64encode(requested(message).read_bytes()).decode()
            answer = f"data:image/png;base64,{data}"
            sent.append(len(answer))
            await socket.send_text(answer)

    app = Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(PAGE)),
            WebSocketRoute("/socket", talk),
        ]
    )
    names: Sequence[str] = album.fresh(1, EDGE)
    async with serving(app) as host:
        chat = Chat("inline", "1", int(host.rpartition(":")[2]), SIGHT)
        counted = await count_conversation(find_chromium(), chat, names)
    [traffic] = counted.turns
    assert (traffic.stream, traffic.largest) == (sent[0], sent[0])
    assert (traffic.sent, traffic.media) == (len(prompt(names[0])), 0)
    assert counted.restored == 0
