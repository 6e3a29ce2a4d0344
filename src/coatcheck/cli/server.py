"""``demo`` and ``serve``: the server process."""

import os
import socket
import sys
import webbrowser
from threading import Thread

from rich.console import Console

from coatcheck.errors import ConfigurationError
from coatcheck.settings import Settings
from coatcheck.workers.confinement import hide_memory

PING_SECONDS = 20.0
"""How often a WebSocket is pinged, and how long its answer may take."""

_GRACE_SECONDS = 10
_BACKLOG = 2048


def run_server(settings: Settings, host: str, port: int, *, open_browser: bool) -> None:
    """Serve until interrupted.

    Raises:
        ConfigurationError: the demo's packages are missing, the port is taken, or the model cannot
            be used.
    """
    try:
        import uvicorn  # noqa: PLC0415 - part of the demo extra

        from coatcheck.app import create_app  # noqa: PLC0415 - likewise
        from coatcheck.cli.logs import log_config  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise ConfigurationError(
            f"The server needs '{error.name}'. Install it with: pip install 'coatcheck[demo]'"
        ) from error
    hide_memory()  # signing and API keys; the library does this to no process of others
    app = create_app(settings, allowed_hosts=_allowed_hosts(settings.allowed_hosts, host))
    listener = _listen(host, port)
    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"
    Console(stderr=True).print(
        f"Coatcheck's chat is on [bold link={url}]{url}[/]  (Ctrl+C stops it)\n"
        f"Data: {settings.data.absolute()}   Model: {settings.model}",
        highlight=False,
    )
    if open_browser and _has_screen():
        # The socket listens already: a request that comes early waits for the application.
        Thread(target=webbrowser.open, args=[url], daemon=True).start()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level=settings.log_level.lower(),
            log_config=log_config(settings.log_level),
            # Frames are small; compressing them costs more time than it saves, and memory for each.
            ws_per_message_deflate=False,
            ws_max_size=128 * 1024,
            # A client that is gone without a word is found out by what it does not answer.
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            server_header=False,
        )
    )
    server.run(sockets=[listener])


def _allowed_hosts(configured: str, host: str) -> list[str]:
    names = [name.strip() for name in configured.split(",") if name.strip()]
    if names:
        return names
    return ["127.0.0.1", "localhost"] if host in {"127.0.0.1", "localhost"} else ["*"]


def _has_screen() -> bool:
    # Without one, `webbrowser` would start a text browser in this very terminal.
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # IPPROTO_TCP by name: asyncio switches Nagle's delay off only where it is told the protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Choose another port:"
            " coatcheck serve --port 8788, or PORT=8788 make demo."
        ) from error
    return listener
