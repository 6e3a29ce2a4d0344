"""The server process, or several: an application behind a listening socket, until interrupted."""

import asyncio
import ipaddress
import logging.config
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread

from rich.console import Console
from rich.text import Text
from starlette.types import ASGIApp

from coatcheck.errors import ConfigurationError
from coatcheck.server.app import ServiceApplication, Worker, create_app
from coatcheck.server.logs import log_config
from coatcheck.server.process import ApplicationServer, listen
from coatcheck.server.settings import ServiceSettings, Settings
from coatcheck.server.supervisor import supervise
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
    with _listen(host, port) as listener:

        def announce() -> None:
            url = _announce(settings, host, listener, name, details)
            if open_browser and _has_screen():
                Thread(target=webbrowser.open, args=[url], daemon=True).start()

        _serve(app, settings, listener, announce)


def run_workers(
    settings: ServiceSettings, host: str, port: int, workers: int, *, name: str, command: str
) -> None:
    """Serve media with several processes until interrupted.

    Args:
        settings: what the installation decides; the workers read the same from the environment.
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        workers: how many processes answer requests.
        name: what the first line on the terminal calls the server.
        command: the module that a worker runs, with the arguments of `run_worker`.

    Raises:
        ConfigurationError: the port is taken, or a setting cannot be used.
        SystemExit: the first worker could not start, and has said why; with its exit code.
    """
    hide_memory()
    create_app(settings)  # what is wrong with a setting is said here, once
    logging.config.dictConfig(log_config(settings.log_level))
    with _listen(host, port) as listener:
        supervise(
            lambda number, inherited, channel, directory: [
                *(sys.executable, "-m", command, host, str(number)),
                *(str(inherited), str(channel), str(directory)),
            ],
            listener,
            workers,
            on_started=lambda: _announce(settings, host, listener, name),
        )


def run_worker(
    settings: ServiceSettings, host: str, number: int, listener: int, channel: int, directory: Path
) -> None:
    """Serve media as one of several processes, until told to stop or the supervisor is gone.

    Args:
        settings: what the installation decides.
        host: the address that is listened on.
        number: of this worker, from 1.
        listener: descriptor of the listening socket.
        channel: descriptor of the socket to the supervisor.
        directory: where the workers meet.

    Raises:
        ConfigurationError: a setting cannot be used.
        StorageError: the data directory cannot be used.
    """
    hide_memory()
    app = create_app(
        settings,
        allowed_hosts=_allowed_hosts(settings.allowed_hosts, host),
        worker=Worker(number, directory),
    )
    with (
        socket.socket(fileno=listener) as listening,
        socket.socket(fileno=channel) as supervisor,
    ):

        def say_started() -> None:
            supervisor.send(b"1")
            # Nothing is ever sent back: it becomes readable when the supervisor is gone.
            asyncio.get_running_loop().add_reader(supervisor, end)

        def end() -> None:
            asyncio.get_running_loop().remove_reader(supervisor)
            signal.raise_signal(signal.SIGTERM)

        _serve(app, settings, listening, say_started)


def _serve(
    app: ASGIApp, settings: Settings, listener: socket.socket, on_started: Callable[[], None]
) -> None:
    server = ApplicationServer(
        app,
        settings,
        log_config=log_config(settings.log_level),
        on_started=on_started,
        find_ready=app.find_ready if isinstance(app, ServiceApplication) else None,
    )
    try:
        server.run(sockets=[listener])
    except SystemExit:  # how uvicorn ends when the application does not start
        if server.startup_error is not None:
            raise server.startup_error from None
        raise


def _announce(
    settings: Settings,
    host: str,
    listener: socket.socket,
    name: str,
    details: Sequence[str] = (),
) -> str:
    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"
    Console(stderr=True).print(
        Text.assemble(f"{name} is on ", (url, f"bold link {url}"), "  (Ctrl+C stops it)\n"),
        Text("   ".join((f"Data: {settings.data.absolute()}", *details))),
        sep="",
        highlight=False,
    )
    return url


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
