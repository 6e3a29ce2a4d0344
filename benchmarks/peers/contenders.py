"""The servers that are compared, each started with what its own documentation recommends."""

import pwd
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import getuid
from pathlib import Path

from benchmarks.peers import install
from benchmarks.peers.corpus import Corpus
from benchmarks.peers.names import (
    BODY_VARIABLE,
    DATA_VARIABLE,
    FILES_VARIABLE,
    REVALIDATED_PATH,
)
from benchmarks.peers.processes import UnavailableError, free_port, started
from coatcheck.reference import MediaUrls
from coatcheck.signing import Keyring, UrlSigner

COATCHECK = "Coatcheck"
WHOLE_SERVER = "coatcheck serve"
SIGNED_SERVER = "coatcheck serve, signed"
BARE = "uvicorn alone"
NGINX = "nginx"
STARLETTE = "Starlette"
THUMBOR = "thumbor"
IPX = "ipx"
IMGPROXY = "imgproxy"

WIDTH = 768
"""Pixels of the variants that are compared. A put makes 512 and 1024, which so are never cold."""

_CORES = 2

Variant = Callable[[int, int], str]


def _no_variant(number: int, quality: int) -> str:
    raise LookupError(number, quality)


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server.

    Attributes:
        name: what the tables call it.
        pid: its process.
        port: where it listens on 127.0.0.1.
        revalidated: path of the thumbnail that is asked for with its validator.
        thumbnail: path of a ready thumbnail.
        original: path of the large original.
        variant: path of a WebP of `WIDTH` by a picture's number and a quality.
    """

    name: str
    pid: int
    port: int
    revalidated: str = ""
    thumbnail: str = ""
    original: str = ""
    variant: Variant = _no_variant


@contextmanager
def coatcheck(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """The media endpoint under uvicorn."""
    environment = {DATA_VARIABLE: str(corpus.data)}
    with _uvicorn("benchmarks.peers.coatcheck_app:app", place, environment) as (pid, port):
        yield _coatcheck(COATCHECK, pid, port, corpus, MediaUrls(""))


@contextmanager
def whole_server(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """``coatcheck serve`` with its defaults: host check, limits, metrics, access log."""
    with _served(WHOLE_SERVER, corpus, place, {}) as server:
        yield server


@contextmanager
def signed_server(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """The same where each URL must be signed."""
    keys = f"bench:{secrets.token_urlsafe(32)}"
    signer = UrlSigner(Keyring.parse(keys), time.time)
    environment = {"COATCHECK_ACCESS": "signed", "COATCHECK_KEYS": keys}
    with _served(SIGNED_SERVER, corpus, place, environment, signer) as server:
        yield server


@contextmanager
def _served(
    name: str,
    corpus: Corpus,
    place: Path,
    environment: Mapping[str, str],
    signer: UrlSigner | None = None,
) -> Iterator[Contender]:
    port = free_port()
    command = (sys.executable, "-m", "coatcheck", "serve", "--port", str(port))
    data = {"COATCHECK_DATA": str(corpus.served)}
    log = place / f"{name}.log"
    with started(command, port=port, log=log, environment={**data, **environment}) as pid:
        yield _coatcheck(name, pid, port, corpus, MediaUrls(signer=signer))


def _coatcheck(name: str, pid: int, port: int, corpus: Corpus, urls: MediaUrls) -> Contender:
    # Its quality is part of the recipe; the others' is tuned to the same size.
    def variant(number: int, _quality: int) -> str:
        url = urls.original(corpus.ids[number])
        return f"{url}{'&' if '?' in url else '?'}w={WIDTH}&format=webp"

    thumbnail = urls.thumbnail(corpus.ids[0])
    original = urls.original(corpus.large_id)
    return Contender(name, pid, port, thumbnail, thumbnail, original, variant)


@contextmanager
def starlette(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """FileResponse; StaticFiles, which is built on it, where 304 is measured."""
    environment = {FILES_VARIABLE: str(corpus.blobs)}
    with _uvicorn("benchmarks.peers.starlette_app:app", place, environment) as (pid, port):
        yield Contender(
            STARLETTE,
            pid,
            port,
            revalidated=f"/static/{corpus.thumbnail}",
            thumbnail=f"/file/{corpus.thumbnail}",
            original=f"/file/{corpus.large}",
        )


@contextmanager
def bare(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """Constant answers: what uvicorn itself costs, which no application can go below."""
    environment = {BODY_VARIABLE: str(corpus.blobs / corpus.thumbnail)}
    with _uvicorn("benchmarks.peers.bare_app:app", place, environment) as (pid, port):
        yield Contender(BARE, pid, port, revalidated=REVALIDATED_PATH, thumbnail="/")


@contextmanager
def _uvicorn(app: str, place: Path, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    port = free_port()
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header")
    command = (sys.executable, "-m", "uvicorn", app, "--port", str(port), *options)
    log = place / f"{app.partition(':')[0]}.log"
    with started(command, port=port, log=log, environment=environment) as pid:
        yield pid, port


@contextmanager
def nginx(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """One worker, sendfile, no log.

    Raises:
        UnavailableError: it cannot be had.
    """
    program = install.debian_program("nginx", "nginx")
    port = free_port()
    home = place / "nginx"
    home.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"{kind}_temp_path {home}/{kind}; " for kind in kinds)
    # The store's files are their owner's alone: root's worker must stay root to read them.
    user = "" if getuid() else f"user {pwd.getpwuid(0).pw_name};"
    configuration = home / "nginx.conf"
    configuration.write_text(
        f"""
        {user} daemon off; worker_processes 1; pid {home}/pid; error_log stderr error;
        events {{ worker_connections 4096; }}
        http {{
            {scratch}
            default_type image/webp; access_log off; sendfile on; tcp_nopush on;
            keepalive_requests 100000000;
            server {{ listen 127.0.0.1:{port} backlog=2048; root {corpus.blobs}; }}
        }}
        """,
        "utf-8",
    )
    command = (program, "-e", "stderr", "-p", home, "-c", configuration)
    library_path = install.library_path()
    with started(command, port=port, log=home / "log", environment=library_path) as pid:
        path = f"/{corpus.thumbnail}"
        yield Contender(NGINX, pid, port, path, path, f"/{corpus.large}")


@contextmanager
def thumbor(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """Two processes, reads files, keeps its results in files.

    Raises:
        UnavailableError: it cannot be had.
    """
    program = install.thumbor()
    port = free_port()
    configuration = place / "thumbor.conf"
    configuration.write_text(
        f"""
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = {str(corpus.pictures)!r}
STORAGE = "thumbor.storages.no_storage"
RESULT_STORAGE = "thumbor.result_storages.file_storage"
RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {str(place / "thumbor")!r}
RESULT_STORAGE_STORES_UNSAFE = True
ALLOW_UNSAFE_URL = True
""",
        "utf-8",
    )
    options = ("-i", "127.0.0.1", "-p", str(port), "--processes", str(_CORES), "-l", "error")
    command = (program, "-c", configuration, *options)
    with started(command, port=port, log=place / "thumbor.log", environment={}) as pid:

        def variant(number: int, quality: int) -> str:
            filters = f"filters:format(webp):quality({quality})"
            return f"/unsafe/{WIDTH}x0/{filters}/{number}.png"

        yield Contender(THUMBOR, pid, port, variant=variant)


@contextmanager
def ipx(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """One Node process, whose image library runs its own threads.

    Raises:
        UnavailableError: it cannot be had.
    """
    port = free_port()
    options = ("serve", "--dir", str(corpus.pictures), "--host", "127.0.0.1", "--port", str(port))
    command = (*install.ipx(), *options)
    environment = {"NODE_ENV": "production"}
    with started(command, port=port, log=place / "ipx.log", environment=environment) as pid:

        def variant(number: int, quality: int) -> str:
            return f"/f_webp,w_{WIDTH},q_{quality}/{number}.png"

        yield Contender(IPX, pid, port, variant=variant)


@contextmanager
def imgproxy(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """Its own server where one is installed; it is in no registry of packages.

    Raises:
        UnavailableError: imgproxy is not on the PATH.
    """
    program = shutil.which("imgproxy")
    if program is None:
        raise UnavailableError("not installed, and in no registry: put imgproxy on the PATH")
    port = free_port()
    environment = {
        "IMGPROXY_BIND": f"127.0.0.1:{port}",
        "IMGPROXY_LOCAL_FILESYSTEM_ROOT": str(corpus.pictures),
        "IMGPROXY_LOG_LEVEL": "error",
    }
    log = place / "imgproxy.log"
    with started((program,), port=port, log=log, environment=environment) as pid:

        def variant(number: int, quality: int) -> str:
            return f"/unsafe/rs:fit:{WIDTH}/q:{quality}/f:webp/plain/local:///{number}.png"

        yield Contender(IMGPROXY, pid, port, variant=variant)


def start_all(
    stack: ExitStack, corpus: Corpus, place: Path
) -> tuple[dict[str, Contender], dict[str, str]]:
    """Every server that can be had by name, and why the others cannot."""
    running: dict[str, Contender] = {}
    missing: dict[str, str] = {}
    for name, start in {
        COATCHECK: coatcheck,
        WHOLE_SERVER: whole_server,
        SIGNED_SERVER: signed_server,
        BARE: bare,
        NGINX: nginx,
        STARLETTE: starlette,
        THUMBOR: thumbor,
        IPX: ipx,
        IMGPROXY: imgproxy,
    }.items():
        try:
            running[name] = stack.enter_context(start(corpus, place))
        except UnavailableError as error:
            missing[name] = str(error)
    return running, missing
