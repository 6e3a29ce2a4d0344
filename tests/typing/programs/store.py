"""Keeps media and reads it, mints URLs, erases an owner."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, assert_type

from coatcheck import CoatcheckError, MediaReference, MediaStore, MediaUrls, open_store
from coatcheck.edits import Crop
from coatcheck.errors import NotFoundError, QuotaExceededError
from coatcheck.ports import ErasureReceipt, ExportedRow, ListedMedia, MediaRecord
from coatcheck.signing import Keyring, UrlSigner


async def keep(path: Path, chunks: AsyncIterator[bytes]) -> MediaReference:
    async with open_store("data", max_bytes=1024, workers=1) as store:
        assert_type(store, MediaStore)
        reference = await store.put(b"a", display_name="a.txt", alt=None, owner="anna")
        assert_type(reference, MediaReference)
        for content in (bytearray(b"a"), memoryview(b"a"), path, chunks):
            assert_type(await store.put(content), MediaReference)
        edited = await store.edit(reference.id, [Crop(left=0, top=0, width=9, height=9)])
        assert_type(edited, MediaReference)
        return reference


async def read(store: MediaStore, reference: MediaReference) -> None:
    assert_type(await store.get(reference.id), MediaReference)
    assert_type(await store.read(reference.id), bytes)
    assert_type(await store.record(reference.id), MediaRecord)
    assert_type(await store.records([reference.id]), Mapping[str, MediaRecord])
    stream = await store.open(reference.id, start=1, end=None)
    async for chunk in stream.chunks:
        assert_type(chunk, bytes)
    for listed in await store.list_media(owner="anna"):
        assert_type(listed, ListedMedia)
    assert_type(await store.erase_owner("anna"), ErasureReceipt)
    assert_type(await store.delete(reference.id), None)
    async with store.export_rows(owner="anna") as rows:
        async for row in rows:
            assert_type(row, ExportedRow)
    async with store.transaction() as transaction:
        await transaction.hold("conversation", "message", [reference.id], owner=None)


def show(reference: MediaReference, clock: float) -> None:
    signer = UrlSigner(Keyring.parse("a:secret"), lambda: clock)
    urls = MediaUrls("/pictures", base_url="https://media.example.com", signer=signer)
    assert_type(urls.original(reference.id), str)
    assert_type(reference.to_ui(urls), dict[str, Any])
    assert_type(reference.to_stored(), dict[str, Any])
    assert_type(reference.to_model(), str)
    assert_type(reference.width, int | None)
    assert_type(MediaReference.from_stored({}), MediaReference)


async def meet_errors(store: MediaStore) -> str:
    try:
        await store.read("none")
    except NotFoundError as error:
        assert_type(error.status, int)
        return error.code
    except QuotaExceededError as error:
        return error.message
    except CoatcheckError as error:
        assert_type(error.code, str)
        raise
    return ""
