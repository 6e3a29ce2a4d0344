"""Check a rewritten history: every reference reads back, and is what the history held before."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from anyio import to_thread

from coatcheck.errors import CoatcheckError
from coatcheck.legacy.modernizing import measure_document
from coatcheck.migration.log import MigrationLog, RowEntry, digest_of
from coatcheck.migration.rewrite import Advance
from coatcheck.migration.source import Source
from coatcheck.store import MediaStore

# The stored form of a reference and a link in a text both have its URI.
_URI: Final = re.compile(
    r"media://([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
)
# JSON may have a plus or an equals sign as \u002B and \u003D; .NET writes them so.
_BASE64: Final = re.compile(
    r"(?:[A-Za-z0-9+/_-]|\\+(?:[/nr]|u002[bB])|[\r\n]){64,}(?:=|\\+u003[dD]){0,2}"
)
_LINE: Final = re.compile(r"\\+[nr]|[\r\n]+")
_SLASH: Final = re.compile(r"\\+/")
_PLUS: Final = re.compile(r"\\+u002[bB]")
_PADDING: Final = re.compile(r"(?:=|\\+u003[dD])+$")
_LEADING_LINES: Final = 4


@dataclass(slots=True)
class Findings:
    """What checking found.

    Attributes:
        rows: rows with text that were looked at.
        references: references in them that were read back, each once.
        originals: logged pictures that were compared with the backup.
        inline: media that is inline still.
        broken: what is wrong, by row.
    """

    rows: int = 0
    references: int = 0
    originals: int = 0
    inline: int = 0
    broken: list[str] = field(default_factory=list)


async def verify(
    source: Source, store: MediaStore, log: MigrationLog, *, advance: Advance
) -> Findings:
    """Read back every reference of a history, and compare what the log says with the backup.

    The originals are found without the code that offloads: any base64 in them is decoded.
    """
    findings = Findings()
    digests: dict[str, str | None] = {}
    async with aclosing(source.batches()) as batches:
        async for rows in batches:
            for row in rows:
                findings.rows += 1
                text = _text(row.value)
                for reference_id in dict.fromkeys(await to_thread.run_sync(_URI.findall, text)):
                    if reference_id not in digests:
                        digests[reference_id] = await _read_back(store, reference_id)
                    digest = digests[reference_id]
                    if digest is None:
                        findings.broken.append(f"row {row.key}: {reference_id} cannot be read")
                findings.inline += (await measure_document(row.value)).found
            advance(len(rows))
    findings.references = len(digests)
    for entry in (await log.rows()).values():
        await _compare(source, entry, digests, findings)
    return findings


async def _read_back(store: MediaStore, reference_id: str) -> str | None:
    """The digest of what is stored, or None where it is not what the catalog says."""
    digest = hashlib.sha256()
    try:
        stream = await store.open(reference_id)
        async with aclosing(stream.chunks) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
    except CoatcheckError:
        return None
    found = f"sha-256:{digest.hexdigest()}"
    return found if found == stream.reference.digest else None


async def _compare(
    source: Source, entry: RowEntry, digests: dict[str, str | None], findings: Findings
) -> None:
    for reference in entry.references:
        if digests.get(reference.id) not in {reference.digest, None}:
            findings.broken.append(f"row {entry.key}: {reference.id} is not what the log says")
    original = await source.original(entry.backup, entry.key)
    if original is None:
        findings.broken.append(f"row {entry.key}: the backup does not have it")
        return
    if await to_thread.run_sync(digest_of, original) != entry.before:
        findings.broken.append(
            f"row {entry.key}: the backup has another text than the one that was rewritten, so its"
            " pictures cannot be compared"
        )
        return
    held = await to_thread.run_sync(_digests_in, original)
    for reference in entry.references:
        if reference.is_file:
            continue
        findings.originals += 1
        if reference.digest not in held:
            findings.broken.append(f"row {entry.key}: {reference.id} is not in the original")


def _digests_in(original: str | bytes) -> frozenset[str]:
    text = _text(original)
    return frozenset(
        f"sha-256:{hashlib.sha256(data).hexdigest()}"
        for match in _BASE64.finditer(text)
        for data in _decoded(match[0])
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


def _decoded(run: str) -> Iterator[bytes]:
    """What a run of base64 stands for, from each of its first lines on."""
    lines = _LINE.split(_PLUS.sub("+", _SLASH.sub("/", _PADDING.sub("", run))))
    for first in range(min(len(lines), _LEADING_LINES)):
        joined = "".join(lines[first:]).replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
        except binascii.Error:
            continue
