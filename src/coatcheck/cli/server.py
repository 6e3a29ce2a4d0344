"""``demo`` and ``serve``: the server process."""

import ipaddress
import os
import socket
import sys
import webbrowser
from threading import Thread

from rich.console import Console
from rich.text import Text

from coatcheck.errors import ConfigurationError
from coatcheck.settings import Settings
from coatcheck.workers.confinement import hide_memory


def run_server(settings: Settings, host: str, port: int, *, open_browser: bool) -> None:
    """Serve until interrupted.

    Raises:
        ConfigurationError: the demo's packages are missing, the port is taken, or a setting cannot
            be used.
        StorageError: the data directory cannot be used.
    """
    try:
        from coatcheck.app import create_app  # noqa: PLC0415 - part of the demo extra
        from coatcheck.cli.logs import log_config  # noqa: PLC0415 - likewise
        from coatcheck.cli.serving import ApplicationServer  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise ConfigurationError(
            f"The server needs '{error.name}'. Install it with: pip install 'coatcheck[demo]'"
        ) from error
    hide_memory()  # signing and API keys; the library does this to no process of others
    app = create_app(settings, allowed_hosts=_allowed_hosts(settings.allowed_hosts, host))
    listener = _listen(host, port)

    def announce() -> None:
        shown_host = f"[{host}]" if ":" in host else host
        url = f"http://{shown_host}:{listener.getsockname()[1]}"
        Console(stderr=True).print(
            Text.assemble(
                "Coatcheck's chat is on ", (url, f"bold link {url}"), "  (Ctrl+C stops it)\n"
            ),
            Text(f"Data: {settings.data.absolute()}   Model: {settings.model}"),
            sep="",
            highlight=False,
        )
        if open_browser and _has_screen():
            Thread(target=webbrowser.open, args=[url], daemon=True).start()

    with listener:
        server = ApplicationServer(
            app, settings, log_config=log_config(settings.log_level), on_started=announce
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
    from coatcheck.cli.serving import listen  # noqa: PLC0415 - part of the demo extra

    try:
        return listen(host, port)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}). Choose another port:"
            " coatcheck serve --port 8788, or PORT=8788 make demo."
        ) from error
