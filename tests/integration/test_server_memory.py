"""What another process of the server's user learns of it: of ``coatcheck-chat``, as it is started.

Root may look into any process, so where these tests run as root, the server and who looks give up
the capabilities that allow it, as if both were an ordinary user's.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's"),
]

SECRET = "sk-planted-in-the-environment"  # noqa: S105 - of nothing
_PR_CAPBSET_DROP = 24
_LOOKING = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38}


def as_an_ordinary_user() -> None:
    for capability in _LOOKING.values() if os.geteuid() == 0 else ():
        if ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise PermissionError


def start(*command: str, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=os.environ | environment | {"OPENAI_API_KEY": SECRET},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=as_an_ordinary_user,  # noqa: PLW1509 - no threads run yet
        )


def seen(process: subprocess.Popen[bytes]) -> bytes:
    """The environment of a process as another one of the same user reads it."""
    return subprocess.run(
        ["cat", f"/proc/{process.pid}/environ"],
        capture_output=True,
        preexec_fn=as_an_ordinary_user,
        check=False,
    ).stdout


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.terminate()
        process.wait(20)


async def test_no_process_of_the_same_user_reads_the_keys_of_the_server(
    processes: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    other = start("sleep", "60", log=tmp_path / "other")
    processes.append(other)
    server = start(
        *(sys.executable, "-m", "coatcheck_chat", "--port", "0"),
        log=tmp_path / "log",
        COATCHECK_DATA=str(tmp_path / "data"),
        COATCHECK_MODEL="offline",
    )
    processes.append(server)
    with anyio.fail_after(60):
        while b"http://" not in (tmp_path / "log").read_bytes():  # noqa: ASYNC110 - a file has no event
            await anyio.sleep(0.05)
    assert SECRET.encode() in seen(other)  # which is what such a process usually learns
    assert seen(server) == b""
