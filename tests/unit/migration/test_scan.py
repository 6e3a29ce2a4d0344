"""What the scan promises is what rewriting does, and both say where a string became an object."""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from coatcheck.migration.files import AllowedFiles
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.retyping import retyped
from coatcheck.migration.rewrite import MAX_PLACES, Rewritten, Summary, Walk, rewrite, scan
from coatcheck.migration.verify import Findings, verify
from coatcheck.payload.offload import OffloadReport
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted, reference, results, text_message
from tests.media import png_bytes
from tests.unit.migration.histories import CUT, PICTURES, THUMBNAIL, histories, jsonl

pytestmark = pytest.mark.anyio

PICTURE = PICTURES[0]
TEXT = encoded(PICTURE)


def nothing(_: int) -> None:
    pass


async def scanned(walk: Walk, path: Path, lines: list[str]) -> Summary:
    async with aclosing(await jsonl(path, lines)) as source:
        return await scan(source, walk, advance=nothing)


async def rewritten(
    walk: Walk, store: MediaStore, path: Path, lines: list[str]
) -> tuple[Summary, Findings]:
    log = MigrationLog(path.with_suffix(".log"))
    async with aclosing(await jsonl(path, lines)) as source:
        summary = await rewrite(source, walk, log, advance=nothing)
        return summary, await verify(source, store, log, advance=nothing)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=histories)
async def test_any_history_is_rewritten_as_the_scan_promised(
    store: MediaStore, tmp_path: Path, lines: list[str]
) -> None:
    path = tmp_path / f"{uuid4()}.jsonl"
    walk = Walk(store)
    promised = await scanned(walk, path, lines)
    done, findings = await rewritten(walk, store, path, lines)
    assert promised == done
    assert findings.broken == []


async def test_the_scan_counts_what_will_stay_and_leaves_nothing(
    store: MediaStore, tmp_path: Path
) -> None:
    """Eight rows with pictures, of which one is cut short and one has its thumbnail beside it."""
    shapes = results(PICTURE, THUMBNAIL)
    lines = [json.dumps(shapes[f"object, {name}"]) for name in ("imageData", "url", "both")]
    lines += [json.dumps(shapes["text, beside a reference"]), json.dumps({"a": [CUT]})]
    lines += [json.dumps({"a": TEXT, "b": TEXT}), f"![x](data:image/png;base64,{TEXT})", TEXT]
    path = tmp_path / "h.jsonl"
    promised = await scanned(Walk(store), path, lines)
    assert (promised.rows, promised.changed, promised.images) == (8, 7, 10)
    assert promised.left == {"unprocessable_media": 1}
    assert [finding async for finding in store.verify()] == []
    assert path.read_text("utf-8").splitlines() == lines
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["h.jsonl"]
    done, _ = await rewritten(Walk(store), store, path, lines)
    assert done == promised
    assert done.after == sum(map(len, path.read_text("utf-8").splitlines()))


async def test_the_scan_reads_the_files_that_rewriting_would(
    store: MediaStore, tmp_path: Path
) -> None:
    directory = tmp_path / "pictures"
    directory.mkdir()
    (directory / "lighthouse.png").write_bytes(PICTURE)
    absent = reference(THUMBNAIL, relative_path="absent.png", absolute_path="absent.png")
    lines = [
        json.dumps({"success": True, "data": {"imageReference": about, "prompt": "sea"}})
        for about in (reference(THUMBNAIL), absent)
    ]
    walk = Walk(store, read_file=(await AllowedFiles.open(directory, store)).read)
    path = tmp_path / "h.jsonl"
    promised = await scanned(walk, path, lines)
    assert promised.left == {"file_not_found": 1}
    assert [finding async for finding in store.verify()] == []
    done, findings = await rewritten(walk, store, path, lines)
    assert done == promised
    # The file's picture was never in the row, so the backup has nothing to compare it with; the
    # thumbnails were. Of the first nothing is kept.
    assert (findings.broken, findings.references, findings.originals) == ([], 2, 2)


async def test_strings_that_become_objects_are_named(store: MediaStore, tmp_path: Path) -> None:
    lines = [
        json.dumps({"a/b": {"~": [0, TEXT]}, "n": 1}),
        TEXT,
        json.dumps({"output": formatted({"imageData": TEXT, "prompt": "sea"})}),
        json.dumps({"content": json.dumps({"x": TEXT})}),
        json.dumps({"content": formatted({"imageData": TEXT, "prompt": "sea"})}),
        json.dumps({"text": f"![x](data:image/png;base64,{TEXT})"}),
        json.dumps({"imageData": TEXT, "prompt": "sea"}),
    ]
    promised = await scanned(Walk(store), tmp_path / "h.jsonl", lines)
    done, _ = await rewritten(Walk(store), store, tmp_path / "h.jsonl", lines)
    assert promised == done
    assert done.places == [(1, "/a~1b/~0/1"), (3, "/output"), (4, "/content/x")]
    assert done.retyped == 3  # a row that is nothing but base64 is a text, and becomes a link


async def test_not_more_places_are_kept_than_can_be_read(store: MediaStore, tmp_path: Path) -> None:
    line = json.dumps([TEXT] * (MAX_PLACES - 1))
    summary = await scanned(Walk(store), tmp_path / "h.jsonl", [line, line])
    assert (summary.retyped, len(summary.places)) == (2 * MAX_PLACES - 2, MAX_PLACES)
    assert summary.places[-1] == (2, "/0")


def test_a_row_that_keeps_its_length_is_rewritten_too() -> None:
    summary = Summary()
    for before, after in (("a", "b"), ("a", "ab")):
        summary.add(Rewritten(key=1, before=before, after=after, report=OffloadReport()))
    same = "a"
    summary.add(Rewritten(key=1, before=same, after=same, report=OffloadReport(found=1)))
    assert (summary.rows, summary.changed, summary.before, summary.after) == (3, 2, 3, 4)


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ("[1,2]", "[1,2]", []),
        ('"x"', "{}", [""]),
        ("x", "{}", [""]),
        (b"x\xff", b"{}", [""]),
        ('{"a":"x"}', '{"a":1,"b":{}}', []),
        ('{"a":"x"}', '{"b":{}}', []),
        ('{"a":{}}', '{"a":"x"}', []),
        # A string with JSON in it, once more as JSON.
        (json.dumps({"a": json.dumps(json.dumps("x"))}), json.dumps({"a": '"{}"'}), ["/a"]),
        # A part of a message has become two; the others are found by their types.
        (
            '[{"type":"text","text":"t"},{"type":"tool","output":"x"}]',
            '[{"type":"text","text":"u"},{"type":"data-media"},{"type":"tool","output":{}}]',
            ["/1/output"],
        ),
        ('[{"type":["list"]},"x"]', '[{"type":["list"]},"x",{}]', []),
    ],
)
def test_where_a_string_became_an_object(before: Any, after: Any, places: list[str]) -> None:
    assert list(retyped(before, after)) == places


async def test_parts_that_a_text_becomes_do_not_mix_up_the_others(
    store: MediaStore, tmp_path: Path
) -> None:
    uris = [f"![x](data:image/png;base64,{encoded(png_bytes(300, 200, seed))})" for seed in (3, 4)]
    message = text_message("m", " and ".join(uris), "user")
    message["parts"].append({"type": "tool-x", "input": {"image": TEXT}})
    summary = await scanned(Walk(store), tmp_path / "h.jsonl", [json.dumps(message)])
    assert summary.places == [(1, "/parts/1/input/image")]
