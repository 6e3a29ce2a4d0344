"""A history of 50 MB, as `coatcheck migrate` treats it, and as the chat opens it."""

import base64
import hashlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaUrls
from coatcheck.storage.catalog import Database
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import CHAT, ChatHistory
from coatcheck_chat.history.sql_log import SqlConversationLog
from tests.legacy import FILE_NAME, formatted, reference, text_message, tool_message
from tests.media import png_bytes
from tests.seeding import seed

MESSAGES: Final = 24
PADDING: Final = 1_570_000
CONVERSATION: Final = "9188cc90-b172-47e9-b493-4e22175bd478"


def picture(index: int) -> bytes:
    """A PNG with a text chunk's worth of noise behind its end: 1.6 MB that nothing can shrink."""
    return png_bytes(200, 150, index) + random.Random(index).randbytes(PADDING)


def message(index: int) -> dict[str, Any]:
    data = base64.b64encode(picture(index)).decode()
    uri = f"data:image/png;base64,{data}"
    about = {"prompt": f"a lighthouse, take {index}", "model": "dall-e-3"}
    outputs: list[Any] = [
        formatted({"imageData": data} | about),
        {"imageUrl": uri} | about,
        {"success": True, "data": {"image_data": data} | about},
        formatted({"url": uri} | about),
    ]
    if index % 5 == 4:
        return text_message(f"m{index}", f"Look: ![take {index}]({uri})")
    return tool_message(f"m{index}", outputs[index % len(outputs)])


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 MB in a table."""
    path = tmp_path_factory.mktemp("legacy") / "chat.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE chat (id INTEGER PRIMARY KEY, content JSON)")
    for index in range(MESSAGES):
        row = (json.dumps(message(index), ensure_ascii=False),)
        connection.execute("INSERT INTO chat (content) VALUES (?)", row)
    connection.commit()
    connection.close()
    assert path.stat().st_size > 50_000_000
    return path


@pytest.fixture
def copy(history: Path, tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    path.write_bytes(history.read_bytes())
    return path


def expected() -> set[str]:
    return {hashlib.sha256(picture(index)).hexdigest() for index in range(MESSAGES)}


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    # Where SIGINT is ignored (nohup, a script's background), a child would inherit that. A handler
    # it does not.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "coatcheck", "migrate", *arguments],
            env=os.environ | {"COATCHECK_DATA": str(data), "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    finally:
        signal.signal(signal.SIGINT, ours)


def migrate(data: Path, *arguments: str, code: int = 0) -> str:
    process = start(data, *arguments)
    output = process.communicate(timeout=110)[0].decode()
    assert process.returncode == code, output
    return output


def digests_by_id(data: Path) -> dict[str, str]:
    connection = sqlite3.connect(data / "catalog.sqlite3")
    found = connection.execute("SELECT id, digest FROM media").fetchall()
    connection.close()
    return {row[0]: row[1].removeprefix("sha-256:") for row in found}


def test_a_table_shrinks_by_99_percent_and_every_image_is_what_it_was(
    copy: Path, data: Path
) -> None:
    where = (str(copy), "--table", "chat", "--column", "content")
    before = copy.stat().st_size
    scanned = migrate(data, where[0], "scan", *where[1:])
    assert re.search(rf"images found\s+{MESSAGES}\b", scanned)
    assert copy.stat().st_size == before
    assert "would be" in migrate(data, where[0], "rewrite", *where[1:], "--dry-run")
    assert copy.stat().st_size == before
    rewritten = migrate(data, where[0], "rewrite", *where[1:])
    assert re.search(rf"rows rewritten\s+{MESSAGES}\b", rewritten)
    assert copy.stat().st_size < before / 100
    verified = migrate(data, where[0], "verify", *where[1:])
    assert f"{MESSAGES} pictures as in the backup, 0 inline still, 0 broken" in verified
    connection = sqlite3.connect(copy)
    text = "".join(row[0] for row in connection.execute("SELECT content FROM chat"))
    connection.close()
    kept = digests_by_id(data)
    assert {kept[found] for found in re.findall(r"media://([0-9a-f-]{36})", text)} == expected()
    assert copy.with_name("chat.db.before-coatcheck").stat().st_size >= before


def test_interrupted_it_says_so_and_goes_on(copy: Path, data: Path) -> None:
    where = (str(copy), "rewrite", "--table", "chat", "--column", "content")
    log = copy.with_name("chat.db.coatcheck-log.jsonl")
    lock = sqlite3.connect(copy, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # it can read and back up; before its first write it waits
    process = start(data, *where)
    while not log.exists() or b'"row"' not in log.read_bytes():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    lock.execute("ROLLBACK")
    lock.close()
    output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, output
    assert "run this again to go on" in output
    assert "Traceback" not in output
    again = migrate(data, *where)
    assert not re.search(r"rows rewritten\s+0\b", again)
    assert "0 inline still, 0 broken" in migrate(data, where[0], "verify", *where[2:])


def test_verify_that_finds_something_broken_fails(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(formatted({"imageData": base64.b64encode(png_bytes(90, 60)).decode()}), "utf-8")
    migrate(data, str(path), "rewrite")
    assert "1 pictures as in the backup" in migrate(data, str(path), "verify")
    log = path.with_name("h.jsonl.coatcheck-log.jsonl")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (row,) = (line for line in lines if "row" in line)
    row["references"][0]["digest"] = "sha-256:" + "0" * 64  # of another picture
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    output = migrate(data, str(path), "verify", code=1)
    assert f"broken row 1: {row['references'][0]['id']} is not in the original" in output
    assert "2 broken" in output


def test_files_are_read_by_scan_and_rewrite(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / FILE_NAME).write_bytes(png_bytes(300, 200))
    row = {"imageReference": reference(png_bytes(32, 24)), "prompt": "x"}
    path = tmp_path / "h.jsonl"
    path.write_text(json.dumps(row), "utf-8")
    assert "stays: file_not_read" in migrate(data, str(path))
    with monkeypatch.context() as patched:
        patched.setenv("COATCHECK_OWNER_BYTES", "1")  # of which the scan knows nothing
        scanned = migrate(data, str(path), "--files", str(pictures))
    assert not data.exists()
    rewritten = migrate(data, str(path), "rewrite", "--files", str(pictures))
    for output in (scanned, rewritten):
        assert "stays" not in output
        assert re.search(r"rows (would be )?rewritten +1\b", output)
    assert "1 references read back" in migrate(data, str(path), "verify")


def test_the_scan_promises_what_rewriting_does_and_names_what_changes_its_type(
    data: Path, tmp_path: Path
) -> None:
    whole, cut = (
        base64.b64encode(png_bytes(300, 200)).decode()[:length] for length in (None, 6000)
    )
    lines = [
        {"imageData": whole, "imageReference": {"thumbnail_base64": cut}, "prompt": "x"},
        {"a": [whole, cut]},
        {"\x1b[2J": whole},
    ]
    path = tmp_path / "h.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    outputs = [migrate(data, str(path), mode) for mode in ("scan", "rewrite")]
    counted, done = (
        re.findall(
            r"(?:images found|rows (?:with|re|would)[a-z ]+|stays: \w+|objects) +(\d+)", output
        )
        for output in outputs
    )
    assert counted == done == ["3", "3", "4", "1", "2"]
    for output in outputs:
        assert "row 2: /a/0\n" in output
        assert "row 3: /\\x1b[2J\n" in output
        assert "\x1b" not in output


@pytest.mark.anyio
async def test_a_conversation_opens_shows_its_pictures_and_shrinks(data: Path) -> None:
    said = [message(index) for index in range(MESSAGES)]
    async with open_backends(StoreOptions(data=data), participants=[ChatHistory()]) as backends:
        database = await Database.open(data / "catalog.sqlite3", [CHAT])
        await seed(database, CONVERSATION, said)
        size = await rows_size(database)
        assert size > 50_000_000
        history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
        page = await history.page(CONVERSATION, owner=None, limit=MESSAGES)
        shown = json.dumps(page.messages)
        assert await rows_size(database) < size / 100
        await database.aclose()
        ids = set(re.findall(r"/api/media/image/([0-9a-f-]{36})", shown))
        digests = set()
        for reference_id in ids:
            stream = await backends.store.open(reference_id)
            content = b"".join([chunk async for chunk in stream.chunks])
            digests.add(hashlib.sha256(content).hexdigest())
        assert digests == expected()
    assert len(shown) < 100_000


async def rows_size(database: Database) -> int:
    async with database.read() as connection:
        found = await connection.exec_driver_sql("SELECT sum(length(content)) FROM messages")
        return int(found.scalar_one())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.jsonl"], "cannot be read"),
        (["{history}"], "--table and --column"),
        (["{history}", "--table", "absent", "--column", "c"], "no table"),
        (["{history}", "rewrite", "--table", "chat", "--column", "content", "--files", "x"], "dir"),
        (["{catalog}", "rewrite", "--table", "messages", "--column", "content"], "own catalog"),
    ],
)
def test_what_cannot_be_done_is_one_readable_line(
    history: Path, data: Path, arguments: list[str], words: str
) -> None:
    migrate(data, str(history), "verify", "--table", "chat", "--column", "content")
    catalog = data / "catalog.sqlite3"
    named = [argument.format(history=history, catalog=catalog) for argument in arguments]
    output = migrate(data, *named, code=1)
    assert words in output
    assert "invalid_input" in output
    assert "Traceback" not in output
