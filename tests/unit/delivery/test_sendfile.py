"""Which originals are left to the proxy in front: those whose file is what the catalog says."""

from pathlib import Path

import pytest
from starlette.datastructures import Headers

from coatcheck.delivery.sendfile import SendFile
from coatcheck.opening import Backends
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

NOTHING = Headers({})


async def test_a_file_of_another_length_is_left_to_this_server(backends: Backends) -> None:
    reference = await backends.store.put(png_bytes())
    sendfile = SendFile.parse("x-sendfile", backends.local_paths)
    assert sendfile is not None
    found = await sendfile.find(reference.digest, reference.size, NOTHING)
    assert found is not None
    name, path = found
    assert (name, Path(path).read_bytes()) == ("x-sendfile", png_bytes())
    for content in (png_bytes()[:-1], png_bytes() + b"x", b""):
        Path(path).chmod(0o600)
        Path(path).write_bytes(content)
        assert await sendfile.find(reference.digest, reference.size, NOTHING) is None


async def test_what_a_proxy_would_judge_by_its_own_validators_is_left_to_this_server(
    backends: Backends,
) -> None:
    reference = await backends.store.put(png_bytes())
    sendfile = SendFile.parse("x-accel-redirect:/internal/", backends.local_paths)
    assert sendfile is not None
    for name in ("if-match", "if-unmodified-since"):
        headers = Headers({name: "*"})
        assert await sendfile.find(reference.digest, reference.size, headers) is None
    found = await sendfile.find(reference.digest, reference.size, Headers({"range": "bytes=0-9"}))
    assert found is not None
    assert found[0] == "x-accel-redirect"
    assert found[1].startswith("/internal/")
    assert "//" not in found[1]
