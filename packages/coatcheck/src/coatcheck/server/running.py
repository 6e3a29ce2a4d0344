"""The server process: an application behind a listening socket, until it is interrupted."""

import ipaddress
import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from threading import Thread

from rich.console import Console
from rich.text import Text
from starlette.types import ASGIApp

from coatcheck.errors import ConfigurationError
from coatcheck.server.app import ServiceApplication
from coatcheck.server.logs import log_config
from coatcheck.server.process import ApplicationServer, listen
from coatcheck.server.settings import Settings
from coatcheck.workers.confinement import hide_memory


def run_server(
    create_app: Callable[[list[str]], ASGIApp],
    settings: Settings,
    host: str,
    port: int,
    *,
    name: str,
    details: Sequence[str] = (),
    open_browser: bool = False,
) -> None:
    """Serve until interrupted.

    Args:
        create_app: makes the application, given the names that it answers to.
        settings: what the installation decides.
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        name: what the first line on the terminal calls the server.
        details: more lines for the terminal.
        open_browser: open its page, where there is a screen.

    Raises:
        ConfigurationError: the port is taken, or a setting cannot be used.
        StorageError: the data directory cannot be used.
    """
    hide_memory()  # signing and API keys; the library does this to no process of others
    app = create_app(_allowed_hosts(settings.allowed_hosts, host))
    listener = _listen(host, port)

    def announce() -> None:
        shown_host = f"[{host}]" if ":" in host else host
        url = f"http://{shown_host}:{listener.getsockname()[1]}"
        Console(stderr=True).print(
            Text.assemble(f"{name} is on ", (url, f"bold link {url}"), "  (Ctrl+C stops it)\n"),
            Text("   ".join((f"Data: {settings.data.absolute()}", *details))),
            sep="",
            highlight=False,
        )
        if open_browser and _has_screen():
            Thread(target=webbrowser.open, args=[url], daemon=True).start()

    with listener:
        server = ApplicationServer(
            app,
            settings,
            log_config=log_config(settings.log_level),
            on_started=announce,
            find_ready=app.find_ready if isinstance(app, ServiceApplication) else None,
        )
        try:
            server.run(sockets=[listener])
        except SystemExit:  # how uvicorn ends when the application does not start
            if server.startup_error is not None:
                raise server.startup_error from None
            raise


def _allowed_hosts(configured: str, host: str) -> list[str]:
    names = [name.strip() for name in configured.split(",") if name.strip()]
    if names:
        return names
    if not _is_loopback(host):
        return ["*"]
    own = f"[{host}]" if ":" in host else host
    return [*dict.fromkeys((own, "127.0.0.1", "[::1]", "localhost"))]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_screen() -> bool:
    # Without one, `webbrowser` would start a text browser in this very terminal.
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Choose another port:"
            " --port 8788, or PORT=8788 in the environment."
        ) from error
