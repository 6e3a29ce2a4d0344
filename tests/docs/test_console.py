"""Every command of the documentation is typed, page by page, with the files that the page shows.

Pages that say so share one server, of which ``$ID`` is a picture, ``$CONVERSATION`` a conversation
and ``$PREVIEW`` a preview of a picture that is being made.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import pytest

from tests.docs.blocks import ROOT, Block, blocks_of, name_of, page_needs, pages
from tests.docs.shell import shell_in
from tests.media import png_bytes

FRAMEWORKS: Final = ROOT / ".venv-frameworks"
SERVER_PORT: Final = "8787"
SHELLS: Final = {"console", "sh"}


def is_typed(block: Block) -> bool:
    return block.is_run and block.language in SHELLS


TYPED: Final = [
    pytest.param(page, id=name_of(page)) for page in pages() if any(map(is_typed, blocks_of(page)))
]


@dataclass(frozen=True)
class Server:
    """A running ``coatcheck-chat``."""

    url: str
    data: Path

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def variables(self) -> dict[str, str]:
        """Something of each kind to ask the server for, made anew for each page."""
        conversation = str(uuid4())
        text = {"type": "text", "text": "draw a lighthouse at dusk, 512x512"}
        body = {"id": conversation, "message": {"role": "user", "parts": [text]}}
        with httpx.Client(base_url=self.url, timeout=60) as client:
            uploaded = client.post("/api/media/upload", content=png_bytes(640, 480))
            events = client.post("/api/chat", json=body).text
        previews = re.findall(r"/api/media/preview/([0-9a-f-]+)", events)
        return {
            "ID": uploaded.json()["id"],
            "CONVERSATION": conversation,
            "PREVIEW": previews[-1],
            "COATCHECK_DATA": str(self.data),
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "coatcheck_chat", "--port", "0"],
            env={"PATH": "/usr/bin:/bin", "COATCHECK_DATA": str(directory / "data")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Server(found[0], directory / "data")
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("page", TYPED)
def test_a_page_is_typed(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    blocks = [block for block in blocks_of(page) if block.is_run]
    needs = page_needs(page)
    if any("curl " in block.text for block in blocks if is_typed(block)) and not shutil.which(
        "curl"
    ):
        pytest.skip("curl is not installed")
    home = FRAMEWORKS if "frameworks" in needs else Path(sys.prefix)
    if not home.exists():
        pytest.skip("The frameworks' environment is not there: make .venv-frameworks/stamp")
    variables, ports = {}, {}
    if "server" in needs:
        running: Server = request.getfixturevalue("server")
        variables, ports = running.variables(), {SERVER_PORT: running.port}
    with shell_in(tmp_path, home=home, **variables) as shell:
        shell.ports.update(ports)
        shell.find_ports(blocks)
        for block in blocks:
            if "file" in block.marks:
                shell.write(block)
            elif is_typed(block):
                shell.run(block)


def test_output_that_differs_is_noticed(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    right = Block(page, 1, "console", "$ echo 'one two\n> three'\none…\n> three\n", {})
    wrong = Block(page, 1, "console", "$ echo one\ntwo\n", {})
    failing = Block(page, 1, "sh", "false\ntrue\n", {})
    kept = Block(page, 1, "console", "$ export WORD=kept\n$ mkdir -p a && cd a\n", {})
    asked = Block(page, 1, "console", '$ echo "$WORD $(basename $PWD)"\nkept a\n', {})
    with shell_in(tmp_path) as shell:
        shell.run(right)
        shell.run(kept)
        shell.run(asked)
        for block in (wrong, failing):
            with pytest.raises(AssertionError):
                shell.run(block)
