"""The commands as a user runs them: real processes, real exit codes, real output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck.version import __version__
from tests.media import png_bytes


def coatcheck(
    data: Path, *arguments: str, module: str = "coatcheck", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"COATCHECK_DATA": str(data), "COLUMNS": "100"} | variables
    environment.pop("FORCE_COLOR", None)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "lighthouse.png"
    path.write_bytes(png_bytes(300, 200))
    return path


def stored_id(result: subprocess.CompletedProcess[bytes]) -> str:
    return str(json.loads(result.stdout)["id"])


def test_a_file_that_is_put_comes_back_bit_for_bit(data: Path, picture: Path) -> None:
    result = coatcheck(data, "put", "--json", str(picture))
    assert result.returncode == 0, result.stderr
    reference = json.loads(result.stdout)
    assert (reference["width"], reference["displayName"]) == (300, "lighthouse.png")
    assert "url" not in reference
    to_stdout = coatcheck(data, "get", reference["id"])
    assert (to_stdout.returncode, to_stdout.stdout) == (0, picture.read_bytes())
    copy = picture.with_name("copy.png")
    assert coatcheck(data, "get", reference["id"], "-o", str(copy)).returncode == 0
    assert copy.read_bytes() == picture.read_bytes()


def test_a_refused_file_is_told_and_the_others_are_stored(
    data: Path, picture: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken [1].png"
    broken.write_bytes(b"no picture")
    result = coatcheck(data, "put", "--json", str(broken), str(picture))
    assert result.returncode == 1
    assert b"broken [1].png" in result.stderr
    assert b"unsupported_media_type" in result.stderr
    assert json.loads(result.stdout)["displayName"] == "lighthouse.png"


def test_a_narrow_terminal_shows_the_whole_id(data: Path, picture: Path) -> None:
    result = coatcheck(data, "put", str(picture), COLUMNS="60")
    identifier = result.stdout.decode().splitlines()[1].split()[0]
    assert coatcheck(data, "get", identifier, "-o", os.devnull).returncode == 0


def test_put_prints_a_table_for_people(data: Path, picture: Path) -> None:
    result = coatcheck(data, "put", str(picture))
    assert result.returncode == 0
    for word in ("lighthouse.png", "image/png", "300×200"):
        assert word in result.stdout.decode()


def test_verify_is_content_until_a_blob_rots(data: Path, picture: Path) -> None:
    assert b"nothing is stored" in coatcheck(data, "verify").stdout
    digest = json.loads(coatcheck(data, "put", "--json", str(picture)).stdout)["digest"]
    sound = coatcheck(data, "verify")
    assert (sound.returncode, sound.stdout) == (0, b"Verified: 2 sound.\n")
    name = digest.removeprefix("sha-256:")
    blob = data / "blobs" / name[:2] / name[2:4] / name
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    damaged = coatcheck(data, "verify")
    assert (damaged.returncode, damaged.stdout) == (1, b"Verified: 1 damaged, 1 sound.\n")
    assert name.encode() in damaged.stderr.replace(b"\n", b"")
    blob.unlink()
    missing = coatcheck(data, "verify")
    assert (missing.returncode, missing.stdout) == (1, b"Verified: 1 missing, 1 sound.\n")


def test_an_unknown_id_is_one_readable_line(data: Path) -> None:
    result = coatcheck(data, "get", "nothing-of-the-kind")
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.decode().strip() == ("Error (not_found): There is no media under this id.")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("COATCHECK_MAX_BYTES", "lots"), ("COATCHECK_MAX_PIXELS", "0"), ("COATCHECK_WORKERS", "-1")],
)
def test_a_wrong_setting_is_named(data: Path, variable: str, value: str) -> None:
    result = coatcheck(data, "verify", **{variable: value})
    assert result.returncode == 1
    assert variable in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()


def test_a_data_directory_that_cannot_be_used_is_told(data: Path) -> None:
    data.write_bytes(b"a file")
    result = coatcheck(data, "verify")
    assert result.returncode == 1
    assert b"storage_failed" in result.stderr
    assert b"Traceback" not in result.stderr


def test_the_limits_of_the_environment_hold(data: Path, picture: Path) -> None:
    small = coatcheck(data, "put", str(picture), COATCHECK_MAX_BYTES="100")
    assert b"media_too_large" in small.stderr
    flat = coatcheck(data, "put", str(picture), COATCHECK_MAX_PIXELS="100")
    assert b"pixel_budget_exceeded" in flat.stderr


@pytest.mark.parametrize("command", ["demo", "serve", "put", "get", "migrate", "verify"])
def test_every_command_explains_itself(data: Path, command: str) -> None:
    result = coatcheck(data, command, "--help")
    assert result.returncode == 0
    assert f"coatcheck {command}" in result.stdout.decode()
    assert not data.exists()


def test_the_version_and_the_help_are_there(data: Path) -> None:
    assert coatcheck(data, "--version").stdout.decode().strip() == __version__
    assert b"verify" in coatcheck(data, "--help").stdout


def test_a_taken_port_and_an_unknown_model_are_readable(data: Path) -> None:
    import socket  # noqa: PLC0415 - for this test alone

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = coatcheck(data, "serve", "--port", port)
        assert result.returncode == 1
        assert "--port" in result.stderr.decode()
        assert "Traceback" not in result.stderr.decode()
    model = coatcheck(data, "--port", "0", module="coatcheck_chat", COATCHECK_MODEL="no:thing")
    assert model.returncode == 1
    assert "COATCHECK_MODEL=no:thing" in model.stderr.decode()


def test_bench_stream_compares_the_two_ways_and_writes_what_it_found(
    data: Path, tmp_path: Path
) -> None:
    result = coatcheck(
        data,
        *("bench", "stream", "--no-browser", "-o", str(tmp_path / "figures")),
        module="coatcheck_chat",
    )
    assert result.returncode == 0, result.stderr
    assert b"legacy" in result.stdout
    pictures = json.loads((tmp_path / "figures" / "stream.json").read_text("utf-8"))["pictures"]
    assert [each["edge"] for each in pictures] == [320, 1024, 2048]
    for picture in pictures:
        part, frame, _parsing, tokens, database = picture["measures"]
        assert part["reference"] <= 700
        assert frame["reference"] <= 2048
        assert tokens["reference"] < 120
        for each in (part, frame, tokens, database):
            assert each["legacy"] > 50 * each["reference"]


@pytest.mark.parametrize(
    ("missing", "hint"),
    [("uvicorn", "pip install 'coatcheck[server]'"), ("typer", "pip install 'coatcheck[cli]'")],
)
def test_a_command_without_its_extra_says_how_to_get_it(
    data: Path, missing: str, hint: str
) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = ['serve', '--port', '0'];"
        "from coatcheck.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"COATCHECK_DATA": str(data), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert hint in result.stderr
    assert "Traceback" not in result.stderr
