"""The chats that are compared: how each is started, and where its page has what."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.chats import apps
from benchmarks.chats.prompts import FOLDER_VARIABLE
from benchmarks.network import Network, proxy
from benchmarks.peers.install import python_program
from benchmarks.peers.processes import UnavailableError, free_port, started
from coatcheck import __version__

GRADIO = "6.31.0"
CHAINLIT = "2.12.0"
STREAMLIT = "1.67.0"

_ROOT = Path(__file__).parents[2]
_APPS = Path(apps.__path__[0])


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a page has what; CSS selectors.

    Attributes:
        composer: where a message is typed.
        ready: what is there when the next message is taken.
        layers: images that show a picture of an answer, or stand in for it.
        full: those among them that show the picture itself.
        box: what holds the layers of one picture; None where each picture is one image.
        key: the box's attribute that names the picture.
        media: a regular expression for the addresses of the pictures.
        pushes: whether binary frames of the page's WebSocket are pictures, and not messages.
    """

    composer: str
    ready: str
    layers: str
    media: str
    full: str = "*"
    box: str | None = None
    key: str | None = None
    pushes: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """One that is running.

    Attributes:
        name: such as ``Gradio``.
        version: of its package.
        port: of its server on loopback, or of a proxy before it.
        sight: where its page has what.
    """

    name: str
    version: str
    port: int
    sight: Sight

    @property
    def url(self) -> str:
        """Of its page."""
        return f"http://127.0.0.1:{self.port}/"


_GRADIO_BOX = "textarea[data-testid=textbox]"
_GRADIO_SIGHT = Sight(
    composer=_GRADIO_BOX,
    ready=f"{_GRADIO_BOX}:not(:disabled)",
    layers="[data-testid=bot] img",
    media="/gradio_api/file=",
)
_CHAINLIT_SIGHT = Sight(
    composer="#chat-input",
    ready="#chat-submit",
    layers=".inline-image img, img.inline-image",
    media="/project/file/",
)
_STREAMLIT_BOX = "[data-testid=stChatInputTextArea]"
_STREAMLIT_SIGHT = Sight(
    composer=_STREAMLIT_BOX,
    ready=f"{_STREAMLIT_BOX}:not(:disabled)",
    layers="[data-testid=stChatMessage] img",
    media="^http://[^/]+/media/",  # not the fonts of /static/media/
)
_COATCHECK_SIGHT = Sight(
    composer="[data-testid=composer-input]",
    ready="[data-testid=composer-send]",
    layers="[data-testid=media-image] img",
    full=".coat-image-full",
    box="[data-testid=media-image]",
    key="data-media-id",
    media="/api/media/",
    pushes=True,
)

Start = Callable[[Path, Path], AbstractContextManager[Chat]]
"""Takes the folder of the pictures, and one for its own data and log."""


@contextmanager
def coatcheck(pictures: Path, place: Path) -> Iterator[Chat]:
    """The demo's server with its defaults; its painter has the pictures already."""
    port = free_port()
    command = (sys.executable, _APPS / "coatcheck_demo.py", "--port", str(port))
    environment = {"COATCHECK_DATA": str(place / "data")}
    with _chat(command, port, place / "coatcheck.log", pictures, environment):
        yield Chat("Coatcheck", __version__, port, _COATCHECK_SIGHT)


@contextmanager
def gradio(pictures: Path, place: Path, *, inline: bool) -> Iterator[Chat]:
    """``ChatInterface``.

    Args:
        pictures: their folder.
        place: for its log.
        inline: answer with base64 in Markdown, not with ``gr.Image``.

    Raises:
        UnavailableError: it cannot be had.
    """
    python = python_program("gradio", GRADIO).with_name("python")
    port = free_port()
    script = "gradio_inline_chat.py" if inline else "gradio_chat.py"
    environment = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(place / "gradio")}
    command = (python, _APPS / script, str(port))
    with _chat(command, port, place / f"{script}.log", pictures, environment):
        yield Chat("Gradio, base64" if inline else "Gradio", GRADIO, port, _GRADIO_SIGHT)


@contextmanager
def chainlit(pictures: Path, place: Path) -> Iterator[Chat]:
    """``chainlit run``. It sends no telemetry by itself.

    Raises:
        UnavailableError: it cannot be had.
    """
    program = python_program("chainlit", CHAINLIT)
    port = free_port()
    home = place / "chainlit"
    home.mkdir()
    address = ("--host", "127.0.0.1", "--port", str(port))
    command = (program, "run", _APPS / "chainlit_chat.py", "--headless", *address)
    environment = {"CHAINLIT_APP_ROOT": str(home)}
    with _chat(command, port, place / "chainlit.log", pictures, environment):
        yield Chat("Chainlit", CHAINLIT, port, _CHAINLIT_SIGHT)


@contextmanager
def streamlit(pictures: Path, place: Path) -> Iterator[Chat]:
    """``streamlit run``.

    Raises:
        UnavailableError: it cannot be had.
    """
    program = python_program("streamlit", STREAMLIT)
    port = free_port()
    address = ("--server.address", "127.0.0.1", "--server.port", str(port))
    command = (program, "run", _APPS / "streamlit_chat.py", "--server.headless", "true", *address)
    environment = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    with _chat(command, port, place / "streamlit.log", pictures, environment):
        yield Chat("Streamlit", STREAMLIT, port, _STREAMLIT_SIGHT)


EVERY: Mapping[str, Start] = {
    "Coatcheck": coatcheck,
    "Gradio": partial(gradio, inline=False),
    "Gradio, base64": partial(gradio, inline=True),
    "Chainlit": chainlit,
    "Streamlit": streamlit,
}
"""How each is started, by name."""


def start_all(
    stack: ExitStack, names: Sequence[str], pictures: Path, place: Path
) -> tuple[list[Chat], dict[str, str]]:
    """The chats of these names that can be had, and why the others cannot."""
    running: list[Chat] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            running.append(stack.enter_context(EVERY[name](pictures, place)))
        except UnavailableError as error:
            missing[name] = str(error)
    return running, missing


def behind(stack: ExitStack, chats: Sequence[Chat], network: Network, place: Path) -> list[Chat]:
    """The same chats, each reached through a proxy that is as slow as `network`."""
    return [
        replace(
            chat,
            port=stack.enter_context(proxy(network, chat.port, place / f"proxy-{chat.port}.log")),
        )
        for chat in chats
    ]


@contextmanager
def _chat(
    command: Sequence[str | Path],
    port: int,
    log: Path,
    pictures: Path,
    environment: Mapping[str, str],
) -> Iterator[None]:
    ours = {FOLDER_VARIABLE: str(pictures), "PYTHONPATH": str(_ROOT)}
    with started(command, port=port, log=log, environment={**ours, **environment}):
        yield
