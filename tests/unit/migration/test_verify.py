"""Verifying compares every picture with the backup, bit for bit, and misses nothing."""

import json
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import open_source
from coatcheck.migration.rewrite import Walk, rewrite
from coatcheck.migration.verify import Findings, verify
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(300, 200)
OTHER = png_bytes(300, 200, seed=1)
LEGACY = formatted({"imageData": encoded(PICTURE), "prompt": "sea"})


def nothing(_: int) -> None:
    pass


@pytest.fixture
async def history(store: MediaStore, tmp_path: Path) -> Path:
    """A history that is rewritten, of two rows with the same picture."""
    path = tmp_path / "h.jsonl"
    path.write_text(f"{LEGACY}\n{LEGACY}\n", "utf-8")
    async with aclosing(await open_source(str(path))) as source:
        await rewrite(source, Walk(store), log_of(path), advance=nothing)
    return path


def log_of(path: Path) -> MigrationLog:
    return MigrationLog(path.with_suffix(".log"))


def backup_of(path: Path) -> Path:
    return path.with_name("h.jsonl.before-coatcheck")


async def findings_of(store: MediaStore, path: Path) -> Findings:
    async with aclosing(await open_source(str(path))) as source:
        return await verify(source, store, log_of(path), advance=nothing)


def edit(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change the first row's line of a log."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(next(line for line in lines if line.get("row") == 1))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


async def test_all_is_well(store: MediaStore, history: Path) -> None:
    findings = await findings_of(store, history)
    # Two rows hold the same picture: both refer to it by the same reference.
    assert (findings.rows, findings.references, findings.originals) == (2, 1, 2)
    assert (findings.broken, findings.inline) == ([], 0)


async def test_a_picture_that_is_not_in_the_original_is_broken(
    store: MediaStore, history: Path
) -> None:
    """Another picture came to stand for a row's: it reads back, and is not what the row held."""
    other = await store.put(OTHER)
    edit(
        history.with_suffix(".log"),
        lambda line: line.update(references=[{"id": other.id, "digest": other.digest}]),
    )
    findings = await findings_of(store, history)
    assert findings.broken == [f"row 1: {other.id} is not in the original"]


async def test_a_reference_that_is_not_what_the_log_says_is_broken(
    store: MediaStore, history: Path
) -> None:
    entry = (await log_of(history).rows())[1]
    edit(
        history.with_suffix(".log"),
        lambda line: line.update(
            references=[{"id": entry.references[0].id, "digest": "sha-256:" + "0" * 64}]
        ),
    )
    (reference,) = entry.references
    assert (await findings_of(store, history)).broken == [
        f"row 1: {reference.id} is not what the log says",
        f"row 1: {reference.id} is not in the original",
    ]


async def test_a_reference_that_leads_nowhere_is_broken(store: MediaStore, history: Path) -> None:
    entry = (await log_of(history).rows())[2]
    await store.delete(entry.references[0].id)
    findings = await findings_of(store, history)
    assert findings.broken == [
        f"row {key}: {entry.references[0].id} cannot be read" for key in (1, 2)
    ]


async def test_a_backup_that_is_gone_is_broken(store: MediaStore, history: Path) -> None:
    backup_of(history).unlink()
    assert (await findings_of(store, history)).broken == [
        f"row {key}: the backup does not have it" for key in (1, 2)
    ]


async def test_a_backup_that_was_changed_vouches_for_nothing(
    store: MediaStore, history: Path
) -> None:
    backup = backup_of(history)
    backup.write_bytes(backup.read_bytes().replace(b'"sea"', b'"see"', 1))
    findings = await findings_of(store, history)
    (broken,) = findings.broken
    assert broken.startswith("row 1: the backup has another text than the one that was rewritten")
    assert findings.originals == 1


async def test_what_is_inline_still_is_counted(store: MediaStore, history: Path) -> None:
    with history.open("a") as file:
        file.write(LEGACY + "\n")
    assert (await findings_of(store, history)).inline == 1


@pytest.mark.parametrize("times", [1, 2])
async def test_base64_is_found_however_json_spells_it(
    store: MediaStore, tmp_path: Path, times: int
) -> None:
    # With a plus, a slash, and padding.
    data = next(
        data
        for seed in range(100)
        if {"+", "/", "="} <= set(encoded(data := png_bytes(300, 200, seed)))
    )
    line = json.dumps({"output": {"imageData": encoded(data), "prompt": "sea"}})
    for character, spelled in (("+", "\\u002B"), ("/", "\\/"), ("=", "\\u003D")):
        line = line.replace(character, spelled)
    path = tmp_path / "h.jsonl"
    path.write_text((line if times == 1 else json.dumps({"a": line})) + "\n", "utf-8")
    async with aclosing(await open_source(str(path))) as source:
        summary = await rewrite(source, Walk(store), log_of(path), advance=nothing)
    assert summary.changed == 1
    findings = await findings_of(store, path)
    assert (findings.originals, findings.broken) == (1, [])
